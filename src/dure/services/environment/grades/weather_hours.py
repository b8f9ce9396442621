"""What the weather levels are asked about, from the hours of one station: sums of rain, days of heat, nights, dry days. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.environment.grades.averages import running_sums
from dure.services.environment.grades.hours import HOUR_US
from dure.services.environment.grades.weather_levels import effective_humidity, feels_like_summer

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from dure.services.environment.grades.weather_levels import LevelRules

DAY_HOURS_LEAST = 18  # hours a day needs before its lowest or highest value speaks for it
NIGHT = range(6)  # local hours 00 to 06, within the night of 18:01 to 09:00 in which the lowest night value falls
DAYS = 7


class StationHours(msgspec.Struct, frozen=True, eq=False):
    """n hours of one station, the newest last; NaN where an hour does not count.

    Attributes
    ----------
    end_us : end of the last hour [µs since 1970 UTC]
    temperature, temperature_low : (n,) mean and lowest air temperature [Cel]
    humidity : (n,) mean relative humidity [%]
    rain : (n,) precipitation of the hour [mm]
    snow : (n,) mean snow depth [cm]
    pm10 : (n,) mean [ug/m3]
    wind_speed, wind_gust : newest value [m/s], NaN where there is none now
    """

    end_us: int
    temperature: NDArray[np.float64]
    temperature_low: NDArray[np.float64]
    humidity: NDArray[np.float64]
    rain: NDArray[np.float64]
    snow: NDArray[np.float64]
    pm10: NDArray[np.float64]
    wind_speed: float = np.nan
    wind_gust: float = np.nan


def quantities(rules: LevelRules, past: StationHours, zone: ZoneInfo) -> dict[str, list[float | None]]:
    """Newest values by quantity, the newest last, as `observed_levels` takes them; whole local days only."""
    feels = np.array(
        [
            feels_like_summer(rules, t, h) if np.isfinite(t) and np.isfinite(h) else np.nan
            for t, h in zip(past.temperature.tolist(), past.humidity.tolist(), strict=True)
        ]
    )
    days = _Days(past, zone)
    lowest = days.each(past.temperature_low, np.min)
    dampness = days.each(past.humidity, np.mean)
    length = int(rules.choices["humidity_days"].value)
    return {
        "wind_speed": _list([past.wind_speed]),
        "wind_gust": _list([past.wind_gust]),
        "rain_3h": _list(running_sums(past.rain, 3)[-1:]),
        "rain_12h": _list(running_sums(past.rain, 12)[-1:]),
        "snow_24h": [_fresh_snow(past.snow)],
        "feels_like_max": days.each(feels, np.max),
        "temperature_min": lowest,
        "temperature_min_night": days.each(past.temperature_low, np.min, NIGHT),
        "temperature_min_drop": _drops(lowest),
        "effective_humidity": [effective_humidity(rules, dampness[: end + 1]) for end in range(length - 1, len(dampness))],
        "pm10": _list(past.pm10[-6:]),
    }


class _Days:
    """Which hour belongs to which whole local day."""

    def __init__(self, past: StationHours, zone: ZoneInfo) -> None:
        n = len(past.temperature)
        starts = [from_us(past.end_us - (n - number) * HOUR_US).astimezone(zone) for number in range(n)]
        self._hour = np.array([one.hour for one in starts])
        self._day = np.array([one.date().toordinal() for one in starts])
        today = from_us(past.end_us).astimezone(zone).date().toordinal()
        self._wanted = [today - back for back in range(DAYS, 0, -1)]

    def each(
        self, hours: NDArray[np.float64], of: Callable[[NDArray[np.float64]], np.floating], within: range | None = None
    ) -> list[float | None]:
        """One number of each of the last days, today left out; None where too few of its hours count."""
        found: list[float | None] = []
        for day in self._wanted:
            chosen = self._day == day
            if within is not None:
                chosen &= np.isin(self._hour, list(within))
            values = hours[chosen]
            values = values[np.isfinite(values)]
            least = DAY_HOURS_LEAST if within is None else len(within) * DAY_HOURS_LEAST // 24
            found.append(float(of(values)) if len(values) >= least else None)
        return found


def _drops(lowest: list[float | None]) -> list[float | None]:
    """How much the lowest temperature fell from each day to the next [K]."""
    return [None if before is None or after is None else before - after for before, after in pairwise(lowest)]


def _fresh_snow(snow: NDArray[np.float64]) -> float | None:
    """Snow that came in the last 24 hours [cm]: the sum of rises of its depth; None where an hour is missing."""
    last = snow[-25:]
    if len(last) < 25 or not np.isfinite(last).all():
        return None
    return float(np.maximum(np.diff(last), 0).sum())


def _list(values: NDArray[np.float64] | list[float]) -> list[float | None]:
    return [float(one) if np.isfinite(one) else None for one in values]
