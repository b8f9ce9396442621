"""The answers of ioos_qc to the limits of ours, and which rows the written differences explain."""

from __future__ import annotations

import warnings

import numpy as np

from dure.services.environment.checks.quality import Limits

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ioos_qc import qartod


def members(limits: Limits) -> list[dict[str, object]]:
    """The months as members of ioos_qc."""
    return [
        {"tspan": (month, month), "period": "month", "vspan": span, "fspan": limits.climate_fail.get(month)}
        for month, span in limits.climate_suspect.items()
    ]


def ioos_flags(time_us: np.ndarray, value: np.ndarray, limits: Limits) -> dict[str, np.ndarray]:
    """Flags of each test by ioos_qc."""
    at = time_us.astype("datetime64[us]").astype("datetime64[ns]")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = {
            "gross_range": qartod.gross_range_test(value, limits.gross_fail, limits.gross_suspect),
            "climatology": qartod.climatology_test(members(limits), value, at, np.full(len(value), np.nan)),
            "spike": qartod.spike_test(value, limits.spike_suspect, limits.spike_fail),
            "rate_of_change": qartod.rate_of_change_test(value, at, limits.rate_suspect, limits.rate_fail),
            "flat_line": qartod.flat_line_test(value, at, limits.flat_suspect_s, limits.flat_fail_s, limits.flat_tolerance),
            "attenuated": qartod.attenuated_signal_test(
                value, at, limits.spread_suspect, limits.spread_fail, limits.window_s, min_obs=limits.window_n_min
            ),
        }
    return {test: np.ma.getdata(flags).astype(np.uint8) for test, flags in found.items()}


def explained(test: str, time_us: np.ndarray, value: np.ndarray, limits: Limits) -> np.ndarray:
    """Rows that may differ by the written list; for the other tests none."""
    missing = ~np.isfinite(value)
    if test == "climatology":
        return missing
    if test == "rate_of_change":
        return np.r_[False, missing[:-1]] & ~missing
    if test == "flat_line":
        return _window_unlike(time_us, missing, limits.flat_suspect_s) | _window_unlike(time_us, missing, limits.flat_fail_s)
    return np.zeros(len(value), bool)


def _window_unlike(time_us: np.ndarray, missing: np.ndarray, threshold_s: float | None) -> np.ndarray:
    """Rows whose window of counted rows does not last the threshold exactly, or holds a missing value."""
    assert threshold_s is not None
    count = int(threshold_s / (np.median(np.diff(time_us)) / 1e6))
    unlike = np.zeros(len(time_us), bool)
    unlike[count:] = time_us[count:] - time_us[: len(time_us) - count] != threshold_s * 1e6
    unlike[:count] = time_us[:count] - time_us[0] >= threshold_s * 1e6
    seen = np.r_[0, np.cumsum(missing)]
    rows = np.arange(len(time_us))
    return unlike | (seen[rows + 1] > seen[np.maximum(rows - count, 0)])


def runs_by_hand(time_us: np.ndarray, value: np.ndarray, limits: Limits) -> np.ndarray:
    """Flat line by its definition, each row looking back by itself."""
    known = np.flatnonzero(np.isfinite(value))
    flags = np.full(len(value), 9, np.uint8)
    for place, row in enumerate(known.tolist()):
        low = high = value[row]
        first, n = row, 0
        for before in known[place::-1].tolist():
            low, high = min(low, value[before]), max(high, value[before])
            if not high - low < limits.flat_tolerance:
                break
            first, n = before, n + 1
        seconds = (time_us[row] - time_us[first]) / 1e6
        flat = n >= limits.flat_n_min
        flags[row] = 4 if flat and seconds >= limits.flat_fail_s else 3 if flat and seconds >= limits.flat_suspect_s else 1
    return flags
