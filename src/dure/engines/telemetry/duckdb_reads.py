"""The questions of the telemetry port in DuckDB's SQL. Each is one statement, so it sees one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb
import msgspec
import numpy as np

from dure.core.observations import Batch, Check, Flag, Observation, SeriesKey
from dure.core.time import from_us, to_us
from dure.engines.telemetry.columns import DAY_US, HOUR_US
from dure.engines.telemetry.duckdb_upkeep import parts_sql
from dure.engines.telemetry.pending import Pending, last_of
from dure.engines.telemetry.port import Period, SeriesColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = "time_us, result_us, value, flag, chk, seq"
PART_COLUMNS = "series, bucket, n1, n2, n3, n4, n9, total, low, high, east, north"
Cursor = duckdb.DuckDBPyConnection
REVISED = (
    f"SELECT DISTINCT time_us // {DAY_US} AS day FROM revisions WHERE at_us >= $since"  # noqa: S608  # a number of ours
    " UNION SELECT day FROM revised WHERE at_us >= $since"
)
TOUCHED = f"SELECT time_us // {DAY_US} AS day FROM observations WHERE result_us >= $since UNION {REVISED}"  # noqa: S608


def columns(cursor: Cursor, sql: str, values: Sequence[Any] = ()) -> dict[str, NDArray[Any]]:
    """Result columns of a query; a missing number is NaN."""
    found = cursor.execute(sql, list(values)).fetchnumpy()
    return {name: _plain(column) for name, column in found.items()}


def _plain(column: NDArray[Any]) -> NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        return np.asarray(column.filled(np.nan if column.dtype.kind == "f" else 0))
    return column


def series(cursor: Cursor, series_id: int, interval: tuple[int, int], as_of_us: int | None, limit: int | None) -> SeriesColumns:
    """One series in time order."""
    known = "" if as_of_us is None else f" AND result_us <= {int(as_of_us)}"
    page = "" if limit is None else f" LIMIT {int(limit)}"
    sql = f"SELECT {COLUMNS} FROM observations WHERE series = ? AND time_us >= ? AND time_us < ?{known} ORDER BY time_us{page}"  # noqa: S608
    found = columns(cursor, sql, [series_id, *interval])
    return SeriesColumns(*(found[name] for name in ("time_us", "result_us", "value", "flag", "chk", "seq")))


def series_with(pending: Pending, series_id: int, found: SeriesColumns) -> SeriesColumns:
    """The same with revised flags laid over it."""
    if not len(pending):
        return found
    flag, check = pending.patched(series_id, found.time_us, found.flag, found.check)
    return SeriesColumns(found.time_us, found.result_us, found.value, flag, check, found.seq)


def page(
    cursor: Cursor,
    ids: Sequence[int],
    interval: tuple[int, int],
    as_of_us: int | None,
    after: tuple[int, str, str] | None,
    limit: int,
) -> list[Observation]:
    """Rows of some series by (time, asset, property), after a position."""
    where = ["o.series IN (SELECT unnest(?))", "o.time_us >= ?", "o.time_us < ?"]
    values: list[Any] = [list(ids), *interval]
    if as_of_us is not None:
        where.append("o.result_us <= ?")
        values.append(as_of_us)
    if after is not None:
        where.append("o.time_us >= ? AND (o.time_us > ? OR s.asset > ? OR (s.asset = ? AND s.property > ?))")
        time_us, asset, property_id = after
        values += [time_us, time_us, asset, asset, property_id]
    sql = (
        f"SELECT s.asset, s.property, {COLUMNS} FROM observations o JOIN series s ON s.id = o.series"  # noqa: S608
        f" WHERE {' AND '.join(where)} ORDER BY time_us, s.asset, s.property LIMIT ?"
    )
    return [_observation(row) for row in cursor.execute(sql, [*values, limit]).fetchall()]


def page_with(pending: Pending, ids: Mapping[SeriesKey, int], found: list[Observation]) -> list[Observation]:
    """The same with revised flags laid over it."""
    if not len(pending) or not found:
        return found
    series_ids = np.array([ids[one.asset, one.property] for one in found], np.int32)
    places = pending.places(series_ids, np.array([to_us(one.phenomenon_time) for one in found], np.int64))
    return [
        one
        if place < 0
        else msgspec.structs.replace(one, flag=Flag(int(pending.flag[place])), check=Check(int(pending.check[place])))
        for one, place in zip(found, places.tolist(), strict=True)
    ]


def _observation(row: Sequence[Any]) -> Observation:
    asset, property_id, time_us, result_us, value, flag, check, seq = row
    return Observation(
        asset=asset,
        property=property_id,
        phenomenon_time=from_us(time_us),
        result_time=from_us(result_us),
        value=value,
        flag=Flag(flag),
        check=Check(check),
        seq=seq,
    )


def parts(
    cursor: Cursor, prop: int, period: Period, interval: tuple[int, int], ids: Sequence[int] | None, *, vector: bool
) -> dict[str, NDArray[Any]]:
    """Roll-up parts of one property: what is sealed, and the tail's own."""
    table, bucket_us = ("hourly", HOUR_US) if period == "hour" else ("daily", DAY_US)
    start_us, end_us = interval
    chosen = "" if ids is None else " AND series IN (SELECT unnest($ids))"
    where = f"s.prop = {int(prop)} AND t.time_us >= {int(start_us)} AND t.time_us < {int(end_us)}"
    where += chosen.replace("series", "t.series")
    tail = parts_sql(bucket_us, [prop] if vector else [], where)
    sql = (
        f"SELECT {PART_COLUMNS} FROM {table} WHERE prop = {int(prop)} AND bucket >= {int(start_us) // bucket_us}"  # noqa: S608
        f" AND bucket < {int(end_us) // bucket_us}{chosen} UNION ALL SELECT {PART_COLUMNS} FROM ({tail})"
    )
    if not vector:  # two columns less to carry
        sql = sql.replace(", east, north FROM", " FROM")
    found = cursor.execute(sql, None if ids is None else {"ids": list(ids)}).fetchnumpy()
    return {name: _plain(column) for name, column in found.items()}


def totals(cursor: Cursor, period: Period, interval: tuple[int, int]) -> list[tuple[int, int, float, int]]:
    """(prop, bucket, sum, count) of usable rows, buckets in hours or days since 1970."""
    table, bucket_us = ("hourly", HOUR_US) if period == "hour" else ("daily", DAY_US)
    start_us, end_us = (int(one) for one in interval)
    tail = parts_sql(bucket_us, [], f"t.time_us >= {start_us} AND t.time_us < {end_us}")
    return cursor.execute(
        "SELECT prop, bucket, coalesce(sum(total), 0.0), sum(n) FROM ("  # noqa: S608
        f" SELECT prop, bucket, total, n1 + n3 AS n FROM {table}"
        f" WHERE bucket >= {start_us // bucket_us} AND bucket < {end_us // bucket_us}"
        f" UNION ALL SELECT prop, bucket, total, n1 + n3 FROM ({tail})) GROUP BY prop, bucket"
    ).fetchall()


def newest(cursor: Cursor, as_of_us: int | None) -> dict[str, NDArray[Any]]:
    """The newest row of every series, as it was known at an instant."""
    known = "" if as_of_us is None else f"WHERE result_us <= {int(as_of_us)}"
    return columns(
        cursor,
        f"SELECT series, {COLUMNS} FROM observations JOIN"  # noqa: S608
        f" (SELECT series, max(time_us) AS time_us FROM observations {known} GROUP BY series) USING (series, time_us)",
    )


def columns_with(pending: Pending, found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Rows of many series with revised flags laid over them."""
    if not len(pending):
        return found
    flag, check = pending.patched(found["series"], found["time_us"], found["flag"], found["chk"])
    return found | {"flag": flag, "chk": check}


def pending(cursor: Cursor) -> Pending:
    """Revisions that are not folded yet."""
    found = columns(cursor, "SELECT series, time_us, flag, chk, n FROM revisions")
    return last_of(*(found[name] for name in ("series", "time_us", "flag", "chk", "n")))


def days(cursor: Cursor, sql: str, since_us: int) -> list[int]:
    """Starts [µs] of the UTC days that `TOUCHED` or `REVISED` finds."""
    return [int(day) * DAY_US for (day,) in cursor.execute(f"{sql} ORDER BY day", {"since": since_us}).fetchall()]


def count(cursor: Cursor, interval: tuple[int, int]) -> int:
    """Rows in an interval. Read to the end: an answer left open holds its transaction, and with it the next checkpoint."""
    sql = "SELECT count(*) FROM observations WHERE time_us >= ? AND time_us < ?"
    ((rows,),) = cursor.execute(sql, list(interval)).fetchall()
    return int(rows)


def interval_counts(cursor: Cursor, interval: tuple[int, int]) -> dict[int, int]:
    """Rows of each series in an interval."""
    sql = "SELECT series, count(*) FROM observations WHERE time_us >= ? AND time_us < ? GROUP BY series"
    return dict(cursor.execute(sql, list(interval)).fetchall())


def rows_of(cursor: Cursor, ids: Sequence[int], keys: Sequence[SeriesKey], interval: tuple[int, int], revised: Pending) -> Batch:
    """Rows of some series in an interval, ordered as the series are given, then by time; revised flags laid over them."""
    found = columns(
        cursor,
        f"SELECT series, {COLUMNS} FROM observations WHERE time_us >= ? AND time_us < ?"  # noqa: S608
        " AND series IN (SELECT unnest(?))",
        [*interval, list(ids)],
    )
    found = columns_with(revised, found)
    place = {series_id: index for index, series_id in enumerate(ids)}
    local = np.array([place[one] for one in found["series"].tolist()], np.int32)
    return batch_of(keys, local, found).take(np.lexsort((found["time_us"], local)))


def batch_of(keys: Sequence[SeriesKey], local: NDArray[np.int32], found: dict[str, NDArray[Any]]) -> Batch:
    """A batch of result columns."""
    return Batch(keys, local, found["time_us"], found["result_us"], found["value"], found["flag"], found["chk"], found["seq"])
