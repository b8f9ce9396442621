"""What both engines compute alike: repeats within a batch, and roll-ups made of parts. Pure arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dure.core.properties import Property
from dure.core.time import US_PER_S, from_us, to_us
from dure.engines.telemetry.port import Period, RollUpColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOUR_US = 3_600 * US_PER_S
DAY_US = 24 * HOUR_US
COUNTS = ("n1", "n2", "n3", "n4", "n9")
NO_DIRECTION = 1e-9  # a mean unit vector shorter than this points nowhere


class Judged(NamedTuple):
    """Rows of a batch: which are stored, and which contradict what is kept. Both (n,) bool."""

    fresh: NDArray[np.bool_]
    conflict: NDArray[np.bool_]


def first_rows(series: NDArray[np.int32], time_us: NDArray[np.int64]) -> NDArray[np.intp]:
    """Index of the first row of the same series and instant, for each row (n,)."""
    order = np.lexsort((time_us, series))
    ordered_series, ordered_time = series[order], time_us[order]
    new = np.ones(len(order), bool)
    new[1:] = (np.diff(ordered_series) != 0) | (np.diff(ordered_time) != 0)
    first = np.empty(len(order), np.intp)
    first[order] = order[new][np.cumsum(new) - 1]
    return first


def judge(
    value: NDArray[np.float64], first: NDArray[np.intp], kept_rows: NDArray[np.intp], kept_value: NDArray[np.float64]
) -> Judged:
    """Which rows are new, given the first row of each observation and those of them that are kept already.

    Parameters
    ----------
    value : (n,) NaN where missing
    first : (n,) of `first_rows`
    kept_rows : (k,) first rows whose observation is in the store
    kept_value : (k,) the value that is kept for each
    """
    fresh = first == np.arange(len(value))
    fresh[kept_rows] = False
    standing = value.copy()
    standing[kept_rows] = kept_value
    standing = standing[first]
    same = (value == standing) | (np.isnan(value) & np.isnan(standing))
    return Judged(fresh, ~fresh & ~same)


def no_vectors(_property_id: str) -> bool:
    """No property is a direction."""
    return False


def vectors_of(properties: Iterable[Property]) -> Callable[[str], bool]:
    """Whether a property is a direction, whose hours are means of unit vectors."""
    registry = properties

    def is_vector(property_id: str) -> bool:
        return any(one.id == property_id and one.aggregate == "vector" for one in registry)

    return is_vector


def overlapping(period: Period, start_us: int, end_us: int) -> tuple[int, int]:
    """The interval widened to whole periods."""
    if period == "month":
        return _month_floor(start_us), _month_ceil(end_us)
    length = HOUR_US if period == "hour" else DAY_US
    return start_us // length * length, -(-end_us // length) * length


def _month_floor(us: int) -> int:
    at = from_us(us)
    return to_us(datetime(at.year, at.month, 1, tzinfo=UTC))


def _month_ceil(us: int) -> int:
    floor = _month_floor(us)
    if floor == us:
        return us
    at = from_us(floor)
    return to_us(datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC))


def period_starts(period: Period, bucket: NDArray[np.int64]) -> NDArray[np.int64]:
    """Start [µs] of the period of each bucket: hours since 1970 for hours, else days since 1970."""
    return _starts(period, _months(bucket) if period == "month" else bucket)


def roll_up(parts: Mapping[str, NDArray[np.generic]], period: Period, names: Sequence[str], *, vector: bool) -> RollUpColumns:
    """Roll-ups of parts: rows of `series`, `bucket` and partial counts, sums and extremes, several per period.

    `names` is the asset of each series number.
    """
    series = parts["series"]
    bucket = _months(parts["bucket"]) if period == "month" else parts["bucket"]
    asset, rank = _ranked(series, names)
    base = int(bucket.min()) if len(bucket) else 0
    span = int(bucket.max()) - base + 1 if len(bucket) else 1
    key = (rank * span - base)[series] + bucket  # arrays are long here: each pass counts
    order = np.argsort(key, kind="stable")  # parts come as a few sorted runs, which it only merges
    key = key[order]
    new = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=new[1:])
    first = np.flatnonzero(new)
    key = key[first]
    whole = _reduced({name: parts[name] for name in parts if name not in {"series", "bucket"}}, order, first)
    usable = whole["n1"] + whole["n3"]
    if not usable.all():
        for name in ("total", "low", "high"):
            np.putmask(whole[name], usable == 0, np.nan)
    place = key // span
    return RollUpColumns(
        asset=asset[place],
        start_us=_starts(period, key - place * span + base),
        n_good=whole["n1"],
        n_not_evaluated=whole["n2"],
        n_suspect=whole["n3"],
        n_fail=whole["n4"],
        n_missing=whole["n9"],
        total=whole["total"],
        mean=_direction(whole["east"], whole["north"], usable) if vector else whole["total"] / np.maximum(usable, 1),
        low=whole["low"],
        high=whole["high"],
    )


def _months(day: NDArray[Any]) -> NDArray[np.int64]:
    """Months since 1970 of days since 1970."""
    months: NDArray[np.int64] = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return months


def _starts(period: Period, number: NDArray[np.int64]) -> NDArray[np.int64]:
    """Start [µs] of each period by its number since 1970."""
    if period == "month":
        starts: NDArray[np.int64] = number.astype("datetime64[M]").astype("datetime64[us]").astype(np.int64)
        return starts
    return number * (HOUR_US if period == "hour" else DAY_US)


def _ranked(series: NDArray[Any], names: Sequence[str]) -> tuple[Any, NDArray[np.int64]]:
    """Asset names in order, and the rank of each series number's asset among them."""
    present = np.flatnonzero(np.bincount(series)) if len(series) else np.empty(0, np.intp)
    found = np.array([names[one] for one in present.tolist()], object)
    order = np.argsort(found)
    rank = np.zeros(int(present[-1]) + 1 if len(present) else 0, np.int64)
    rank[present[order]] = np.arange(len(present))
    return found[order], rank


def _reduced(parts: dict[str, NDArray[Any]], order: NDArray[np.intp], first: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
    """Each column put in order and folded over the rows from one `first` to the next."""
    whole: dict[str, NDArray[Any]] = {}
    for name, column in parts.items():
        if name in COUNTS and not column.any():
            whole[name] = np.zeros(len(first), np.int64)  # untouched memory: costs nothing
            continue
        ordered = column[order].astype(np.int64 if name in COUNTS else np.float64, copy=False)
        if len(first) == len(column):
            whole[name] = ordered
        elif name == "low":
            whole[name] = np.fmin.reduceat(ordered, first)
        elif name == "high":
            whole[name] = np.fmax.reduceat(ordered, first)
        else:
            whole[name] = np.add.reduceat(ordered if name in COUNTS else np.nan_to_num(ordered), first)
    return whole


def _direction(east: NDArray[np.float64], north: NDArray[np.float64], usable: NDArray[np.int64]) -> NDArray[np.float64]:
    """Direction of the mean unit vector [deg], 0 to 360 from north by east; NaN where there is none."""
    degrees = np.degrees(np.arctan2(east, north)) % 360.0
    nowhere = np.hypot(east, north) <= NO_DIRECTION * np.maximum(usable, 1)
    return np.where(nowhere | (usable == 0), np.nan, degrees)
