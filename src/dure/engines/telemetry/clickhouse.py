"""Telemetry in ClickHouse, by clickhouse-connect: for a city that has outgrown one machine.

ClickHouse has no transaction over rows and cursor. The cursor is written after the rows and the revised flags, so after a
kill some rows come again; every row is checked against what is kept, so none is kept twice. A replayed insert is dropped
by its token too, and a revision done again changes nothing.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from clickhouse_connect.driver.external import ExternalData

from dure.core.errors import Unavailable
from dure.core.observations import Batch, Observation, Revisions, SeriesKey
from dure.core.properties import Property
from dure.engines.telemetry import clickhouse_copies as copies
from dure.engines.telemetry import clickhouse_reads as reads
from dure.engines.telemetry import clickhouse_revisions as revisions
from dure.engines.telemetry.clickhouse_tables import address_of, answering, connect
from dure.engines.telemetry.clickhouse_upkeep import Upkeep
from dure.engines.telemetry.columns import DAY_US, first_rows, judge, no_vectors, overlapping, period_starts, roll_up
from dure.engines.telemetry.known import KnownSeries
from dure.engines.telemetry.pending import Pending, pending_of
from dure.engines.telemetry.port import Appended, Period, RollUpColumns, SeriesColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK_ROWS = 200_000
QUIET_S = 600.0


class ClickHouseTelemetry:
    """The telemetry port on a ClickHouse server or cluster; see `clickhouse_tables` for the address.

    Several recorders may write, each its own assets. A day is sealed when nothing was marked for `quiet_s`; a writer
    marks its days anew in half that time.
    """

    def __init__(self, url: str, *, vectors: Callable[[str], bool] = no_vectors, quiet_s: float = QUIET_S) -> None:
        self._address = address_of(url)
        self._is_vector = vectors
        self._quiet_s = quiet_s
        self._writing = threading.RLock()
        self._last_stamp = 0
        self._marked: dict[tuple[str, int], float] = {}
        self._closed = False
        self._client = connect(self._address)
        self._upkeep = Upkeep(self._client, self._address, self._writing, self._stamp)
        with answering(self._address):
            self._upkeep.finish()
            self._load()

    def _load(self) -> None:
        self._known = KnownSeries(reads.keys(self._client))
        newest = self._client.query("SELECT asset, property, max(time_us) FROM observations GROUP BY asset, property").result_rows
        if newest:
            ids = self._known.numbers([(asset, property_id) for asset, property_id, _ in newest])
            self._known.saw(ids, np.array([at for _, _, at in newest], np.int64))
        self._stale = False

    def _stamp(self) -> int:
        """µs of now, always newer than the last."""
        with self._writing:
            self._last_stamp = max(self._last_stamp + 1, time.time_ns() // 1000)
            return self._last_stamp

    def _asked(self) -> Any:
        if self._closed:
            raise Unavailable("telemetry.closed", "The telemetry store was closed.")
        return answering(self._address)

    # Writing

    def append(self, batch: Batch, cursors: Mapping[str, int], revised: Revisions | None = None) -> Appended:
        """See `Telemetry.append`; rows first, then revisions of rows kept before, then the cursors."""
        with self._asked(), self._writing:
            if self._stale:
                self._load()
            self._stale = True  # until all of it is kept
            before = len(self._known)
            ids = self._known.numbers(batch.keys)
            series = ids[batch.series] if len(batch) else np.empty(0, np.int32)
            first = first_rows(series, batch.time_us)
            own = first == np.arange(len(series))
            late = np.flatnonzero(own & self._known.late(series, batch.time_us))
            found, value = self._kept(self._known.keys, series[late], batch.time_us[late])
            judged = judge(batch.value, first, late[found], value)
            self._store_series(before)
            rows, later, keys, counts = self._revised(batch.take(judged.fresh), revised)
            if len(rows):
                self._store_rows(rows)
            if len(later):
                self._store_revisions(keys, later)
            self._store_cursors(cursors)
            self._known.saw(series[judged.fresh], batch.time_us[judged.fresh])
            self._stale = False
        return Appended(judged.fresh, judged.conflict, *counts)

    def _revised(self, rows: Batch, revised: Revisions | None) -> tuple[Batch, Pending, list[SeriesKey], tuple[int, int]]:
        """New rows with their revisions in them; revisions of rows kept before, with their keys; rows revised and unknown."""
        keys: dict[SeriesKey, int] = {}
        wanted, _ = pending_of(revised, [keys.setdefault(key, len(keys)) for key in revised.keys] if revised else [])
        if not len(wanted):
            return rows, wanted, [], (0, 0)
        series = np.array([keys.get(key, -1) for key in rows.keys], np.int32)[rows.series]
        own = wanted.own(series, rows.time_us)
        flag, check = wanted.patched(series, rows.time_us, rows.flag, rows.check)
        rows = msgspec.structs.replace(rows, flag=flag, check=check)
        others = wanted.take(~own)
        found, _ = self._kept(list(keys), others.series, others.time_us)
        later = others.take(np.sort(found))
        return rows, later, list(keys), (int(own.sum()) + len(later), len(others) - len(later))

    def _kept(
        self, keys: Sequence[SeriesKey], series: NDArray[np.int32], time_us: NDArray[np.int64]
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Which of the (series, instant) pairs are kept, and their values; `series` are places in `keys`."""
        if not len(series):
            return np.empty(0, np.intp), np.empty(0, np.float64)
        pairs = enumerate(zip(series.tolist(), time_us.tolist(), strict=True))
        lines = "".join(f"{row}\t{keys[one][1]}\t{keys[one][0]}\t{at}\n" for row, (one, at) in pairs)
        sent = ExternalData(
            file_name="late",
            data=lines.encode(),
            fmt="TabSeparated",
            structure=["row Int64", "property String", "asset String", "time_us Int64"],
        )
        rows = self._client.query(
            "SELECT row, min(value) FROM observations INNER JOIN late USING (property, asset, time_us)"
            " WHERE (property, asset, time_us) IN (SELECT property, asset, time_us FROM late) GROUP BY row",
            external_data=sent,
        ).result_rows
        return np.array([row for row, _ in rows], np.intp), np.array([value for _, value in rows], np.float64)

    def _store_series(self, before: int) -> None:
        if before < len(self._known):
            new = self._known.keys[before:]
            names = [[property_id for _, property_id in new], [asset for asset, _ in new]]
            self._client.insert("series", names, column_names=["property", "asset"], column_oriented=True)

    def _store_rows(self, rows: Batch) -> None:
        asset = np.array([key[0] for key in rows.keys], object)[rows.series]
        property_id = np.array([key[1] for key in rows.keys], object)[rows.series]
        self._mark_days(rows)
        numbers: list[Any] = [rows.time_us, rows.result_us, rows.value, rows.flag, rows.check, rows.seq]
        digest = hashlib.blake2b(digest_size=16)
        for column in numbers:
            digest.update(np.ascontiguousarray(column).tobytes())
        digest.update(f"{rows.seq.min()}-{rows.seq.max()}-{_digest_of(asset, property_id)}".encode())
        self._client.insert(
            "observations",
            [property_id.tolist(), asset.tolist(), *numbers],
            column_names=["property", "asset", "time_us", "result_us", "value", "flag", "chk", "seq"],
            column_oriented=True,
            settings={"insert_deduplication_token": digest.hexdigest()},
        )

    def _mark_days(self, rows: Batch) -> None:
        """Open the days the rows belong to, before the rows are there."""
        day = rows.time_us // DAY_US
        pairs = np.unique(np.stack([rows.series.astype(np.int64), day]), axis=1)
        touched = {(rows.keys[series][1], one) for series, one in pairs.T.tolist()}
        now = time.monotonic()
        self._open([key for key in sorted(touched) if now - self._marked.get(key, -np.inf) >= self._quiet_s / 2])

    def _open(self, days: list[tuple[str, int]]) -> None:
        if not days:
            return
        stamp = self._stamp()
        rows = [[property_id, one, 0, stamp] for property_id, one in days]
        self._client.insert("days", rows, column_names=["property", "day", "sealed", "at"])
        self._marked |= dict.fromkeys(days, time.monotonic())

    def _store_revisions(self, keys: Sequence[SeriesKey], revised: Pending) -> None:
        """Change the flags of kept rows. Their days are open meanwhile, and afterwards, so that they are summed anew."""
        days = revisions.touched_days(keys, revised)
        self._open(days)
        revisions.revise(self._client, self._address, keys, revised)
        self._open(days)
        stamp = self._stamp()
        rows = [[day, stamp] for day in sorted({day for _, day in days})]
        self._client.insert("revised", rows, column_names=["day", "at"])

    def _store_cursors(self, cursors: Mapping[str, int]) -> None:
        if cursors:
            stamp = self._stamp()
            rows = [[stream, seq, stamp] for stream, seq in cursors.items()]
            self._client.insert("cursors", rows, column_names=["stream", "seq", "at"])

    # Reading

    def cursor(self, stream: str) -> int:
        """See `Telemetry.cursor`."""
        with self._asked():
            rows = self._client.query(
                "SELECT seq FROM cursors FINAL WHERE stream = {s:String}", parameters={"s": stream}
            ).result_rows
        return int(rows[0][0]) if rows else 0

    def series(
        self, key: SeriesKey, start_us: int, end_us: int, *, as_of_us: int | None = None, limit: int | None = None
    ) -> SeriesColumns:
        """See `Telemetry.series`."""
        with self._asked():
            return reads.series(self._client, key, (start_us, end_us), as_of_us, limit)

    def observations(
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
        with self._asked():
            return reads.page(self._client, keys, (start_us, end_us), as_of_us, after, limit)

    def observation(self, key: SeriesKey, time_us: int) -> Observation | None:
        """See `Telemetry.observation`."""
        found = self.observations([key], time_us, time_us + 1, limit=1)
        return found[0] if found else None

    def rollup(
        self, property_id: str, period: Period, start_us: int, end_us: int, *, assets: Sequence[str] | None = None
    ) -> RollUpColumns:
        """See `Telemetry.rollup`."""
        with self._asked():
            parts, names = reads.parts(self._client, property_id, period, overlapping(period, start_us, end_us), assets)
        return roll_up(parts, period, names, vector=self._is_vector(property_id))

    def totals(self, period: Period, start_us: int, end_us: int) -> dict[tuple[str, int], tuple[float, int]]:
        """See `Telemetry.totals`."""
        with self._asked():
            rows = reads.totals(self._client, period, overlapping(period, start_us, end_us))
        starts = period_starts(period, np.array([bucket for _, bucket, _, _ in rows], np.int64)).tolist()
        found: dict[tuple[str, int], tuple[float, int]] = {}
        for (property_id, _, total, count), start in zip(rows, starts, strict=True):
            before = found.get((property_id, start), (0.0, 0))
            found[property_id, start] = (before[0] + total, before[1] + count)
        return found

    def latest(self, *, as_of_us: int | None = None) -> Batch:
        """See `Telemetry.latest`."""
        with self._asked():
            return reads.batch_of(reads.newest(self._client, as_of_us))

    def keys(self) -> list[SeriesKey]:
        """See `Telemetry.keys`."""
        with self._asked():
            return reads.keys(self._client)

    def day(self, day_start_us: int, day_end_us: int) -> Iterator[Batch]:
        """See `Telemetry.day`."""
        interval = (day_start_us, day_end_us)
        with self._asked():
            counts = reads.interval_counts(self._client, interval)
        start = waiting = 0
        for index, (_, _, rows) in enumerate(counts):
            waiting += rows
            if waiting >= CHUNK_ROWS or index == len(counts) - 1:
                first, last = counts[start][1::-1], counts[index][1::-1]
                with self._asked():
                    chunk = reads.rows_between(self._client, (first[0], first[1]), (last[0], last[1]), interval)
                yield chunk
                start, waiting = index + 1, 0

    def touched_days(self, since_us: int) -> list[int]:
        """See `Telemetry.touched_days`."""
        with self._asked():
            return reads.touched_days(self._client, since_us)

    def revised_days(self, since_us: int) -> list[int]:
        """See `Telemetry.revised_days`."""
        with self._asked():
            return reads.revised_days(self._client, since_us)

    def count(self, start_us: int = 0, end_us: int = 2**62) -> int:
        """See `Telemetry.count`."""
        sql = "SELECT count() FROM observations WHERE time_us >= {s:Int64} AND time_us < {e:Int64}"
        with self._asked():
            return int(self._client.query(sql, parameters={"s": start_us, "e": end_us}).result_rows[0][0])

    # Upkeep

    def maintain(self, *, now_us: int, seconds: float = 1.0) -> bool:  # noqa: ARG002  # days are sealed when they fall quiet
        """See `Telemetry.maintain`. Merging and checkpoints are the server's own work."""
        with self._asked():
            self._upkeep.finish()
            return self._upkeep.seal(int(self._quiet_s * 1e6), seconds, self._forget_marks)

    def _forget_marks(self, property_id: str, days: Sequence[int]) -> None:
        for day in days:
            self._marked.pop((property_id, day), None)

    def expire(self, properties: Sequence[Property], *, now_us: int, archived_until_us: int) -> int:
        """See `Telemetry.expire`."""
        dropped = 0
        for one in properties:
            horizon_us = min(now_us - one.retention_d * DAY_US, archived_until_us) // DAY_US * DAY_US
            with self._asked():
                dropped += self._upkeep.expire(one.id, horizon_us, archived_until_us)
                self._marked = {key: at for key, at in self._marked.items() if key[0] != one.id}
        return dropped

    def check(self) -> None:
        """See `Telemetry.check`."""
        with self._asked():
            self._client.query("SELECT count() FROM cursors")

    def backup(self, folder: str) -> None:
        """See `Telemetry.backup`; `restore` of `clickhouse_copies` reads it."""
        with self._asked():
            copies.save(self._client, folder)

    def close(self) -> None:
        """See `Telemetry.close`."""
        if not self._closed:
            self._closed = True
            self._client.close()


def _digest_of(*columns: NDArray[Any]) -> str:
    """Digest of columns of names."""
    digest = hashlib.blake2b(digest_size=8)
    for column in columns:
        digest.update("\n".join(column.tolist()).encode())
    return digest.hexdigest()
