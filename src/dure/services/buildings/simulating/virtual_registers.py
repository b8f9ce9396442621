"""The counters of the demo's meters: what a register shows at any instant, by what has passed since it began to be read."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from dure.core.time import to_us
from dure.services.buildings.simulating.virtual_buildings import HOUR_US, Climate, Floats, VirtualMeter, chances, mean_hour, uses

READ_FOR = timedelta(days=12)  # so long before the demo began registers were read first; before that their uses are known
GLITCHES = 0.01  # share of the reads of a glitching register that say 0
AFTER_EXCHANGE = 0.4  # what a new meter shows already, in mean hours
HOURS_PER_YEAR = 8_766


class Counter:
    """A register that counts on as hours are asked for; asking is pure, it only remembers what it has summed."""

    def __init__(self, seed: int, one: VirtualMeter, climate: Climate) -> None:
        self._seed, self.one, self._climate = seed, one, climate
        self.first = first_hour(one)
        self._sums = np.zeros(1, np.int64)  # [n]: passed in the first n hours

    def at(self, at_us: int) -> int:
        """What the register shows [book unit]: whole hours, and the part of the last one that has passed."""
        hour, part_us = divmod(at_us - self.first * HOUR_US, HOUR_US)
        if hour < 0:
            raise ValueError("the register was not read yet")
        counted = self._counted(hour)
        counted += (self._counted(hour + 1) - counted) * part_us // HOUR_US if part_us else 0
        return self._shown(counted, at_us)

    def _counted(self, hours: int) -> int:
        known = len(self._sums) - 1
        if hours > known:
            more = hours - known + 24
            found = uses(
                self._seed, self.one, self.first + known, more, hourly(self.one, self._climate, self.first + known, more)
            )
            self._sums = np.append(self._sums, self._sums[-1] + np.cumsum(found))
        return int(self._sums[hours])

    def _shown(self, counted: int, at_us: int) -> int:
        one = self.one
        shown = started_at(self._seed, one) + counted
        if one.fault == "exchanged" and at_us >= one.fault_us:
            shown = new_meter_shows(one) + counted - self._counted(one.fault_us // HOUR_US - self.first)
        if one.fault == "glitch" and at_us >= one.fault_us:
            minute = np.array([at_us // 60_000_000], np.int64)
            if chances(self._seed, f"glitch {one.meter.id}", minute)[0] < GLITCHES:
                return 0
        size, resolution = one.meter.register_size, one.meter.resolution
        return (shown % size if size else shown) // resolution * resolution

    def at_exchange(self) -> tuple[int, int]:
        """What the old meter showed last and the new one first, when it was exchanged."""
        counted = self._counted(self.one.fault_us // HOUR_US - self.first)
        return started_at(self._seed, self.one) + counted, new_meter_shows(self.one)


def first_hour(one: VirtualMeter) -> int:
    """The hour since 1970 in which the register begins to be read."""
    return to_us(one.began_at - READ_FOR) // HOUR_US


def started_at(seed: int, one: VirtualMeter) -> int:
    """What the register showed then [book unit]: up to six years of use."""
    years = 1 + 5 * float(chances(seed, f"register {one.meter.id}", np.zeros(1, np.int64))[0])
    return round(years * HOURS_PER_YEAR * mean_hour(one)) // one.meter.resolution * one.meter.resolution


def new_meter_shows(one: VirtualMeter) -> int:
    """What a new meter shows when it is put in [book unit]."""
    return round(AFTER_EXCHANGE * mean_hour(one)) // one.meter.resolution * one.meter.resolution


def hourly(one: VirtualMeter, climate: Climate, first: int, n: int) -> Floats:
    """Air temperature of a meter's building in some hours [°C], (n,)."""
    return climate(one.station, np.arange(first, first + n, dtype=np.int64))
