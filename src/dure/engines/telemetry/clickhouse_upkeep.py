"""Upkeep in ClickHouse: sealing days into roll-ups, and expiry. Every step may be killed and done again.

A day of a property is open from the first row it receives, marked before the row is inserted, until it is sealed: its
roll-ups are computed anew and the mark is overwritten last. Questions read open days from the rows. Expiry ends an
epoch of a day: the dropped rows' sums stay as rows of that epoch, what is left or comes later belongs to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock, RLock
from time import monotonic

from clickhouse_connect.driver.client import Client

from dure.engines.telemetry.clickhouse_reads import PART, parts_of_rows
from dure.engines.telemetry.clickhouse_tables import Address
from dure.engines.telemetry.columns import DAY_US, HOUR_US

SEALED_DAYS = 32  # days of one property sealed in one statement
PART_NAMES = ", ".join(PART)
INTENDED, ACCOUNTED, DROPPED = 0, 1, 2


class Upkeep:
    """Sealing and expiry. `writing` keeps this process's appends out of a seal; `stamp` gives ever newer versions."""

    def __init__(self, client: Client, address: Address, writing: RLock, stamp: Callable[[], int]) -> None:
        self._client = client
        self._address = address
        self._writing = writing
        self._stamp = stamp
        self._one_at_a_time = Lock()

    def seal(self, quiet_us: int, seconds: float, sealed: Callable[[str, Sequence[int]], None]) -> bool:
        """Seal days that received nothing for a while; True when some are left."""
        until = monotonic() + seconds
        with self._one_at_a_time:
            while True:
                rows = self._client.query(
                    "SELECT property, groupArray(day) FROM (SELECT property, day FROM days FINAL WHERE sealed = 0"
                    " AND at <= {at:Int64} ORDER BY property, day LIMIT 1000) GROUP BY property ORDER BY property",
                    parameters={"at": self._stamp() - quiet_us},
                ).result_rows
                if not rows:
                    return False
                property_id, days = rows[0]
                with self._writing:
                    self._seal_days(property_id, days[:SEALED_DAYS])
                    sealed(property_id, days[:SEALED_DAYS])
                if monotonic() >= until:
                    return len(rows) > 1 or len(days) > SEALED_DAYS

    def _seal_days(self, property_id: str, days: Sequence[int]) -> None:
        for table, bucket_us in (("hourly", HOUR_US), ("daily", DAY_US)):
            where = f"property = {{p:String}} AND intDiv(time_us, {DAY_US}) IN {{days:Array(Int64)}} AND {_within(days)}"
            self._insert_parts(table, bucket_us, parts_of_rows(bucket_us, where), {"p": property_id, "days": list(days)}, next_=0)
        self._mark_sealed(property_id, days)

    def _insert_parts(self, table: str, bucket_us: int, parts: str, values: dict[str, object], *, next_: int) -> None:
        """Roll-ups of the current epoch of each day, or of the one `next_` to it."""
        self._client.command(
            f"INSERT INTO {table} (property, asset, bucket, epoch, {PART_NAMES}, at)"  # noqa: S608
            f" SELECT property, asset, bucket, toUInt32(ended + {next_}), {PART_NAMES}, {self._stamp()} FROM ("
            f" SELECT *, toInt32(intDiv(bucket, {DAY_US // bucket_us})) AS day FROM ({parts})) AS parts"
            " LEFT JOIN (SELECT property, day, countIf(phase > 0) AS ended FROM expiries FINAL GROUP BY property, day) AS expired"
            " USING (property, day)",
            parameters=values,
        )

    def _mark_sealed(self, property_id: str, days: Sequence[int]) -> None:
        stamp = self._stamp()
        self._client.insert(
            "days", [[property_id, day, 1, stamp] for day in days], column_names=["property", "day", "sealed", "at"]
        )

    def expire(self, property_id: str, horizon_us: int, archived_until_us: int) -> int:
        """Drop rows of a property before a day's start that the archive has; their sums stay."""
        values = {"p": property_id, "e": horizon_us, "r": archived_until_us}
        with self._one_at_a_time, self._writing:
            rows = self._client.query(
                f"SELECT toInt32(intDiv(time_us, {DAY_US})) AS day, count() FROM observations WHERE property = {{p:String}}"  # noqa: S608
                " AND time_us < {e:Int64} AND result_us < {r:Int64} GROUP BY day",
                parameters=values,
            ).result_rows
            if not rows:
                return 0
            self._note(property_id, [day for day, _ in rows], archived_until_us, INTENDED)
            self._finish(property_id, [day for day, _ in rows], archived_until_us, INTENDED)
        return sum(int(count) for _, count in rows)

    def finish(self) -> None:
        """Carry on with what a kill interrupted."""
        with self._one_at_a_time, self._writing:
            rows = self._client.query(
                "SELECT property, horizon_us, phase, groupArray(day) FROM expiries FINAL WHERE phase < 2"
                " GROUP BY property, horizon_us, phase ORDER BY phase DESC"
            ).result_rows
            for property_id, horizon_us, phase, days in rows:
                self._finish(property_id, days, horizon_us, phase)

    def _finish(self, property_id: str, days: Sequence[int], horizon_us: int, phase: int) -> None:
        if phase == INTENDED:
            values = {"p": property_id, "days": list(days), "r": horizon_us}
            where = f"property = {{p:String}} AND intDiv(time_us, {DAY_US}) IN {{days:Array(Int64)}} AND {_within(days)}"
            for table, bucket_us in (("hourly", HOUR_US), ("daily", DAY_US)):
                for next_, chosen in ((0, "result_us < {r:Int64}"), (1, "result_us >= {r:Int64}")):
                    self._insert_parts(table, bucket_us, parts_of_rows(bucket_us, where, chosen), values, next_=next_)
            self._mark_sealed(property_id, days)
            self._note(property_id, days, horizon_us, ACCOUNTED)
        self._client.command(
            f"DELETE FROM observations{self._address.suffix}{self._address.on_cluster} WHERE property = {{p:String}}"  # noqa: S608
            f" AND intDiv(time_us, {DAY_US}) IN {{days:Array(Int64)}} AND {_within(days)} AND result_us < {{r:Int64}}",
            parameters={"p": property_id, "days": list(days), "r": horizon_us},
        )
        self._note(property_id, days, horizon_us, DROPPED)

    def _note(self, property_id: str, days: Sequence[int], horizon_us: int, phase: int) -> None:
        stamp = self._stamp()
        rows = [[property_id, day, horizon_us, phase, stamp] for day in days]
        self._client.insert("expiries", rows, column_names=["property", "day", "horizon_us", "phase", "at"])


def _within(days: Sequence[int]) -> str:
    """The span of some days, for the primary key and the partitions."""
    return f"time_us >= {min(days) * DAY_US} AND time_us < {(max(days) + 1) * DAY_US}"
