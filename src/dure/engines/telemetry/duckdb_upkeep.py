"""Upkeep of the DuckDB file, beside the appends: sorted runs, roll-ups, expiry, checkpoints, backup.

Rows arrive in `tail`. A flush moves them as one sorted run to `body` and adds their sums to `hourly` and `daily`. Eight
runs of one level merge into one of the next, up to `MERGE_ROWS_MAX`, so that a series is read from few places. Each
step is one transaction: a kill leaves the file before or after it. Appends go on meanwhile: they touch `tail` only, and
a flush takes away only the rows it saw. Work grows with the rows, whatever the order they come in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import duckdb

from dure.engines.archive.durable import settle
from dure.engines.telemetry.columns import DAY_US, HOUR_US
from dure.engines.telemetry.duckdb_file import TABLES
from dure.engines.telemetry.duckdb_fold import Fold

FLUSH_ROWS = 250_000  # a tail this long is worth a run; up to here it costs a query 2 ms
FLUSH_ROWS_MAX = 2_000_000  # more than this is flushed in steps
MERGE_RUNS = 8
MERGE_ROWS_MAX = 16_000_000
CURSOR_ROWS_MAX = 10_000
LEVEL = 10_000_000  # run number = level * LEVEL + count
# Blocks of 360 hours or days: all assets of a month lie together, and so does one asset within each block.
PART_ORDER = "prop, bucket // 360, series, bucket"
USABLE = "t.flag IN (1, 3) AND isfinite(t.value)"


class Sorted(NamedTuple):
    """A table kept as sorted runs: how its rows are ordered, and how rows of several runs become rows of one."""

    name: str
    merge: str
    order: str


SUMS = (*(f"sum({name})" for name in ("n1", "n2", "n3", "n4", "n9", "total")), "min(low)", "max(high)", "sum(east)", "sum(north)")
_FOLD = (
    f"SELECT prop, series, bucket, {{run}} AS run, {', '.join(SUMS)}{{last}} FROM {{name}} WHERE {{chosen}}"  # noqa: S608  # names of ours
    " GROUP BY prop, series, bucket"
)
SORTED = (
    Sorted("body", "SELECT * REPLACE ({run} AS run) FROM body WHERE {chosen}", "series, time_us"),
    Sorted("hourly", _FOLD.replace("{last}", "").replace("{name}", "hourly"), PART_ORDER),
    Sorted("daily", _FOLD.replace("{last}", ", max(last_us)").replace("{name}", "daily"), PART_ORDER),
)


def parts_sql(bucket_us: int, vectors: Sequence[int], where: str = "true", table: str = "tail") -> str:
    """SQL of the roll-up parts of rows of a table `t`: prop, series, bucket, counts, sums and extremes."""
    vector = f"{USABLE} AND s.prop IN ({', '.join(map(str, vectors))})" if vectors else "false"
    counts = ", ".join(f"(count(*) FILTER (t.flag = {flag}))::UINTEGER AS n{flag}" for flag in (1, 2, 3, 4, 9))
    return (
        f"SELECT s.prop, t.series, (t.time_us // {bucket_us})::INTEGER AS bucket, {counts},"  # noqa: S608  # numbers of ours only
        f" sum(t.value) FILTER ({USABLE}) AS total, min(t.value) FILTER ({USABLE}) AS low,"
        f" max(t.value) FILTER ({USABLE}) AS high, sum(sin(radians(t.value))) FILTER ({vector}) AS east,"
        f" sum(cos(radians(t.value))) FILTER ({vector}) AS north, max(t.time_us) AS last_us"
        f" FROM {table} t JOIN series s ON s.id = t.series WHERE {where} GROUP BY s.prop, t.series, bucket"
    )


class Upkeep:
    """The steps of maintain(), one at a time. `vectors` says which property numbers are directions.

    `alone` is a block in which nobody reads: rows that move between tables or runs are committed in it, and so are
    revised flags, after which `folded` is told the number of the last one.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        alone: Callable[[], AbstractContextManager[None]],
        vectors: Callable[[], Sequence[int]],
        folded: Callable[[int], None],
    ) -> None:
        self._db = connection
        self._alone = alone
        self._vectors = vectors
        self._folded = folded
        self._flushed_hour: int | None = None
        self._runs: dict[str, dict[int, int]] = {}
        for table in SORTED:
            self._count_runs(table.name)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def step(self, now_us: int) -> bool:
        """Do the most urgent piece of work; False when there is none."""
        self.fold()
        if self._flush_due(now_us):
            self.flush()
            self._flushed_hour = now_us // HOUR_US
            return True
        return self._merge_one() or self._trim_cursors()

    def fold(self) -> None:
        """Write revised flags into the rows and roll-ups they belong to."""
        if not self._one("SELECT count(*) FROM revisions"):
            return
        fold = Fold(
            self._db,
            lambda table: self._new_run(table, 0),
            lambda rows: parts_sql(HOUR_US, self._vectors(), table=rows),
            SUMS,
            PART_ORDER,
        )
        self._db.execute("BEGIN")
        try:
            upto = fold.run()
            with self._alone():
                self._db.execute("COMMIT")
                self._folded(upto)
        except BaseException:
            self._abandon()
            raise
        for table in SORTED:
            self._count_runs(table.name)

    def flush(self) -> None:
        """Move the oldest rows of the tail into a sorted run and add them to the roll-ups."""
        first = self._one("SELECT min(rowid) FROM tail")
        if first is None:
            return
        chosen = f"rowid < {int(first) + FLUSH_ROWS_MAX}"
        self._db.execute("BEGIN")
        try:
            run = self._new_run("body", 0)
            self._db.execute(f"INSERT INTO body SELECT *, {run} FROM tail WHERE {chosen} ORDER BY series, time_us")  # noqa: S608
            for name, bucket_us, last in (("hourly", HOUR_US, ""), ("daily", DAY_US, ", last_us")):
                run = self._new_run(name, 0)
                parts = parts_sql(bucket_us, self._vectors(), f"t.{chosen}")
                self._db.execute(
                    f"INSERT INTO {name} SELECT prop, series, bucket, {run}, n1, n2, n3, n4, n9, total, low, high, east,"  # noqa: S608
                    f" north{last} FROM ({parts}) ORDER BY {PART_ORDER}"
                )
            self._db.execute(f"DELETE FROM tail WHERE {chosen}")  # noqa: S608
            with self._alone():
                self._db.execute("COMMIT")
        except BaseException:
            self._abandon()
            raise
        for table in SORTED:
            self._count_runs(table.name)
        self._db.execute("CHECKPOINT")

    def expire(self, horizons: Sequence[tuple[int, Sequence[int]]], archived_until_us: int) -> int:
        """Drop archived rows of the given series before each horizon [µs]; they are in the roll-ups and stay there."""
        self.fold()
        dropped = 0
        for horizon_us, series in horizons:
            while self._one(f"SELECT count(*) FROM tail WHERE time_us < {int(horizon_us)}"):  # noqa: S608
                self.flush()
            sql = "DELETE FROM body WHERE time_us < ? AND result_us < ? AND series IN (SELECT unnest(?))"
            dropped += int(self._one(sql, [horizon_us, archived_until_us, list(series)]) or 0)
        if dropped:
            self._count_runs("body")
            self._db.execute("CHECKPOINT")
        return dropped

    def backup(self, folder: Path) -> None:
        """Write a copy of one instant into the folder; appends go on."""
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "telemetry.duckdb.part"
        part.unlink(missing_ok=True)
        quoted = str(part).replace("'", "''")
        self._db.execute(f"ATTACH '{quoted}' AS copy")
        try:
            self._db.execute("BEGIN")
            for table in TABLES:
                self._db.execute(f"CREATE TABLE copy.{table} AS FROM {table}")
            self._db.execute("COMMIT")
        except BaseException:
            self._abandon()
            raise
        finally:
            self._db.execute("DETACH copy")
        settle(part, folder / "telemetry.duckdb")

    def _flush_due(self, now_us: int) -> bool:
        waiting = int(self._one("SELECT count(*) FROM tail") or 0)
        return waiting >= FLUSH_ROWS or (waiting > 0 and self._flushed_hour != now_us // HOUR_US)

    def _merge_one(self) -> bool:
        for table in SORTED:
            chosen = mergeable(self._runs[table.name])
            if chosen:
                self._merge(table, chosen)
                return True
        return False

    def _merge(self, table: Sorted, chosen: Sequence[int]) -> None:
        numbers = ", ".join(map(str, chosen))
        run = self._new_run(table.name, chosen[0] // LEVEL + 1)
        rows = table.merge.format(run=run, chosen=f"run IN ({numbers})")
        self._db.execute("BEGIN")
        try:
            self._db.execute(f"INSERT INTO {table.name} {rows} ORDER BY {table.order}")
            self._db.execute(f"DELETE FROM {table.name} WHERE run IN ({numbers})")  # noqa: S608
            with self._alone():
                self._db.execute("COMMIT")
        except BaseException:
            self._abandon()
            raise
        self._count_runs(table.name)
        self._db.execute("CHECKPOINT")

    def _trim_cursors(self) -> bool:
        if int(self._one("SELECT count(*) FROM cursors") or 0) <= CURSOR_ROWS_MAX:
            return False
        self._db.execute("DELETE FROM cursors WHERE rowid NOT IN (SELECT max(rowid) FROM cursors GROUP BY stream)")
        return True

    def _abandon(self) -> None:
        try:
            self._db.execute("ROLLBACK")
        except duckdb.Error:  # nothing was open: the error to tell is the one that brought us here
            return

    def _new_run(self, table: str, level: int) -> int:
        return level * LEVEL + max((run % LEVEL for run in self._runs[table]), default=0) + 1

    def _count_runs(self, table: str) -> None:
        rows = self._db.execute(f"SELECT run, count(*) FROM {table} GROUP BY run").fetchall()  # noqa: S608
        self._runs[table] = dict(rows)

    def _one(self, sql: str, values: Sequence[object] = ()) -> int | None:
        rows = self._db.execute(sql, list(values)).fetchall()
        return rows[0][0] if rows else None


def mergeable(runs: dict[int, int]) -> list[int]:
    """Oldest runs of the lowest level that are ready to become one: eight, or fewer when together they fill one."""
    for level in sorted({run // LEVEL for run in runs}):
        chosen: list[int] = []
        total = 0
        for run in sorted(run for run in runs if run // LEVEL == level and runs[run] <= MERGE_ROWS_MAX // 2):
            if total + runs[run] > MERGE_ROWS_MAX or len(chosen) == MERGE_RUNS:
                break
            chosen.append(run)
            total += runs[run]
        if len(chosen) >= 2 and (len(chosen) == MERGE_RUNS or total > MERGE_ROWS_MAX // 2):
            return chosen
    return []
