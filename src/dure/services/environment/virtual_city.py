"""What the stations of a demo city would measure: a pure function of seed, station and instant, faults included.

Nothing is random twice: every "chance" is a hash of seed, name and time, so any instant can be asked in any order and
gives the same values on every machine. The shapes are plausible for the Korean west coast, not a forecast of anything.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from dure.core.time import US_PER_S, from_us, to_us

Fault = Literal["", "stuck", "spike", "silent", "clock", "new", "unit", "drift", "hour", "doubled", "moved"]
FAULTS: tuple[Fault, ...] = ("", "stuck", "spike", "silent", "clock", "new", "unit", "drift", "hour", "doubled", "moved")
HOUR_S = 3600.0
DAY_S = 86_400.0
STUCK_FOR_S = 28 * DAY_S  # the stuck station repeats the values of the start of each such span
CLOCK_OFF: dict[Fault, timedelta] = {"clock": timedelta(hours=2), "hour": timedelta(hours=-1)}
KMH = 3.6  # the station with the wrong unit says km/h where m/s is meant
DRIFT_PER_DAY, DRIFT_SPAN_S = 0.02, 28 * DAY_S  # dust read higher day by day, until it is cleaned
MOVED_DEG = (-0.27, 0.02)  # how far from its registered place the moved station really stands
SECOND = {"pm10": 1.8, "pm2_5": 1.8, "noise_leq": 1.15}  # a second device under one id reads so much more
SPIKES_PER_READING = 0.05
SPIKE = {"air_temperature": 85.0, "relative_humidity": -12.0, "pm10": 6553.5, "pm2_5": 6553.5, "noise_leq": 0.0}
TIP_MM = 0.1  # a rain gauge counts tips of its bucket
WAVES = 5  # smooth differences across the city are sums of so many plane waves
KM_PER_DEGREE = 111.2


class Profile(msgspec.Struct, frozen=True):
    """How the surroundings of a station differ from open country."""

    heat_k: float = 0.0
    swing_k: float = 5.0
    wind_m_s: float = 2.4
    traffic: float = 0.2
    industry: float = 0.0
    noise_db: float = 46.0


PROFILES: dict[str, Profile] = {
    "urban": Profile(heat_k=1.2, swing_k=4.2, wind_m_s=1.7, traffic=0.6, noise_db=56.0),
    "roadside": Profile(heat_k=1.4, swing_k=4.2, wind_m_s=1.6, traffic=1.0, noise_db=66.0),
    "rural": Profile(),
    "industrial": Profile(heat_k=0.8, swing_k=4.6, wind_m_s=2.2, traffic=0.5, industry=1.0, noise_db=60.0),
    "coast": Profile(heat_k=0.3, swing_k=3.0, wind_m_s=4.4, traffic=0.2, noise_db=50.0),
    "river": Profile(),
}


class VirtualStation(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator must know of a station."""

    asset: str
    device: str
    properties: tuple[str, ...]
    lon: float
    lat: float
    period_s: int
    profile: Profile = Profile()
    fault: Fault = ""


class Sky(msgspec.Struct, frozen=True):
    """The weather over the whole city at an instant, and the sun at a station."""

    t_s: float
    solar_h: float
    summer: float  # -1 in mid winter, 1 in mid summer
    sun: float  # sine of the sun's height, 0 at night
    front: float  # -1..1, the large-scale weather of the last days
    rain_mm_h: float
    haze: float  # 0..1, a fine-dust episode
    rush: float  # 0..1, traffic of the hour


def chance(seed: int, name: str, number: int) -> float:
    """A number in [0, 1) that only depends on its arguments."""
    digest = hashlib.blake2b(f"{seed}/{name}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


_lattice = lru_cache(maxsize=65_536)(chance)


def drift(seed: int, name: str, t_s: float, scale_s: float) -> float:
    """Smooth noise in [-1, 1] that changes over `scale_s`."""
    position = t_s / scale_s
    left = math.floor(position)
    part = position - left
    weight = part * part * (3 - 2 * part)
    return 2 * ((1 - weight) * _lattice(seed, name, left) + weight * _lattice(seed, name, left + 1)) - 1


@lru_cache(maxsize=256)
def _wave(seed: int, name: str, number: int) -> tuple[float, float, float, float]:
    """One plane wave: two wave numbers [rad/km], its pace [rad/s] and its phase [rad]; 15 to 45 km long, 5 to 20 h."""
    bearing, length, pace, phase = (chance(seed, f"wave {name} {number}", part) for part in range(4))
    k = 2 * math.pi / (15 + 30 * length)
    angle = 2 * math.pi * bearing
    return k * math.cos(angle), k * math.sin(angle), 2 * math.pi / ((5 + 15 * pace) * HOUR_S), 2 * math.pi * phase


def across(seed: int, name: str, lon: float, lat: float, t_s: float) -> float:
    """What differs smoothly from place to place and moves on with the hours, in [-1, 1]: neighbours see nearly the same."""
    x, y = lon * KM_PER_DEGREE * math.cos(math.radians(lat)), lat * KM_PER_DEGREE
    waves = (_wave(seed, name, number) for number in range(WAVES))
    return sum(math.sin(kx * x + ky * y + pace * t_s + phase) for kx, ky, pace, phase in waves) / WAVES


def sky(seed: int, at: datetime, lon: float, lat: float) -> Sky:
    """The weather at an instant; the sun by the station's place (declination after Cooper, 1969)."""
    t_s = to_us(at) / US_PER_S
    solar_h = (t_s / HOUR_S + lon / 15) % 24
    day = at.timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + day) / 365)
    latitude = math.radians(lat)
    hour_angle = math.pi * (solar_h - 12) / 12
    height = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
    wet = drift(seed, "rain", t_s, 7 * HOUR_S) + 0.6 * drift(seed, "wet days", t_s, 3 * DAY_S)
    return Sky(
        t_s=t_s,
        solar_h=solar_h,
        summer=-math.cos(2 * math.pi * (day - 22) / 365.25),
        sun=max(0.0, height),
        front=drift(seed, "front", t_s, 2.5 * DAY_S),
        rain_mm_h=max(0.0, wet - 0.95) * 22,
        haze=max(0.0, drift(seed, "haze", t_s, 1.7 * DAY_S) - 0.2) / 0.8,
        rush=math.exp(-(((solar_h - 8) / 1.3) ** 2)) + math.exp(-(((solar_h - 18.5) / 1.6) ** 2)),
    )


def values(seed: int, station: VirtualStation, at: datetime, period_s: float | None = None) -> dict[str, float | None]:
    """What a station reports at an instant, by property; sums cover the `period_s` before it.

    A silent station reports nothing, a new one only missing values, a stuck one repeats itself, and one that spikes
    sometimes sends a value that cannot be true.
    """
    if station.fault == "silent" and at.minute >= 30:
        return {}
    if station.fault == "new":
        return dict.fromkeys(station.properties)
    seen_at = at
    if station.fault == "stuck":
        seen_at = from_us(int(to_us(at) // (STUCK_FOR_S * US_PER_S) * STUCK_FOR_S * US_PER_S))
    found = _measure(seed, station, seen_at, period_s or station.period_s)
    if station.fault == "spike" and chance(seed, f"spike {station.asset}", to_us(at) // US_PER_S) < SPIKES_PER_READING:
        found |= {one: wrong for one, wrong in SPIKE.items() if one in found}
    return {one: _spoilt(station, at, one, value) for one, value in found.items()} if station.fault in _SPOILT else found


_SPOILT = ("unit", "drift", "doubled")


def _spoilt(station: VirtualStation, at: datetime, name: str, value: float | None) -> float | None:
    """What a faulty station says instead of what it measured."""
    if value is None:
        return None
    factor, t_s = 1.0, to_us(at) / US_PER_S
    if station.fault == "unit" and name == "wind_speed":
        factor = KMH
    elif station.fault == "drift" and name in ("pm10", "pm2_5"):
        factor = 1 + DRIFT_PER_DAY * (t_s % DRIFT_SPAN_S) / DAY_S
    elif station.fault == "doubled" and int(t_s // station.period_s) % 2:
        factor = SECOND.get(name, 1.0)
    return round(value * factor, _DECIMALS.get(name, 1))


def stamped(station: VirtualStation, at: datetime) -> datetime:
    """The time a station writes on its reading: its own clock."""
    return at + CLOCK_OFF.get(station.fault, timedelta())


def _measure(seed: int, station: VirtualStation, at: datetime, period_s: float) -> dict[str, float | None]:
    lon, lat = station.lon, station.lat
    if station.fault == "moved":
        lon, lat = lon + MOVED_DEG[0], lat + MOVED_DEG[1]
    here = Surroundings(seed, station, sky(seed, at, lon, lat), period_s, (lon, lat))
    return {one: round(_MEASURES[one](here), _DECIMALS.get(one, 1)) for one in station.properties}


class Surroundings:
    """One station at one instant: what its instruments see."""

    def __init__(
        self, seed: int, station: VirtualStation, above: Sky, period_s: float, place: tuple[float, float] | None = None
    ) -> None:
        self.seed, self.station, self.sky, self.period_s = seed, station, above, period_s
        self.profile = station.profile
        self.place = place or (station.lon, station.lat)

    def across(self, name: str) -> float:
        """The smooth difference of a quantity at this place, in [-1, 1]."""
        return across(self.seed, name, *self.place, self.sky.t_s)

    def wobble(self, name: str, scale_s: float = 900.0) -> float:
        """The station's own drift of a quantity, in [-1, 1]."""
        return drift(self.seed, f"{name} {self.station.asset}", self.sky.t_s, scale_s)

    def temperature(self) -> float:
        """[°C]: season, front, warmest at three in the afternoon, a city that keeps its heat at night."""
        sky = self.sky
        day = math.cos(2 * math.pi * (sky.solar_h - 15) / 24)
        heat = self.profile.heat_k * (1 - 0.6 * max(0.0, day))
        return (
            12.3
            + 13.6 * sky.summer
            + 3.5 * sky.front
            + self.profile.swing_k * day
            + heat
            + 1.8 * self.across("temperature")
            - 0.4 * min(sky.rain_mm_h, 5)
            + (0.3 * self.wobble("temperature"))
        )

    def humidity(self) -> float:
        """Relative humidity [%]."""
        sky = self.sky
        day = math.cos(2 * math.pi * (sky.solar_h - 15) / 24)
        raw = 62 + 10 * sky.summer - 14 * day + 9 * sky.front + 12 * min(sky.rain_mm_h, 2)
        raw += 2 * self.wobble("humidity") - 5 * self.across("temperature")
        return min(100.0, max(12.0, raw))

    def pressure(self) -> float:
        """Air pressure [hPa]."""
        tide = 0.8 * math.cos(math.pi * (self.sky.solar_h - 10) / 6)
        return 1016 - 8 * self.sky.summer - 7 * self.sky.front + tide + 0.6 * self.across("pressure")

    def wind(self) -> float:
        """Wind speed [m/s]."""
        breeze = 0.7 + 0.5 * self.sky.sun + 0.5 * abs(self.sky.front)
        return max(0.0, self.profile.wind_m_s * breeze * (1 + 0.35 * self.wobble("wind", 300)) * (1 + 0.4 * self.across("wind")))

    def direction(self) -> float:
        """[°], from the north-west in winter and the south-west in summer."""
        return (270 - 45 * self.sky.summer + 60 * self.sky.front + 25 * self.wobble("direction", 600)) % 360

    def rain(self) -> float:
        """[mm] in the period, in tips of the bucket."""
        tips = self.sky.rain_mm_h * (1 + 0.3 * self.wobble("rain", 1800)) * self.period_s / HOUR_S / TIP_MM
        whole = math.floor(tips)
        return TIP_MM * (whole + (chance(self.seed, f"tip {self.station.asset}", int(self.sky.t_s)) < tips - whole))

    def sunshine(self) -> float:
        """Solar irradiance [W/m²]."""
        cloud = 0.35 + 0.3 * (1 - self.sky.front) * (self.sky.rain_mm_h == 0)
        return 1050 * self.sky.sun * min(1.0, cloud + 0.05 * self.wobble("cloud"))

    def fine_dust(self) -> float:
        """PM2.5 [µg/m³]."""
        sky, profile = self.sky, self.profile
        raw = (
            16
            - 5 * sky.summer
            + 62 * sky.haze
            + 4 * profile.traffic * sky.rush
            + 3 * profile.industry
            + 1.2 * self.wobble("dust")
        )
        return max(1.0, raw * (1 + 0.6 * self.across("dust")) * (0.55 if sky.rain_mm_h > 0.5 else 1.0))

    def rain_lag(self) -> float:
        """Rain [mm/h] as a river feels it."""
        return self.sky.rain_mm_h * (0.8 + 0.2 * self.wobble("runoff", 1800))

    def water(self) -> float:
        """Water temperature [°C]."""
        return max(
            0.2, 14 + 11 * self.sky.summer + 1.5 * self.sky.front + 0.8 * math.cos(2 * math.pi * (self.sky.solar_h - 17) / 24)
        )

    def noise(self) -> float:
        """Leq [dB(A)]."""
        night = 8 * (1 + math.cos(2 * math.pi * (self.sky.solar_h - 3) / 24)) / 2
        return self.profile.noise_db - night + 2 * self.sky.rush * self.profile.traffic + 1.8 * self.wobble("noise", 120)


def _battery(here: Surroundings) -> float:
    age = (here.sky.t_s / DAY_S + 400 * chance(here.seed, f"battery {here.station.asset}", 0)) % 400
    return 0.98 - 0.7 * age / 400


_MEASURES: Mapping[str, Callable[[Surroundings], float]] = {
    "air_temperature": Surroundings.temperature,
    "relative_humidity": Surroundings.humidity,
    "air_pressure": Surroundings.pressure,
    "wind_speed": Surroundings.wind,
    "wind_direction": Surroundings.direction,
    "precipitation": Surroundings.rain,
    "solar_irradiance": Surroundings.sunshine,
    "pm2_5": Surroundings.fine_dust,
    "pm10": lambda here: 1.45 * here.fine_dust() + 9 + 4 * here.wobble("coarse dust"),
    "o3": lambda here: max(
        0.002,
        (0.018 + 0.03 * here.sky.sun * (1.2 + here.sky.summer) - 0.008 * here.profile.traffic * here.sky.rush)
        * (1 + 0.25 * here.across("ozone")),
    ),
    "no2": lambda here: max(0.001, 0.010 + 0.022 * here.profile.traffic * here.sky.rush + 0.006 * here.sky.haze),
    "so2": lambda here: max(0.001, 0.002 + 0.004 * here.profile.industry + 0.001 * here.wobble("so2", 3600)),
    "co": lambda here: 0.35 + 0.35 * here.profile.traffic * here.sky.rush + 0.3 * here.sky.haze,
    "noise_leq": Surroundings.noise,
    "noise_max": lambda here: here.noise() + 11 + 4 * here.wobble("noise peak", 60),
    "water_temperature": Surroundings.water,
    "ph": lambda here: 7.5 + 0.35 * here.sky.sun + 0.1 * here.wobble("ph", 3600),
    "dissolved_oxygen": lambda here: 14.1 * math.exp(-0.0215 * here.water()) * (0.82 + 0.18 * here.sky.sun),
    "electrical_conductivity": lambda here: max(120.0, 560 - 60 * here.rain_lag() + 25 * here.wobble("conductivity", 3600)),
    "turbidity": lambda here: 9 + 35 * here.rain_lag() + 2 * here.wobble("turbidity", 1800),
    "toc": lambda here: 4.2 + 0.8 * here.rain_lag() + 0.3 * here.wobble("toc", 7200),
    "tn": lambda here: 5.1 + 0.4 * here.rain_lag() + 0.4 * here.wobble("tn", 7200),
    "tp": lambda here: 0.11 + 0.05 * here.rain_lag() + 0.015 * here.wobble("tp", 7200),
    "water_level": lambda here: 0.75 + 0.22 * here.rain_lag() + 0.03 * here.wobble("level", 3600),
    "battery_fraction": _battery,
    "battery_voltage": lambda here: 3.0 + 0.6 * _battery(here),
}
_DECIMALS = {
    "o3": 3, "no2": 3, "so2": 3, "co": 2, "ph": 2, "dissolved_oxygen": 2, "toc": 2, "tn": 3, "tp": 3, "water_level": 3,
    "battery_fraction": 2, "battery_voltage": 3, "relative_humidity": 0, "wind_direction": 0, "solar_irradiance": 0,
    "electrical_conductivity": 0,
}  # fmt: skip


def simulated(properties: Sequence[str]) -> bool:
    """Whether the simulator knows how to make all of these."""
    return all(one in _MEASURES for one in properties)
