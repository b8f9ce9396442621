"""Telemetry in one DuckDB file: one process writes it and answers from it, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from dure.core.errors import Unavailable
from dure.core.observations import Batch, Observation, SeriesKey
from dure.core.properties import Property
from dure.engines.telemetry import duckdb_reads as reads
from dure.engines.telemetry.columns import DAY_US, Judged, first_rows, judge, no_vectors, overlapping, period_starts, roll_up
from dure.engines.telemetry.duckdb_file import answering, open_file
from dure.engines.telemetry.duckdb_upkeep import Upkeep
from dure.engines.telemetry.heap import keep_freed_memory
from dure.engines.telemetry.known import KnownSeries
from dure.engines.telemetry.port import Appended, Period, RollUpColumns, SeriesColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_ROWS = 200_000
PATIENCE_S = 0.5  # a move of rows waits this long for a pause between questions before it asks them to wait


class DuckTelemetry:
    """The telemetry port on a DuckDB file.

    Appends take one lock and touch only tables that grow. The series numbers and the newest instant of each series
    are held in memory: a row newer than its series' newest cannot be a repeat, so only late rows are looked up.
    After any failed append the file is opened anew, so that memory and file agree.
    """

    def __init__(
        self, file: Path, *, vectors: Callable[[str], bool] = no_vectors, memory_mb: int = 1024, threads: int = 2
    ) -> None:
        keep_freed_memory()
        self._file = Path(file)
        self._is_vector = vectors
        self._limits = (memory_mb, threads)
        self._writing = threading.RLock()
        self._upkeeping = threading.Lock()
        self._readers = _Readers()
        self._open()

    # Opening

    def _open(self) -> None:
        self._db = open_file(self._file, *self._limits)
        self._readers.start(self._db)
        self._broken = False
        self._closed = False
        with answering(self._file):
            self._upkeep = Upkeep(self._db.cursor(), self._readers.alone, self._vector_numbers)
            rows = self._db.execute("SELECT id, asset, property, prop FROM series ORDER BY id").fetchall()
            props = {property_id: prop for _, _, property_id, prop in rows}
            self._known = KnownSeries(((asset, property_id) for _, asset, property_id, _ in rows), props)
            for source in (
                "SELECT series, max(last_us) FROM daily GROUP BY 1",
                "SELECT series, max(time_us) FROM tail GROUP BY 1",
            ):
                newest = self._db.execute(source).fetchnumpy()
                self._known.saw(*newest.values())
            cursors = self._db.execute("SELECT stream, arg_max(seq, rowid) FROM cursors GROUP BY stream").fetchall()
            self._cursors: dict[str, int] = dict(cursors)

    def _reopen_if_broken(self) -> None:
        if self._closed:
            raise Unavailable("telemetry.closed", f"{self._file} was closed.")
        if self._broken:
            with self._upkeeping:
                self._let_go()
                self._open()

    def _let_go(self) -> None:
        self._readers.stop()
        self._upkeep.close()
        self._db.close()

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        if self._closed:
            raise Unavailable("telemetry.closed", f"{self._file} was closed.")
        with answering(self._file), self._readers.cursor() as cursor:
            yield cursor

    # Writing

    def append(self, batch: Batch, cursors: Mapping[str, int]) -> Appended:
        """See `Telemetry.append`."""
        with self._writing:
            self._reopen_if_broken()
            known = len(self._known)
            ids = self._known.numbers(batch.keys)
            series = ids[batch.series] if len(batch) else np.empty(0, np.int32)
            try:
                with answering(self._file):
                    judged = self._judge(series, batch)
                    self._store(batch, series, judged.fresh, known, cursors)
            except BaseException:
                self._broken = True
                raise
            self._known.saw(series[judged.fresh], batch.time_us[judged.fresh])
            self._cursors.update(cursors)
        return Appended(judged.fresh, judged.conflict)

    def _judge(self, series: NDArray[np.int32], batch: Batch) -> Judged:
        first = first_rows(series, batch.time_us)
        own = first == np.arange(len(series))
        late = np.flatnonzero(own & self._known.late(series, batch.time_us))
        found, value = self._kept(series[late], batch.time_us[late]) if len(late) else (late, np.empty(0))
        return judge(batch.value, first, late[found], value)

    def _kept(self, series: NDArray[np.int32], time_us: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Which of the (series, instant) pairs are in the file, and their values."""
        self._db.register("late", {"row": np.arange(len(series)), "series": series, "time_us": time_us})
        found = reads.columns(
            self._db,
            "SELECT late.row, o.value FROM late JOIN observations o USING (series, time_us)"
            " WHERE o.time_us BETWEEN ? AND ? AND o.series BETWEEN ? AND ?",
            [int(time_us.min()), int(time_us.max()), int(series.min()), int(series.max())],
        )
        self._db.unregister("late")
        return found["row"].astype(np.intp), found["value"]

    def _store(
        self, batch: Batch, series: NDArray[np.int32], fresh: NDArray[np.bool_], known: int, cursors: Mapping[str, int]
    ) -> None:
        rows: dict[str, NDArray[Any]] = {
            "series": series,
            "time_us": batch.time_us,
            "result_us": batch.result_us,
            "value": batch.value,
            "flag": batch.flag,
            "chk": batch.check,
            "seq": batch.seq,
        }
        self._db.execute("BEGIN")
        if known < len(self._known):
            self._store_series(known)
        if fresh.any():
            self._db.register("incoming", rows if fresh.all() else {name: column[fresh] for name, column in rows.items()})
            self._db.execute("INSERT INTO tail FROM incoming")
            self._db.unregister("incoming")
        for stream, seq in cursors.items():
            self._db.execute("INSERT INTO cursors VALUES (?, ?)", [stream, int(seq)])
        self._db.execute("COMMIT")

    def _store_series(self, known: int) -> None:
        new = self._known.keys[known:]
        columns: dict[str, NDArray[Any]] = {
            "id": np.arange(known, len(self._known), dtype=np.int32),
            "asset": np.array([asset for asset, _ in new], object),
            "property": np.array([property_id for _, property_id in new], object),
            "prop": np.array([self._known.props[property_id] for _, property_id in new], np.int32),
        }
        self._db.register("incoming_series", columns)
        self._db.execute("INSERT INTO series FROM incoming_series")
        self._db.unregister("incoming_series")

    # Reading

    def cursor(self, stream: str) -> int:
        """See `Telemetry.cursor`."""
        with self._writing:
            self._reopen_if_broken()
            return self._cursors.get(stream, 0)

    def series(
        self, key: SeriesKey, start_us: int, end_us: int, *, as_of_us: int | None = None, limit: int | None = None
    ) -> SeriesColumns:
        """See `Telemetry.series`."""
        with self._reading() as cursor:
            return reads.series(cursor, self._known.ids.get(key, -1), (start_us, end_us), as_of_us, limit)

    def observations(  # the port's
        self,
        keys: Sequence[SeriesKey],
        start_us: int,
        end_us: int,
        *,
        as_of_us: int | None = None,
        after: tuple[int, str, str] | None = None,
        limit: int = 10_000,
    ) -> list[Observation]:
        """See `Telemetry.observations`."""
        ids = [self._known.ids[key] for key in keys if key in self._known.ids]
        with self._reading() as cursor:
            return reads.page(cursor, ids, (start_us, end_us), as_of_us, after, limit)

    def observation(self, key: SeriesKey, time_us: int) -> Observation | None:
        """See `Telemetry.observation`."""
        found = self.observations([key], time_us, time_us + 1, limit=1)
        return found[0] if found else None

    def rollup(
        self, property_id: str, period: Period, start_us: int, end_us: int, *, assets: Sequence[str] | None = None
    ) -> RollUpColumns:
        """See `Telemetry.rollup`."""
        ids = None
        if assets is not None:
            ids = [self._known.ids[key] for key in ((asset, property_id) for asset in assets) if key in self._known.ids]
        vector = self._is_vector(property_id)
        prop = self._known.props.get(property_id, -1)
        with self._reading() as cursor:
            parts = reads.parts(cursor, prop, period, overlapping(period, start_us, end_us), ids, vector=vector)
        return roll_up(parts, period, self._known, vector=vector)

    def totals(self, period: Period, start_us: int, end_us: int) -> dict[tuple[str, int], tuple[float, int]]:
        """See `Telemetry.totals`."""
        names = {prop: property_id for property_id, prop in list(self._known.props.items())}
        with self._reading() as cursor:
            rows = reads.totals(cursor, period, overlapping(period, start_us, end_us))
        starts = period_starts(period, np.array([bucket for _, bucket, _, _ in rows], np.int64)).tolist()
        found: dict[tuple[str, int], tuple[float, int]] = {}
        for (prop, _, total, count), start_us_ in zip(rows, starts, strict=True):
            before = found.get((names[prop], start_us_), (0.0, 0))
            found[names[prop], start_us_] = (before[0] + total, before[1] + int(count))
        return found

    def latest(self, *, as_of_us: int | None = None) -> Batch:
        """See `Telemetry.latest`."""
        with self._reading() as cursor:
            found = reads.newest(cursor, as_of_us)
        return reads.batch_of(list(self._known.keys), found["series"].astype(np.int32), found)

    def keys(self) -> list[SeriesKey]:
        """See `Telemetry.keys`."""
        return self._known.keys[:]

    def day(self, day_start_us: int, day_end_us: int) -> Iterator[Batch]:
        """See `Telemetry.day`."""
        interval = (day_start_us, day_end_us)
        with self._reading() as cursor:
            counts = reads.interval_counts(cursor, interval)
        chunk: list[int] = []
        waiting = 0
        for series in sorted(counts, key=lambda one: self._known.keys[one][::-1]):
            if chunk and waiting + counts[series] > CHUNK_ROWS:
                yield self._rows_of(chunk, interval)
                chunk, waiting = [], 0
            chunk.append(series)
            waiting += counts[series]
        if chunk:
            yield self._rows_of(chunk, interval)

    def _rows_of(self, ids: Sequence[int], interval: tuple[int, int]) -> Batch:
        with self._reading() as cursor:
            return reads.rows_of(cursor, ids, [self._known.keys[one] for one in ids], interval)

    def touched_days(self, since_us: int) -> list[int]:
        """See `Telemetry.touched_days`."""
        sql = f"SELECT DISTINCT time_us // {DAY_US} AS day FROM observations WHERE result_us >= ? ORDER BY day"  # noqa: S608
        with self._reading() as cursor:
            return [day * DAY_US for (day,) in cursor.execute(sql, [since_us]).fetchall()]

    def count(self, start_us: int = 0, end_us: int = 2**62) -> int:
        """See `Telemetry.count`."""
        with self._reading() as cursor:
            row = cursor.execute(
                "SELECT count(*) FROM observations WHERE time_us >= ? AND time_us < ?", [start_us, end_us]
            ).fetchone()
        return int(row[0]) if row else 0

    # Upkeep

    def maintain(self, *, now_us: int, seconds: float = 1.0) -> bool:
        """See `Telemetry.maintain`. A merge of large runs may take some seconds; appends and reads go on meanwhile."""
        until = time.monotonic() + seconds
        with self._upkeeping, answering(self._file):
            while self._upkeep.step(now_us):
                if time.monotonic() >= until:
                    return True
        return False

    def expire(self, properties: Sequence[Property], *, now_us: int, archived_until_us: int) -> int:
        """See `Telemetry.expire`; whole UTC days only."""
        horizons = []
        for one in properties:
            horizon_us = min(now_us - one.retention_d * DAY_US, archived_until_us) // DAY_US * DAY_US
            ids = self._known.of_property(one.id)
            if ids:
                horizons.append((horizon_us, ids))
        with self._upkeeping, answering(self._file):
            return self._upkeep.expire(horizons, archived_until_us)

    def check(self) -> None:
        """See `Telemetry.check`."""
        with self._writing:
            self._reopen_if_broken()
        with self._reading() as cursor:
            cursor.execute("SELECT max(version) FROM format").fetchone()

    def backup(self, folder: str) -> None:
        """See `Telemetry.backup`."""
        with self._upkeeping, answering(self._file):
            self._upkeep.backup(Path(folder))

    def close(self) -> None:
        """See `Telemetry.close`."""
        with self._writing, self._upkeeping:
            if self._closed:
                return
            self._closed = True
            with answering(self._file):
                self._db.execute("CHECKPOINT")
                self._let_go()

    def _vector_numbers(self) -> list[int]:
        return [prop for property_id, prop in list(self._known.props.items()) if self._is_vector(property_id)]


class _Readers:
    """A cursor for each reading thread; the file is let go only when none is in use."""

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._active = 0
        self._held = False

    def start(self, connection: duckdb.DuckDBPyConnection) -> None:
        with self._gate:
            self._db = connection
            self._gate.notify_all()

    def stop(self) -> None:
        """Refuse new readers, wait for the running ones, close their cursors."""
        with self._gate:
            self._db = None
            self._gate.wait_for(lambda: self._active == 0)
            for cursor in self._idle:
                cursor.close()
            self._idle.clear()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No reader is at work while the block runs; after some patience new ones wait at the door until it did.

        A row that moves between tables must not be seen in both: a question that is under way when the move is committed
        was seen to count rows twice (DuckDB 2.0.0).
        """
        with self._gate:
            if not self._gate.wait_for(lambda: self._active == 0, PATIENCE_S):
                self._held = True
                self._gate.wait_for(lambda: self._active == 0)
            self._held = True
        try:
            yield
        finally:
            with self._gate:
                self._held = False
                self._gate.notify_all()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._gate:
            self._gate.wait_for(lambda: not self._held)
            if self._db is None:
                raise Unavailable("telemetry.down", "The telemetry file is being opened again; try again.")
            cursor = self._idle.pop() if self._idle else self._db.cursor()
            self._active += 1
        try:
            yield cursor
        finally:
            with self._gate:
                self._idle.append(cursor)
                self._active -= 1
                self._gate.notify_all()
