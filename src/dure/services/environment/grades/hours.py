"""Hourly means that may be believed: from roll-ups, with enough good readings in the hour. Pure.

An hour of a series counts when its good readings (flag 1) are at least the wanted share of those its period promises.
Roll-ups also hold suspect readings (flag 3); where an hour has some, its mean is made anew from the good ones alone, which
the caller brings (`Hours.mixed` names those hours).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.observations import Flag, SeriesKey
from dure.core.time import US_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.engines.telemetry.port import RollUpColumns, SeriesColumns

HOUR_S = 3600
HOUR_US = HOUR_S * US_PER_S


class Hours(msgspec.Struct, frozen=True, eq=False):
    """Hourly means of many series over the same n hours, oldest first.

    Attributes
    ----------
    start_us : start of the first hour [µs since 1970 UTC]
    means : of each series (n,) mean of the hour in the property's unit, NaN where the hour does not count
    shares : of each series (n,) good readings as a share of those promised, 1 at the most
    mixed : (series, hour number) whose mean also holds suspect readings
    """

    start_us: int
    n: int
    means: Mapping[SeriesKey, NDArray[np.float64]]
    shares: Mapping[SeriesKey, NDArray[np.float64]]
    mixed: tuple[tuple[SeriesKey, int], ...] = ()

    @property
    def end_us(self) -> int:
        """End of the last hour."""
        return self.start_us + self.n * HOUR_US

    def of(self, asset: str, property_id: str) -> list[float | None]:
        """(n,) means of one series, None where the hour does not count."""
        found = self.means.get((asset, property_id))
        return [None] * self.n if found is None else [None if np.isnan(one) else one for one in found.tolist()]

    def assets(self, properties: Iterable[str]) -> list[str]:
        """Assets that have any hour of any of these properties, in order."""
        wanted = set(properties)
        return sorted({asset for (asset, name), found in self.means.items() if name in wanted and not np.isnan(found).all()})


def hours_of(rollups: Mapping[str, RollUpColumns], period_s: Mapping[str, int], start_us: int, n: int, share_min: float) -> Hours:
    """Hourly means from the hourly roll-ups of some properties.

    Parameters
    ----------
    rollups : of each property
    period_s : usual period of each property [s]
    start_us, n : the hours wanted
    share_min : good readings an hour needs, as a share of those its period promises (at least one) [1]
    """
    means: dict[SeriesKey, NDArray[np.float64]] = {}
    shares: dict[SeriesKey, NDArray[np.float64]] = {}
    mixed: list[tuple[SeriesKey, int]] = []
    for name, found in rollups.items():
        promised = max(1.0, HOUR_S / period_s[name])
        share = np.minimum(1.0, found.n_good / promised)
        counts = (share >= share_min) & (found.n_good > 0)
        hour = (found.start_us - start_us) // HOUR_US
        for row in np.flatnonzero((hour >= 0) & (hour < n)).tolist():
            key, at = (found.asset[row], name), int(hour[row])
            if key not in means:
                means[key], shares[key] = np.full(n, np.nan), np.zeros(n)
            shares[key][at] = share[row]
            if counts[row]:
                means[key][at] = found.mean[row]
                if found.n_suspect[row]:
                    mixed.append((key, at))
    return Hours(start_us, n, means, shares, tuple(mixed))


def without_suspect(hours: Hours, readings: Mapping[tuple[SeriesKey, int], SeriesColumns]) -> Hours:
    """The same hours, each mixed one made anew from its good readings; readings of an hour that is not mixed are ignored."""
    means = {key: found.copy() for key, found in hours.means.items()}
    for place in hours.mixed:
        if place in readings:
            (key, at), found = place, readings[place]
            good = found.value[found.flag == Flag.GOOD]
            means[key][at] = float(good.mean()) if len(good) else np.nan
    return Hours(hours.start_us, hours.n, means, hours.shares)
