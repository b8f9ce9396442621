"""How fast the questions of a screen are answered: 2,000 assets x 5 properties over a year, as ``make bench NAME=queries``.

Each figure is the median of several askings of one warm store; the peer answers the same question on the same rows in SQLite
(its WAL table with primary key (series, time), a smaller sample: stated in the figure's peer name), or by scanning raw rows.
"""

from __future__ import annotations

import argparse
import resource
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from report import Row, tell, write

from dure.core.observations import Batch
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.spine.live import Live

ASSETS, PROPERTIES = 2_000, 5
SERIES = ASSETS * PROPERTIES
US = 1_000_000
DAY_US = 86_400 * US
START_US = 1_735_689_600 * US  # 2025-01-01
YEAR_US = 365 * DAY_US
BATCH_ROWS = 65_536
LATEST_STATIONS = 5_000
BESIDE_ROWS_PER_S = 20_000
KEYS = [(f"station-{i % ASSETS:04d}", f"property-{i // ASSETS}") for i in range(SERIES)]


class City:
    """Rows in time order: row i is the next reading of series i mod 10,000."""

    def __init__(self, rows: int) -> None:
        self.rows = rows // SERIES * SERIES
        self.step_us = YEAR_US // (self.rows // SERIES)
        self._rng = np.random.default_rng(11)

    def batch(self, first: int, rows: int) -> Batch:
        index = np.arange(first, first + rows)
        time_us = START_US + index // SERIES * self.step_us + index % SERIES
        value = np.round(15 + 10 * np.sin(time_us / YEAR_US) + self._rng.normal(0, 3, rows), 1)
        flag = np.ones(rows, np.uint8)
        flag[::50] = 3
        return Batch(KEYS, (index % SERIES).astype(np.int32), time_us, time_us, value, flag, np.zeros(rows, np.uint8), index)

    @property
    def end_us(self) -> int:
        return START_US + self.rows // SERIES * self.step_us


def load(store: DuckTelemetry, city: City) -> tuple[float, float]:
    """Rows per second appended, and with upkeep until nothing is left to do."""
    began, appending = time.perf_counter(), 0.0
    for number, first in enumerate(range(0, city.rows, BATCH_ROWS)):
        some = city.batch(first, min(BATCH_ROWS, city.rows - first))
        before = time.perf_counter()
        store.append(some, {"OBS": number + 1})
        appending += time.perf_counter() - before
        if number % 8 == 7:
            store.maintain(now_us=START_US, seconds=0.0)
    while store.maintain(now_us=START_US):
        pass
    return city.rows / appending, city.rows / (time.perf_counter() - began)


def median_ms(ask: Callable[[int], object], times: int = 15) -> float:
    """Median time of an answer after two askings to warm up."""
    taken = []
    for turn in range(times + 2):
        before = time.perf_counter()
        ask(turn)
        taken.append((time.perf_counter() - before) * 1_000)
    return statistics.median(taken[2:])


def latest_ms() -> float:
    """Newest value of one property at 5,000 stations, from the live table of 15,000 values."""
    live = Live()
    n = LATEST_STATIONS
    keys = [(f"s{i:04d}", p) for p in ("pm25", "temp", "wind") for i in range(n)]
    rows = np.arange(len(keys))
    live.update(
        Batch(
            keys, rows.astype(np.int32), START_US + rows, START_US + rows, rows / 10, *(np.ones(len(keys), np.uint8),) * 2, rows
        )
    )
    assert len(live.of_property("pm25")) == n
    return median_ms(lambda _: live.of_property("pm25"))


class Peer:
    """SQLite with the raw rows of the newest month."""

    def __init__(self, folder: Path, city: City) -> None:
        self.rows = min(city.rows, 31 * DAY_US // city.step_us * SERIES)
        self._db = sqlite3.connect(folder / "peer.sqlite")
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute(
            "CREATE TABLE o (series INT, time_us INT, value REAL, flag INT, PRIMARY KEY (series, time_us)) WITHOUT ROWID"
        )
        some = city.batch(city.rows - self.rows, self.rows)
        some = some.take(np.lexsort((some.time_us, some.series)))
        columns = (some.series.tolist(), some.time_us.tolist(), some.value.tolist(), some.flag.tolist())
        self._db.executemany("INSERT INTO o VALUES (?, ?, ?, ?)", zip(*columns, strict=True))
        self._db.commit()

    @property
    def name(self) -> str:
        return f"ms, SQLite raw, {self.rows / 1e6:.1f}M rows"

    def ask(self, sql: str, values: Sequence[int]) -> float:
        return median_ms(lambda _: self._db.execute(sql, values).fetchall(), times=3)

    def close(self) -> None:
        self._db.close()


class Beside(threading.Thread):
    """A recorder that appends 20,000 rows/s in two batches a second, with its upkeep, while questions are asked."""

    def __init__(self, store: DuckTelemetry, city: City) -> None:
        super().__init__()
        self._store, self._city = store, city
        self.stopping = threading.Event()
        self.commits_ms: list[float] = []
        self.rows = 0

    def run(self) -> None:
        each = BESIDE_ROWS_PER_S // 2
        due = time.perf_counter()
        while not self.stopping.wait(max(0.0, due - time.perf_counter())):
            due += 0.5
            some = self._city.batch(self._city.rows + self.rows, each)
            before = time.perf_counter()
            self._store.append(some, {"OBS": self.rows})
            self.commits_ms.append((time.perf_counter() - before) * 1_000)
            self.rows += each
            self._store.maintain(now_us=START_US, seconds=0.0)


def measure(store: DuckTelemetry, city: City) -> dict[str, Row]:
    """Every figure of the issue."""
    month = (city.end_us - 30 * DAY_US, city.end_us)
    picked = np.random.default_rng(5).integers(0, SERIES, 64)

    def hourly(_: int) -> object:
        return store.rollup("property-2", "hour", *month)

    rows = {
        "latest": _row("latest value of 5,000 stations", latest_ms(), 20),
        "series": _row(
            "one series, 30 days", median_ms(lambda turn: store.series(KEYS[picked[turn % 64]], *month), times=40), 40
        ),
        "hourly": _row("hourly mean of one property, 2,000 stations, 30 days", median_ms(hourly), 120),
        "monthly": _row(
            f"monthly sum over {city.rows / 1e6:.0f}M rows, from roll-ups",
            median_ms(lambda _: store.totals("month", START_US, START_US + YEAR_US)),
            100,
        ),
    }
    beside = Beside(store, city)
    beside.start()
    time.sleep(3)  # let the tail of the store grow as it does in a running city
    rows["busy"] = _row("the same hourly mean while 20,000 rows/s arrive", median_ms(hourly, times=25), 200)
    beside.stopping.set()
    beside.join()
    rows["commit"] = _row("commit of 10,000 rows beside it, p99", float(np.percentile(beside.commits_ms, 99)), None)
    return rows


def asked_of_peer(rows: dict[str, Row], peer: Peer, city: City) -> list[Row]:
    """The same questions in SQLite, after ours: its heap would be in our way."""
    month = (city.end_us - 30 * DAY_US, city.end_us)
    usable = "flag IN (1, 3)"
    hourly = f"""SELECT series, time_us / 3600000000, avg(value) FROM o WHERE series >= 4000 AND series < 6000
        AND time_us >= ? AND time_us < ? AND {usable} GROUP BY 1, 2"""  # noqa: S608
    monthly = f"""SELECT series / 2000, strftime('%Y-%m', time_us / 1000000, 'unixepoch'), sum(value) FROM o
        WHERE {usable} GROUP BY 1, 2"""  # noqa: S608
    asked = {
        "latest": ("SELECT series, max(time_us), value FROM o WHERE series < 5000 GROUP BY series", ()),
        "series": ("SELECT time_us, value, flag FROM o WHERE series = 4321 AND time_us >= ? AND time_us < ?", month),
        "hourly": (hourly, month),
        "monthly": (monthly, ()),
    }
    answered = {name: replace(rows[name], peer=peer.ask(*question), peer_name=peer.name) for name, question in asked.items()}
    return list((rows | answered).values())


def _row(figure: str, ours: float, bar: float | None) -> Row:
    return Row(figure=figure, ours=ours, unit="ms", better="lower", bar=bar)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000_000, help="rows of the year (default 50,000,000)")
    parser.add_argument("--quick", action="store_true", help="2,000,000 rows, nothing kept")
    options = parser.parse_args()
    city = City(2_000_000 if options.quick else options.rows)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = DuckTelemetry(folder / "t.duckdb", memory_mb=2048)
        appended, settled = load(store, city)
        size = (folder / "t.duckdb").stat().st_size
        figures = measure(store, city)
        before = time.perf_counter()
        store.close()
        DuckTelemetry(folder / "t.duckdb").close()
        opened = time.perf_counter() - before
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        peer = Peer(folder, city)
        rows = asked_of_peer(figures, peer, city)
        peer.close()
    rows += [
        Row(figure="rows appended, batches of 65,536", ours=appended, unit="rows/s", better="higher", bar=700_000),
        Row(figure="rows appended and settled (sorted, rolled up)", ours=settled, unit="rows/s", better="higher"),
        Row(figure="file, with hourly and daily roll-ups", ours=size / city.rows, unit="B/row", better="lower"),
        Row(figure="close, open, close", ours=opened, unit="s", better="lower"),
        Row(figure="peak memory", ours=memory, unit="MiB", better="lower"),
    ]
    (tell if options.quick else write)("queries", rows)


if __name__ == "__main__":
    main()
