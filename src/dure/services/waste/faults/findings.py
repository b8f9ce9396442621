"""What is known of one bin, and what is found wrong with it: the values that detectors take and give."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.text import Text
from dure.core.time import US_PER_S
from dure.services.waste.model import FloatArray, Sighting

SensorFault = Literal["stuck", "silent", "jumping", "low_battery", "blocked", "not_compacting", "contradicted"]
Fault = Literal["stuck", "silent", "jumping", "low_battery", "blocked", "not_compacting", "contradicted", "broken", "no_access"]
SENSOR_FAULTS: tuple[SensorFault, ...] = (
    "stuck",
    "silent",
    "jumping",
    "low_battery",
    "blocked",
    "not_compacting",
    "contradicted",
)
HOUR_US = 3_600 * US_PER_S
DAY_US = 24 * HOUR_US


class Series(msgspec.Struct, frozen=True, eq=False):
    """One property of one bin in time order: `time_us` (n,) int64, `value` (n,) float64 without NaN."""

    time_us: NDArray[np.int64]
    value: FloatArray

    def __len__(self) -> int:
        return len(self.time_us)

    def between(self, start_us: int, end_us: int) -> Series:
        """The readings in ``[start, end)``."""
        first, last = np.searchsorted(self.time_us, (start_us, end_us)).tolist()
        return Series(self.time_us[first:last], self.value[first:last])


NOTHING = Series(np.empty(0, np.int64), np.empty(0))


class Window(msgspec.Struct, frozen=True, eq=False):
    """A bin over some weeks until now.

    Attributes
    ----------
    level : fill fraction as the sensor has it [1]
    battery : charge of its battery [1]; empty where the device does not tell
    compactions : counter of a compactor; empty for a plain bin
    emptied_us : instants at which somebody or a counter says it was emptied, rising
    sightings : what people saw in that time, in order of `seen_at`
    """

    bin: str
    now_us: int
    level: Series = NOTHING
    battery: Series = NOTHING
    compactions: Series = NOTHING
    emptied_us: tuple[int, ...] = ()
    sightings: tuple[Sighting, ...] = ()

    def since(self, start_us: int) -> Window:
        """The same bin as if it were known since then only."""
        end_us = self.now_us + 1
        return msgspec.structs.replace(
            self,
            level=self.level.between(start_us, end_us),
            battery=self.battery.between(start_us, end_us),
            compactions=self.compactions.between(start_us, end_us),
            emptied_us=tuple(one for one in self.emptied_us if one >= start_us),
            sightings=tuple(one for one in self.sightings if us_of(one.seen_at) >= start_us),
        )


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as it is seen now: since when, why in words, and the numbers it was found by."""

    bin: str
    fault: Fault
    since: datetime
    evidence: Text
    numbers: dict[str, float] = {}  # msgspec copies an empty default for every instance
    source: str = ""


def us_of(at: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return round(at.timestamp() * US_PER_S)


def daily_rise(level: Series, until_us: int) -> float:
    """Usual rise of a bin [1/d]: the mean step of its daily medians, days on which it fell left out; NaN when unknown.

    Parameters
    ----------
    level : (n,) readings in time order
    until_us : what came later is left out
    """
    known = level.between(-(2**62), until_us)
    if not len(known):
        return float("nan")
    day = (until_us - known.time_us) // DAY_US
    edges = np.flatnonzero(np.diff(day)) + 1
    middle = np.array([np.median(part) for part in np.split(known.value, edges)])
    number = day[np.append(0, edges)]
    step = np.diff(middle)
    usual = step[(np.diff(number) == -1) & (step > -0.1)]
    return float(max(0.0, usual.mean())) if len(usual) >= 3 else float("nan")


def quiet_variance(value: FloatArray) -> float:
    """Variance of the sensor's own scatter, where nothing happens; 0 when too few readings are known.

    At night nothing is thrown in: the smaller two thirds of the steps between neighbours are scatter. Of normal steps they have
    0.275 of the mean square, and a step has the scatter of two readings.
    """
    if len(value) < 4:
        return 0.0
    steps = np.sort(np.abs(np.diff(value)))
    return float((steps[: max(1, 2 * len(steps) // 3)] ** 2).mean() / 0.275 / 2)


def rounded(numbers: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Numbers of a finding as they are kept: finite, to four places."""
    return {name: round(float(value), 4) for name, value in numbers if np.isfinite(value)}
