"""The weather of a station's local day, for what depends on it: mean temperature, degree days, sunshine. Pure."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.events import Event
from dure.core.time import Interval, format_instant
from dure.services.environment.model import SERVICE
from dure.services.environment.rules import Choice, load_pack

OBSERVED = "environment.weather.observed"
METHOD = "environment.weather_day/1"
PACK = "weather_day"
DAY_H = 24


class DayRules(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of ``rules/weather_day.toml``: bases [Cel], hours a day needs, what an hour needs, waiting [h], days looked at."""

    heating_base_c: float
    cooling_base_c: float
    hours_least: int
    temperature_readings_least: int
    share_least: float
    settle_h: float
    look_back_d: int
    history_d: int
    version: str


class Hours(msgspec.Struct, frozen=True, eq=False):
    """The n hours of a day at one station: (n,) means, NaN where an hour does not count.

    Attributes
    ----------
    temperature_c : air temperature [Cel]; sun_w_m2 : solar irradiance [W/m2]
    """

    temperature_c: NDArray[np.float64]
    sun_w_m2: NDArray[np.float64]


class DayWeather(msgspec.Struct, frozen=True, kw_only=True):
    """The weather of a day.

    Attributes
    ----------
    mean_c, low_c, high_c : of the hourly means of air temperature [Cel]
    heating_kd, cooling_kd : degree days of the day's mean against the bases [K d]
    sun_wh_m2 : solar energy on level ground [Wh/m2]; None where it was not measured for all hours that count
    hours : that counted; readings_sha256 : digest of the hourly means it rests on
    """

    mean_c: float
    low_c: float
    high_c: float
    heating_kd: float
    cooling_kd: float
    sun_wh_m2: float | None
    hours: int
    readings_sha256: str


def day_rules(day: date, folder: Path | None = None) -> DayRules:
    """The numbers in force on a day."""
    pack = load_pack(PACK, folder)
    values = {one.id: one.value for one in pack.rows("choices", Choice, day)}
    return msgspec.convert(values | {"version": f"{pack.id}@{pack.version}"}, DayRules, strict=False)


def day_weather(hours: Hours, rules: DayRules) -> DayWeather | None:
    """The weather of a day from its hours; None when too few of them count."""
    known = np.isfinite(hours.temperature_c)
    if int(known.sum()) < rules.hours_least:
        return None
    values = hours.temperature_c[known]
    mean = float(values.mean())
    sun = hours.sun_w_m2
    whole = bool(np.isfinite(sun).sum() >= rules.hours_least)
    return DayWeather(
        mean_c=round(mean, 3),
        low_c=round(float(values.min()), 3),
        high_c=round(float(values.max()), 3),
        heating_kd=round(max(0.0, rules.heating_base_c - mean), 3),
        cooling_kd=round(max(0.0, mean - rules.cooling_base_c), 3),
        sun_wh_m2=round(float(np.nanmean(np.maximum(sun, 0.0))) * len(sun), 1) if whole else None,
        hours=int(known.sum()),
        readings_sha256=_digest(hours),
    )


def weather_event(station: str, day: date, span: Interval, found: DayWeather, rules: DayRules, at: datetime) -> Event:
    """The weather of a day was observed; told once."""
    data: dict[str, Any] = msgspec.to_builtins(found)
    data |= {
        "station": station,
        "day": day.isoformat(),
        "interval": {"start": format_instant(span.start), "end": format_instant(span.end)},
        "heating_base_c": rules.heating_base_c,
        "cooling_base_c": rules.cooling_base_c,
        "method": METHOD,
        "rules": rules.version,
    }
    return Event(id=weather_id(station, day), type=OBSERVED, source=f"dure/{SERVICE}", time=at, subject=station, data=data)


def weather_id(station: str, day: date) -> str:
    """Id of the event of a station's day."""
    return f"weather-{station}-{day.isoformat()}"


def _digest(hours: Hours) -> str:
    rows = np.column_stack([hours.temperature_c, hours.sun_w_m2])
    words = "\n".join(",".join("" if np.isnan(one) else repr(float(one)) for one in row) for row in rows)
    return hashlib.sha256(words.encode()).hexdigest()
