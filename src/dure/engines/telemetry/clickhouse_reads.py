"""The questions of the telemetry port in ClickHouse's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from clickhouse_connect.driver.client import Client

from dure.core.observations import Batch, Check, Flag, Observation, SeriesKey
from dure.core.time import from_us
from dure.engines.telemetry.columns import COUNTS, DAY_US, HOUR_US
from dure.engines.telemetry.port import Period, SeriesColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPES: dict[str, type] = dict.fromkeys(("time_us", "result_us", "seq", "bucket", "row", *COUNTS), np.int64)
TYPES |= dict.fromkeys(("value", "total", "low", "high", "east", "north"), np.float64)
TYPES |= {"flag": np.uint8, "chk": np.uint8, "asset": np.object_, "property": np.object_}
ROW = ("time_us", "result_us", "value", "flag", "chk", "seq")
USABLE = "flag IN (1, 3) AND isFinite(value)"
PART = (*COUNTS, "total", "low", "high", "east", "north")


def columns(client: Client, names: Sequence[str], sql: str, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Result columns of ``SELECT names sql``."""
    found = client.query(f"SELECT {', '.join(names)} {sql}", parameters=dict(values)).result_columns
    if not found:
        return {name: np.empty(0, TYPES[name]) for name in names}
    return {name: np.asarray(column, TYPES[name]) for name, column in zip(names, found, strict=True)}


def parts_of_rows(bucket_us: int, where: str, chosen: str = "1") -> str:
    """SQL of the roll-up parts of raw rows; `chosen` narrows the rows that count, not the buckets."""
    usable = f"{USABLE} AND {chosen}"
    counts = ", ".join(f"countIf(flag = {name[1:]} AND {chosen}) AS {name}" for name in COUNTS)
    return (
        f"SELECT property, asset, toInt32(intDiv(time_us, {bucket_us})) AS bucket, {counts},"  # noqa: S608  # numbers of ours
        f" sumIf(value, {usable}) AS total, if(countIf({usable}) = 0, nan, minIf(value, {usable})) AS low,"
        f" if(countIf({usable}) = 0, nan, maxIf(value, {usable})) AS high, sumIf(sin(radians(value)), {usable}) AS east,"
        f" sumIf(cos(radians(value)), {usable}) AS north FROM observations WHERE {where} GROUP BY property, asset, bucket"
    )


def series(client: Client, key: SeriesKey, interval: tuple[int, int], as_of_us: int | None, limit: int | None) -> SeriesColumns:
    """One series in time order."""
    known = "" if as_of_us is None else " AND result_us <= {known:Int64}"
    page_ = "" if limit is None else f" LIMIT {int(limit)}"
    sql = "FROM observations WHERE property = {p:String} AND asset = {a:String} AND time_us >= {s:Int64} AND time_us < {e:Int64}"
    values = {"a": key[0], "p": key[1], "s": interval[0], "e": interval[1], "known": as_of_us or 0}
    found = columns(client, ROW, f"{sql}{known} ORDER BY time_us{page_}", values)
    return SeriesColumns(*(found[name] for name in ROW))


def page(
    client: Client,
    keys: Sequence[SeriesKey],
    interval: tuple[int, int],
    as_of_us: int | None,
    after: tuple[int, str, str] | None,
    limit: int,
) -> list[Observation]:
    """Rows of some series by (time, asset, property), after a position."""
    where = ["(property, asset) IN arrayZip({p:Array(String)}, {a:Array(String)})", "time_us >= {s:Int64}", "time_us < {e:Int64}"]
    values: dict[str, Any] = {"p": [key[1] for key in keys], "a": [key[0] for key in keys], "s": interval[0], "e": interval[1]}
    if as_of_us is not None:
        where.append("result_us <= {known:Int64}")
        values["known"] = as_of_us
    if after is not None:
        where.append("(time_us, asset, property) > ({t:Int64}, {ta:String}, {tp:String})")
        values |= {"t": after[0], "ta": after[1], "tp": after[2]}
    names = ("asset", "property", *ROW)
    sql = f"FROM observations WHERE {' AND '.join(where)} ORDER BY time_us, asset, property LIMIT {int(limit)}"
    found = columns(client, names, sql, values)
    return [_observation(row) for row in zip(*(found[name].tolist() for name in names), strict=True)]


def _observation(row: Sequence[Any]) -> Observation:
    asset, property_id, time_us, result_us, value, flag, check, seq = row
    return Observation(
        asset=asset,
        property=property_id,
        phenomenon_time=from_us(time_us),
        result_time=from_us(result_us),
        value=None if value != value else value,  # noqa: PLR0124  # NaN is unlike itself
        flag=Flag(flag),
        check=Check(check),
        seq=seq,
    )


def open_days(client: Client, interval: tuple[int, int], property_id: str | None = None) -> dict[tuple[str, int], int]:
    """(property, day) whose roll-ups are not sealed -> the epoch that its raw rows belong to."""
    of = "" if property_id is None else " AND property = {p:String}"
    values = {"p": property_id or "", "s": interval[0] // DAY_US, "e": -(-interval[1] // DAY_US)}
    found = client.query(
        "SELECT property, day, epoch FROM (SELECT property, day FROM days FINAL WHERE sealed = 0 AND day >= {s:Int64}"  # noqa: S608
        f" AND day < {{e:Int64}}{of}) AS open LEFT JOIN (SELECT property, day, countIf(phase > 0) AS epoch FROM expiries FINAL"
        " GROUP BY property, day) AS expired USING (property, day)",
        parameters=values,
    ).result_rows
    return {(property_, day): int(epoch) for property_, day, epoch in found}


def parts(
    client: Client, property_id: str, period: Period, interval: tuple[int, int], assets: Sequence[str] | None
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """Roll-up parts of one property, and the asset of each series number: sealed days from the roll-ups, open from the rows."""
    unsealed = open_days(client, interval, property_id)
    values: dict[str, Any] = {"p": property_id, "s": interval[0], "e": interval[1], "assets": list(assets or ())}
    values |= {"days": [day for _, day in unsealed], "epochs": list(unsealed.values())}
    of = "" if assets is None else " AND asset IN {assets:Array(String)}"
    names = ("asset", "bucket", *PART)
    found = columns(client, names, f"FROM ({_parts_sql(period, 'property = {p:String}' + of)})", values)
    numbers: dict[str, int] = {}
    found["series"] = np.array([numbers.setdefault(asset, len(numbers)) for asset in found.pop("asset").tolist()], np.int64)
    return found, list(numbers)


def _parts_sql(period: Period, of: str) -> str:
    """Sealed and raw parts; of an open day the sealed epochs before its own still count."""
    table, bucket_us = ("hourly", HOUR_US) if period == "hour" else ("daily", DAY_US)
    day = f"intDiv(bucket, {DAY_US // bucket_us})"
    names = ", ".join(("property", "asset", "bucket", *PART))
    raw = parts_of_rows(
        bucket_us,
        f"{of} AND time_us >= {{s:Int64}} AND time_us < {{e:Int64}} AND intDiv(time_us, {DAY_US}) IN {{days:Array(Int64)}}",
    )
    return (
        f"SELECT {names} FROM {table} FINAL WHERE {of} AND bucket >= intDiv({{s:Int64}}, {bucket_us})"  # noqa: S608
        f" AND bucket < intDiv({{e:Int64}}, {bucket_us}) AND NOT (has({{days:Array(Int64)}}, {day})"
        f" AND epoch >= {{epochs:Array(Int64)}}[indexOf({{days:Array(Int64)}}, {day})]) UNION ALL SELECT {names} FROM ({raw})"
    )


def keys(client: Client) -> list[SeriesKey]:
    """All series, of every writer."""
    rows = client.query("SELECT asset, property FROM series FINAL ORDER BY property, asset").result_rows
    return [(asset, property_id) for asset, property_id in rows]


def totals(client: Client, period: Period, interval: tuple[int, int]) -> list[tuple[str, int, float, int]]:
    """(property, bucket, sum, count) of usable rows, buckets in hours or days since 1970."""
    unsealed = open_days(client, interval)
    rows: list[tuple[str, int, float, int]] = []
    for (property_id,) in client.query("SELECT DISTINCT property FROM series").result_rows:
        own = {day: epoch for (of, day), epoch in unsealed.items() if of == property_id}
        values = {"p": property_id, "s": interval[0], "e": interval[1], "days": list(own), "epochs": list(own.values())}
        own_parts = _parts_sql(period, "property = {p:String}")
        sql = f"SELECT property, bucket, sum(total), sum(n1 + n3) FROM ({own_parts}) GROUP BY property, bucket"  # noqa: S608
        rows += [(p, b, float(t), int(n)) for p, b, t, n in client.query(sql, parameters=values).result_rows]
    return rows


def newest(client: Client, as_of_us: int | None) -> dict[str, NDArray[Any]]:
    """The newest row of every series, as it was known at an instant."""
    known = "" if as_of_us is None else "WHERE result_us <= {known:Int64}"
    names = ("asset", "property", *ROW)
    sql = f"FROM observations {known} ORDER BY property, asset, time_us DESC LIMIT 1 BY property, asset"
    return columns(client, names, sql, {"known": as_of_us or 0})


def touched_days(client: Client, since_us: int) -> list[int]:
    """Starts [µs] of days that received rows, or whose flags were revised, since an instant."""
    sql = f"SELECT DISTINCT toInt64(intDiv(time_us, {DAY_US})) FROM observations WHERE result_us >= {{r:Int64}}"  # noqa: S608
    found = {int(day) * DAY_US for (day,) in client.query(sql, parameters={"r": since_us}).result_rows}
    return sorted(found.union(revised_days(client, since_us)))


def revised_days(client: Client, since_us: int) -> list[int]:
    """Starts [µs] of days whose flags were revised since an instant."""
    sql = "SELECT day FROM revised FINAL WHERE at >= {r:Int64} ORDER BY day"
    return [int(day) * DAY_US for (day,) in client.query(sql, parameters={"r": since_us}).result_rows]


def interval_counts(client: Client, interval: tuple[int, int]) -> list[tuple[str, str, int]]:
    """(property, asset, rows) of each series in an interval, in that order."""
    rows = client.query(
        "SELECT property, asset, count() FROM observations WHERE time_us >= {s:Int64} AND time_us < {e:Int64}"
        " GROUP BY property, asset ORDER BY property, asset",
        parameters={"s": interval[0], "e": interval[1]},
    ).result_rows
    return [(property_id, asset, int(count)) for property_id, asset, count in rows]


def rows_between(client: Client, first: SeriesKey, last: SeriesKey, interval: tuple[int, int]) -> Batch:
    """Rows of the series from first to last in (property, asset) order, sorted by (property, asset, time)."""
    names = ("asset", "property", *ROW)
    sql = (
        "FROM observations WHERE (property, asset) >= ({p0:String}, {a0:String})"
        " AND (property, asset) <= ({p1:String}, {a1:String})"
        " AND time_us >= {s:Int64} AND time_us < {e:Int64} ORDER BY property, asset, time_us"
    )
    values = {"a0": first[0], "p0": first[1], "a1": last[0], "p1": last[1], "s": interval[0], "e": interval[1]}
    return batch_of(columns(client, names, sql, values))


def batch_of(found: dict[str, NDArray[Any]]) -> Batch:
    """A batch of result columns."""
    numbers: dict[SeriesKey, int] = {}
    pairs = zip(found["asset"].tolist(), found["property"].tolist(), strict=True)
    local = np.array([numbers.setdefault(key, len(numbers)) for key in pairs], np.int32)
    return Batch(list(numbers), local, *(found[name] for name in ROW))
