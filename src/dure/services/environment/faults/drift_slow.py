"""What a CUSUM cannot see: zero and span that move with the months, and two channels of one sensor that part.

Zero is where the cleanest hours lie, span the distance from there to the dirtiest; both are quantiles of a month, compared
with the neighbours' estimate in the same hours, and with the sensor's own first months.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.time import US_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.environment.calibrating.calibration_rules import ChannelRules, MonthlyRules

Kind = Literal["zero", "span"]


class Month(msgspec.Struct, frozen=True):
    """A sensor's month against its neighbours.

    Attributes
    ----------
    start_us : its first instant [us since 1970 UTC], UTC months
    hours : hours in which both had a value
    zero : low quantile of the sensor less that of the estimate [unit]
    span : distance of the quantiles of the sensor over that of the estimate [1]
    neighbours_span : distance of the quantiles of the estimate [unit]
    """

    start_us: int
    hours: int
    zero: float
    span: float
    neighbours_span: float


class Moved(msgspec.Struct, frozen=True):
    """Zero or span that moved: in two months running, to the same side, more than the rules allow.

    `amount` is in the unit of the property for zero, a fraction for span, against the month of `since_us`.
    """

    kind: Kind
    at_us: int
    since_us: int
    amount: float
    allowed: float


class Split(msgspec.Struct, frozen=True):
    """How far the two channels of one sensor are apart.

    `share` of the hours they were apart in; `apart` whether that is too much; `ratio` the median of a / b; `doubtful` the
    channel further from the neighbours' estimate, empty where that cannot be said.
    """

    hours: int
    share: float
    apart: bool
    ratio: float
    doubtful: Literal["", "a", "b"] = ""


def months(
    time_us: NDArray[np.int64], value: NDArray[np.float64], estimate: NDArray[np.float64], rules: MonthlyRules
) -> list[Month]:
    """Zero and span of each month that has hours enough.

    Parameters
    ----------
    time_us : (n,) hours [us since 1970 UTC], in any order
    value, estimate : (n,) usable values of the sensor and of its neighbours [unit of the property], NaN where missing
    """
    both = np.isfinite(value) & np.isfinite(estimate)
    month = (time_us[both] // US_PER_S).astype("datetime64[s]").astype("datetime64[M]")
    found = []
    for one in np.unique(month):
        rows = month == one
        if np.count_nonzero(rows) < rules.hours_min:
            continue
        quantiles = (rules.low_quantile, rules.high_quantile)
        low, high = np.quantile(value[both][rows], quantiles).tolist()
        low_near, high_near = np.quantile(estimate[both][rows], quantiles).tolist()
        if high_near <= low_near:
            continue
        start_us = int(one.astype("datetime64[s]").astype(np.int64)) * US_PER_S
        span = (high - low) / (high_near - low_near)
        found.append(Month(start_us, int(np.count_nonzero(rows)), low - low_near, span, high_near - low_near))
    return found


def monthly_drift(found: list[Month], rules: MonthlyRules) -> list[Moved]:
    """Zero and span that moved away from the first month, each told once: the first time two months agree.

    Parameters
    ----------
    found : months in order, as `months` makes them; the first is the reference (the month after a calibration, say)
    """
    moved: list[Moved] = []
    if len(found) < 3:
        return moved
    first = found[0]
    zero = [(one.zero - first.zero, rules.zero_max * (one.neighbours_span + first.neighbours_span) / 2) for one in found]
    span = [(one.span / first.span - 1 if first.span > 0 else 0.0, rules.span_max) for one in found]
    shifts: tuple[tuple[Kind, list[tuple[float, float]]], ...] = (("zero", zero), ("span", span))
    for kind, shift in shifts:
        for i in range(2, len(found)):
            (before, allowed_before), (now, allowed) = shift[i - 1], shift[i]
            if abs(before) > allowed_before and abs(now) > allowed and (before > 0) == (now > 0):
                moved.append(Moved(kind, found[i].start_us, first.start_us, now, allowed))
                break
    return moved


def channel_split(
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    rules: ChannelRules,
    estimate: NDArray[np.float64] | None = None,
) -> Split | None:
    """Whether the twin channels of a sensor agree; None where they have no hour in common.

    An hour is apart when the channels differ by more than `difference_max` and by more than `fraction_max` of their mean
    (Barkjohn et al. 2021, doi 10.5194/amt-14-4617-2021, section 2.2).

    Parameters
    ----------
    a, b : (n,) hourly means of the channels [ug/m3], NaN where missing
    estimate : (n,) what the neighbours let expect [ug/m3]; without it no channel is called the doubtful one
    """
    both = np.isfinite(a) & np.isfinite(b)
    hours = int(np.count_nonzero(both))
    if not hours:
        return None
    one, two = a[both], b[both]
    mean = (one + two) / 2
    gap = np.abs(one - two)
    share = float(np.mean((gap > rules.difference_max) & (gap > rules.fraction_max * mean)))
    positive = (one > 0) & (two > 0)
    ratio = float(np.median(one[positive] / two[positive])) if positive.any() else float("nan")
    doubtful: Literal["", "a", "b"] = ""
    if estimate is not None and share > rules.share_max:
        near = estimate[both]
        told = np.isfinite(near)
        if told.any():
            off_a, off_b = np.median(np.abs(one[told] - near[told])), np.median(np.abs(two[told] - near[told]))
            doubtful = "a" if off_a > off_b else "b"
    return Split(hours, share, share > rules.share_max, ratio, doubtful)
