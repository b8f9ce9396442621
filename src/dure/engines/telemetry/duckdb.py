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
from dure.core.observations import Batch, Observation, Revisions, SeriesKey
from dure.core.properties import Property
from dure.engines.telemetry import duckdb_reads as reads
from dure.engines.telemetry.columns import DAY_US, Judged, first_rows, judge, no_vectors, overlapping, period_starts, roll_up
from dure.engines.telemetry.duckdb_file import answering, open_file
from dure.engines.telemetry.duckdb_sharing import Overlay, Readers
from dure.engines.telemetry.duckdb_upkeep import Upkeep
from dure.engines.telemetry.heap import keep_freed_memory
from dure.engines.telemetry.known import KnownSeries
from dure.engines.telemetry.pending import Pending, none_pending, pending_of
from dure.engines.telemetry.port import Appended, Period, RollUpColumns, SeriesColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_ROWS = 200_000


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
        self._readers = Readers()
        self._overlay = Overlay()
        self._open()

    # Opening

    def _open(self) -> None:
        self._db = open_file(self._file, *self._limits)
        self._readers.start(self._db)
        self._broken = False
        self._closed = False
        with answering(self._file):
            self._upkeep = Upkeep(self._db.cursor(), self._readers.alone, self._vector_numbers, self._overlay.fold)
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
            self._overlay.load(reads.pending(self._db))

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

    def append(self, batch: Batch, cursors: Mapping[str, int], revised: Revisions | None = None) -> Appended:
        """See `Telemetry.append`."""
        with self._writing:
            self._reopen_if_broken()
            known = len(self._known)
            ids = self._known.numbers(batch.keys)
            series = ids[batch.series] if len(batch) else np.empty(0, np.int32)
            try:
                with answering(self._file):
                    judged = self._judge(series, batch)
                    wanted, unknown = self._revisions(revised)
                    rows = self._rows(batch, series, judged.fresh)
                    own = wanted.own(rows["series"], rows["time_us"])
                    rows["flag"], rows["chk"] = wanted.patched(rows["series"], rows["time_us"], rows["flag"], rows["chk"])
                    later = self._of_kept(wanted.take(~own))
                    self._store(rows, later, known, cursors)
            except BaseException:
                self._broken = True
                raise
            self._known.saw(rows["series"], rows["time_us"])
            self._cursors.update(cursors)
            self._overlay.add(later)
        changed = int(own.sum()) + len(later)
        return Appended(judged.fresh, judged.conflict, changed, unknown + len(wanted) - changed)

    def _revisions(self, revised: Revisions | None) -> tuple[Pending, int]:
        if revised is None or not len(revised):
            return none_pending(), 0
        numbers = [self._known.ids.get((asset, property_id), -1) for asset, property_id in revised.keys]
        return pending_of(revised, numbers, self._overlay.next)

    def _of_kept(self, wanted: Pending) -> Pending:
        """The revisions of rows that are in the file."""
        possible = wanted.take(self._known.late(wanted.series, wanted.time_us))
        if not len(possible):
            return possible
        found, _ = self._kept(possible.series, possible.time_us)
        return possible.take(np.sort(found))

    def _rows(self, batch: Batch, series: NDArray[np.int32], fresh: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """The columns that are stored."""
        rows: dict[str, NDArray[Any]] = {
            "series": series,
            "time_us": batch.time_us,
            "result_us": batch.result_us,
            "value": batch.value,
            "flag": batch.flag,
            "chk": batch.check,
            "seq": batch.seq,
        }
        return rows if fresh.all() else {name: column[fresh] for name, column in rows.items()}

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

    def _store(self, rows: dict[str, NDArray[Any]], revised: Pending, known: int, cursors: Mapping[str, int]) -> None:
        self._db.execute("BEGIN")
        if known < len(self._known):
            self._store_series(known)
        if len(rows["series"]):
            self._insert("tail", rows)
        if len(revised):
            self._insert("revisions", revised.columns(at_us=time.time_ns() // 1000))
        for stream, seq in cursors.items():
            self._db.execute("INSERT INTO cursors VALUES (?, ?)", [stream, int(seq)])
        self._db.execute("COMMIT")

    def _insert(self, table: str, columns: dict[str, NDArray[Any]]) -> None:
        self._db.register("incoming", columns)
        self._db.execute(f"INSERT INTO {table} FROM incoming")  # a name of ours
        self._db.unregister("incoming")

    def _store_series(self, known: int) -> None:
        new = self._known.keys[known:]
        columns: dict[str, NDArray[Any]] = {
            "id": np.arange(known, len(self._known), dtype=np.int32),
            "asset": np.array([asset for asset, _ in new], object),
            "property": np.array([property_id for _, property_id in new], object),
            "prop": np.array([self._known.props[property_id] for _, property_id in new], np.int32),
        }
        self._insert("series", columns)

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
            number = self._known.ids.get(key, -1)
            found = reads.series(cursor, number, (start_us, end_us), as_of_us, limit)
            return reads.series_with(self._overlay.pending, number, found)

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
            found = reads.page(cursor, ids, (start_us, end_us), as_of_us, after, limit)
            return reads.page_with(self._overlay.pending, self._known.ids, found)

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
            found = reads.columns_with(self._overlay.pending, reads.newest(cursor, as_of_us))
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
            return reads.rows_of(cursor, ids, [self._known.keys[one] for one in ids], interval, self._overlay.pending)

    def touched_days(self, since_us: int) -> list[int]:
        """See `Telemetry.touched_days`."""
        with self._reading() as cursor:
            return reads.days(cursor, reads.TOUCHED, since_us)

    def revised_days(self, since_us: int) -> list[int]:
        """See `Telemetry.revised_days`."""
        with self._reading() as cursor:
            return reads.days(cursor, reads.REVISED, since_us)

    def count(self, start_us: int = 0, end_us: int = 2**62) -> int:
        """See `Telemetry.count`."""
        with self._reading() as cursor:
            return reads.count(cursor, (start_us, end_us))

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
            cursor.execute("SELECT max(version) FROM format").fetchall()

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
