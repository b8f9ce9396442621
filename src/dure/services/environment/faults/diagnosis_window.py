"""Recent days of one property at many stations, on one grid of time, and what the neighbours say there."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.environment.neighbours.network import FloatArray, Neighbourhoods

US_PER_HOUR = 3_600_000_000
HOURS_PER_DAY = 24


class Window(msgspec.Struct, frozen=True, eq=False):
    """One property of n stations over t steps.

    Attributes
    ----------
    property : its id
    assets : (n,) station ids
    start_us, step_us : the first instant and the step of the grid [µs since 1970 UTC, µs]
    values : (n, t) [unit], NaN where missing or failed by its own checks
    places : of the same n stations, built with a radius that reaches some neighbours everywhere
    """

    property: str
    assets: Sequence[str]
    start_us: int
    step_us: int
    values: FloatArray
    places: Neighbourhoods

    def at_us(self, step: int) -> int:
        """The instant of a step."""
        return self.start_us + step * self.step_us


def on_grid(time_us: NDArray[np.int64], value: FloatArray, start_us: int, step_us: int, steps: int) -> FloatArray:
    """An irregular series on a grid: the mean of the values in ``[start + i step, start + (i + 1) step)``.

    Parameters
    ----------
    time_us : (m,) instants in any order [µs]
    value : (m,) NaN where missing

    Returns
    -------
    (steps,) NaN where nothing stands
    """
    step = (time_us - start_us) // step_us
    use = (step >= 0) & (step < steps) & np.isfinite(value)
    count = np.bincount(step[use], minlength=steps)
    total = np.bincount(step[use], weights=value[use], minlength=steps)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def median_where(values: FloatArray, axis: int, least: int = 1) -> FloatArray:
    """Median of the finite values along an axis, NaN where there are fewer than `least`."""
    count = np.isfinite(values).sum(axis=axis)
    ordered = np.sort(values, axis=axis)  # NaN goes last
    below = np.expand_dims(np.maximum(count - 1, 0) // 2, axis)
    above = np.expand_dims(np.minimum(count // 2, max(values.shape[axis] - 1, 0)), axis)
    middle = (np.take_along_axis(ordered, below, axis) + np.take_along_axis(ordered, above, axis)) / 2
    return np.where(count >= least, np.squeeze(middle, axis), np.nan)


def of_neighbours(values: FloatArray, places: Neighbourhoods, most: int, least: int) -> FloatArray:
    """(n, t) median of the `most` nearest stations of each place, NaN where fewer than `least` have a value."""
    if places.index.shape[1] == 0 or values.size == 0:
        return np.full(values.shape, np.nan)
    return median_where(around(values, places.index[:, :most]), axis=1, least=least)


def around(values: FloatArray, index: NDArray[np.intp]) -> FloatArray:
    """(n, k, t) values of the stations that an (n, k) index names, NaN where it is -1."""
    return np.where((index >= 0)[:, :, None], values[index], np.nan)


def began(gain: FloatArray) -> int:
    """The step at which a gain turned positive for good: the lowest point of its running sum; NaN counts as 0."""
    running = np.concatenate(([0.0], np.cumsum(np.nan_to_num(gain))))
    return min(int(np.argmin(running)), len(gain) - 1)


def anomalies(window: Window) -> FloatArray:
    """(n, t) what a station does beside the whole city and its own time of day, in its own robust deviations, within ±4.

    The median of the city at each instant and the station's own median at each hour of the day are taken off: what is left is
    the passing weather of its surroundings, whatever street or field it stands in.
    """
    rest = window.values - median_where(window.values, axis=0)[None, :]
    hours = ((window.start_us + np.arange(rest.shape[1]) * window.step_us) // US_PER_HOUR) % HOURS_PER_DAY
    for hour in range(HOURS_PER_DAY):
        here = hours == hour
        if here.any():
            rest[:, here] -= median_where(rest[:, here], axis=1)[:, None]
    return in_deviations(rest)


def in_deviations(values: FloatArray) -> FloatArray:
    """Each row over its median absolute value, cut at ±4 of its standard deviations; NaN where it never moves."""
    size = 1.4826 * median_where(np.abs(values), axis=1)[:, None]
    return np.clip(values / np.where(size > 0, size, np.nan), -4.0, 4.0)
