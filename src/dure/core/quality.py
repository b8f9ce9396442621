"""The first judgement of a value: is it there, can it be true, is it likely here. Vectorised over a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.observations import Check, Flag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.core.properties import Property

CLOCK_AHEAD_S_MAX = 300  # a device clock may run ahead this far before its reading is suspect
FUTURE_S_MAX = 86_400  # a reading further ahead is parked: its time cannot be true
OLDEST_US = 946_684_800_000_000  # 2000-01-01 UTC: no city sensor of ours is older


class Ranges(msgspec.Struct, frozen=True, eq=False):
    """The possible and likely spans of m series, as columns (m,)."""

    fail_min: NDArray[np.float64]
    fail_max: NDArray[np.float64]
    suspect_min: NDArray[np.float64]
    suspect_max: NDArray[np.float64]


def ranges_of(properties: Sequence[Property]) -> Ranges:
    """Spans of each property, in its own unit; where no likely span is set, it is the possible one."""
    return Ranges(
        np.array([p.fail_min for p in properties], np.float64),
        np.array([p.fail_max for p in properties], np.float64),
        np.array([p.fail_min if p.suspect_min is None else p.suspect_min for p in properties], np.float64),
        np.array([p.fail_max if p.suspect_max is None else p.suspect_max for p in properties], np.float64),
    )


def gross_range(
    value: NDArray[np.float64], series: NDArray[np.int32], ranges: Ranges
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """QARTOD gross range test.

    Parameters
    ----------
    value : (n,) in the unit of each row's property, NaN where missing
    series : (n,) row of `ranges` that applies

    Returns
    -------
    flag, check : (n,) `Flag` and the `Check` that decided it

    References
    ----------
    QARTOD Manual for Real-Time Quality Control, test 4 "gross range".
    """
    flag = np.full(len(value), Flag.GOOD, np.uint8)
    check = np.full(len(value), Check.NONE, np.uint8)
    for bound, below, new_flag, new_check in (
        (ranges.suspect_min, True, Flag.SUSPECT, Check.BELOW_LIKELY),
        (ranges.suspect_max, False, Flag.SUSPECT, Check.ABOVE_LIKELY),
        (ranges.fail_min, True, Flag.FAIL, Check.BELOW_POSSIBLE),
        (ranges.fail_max, False, Flag.FAIL, Check.ABOVE_POSSIBLE),
    ):
        limit = bound[series]
        hit = value < limit if below else value > limit
        flag[hit] = new_flag
        check[hit] = new_check
    missing = np.isnan(value)
    flag[missing] = Flag.MISSING
    check[missing] = Check.MISSING_VALUE
    return flag, check


def clock_ahead(
    flag: NDArray[np.uint8], check: NDArray[np.uint8], time_us: NDArray[np.int64], result_us: NDArray[np.int64]
) -> None:
    """Mark good rows whose phenomenon time is ahead of their arrival as suspect, in place."""
    ahead = (time_us > result_us + CLOCK_AHEAD_S_MAX * 1_000_000) & (flag == Flag.GOOD)
    flag[ahead] = Flag.SUSPECT
    check[ahead] = Check.CLOCK_AHEAD


def quarantine(flag: NDArray[np.uint8], check: NDArray[np.uint8], rows: NDArray[np.bool_]) -> None:
    """Mark rows of quarantined assets as not evaluated, in place; what cannot be true stays failed."""
    held = rows & ((flag == Flag.GOOD) | (flag == Flag.SUSPECT))
    flag[held] = Flag.NOT_EVALUATED
    check[held] = Check.QUARANTINE


def assessed(
    flag: NDArray[np.uint8], check: NDArray[np.uint8], new_flag: NDArray[np.uint8], new_check: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Flags after a further judgement: one may only get worse.

    Good becomes suspect or failed, suspect becomes failed; a missing value stays missing. What is quarantined becomes
    failed, or stays so under the check that finds it suspect. Where the flag is the same, the check is the further one's.

    Parameters
    ----------
    flag, check : (n,) as they were
    new_flag, new_check : (n,) as the further judgement would have them

    Returns
    -------
    flag, check : (n,)
    """
    rank = np.zeros(256, np.uint8)
    rank[[Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL]] = (1, 2, 2, 3)
    worse = (rank[new_flag] > rank[flag]) & (new_flag != Flag.NOT_EVALUATED) & (flag != Flag.MISSING)
    held = (flag == Flag.NOT_EVALUATED) & (new_flag == Flag.SUSPECT)
    return np.where(worse, new_flag, flag), np.where(worse | held | (new_flag == flag), new_check, check)


def plausible(was_good: NDArray[np.bool_], flag: NDArray[np.uint8], check: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Rows that speak for their device: good when they came, and not found otherwise since.

    Under quarantine the flag stays; there a further judgement shows by the check it names.
    """
    held = (flag == Flag.NOT_EVALUATED) & (check == Check.QUARANTINE)
    found: NDArray[np.bool_] = was_good & ((flag == Flag.GOOD) | held)
    return found
