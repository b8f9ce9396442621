"""Why a value has its flag: for one row of a series, what each test compared with what. Runs the same code again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.environment.checks.quality import CHECKS, TESTS, Kernel, Limits, qualify_series

if TYPE_CHECKING:
    from numpy.typing import NDArray

Bounds = tuple[float | None, float | None]  # the statistic is fine between them; None is no bound
NO_BOUNDS: Bounds = (None, None)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one test says of one value.

    Attributes
    ----------
    test, check, flag : which test, its `Check` (0 for gross range) and its `Flag`
    statistic : what was compared; None where the test could not be made
    unit : of the statistic: "value", "value/s" or "s"
    suspect, fail : bounds of the statistic; beyond them the flag is 3 or 4
    start_us, end_us : the time the test looked at [µs since 1970 UTC], both inclusive
    n_values : values (not missing) of the series in that time
    """

    test: str
    check: int
    flag: int
    statistic: float | None
    unit: str
    suspect: Bounds
    fail: Bounds
    start_us: int
    end_us: int
    n_values: int


def why(
    time_us: NDArray[np.int64],
    value: NDArray[np.float64],
    limits: Limits,
    row: int,
    *,
    feeds: NDArray[np.uint8] | None = None,
    kernel: Kernel | None = None,
) -> tuple[Reason, ...]:
    """What each of `TESTS` says of one row of a series.

    Parameters
    ----------
    time_us, value : (n,) the series in time order; from `Limits.memory_s` before the row to the value after it is enough
    row : which row
    feeds : (n,) how each row counts for later ones, as in `Stream.push`
    """
    shown = min(len(time_us), row + 2)
    found = qualify_series(time_us[:shown], value[:shown], limits, feeds=None if feeds is None else feeds[:shown], kernel=kernel)
    bounds, windows = _bounds(limits, _month(int(time_us[row]), limits)), _windows(time_us, row, limits, found.statistic[row])
    reasons = []
    for number, test in enumerate(TESTS):
        start_us, end_us = windows[number]
        inside = (time_us >= start_us) & (time_us <= end_us) & np.isfinite(value)
        statistic = float(found.statistic[row, number])
        reasons.append(
            Reason(
                test=test,
                check=int(CHECKS[number]),
                flag=int(found.tests[row, number]),
                statistic=None if np.isnan(statistic) else statistic,
                unit={"rate_of_change": "value/s", "flat_line": "s"}.get(test, "value"),
                suspect=bounds[number][0],
                fail=bounds[number][1],
                start_us=start_us,
                end_us=end_us,
                n_values=int(inside.sum()),
            )
        )
    return tuple(reasons)


def _month(time_us: int, limits: Limits) -> int:
    local = np.datetime64(time_us + limits.utc_offset_s * 1_000_000, "us")
    return int(local.astype("datetime64[M]").astype(int)) % 12 + 1


def _bounds(limits: Limits, month: int) -> tuple[tuple[Bounds, Bounds], ...]:
    """Suspect and fail bounds of each test."""
    return (
        (limits.gross_suspect or NO_BOUNDS, limits.gross_fail or NO_BOUNDS),
        (limits.climate_suspect.get(month, NO_BOUNDS), limits.climate_fail.get(month, NO_BOUNDS)),
        ((None, limits.spike_suspect), (None, limits.spike_fail)),
        ((None, limits.rate_suspect), (None, limits.rate_fail)),
        ((None, limits.flat_suspect_s), (None, limits.flat_fail_s)),
        ((limits.spread_suspect, None), (limits.spread_fail, None)),
    )


def _windows(time_us: NDArray[np.int64], row: int, limits: Limits, statistic: NDArray[np.float64]) -> list[tuple[int, int]]:
    """The time each test looked at."""
    now_us = int(time_us[row])
    before_us = int(time_us[row - 1]) if row else now_us
    after_us = int(time_us[row + 1]) if row + 1 < len(time_us) else now_us
    flat_s = statistic[TESTS.index("flat_line")]
    run_us = 0 if np.isnan(flat_s) else round(float(flat_s) * 1e6)
    window_us = round((limits.window_s or 0) * 1e6)
    return [
        (now_us, now_us),
        (now_us, now_us),
        (before_us, after_us),
        (before_us, now_us),
        (now_us - run_us, now_us),
        (now_us - max(window_us - 1, 0), now_us),
    ]
