"""What the buildings of a demo city use: a pure function of seed, meter, hour and air temperature, faults included.

Every "chance" is a hash of seed, name and hour, so any hour can be asked in any order and gives the same on every machine; hours
come as arrays. Shapes and levels are plausible for Korean public buildings, not a copy of any: a base that never rests, a
schedule by the kind of use, heating below and cooling above a balance point, a scatter of days and hours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from dure.core.time import to_us
from dure.services.buildings.model import Building, Meter

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Climate = Callable[[str, Ints], Floats]
"""Air temperature at a station in the middle of each hour [°C], hours counted since 1970 UTC."""

Fault = Literal["", "leak", "weekend_on", "stuck", "exchanged", "glitch", "missing_bill"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
Speech = Literal["register", "use", "em300", "bills", "formula"]
SPEECHES: tuple[Speech, ...] = get_args(Speech)

HOUR_US = 3_600_000_000
SINCE: Mapping[str, timedelta] = {
    "leak": timedelta(days=20),
    "weekend_on": timedelta(days=33),
    "stuck": timedelta(days=5),
    "exchanged": timedelta(days=4),
    "glitch": timedelta(days=9),
}  # how long before the demo began a fault shows
DAY_SD, HOUR_SD, VIGOUR_SD = 0.05, 0.06, 0.22
BALANCE_HEAT_C, BALANCE_COOL_C = 15.0, 20.0
BOILER = 0.88  # heat out of the gas or oil that goes in, gross
LEAK_SHARE = 0.6  # of a mean hour, day and night
GLITCHES = 0.01  # share of reads of a glitching register that say 0
LED_SHARE = 0.28  # of the plug and light load that a measure saves
PANELS_W_M2 = 6.0
CLOSED = frozenset({(1, 1), (3, 1), (5, 5), (6, 6), (8, 15), (10, 3), (10, 9), (12, 25)})  # holidays with a fixed day
KJ_PER_WH, MJ_PER_M3 = 3.6, 42.7
WH_PER_L: Mapping[str, float] = {"kerosene": 10_200.0, "diesel": 10_480.0}  # gross
WH_PER_G_LPG = 13.9


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How a kind of use goes about.

    Attributes
    ----------
    opens_h, closes_h : hours of the local day
    days : share of a full day on each weekday, Monday first
    base_w_m2, open_w_m2 : electricity that never rests, and what comes on with the schedule [W/m2]
    cool_w_m2_k : electricity for cooling [W/m2 per K above the balance point], on the schedule
    heat_w_m2_k : heat [W/m2 per K below the balance point]; a part of it goes on at night
    warm_water_w_m2 : heat for water on the schedule [W/m2]
    water_l_m2_d : water of a full day [L/m2]
    """

    opens_h: float = 8.0
    closes_h: float = 19.0
    days: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 0.12, 0.06)
    base_w_m2: float = 3.8
    open_w_m2: float = 13.0
    cool_w_m2_k: float = 1.1
    heat_w_m2_k: float = 1.7
    warm_water_w_m2: float = 0.6
    water_l_m2_d: float = 1.6


# fmt: off
PROFILES: Mapping[str, Profile] = {
    "office": Profile(),
    "library": Profile(opens_h=8.5, closes_h=22, days=(0.1, 1, 1, 1, 1, 0.95, 0.9), base_w_m2=3.2, open_w_m2=11),
    "welfare": Profile(opens_h=8, closes_h=18.5, days=(1, 1, 1, 1, 1, 0.35, 0.06), base_w_m2=3, open_w_m2=10, warm_water_w_m2=2.0,
                       water_l_m2_d=3.5),
    "sports": Profile(opens_h=5.5, closes_h=22, days=(1, 1, 1, 1, 1, 1, 0.7), base_w_m2=9, open_w_m2=21, cool_w_m2_k=1.4,
                      heat_w_m2_k=2.6, warm_water_w_m2=24, water_l_m2_d=9),
    "culture": Profile(opens_h=9.5, closes_h=21, days=(0.15, 0.8, 0.8, 0.9, 1, 1, 0.9), base_w_m2=2.6, open_w_m2=9),
    "health": Profile(opens_h=8, closes_h=18, days=(1, 1, 1, 1, 1, 0.1, 0.06), base_w_m2=4.6, open_w_m2=13, water_l_m2_d=2.2),
    "school": Profile(opens_h=8, closes_h=21, days=(1, 1, 1, 1, 1, 0.5, 0.05), base_w_m2=2.4, open_w_m2=8, water_l_m2_d=2.0),
    "other": Profile(),
}
# fmt: on


class VirtualMeter(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator must know of a meter.

    Attributes
    ----------
    share : of the building's use that passes it [1]; a sub-meter has a part
    began_at : when the demo began: registers count from `count_from` on, faults show since some days before
    measure_at : since when a measure saves; None: there is none
    """

    meter: Meter
    building: Building
    speech: Speech
    began_at: datetime
    device: str = ""
    dev_eui: str = ""
    codec: str = ""
    station: str = ""
    fault: Fault = ""
    share: float = 1.0
    measure_at: datetime | None = None
    zone: ZoneInfo = ZoneInfo("Asia/Seoul")

    @property
    def fault_us(self) -> int:
        """Since when the fault shows, the begin of an hour [us]; far ahead when there is none."""
        since = SINCE.get(self.fault)
        return 2**62 if since is None else to_us(self.began_at - since) // HOUR_US * HOUR_US


def chances(seed: int, name: str, numbers: Ints) -> Floats:
    """Numbers in (0, 1) that only depend on the arguments (the finalizer of splitmix64 over a keyed counter), (n,)."""
    key = int.from_bytes(hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())
    with np.errstate(over="ignore"):
        x = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(key)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
    found: Floats = ((x >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return found


class LocalHours(msgspec.Struct, frozen=True, eq=False):
    """Hours by the city's clock, as columns (n,): day number, hour of the day, weekday (Monday 0), a closed day or not."""

    day: Ints
    hour: Ints
    weekday: Ints
    closed: NDArray[np.bool_]


@lru_cache(maxsize=16)
def local_hours(first: int, n: int, zone: ZoneInfo) -> LocalHours:
    """Hours ``first .. first + n`` since 1970 UTC by a clock."""
    times = [datetime.fromtimestamp(hour * 3_600, UTC).astimezone(zone) for hour in range(first, first + n)]
    return LocalHours(
        np.array([at.toordinal() for at in times], np.int64),
        np.array([at.hour for at in times], np.int64),
        np.array([at.weekday() for at in times], np.int64),
        np.array([(at.month, at.day) in CLOSED for at in times], np.bool_),
    )


def schedule(profile: Profile, local: LocalHours, *, weekends: NDArray[np.bool_] | None = None) -> Floats:
    """How much of a full day's bustle there is in each hour [0..1], (n,); `weekends` true: a weekend runs like a weekday."""
    days = np.array(profile.days)[np.where(local.closed, 6, local.weekday)]
    if weekends is not None:
        days = np.where(weekends, np.maximum(days, 0.9), days)
    middle = local.hour + 0.5
    rise = np.clip((middle - profile.opens_h + 1) / 2, 0.0, 1.0)
    fall = np.clip((profile.closes_h - middle + 1) / 2, 0.0, 1.0)
    return np.asarray(days * rise * fall, np.float64)


def uses(seed: int, one: VirtualMeter, first: int, n: int, temperature_c: Floats) -> Ints:
    """What a meter counts in the hours ``first .. first + n`` since 1970 UTC [book unit], (n,): `flows`, each hour whole."""
    return np.rint(flows(seed, one, first, n, temperature_c)).astype(np.int64)


def flows(seed: int, one: VirtualMeter, first: int, n: int, temperature_c: Floats) -> Floats:
    """What passes in the hours ``first .. first + n`` since 1970 UTC [book unit], (n,), never below 0.

    Parameters
    ----------
    temperature_c : (n,) air temperature of each hour [°C]
    """
    hours = np.arange(first, first + n, dtype=np.int64)
    local = local_hours(first, n, one.zone)
    profile = PROFILES.get(one.building.use, PROFILES["other"])
    faulty = hours * HOUR_US >= one.fault_us
    weekends = faulty if one.fault == "weekend_on" else None
    busy = schedule(profile, local, weekends=weekends)
    raw = _LOADS[one.meter.fuel](Moment(seed, one, profile, hours, local, busy, temperature_c))
    raw *= one.share * vigour(seed, one) * _scatter(seed, one, hours, local)
    if one.fault == "leak":
        raw = raw + np.where(faulty, LEAK_SHARE * mean_hour(one), 0.0)
    if one.fault == "stuck":
        raw = np.where(faulty, 0.0, raw)
    return np.asarray(np.maximum(raw, 0.0), np.float64)


def vigour(seed: int, one: VirtualMeter) -> float:
    """How much more or less than its kind a building uses of what a meter counts [1]: lognormal about 1."""
    heats = one.meter.fuel not in ("electricity", "pv", "water")
    name = f"vigour {one.building.id} {'heat' if heats else one.meter.fuel}"
    return float(np.exp(VIGOUR_SD * ndtri(chances(seed, name, np.zeros(1, np.int64))[0])))


def mean_hour(one: VirtualMeter) -> float:
    """What passes a meter of electricity, heat or water in an hour, roughly, by its profile [book unit]."""
    profile = PROFILES.get(one.building.use, PROFILES["other"])
    full_days = sum(profile.days) / 7
    if one.meter.fuel == "water":
        return one.share * one.building.area_m2 * profile.water_l_m2_d * full_days / 24
    open_share = full_days * (profile.closes_h - profile.opens_h) / 24
    return one.share * one.building.area_m2 * (profile.base_w_m2 + profile.open_w_m2 * open_share)


class Moment(msgspec.Struct, frozen=True, eq=False):
    """A meter in some hours: what its load is made of."""

    seed: int
    one: VirtualMeter
    profile: Profile
    hours: Ints
    local: LocalHours
    busy: Floats
    temperature_c: Floats


def _electricity(now: Moment) -> Floats:
    """[Wh]: base, plugs and light on the schedule, cooling, and fans and pumps of the heating."""
    profile = now.profile
    plugs = profile.open_w_m2 * now.busy
    if now.one.measure_at is not None:
        saves = now.hours * HOUR_US >= to_us(now.one.measure_at)
        plugs = plugs * np.where(saves, 1 - LED_SHARE, 1.0)
    cooling = profile.cool_w_m2_k * np.maximum(now.temperature_c - BALANCE_COOL_C, 0.0) * (0.15 + 0.85 * now.busy)
    fans = 0.12 * profile.heat_w_m2_k * np.maximum(BALANCE_HEAT_C - now.temperature_c, 0.0) * (0.1 + 0.9 * now.busy)
    return np.asarray(now.one.building.area_m2 * (profile.base_w_m2 + plugs + cooling + fans), np.float64)


def _heat(now: Moment) -> Floats:
    """[Wh]: below the balance point, less at night, and warm water on the schedule."""
    cold = np.maximum(BALANCE_HEAT_C - now.temperature_c, 0.0)
    heating = now.profile.heat_w_m2_k * cold * (0.25 + 0.75 * now.busy)
    return np.asarray(now.one.building.area_m2 * (heating + now.profile.warm_water_w_m2 * now.busy), np.float64)


def _water(now: Moment) -> Floats:
    """[L], on the schedule; next to nothing at night."""
    share = now.busy / max(now.profile.closes_h - now.profile.opens_h, 1.0) + 0.0008
    return np.asarray(now.one.building.area_m2 * now.profile.water_l_m2_d * share, np.float64)


def _sun(now: Moment) -> Floats:
    """[Wh] of panels of 6 W for each m2 of floor area, by season, hour and cloud of the day."""
    at = now.local.hour.astype(np.float64)  # the middle of the hour, less half: noon is at half past twelve by Korea's clock
    season = np.cos(2 * np.pi * (now.local.day - 172) / 365.25)
    height = np.maximum(np.cos(np.pi * (at - 12) / (12.2 + 2.4 * season)), 0.0) * (0.72 + 0.24 * season)
    height = np.where(np.abs(at - 12) < 6.1 + 1.2 * season, height, 0.0)
    cloud = 0.25 + 0.75 * chances(now.seed, "sky", now.local.day)
    return np.asarray(now.one.building.area_m2 * PANELS_W_M2 * height * cloud, np.float64)


_LOADS: Mapping[str, Callable[[Moment], Floats]] = {
    "electricity": _electricity,
    "heat": _heat,
    "city_gas": lambda now: _heat(now) / BOILER * KJ_PER_WH,
    "lpg": lambda now: _heat(now) / BOILER / WH_PER_G_LPG,
    "kerosene": lambda now: _heat(now) / BOILER / WH_PER_L["kerosene"],
    "diesel": lambda now: _heat(now) / BOILER / WH_PER_L["diesel"],
    "fuel_oil_bc": lambda now: _heat(now) / BOILER / WH_PER_L["diesel"],
    "water": _water,
    "pv": _sun,
}


def _scatter(seed: int, one: VirtualMeter, hours: Ints, local: LocalHours) -> Floats:
    """Days and hours differ: lognormal about 1, (n,)."""
    name = one.meter.id
    days = ndtri(chances(seed, f"day {name}", local.day))
    single = ndtri(chances(seed, f"hour {name}", hours))
    found: Floats = np.exp(DAY_SD * days + HOUR_SD * single - (DAY_SD**2 + HOUR_SD**2) / 2)
    return found
