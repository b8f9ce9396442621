"""The hourly air temperature where a building stands: of its own station, or of the nearest; stations may complete each other.

The station that is named by the building comes first, else the nearest whose hours are known well enough. Hours it has not are
taken from the next ones, less the mean difference of both in the hours they share. Where each hour came from is told. Pure.

=======================  =======================================================================
``weather.none``         no station with air temperature is near
``weather.coverage``     too few hours of the span are known, of all stations together
=======================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.geo import Point, distance_m
from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.intervals.interval_books import GRID_US

if TYPE_CHECKING:
    from dure.engines.telemetry.port import RollUpColumns
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.model import Building

TEMPERATURE = "air_temperature"


class Station(msgspec.Struct, frozen=True):
    """Where a temperature is observed, and the share of the span's hours it knows [1]."""

    asset: str
    point: Point
    share: float


class Sky(msgspec.Struct, frozen=True, eq=False):
    """What all stations know of a span.

    Attributes
    ----------
    start_us : begin of the first hour [us since 1970 UTC]
    stations : (n_stations,)
    temperature_c : (n_stations, n_hours) hourly means, NaN where nothing was observed
    """

    start_us: int
    stations: tuple[Station, ...]
    temperature_c: NDArray[np.float64]

    @property
    def end_us(self) -> int:
        """End of the last hour."""
        return self.start_us + int(self.temperature_c.shape[1]) * GRID_US


class Source(msgspec.Struct, frozen=True):
    """Which share of the hours came from a station [1], how far away it is, and what was taken off it [degree C]."""

    asset: str
    share: float
    distance_m: int
    offset_c: float = 0.0


class Weather(msgspec.Struct, frozen=True, eq=False):
    """Temperature of each hour of a span (n,), NaN where it is not known, and where it came from."""

    start_us: int
    temperature_c: NDArray[np.float64]
    sources: tuple[Source, ...]

    @property
    def coverage(self) -> float:
        """Share of the hours that are known [1]."""
        return float(np.isfinite(self.temperature_c).mean()) if len(self.temperature_c) else 0.0

    def part(self, start_us: int, end_us: int) -> NDArray[np.float64]:
        """(n,) the hours of ``[start_us, end_us)``, NaN outside of the span."""
        found = np.full((end_us - start_us) // GRID_US, np.nan)
        offset = (start_us - self.start_us) // GRID_US
        first, last = max(0, offset), min(len(self.temperature_c), offset + len(found))
        if first < last:
            found[first - offset : last - offset] = self.temperature_c[first:last]
        return found


def sky_of(rows: RollUpColumns, places: Mapping[str, Point], span_us: tuple[int, int]) -> Sky:
    """What the hourly roll-ups of a span say; assets without a place are left out."""
    start, hours = span_us[0], (span_us[1] - span_us[0]) // GRID_US
    named = sorted(set(rows.asset) & places.keys())
    row_of = {name: row for row, name in enumerate(named)}
    found = np.full((len(named), hours), np.nan)
    row = np.array([row_of.get(name, -1) for name in rows.asset], np.int64)
    place = (rows.start_us - start) // GRID_US
    kept = (row >= 0) & (place >= 0) & (place < hours) & np.isfinite(rows.mean)
    found[row[kept], place[kept]] = np.round(rows.mean[kept], 3)
    shares = np.isfinite(found).mean(1) if hours else np.zeros(len(named))
    stations = tuple(Station(name, places[name], float(share)) for name, share in zip(named, shares.tolist(), strict=True))
    return Sky(start, stations, found)


def weather_at(building: Building, sky: Sky, rules: BaselineRules, *, share_min: float | None = None) -> Weather | Refused:
    """The temperature where a building stands, or why it is not known; `share_min` of the hours [1], None: by the rules."""
    near = near_stations(building, sky.stations, rules)
    if not near:
        return Refused(
            "weather.none",
            Text(
                f"{rules.station_km_max:g} km 안에 기온을 재는 측정소가 없습니다.",
                f"No station within {rules.station_km_max:g} km observes the air temperature.",
            ),
        )
    found, sources = _completed([(row, metres) for row, metres in near[: rules.stations_max]], sky, rules)
    weather = Weather(sky.start_us, found, tuple(sources))
    if weather.coverage >= (rules.span_share_min if share_min is None else share_min):
        return weather
    share = f"{weather.coverage:.0%}"
    return Refused(
        "weather.coverage",
        Text(f"이 기간에 기온을 아는 시간이 {share}뿐입니다.", f"The air temperature of only {share} of the hours is known."),
    )


def near_stations(building: Building, stations: Sequence[Station], rules: BaselineRules) -> list[tuple[int, float]]:
    """Rows of stations that may serve, with their distance [m]: its own first, then whole ones by distance, then the others."""
    here = Point(building.lon, building.lat)
    ranked = []
    for row, one in enumerate(stations):
        metres = distance_m(here, one.point)
        own = one.asset == building.station
        if one.share > 0 and (own or metres <= 1000 * rules.station_km_max):
            ranked.append((not own, one.share < rules.station_share_min, metres, one.asset, row))
    return [(row, metres) for _, _, metres, _, row in sorted(ranked)]


def _completed(near: Sequence[tuple[int, float]], sky: Sky, rules: BaselineRules) -> tuple[NDArray[np.float64], list[Source]]:
    found = np.full(sky.temperature_c.shape[1], np.nan)
    sources: list[Source] = []
    for row, metres in near:
        values = sky.temperature_c[row]
        both, wanted = np.isfinite(found) & np.isfinite(values), np.isnan(found) & np.isfinite(values)
        if not wanted.any():
            continue
        shared = int(both.sum()) >= rules.common_h_min
        offset = round(float((values[both] - found[both]).mean()), 3) if shared else 0.0
        found[wanted] = np.round(values[wanted] - offset, 3)
        sources.append(Source(sky.stations[row].asset, float(wanted.mean()), round(metres), offset))
    return found, sources
