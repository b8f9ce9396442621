"""How the bins of a demo city fill and what their sensors say: a pure function of seed, bin, instant and emptyings.

Every "chance" is a hash of seed, name and number, so any instant can be asked in any order and gives the same on every
machine. Parameters are those of the fill data Dure's reference measured (Philadelphia 2014, Wyndham 2018-2021): rates
lognormal with median 11.7 %/d and sigma 0.75, factors by weekday, gamma days with a coefficient of variation of 0.5, sensor
noise of 3 %.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from statistics import NormalDist
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec
from scipy.special import gammaincinv

from dure.core.time import US_PER_S, to_us
from dure.services.waste.model import Bin

Fault = Literal["", "silent", "stuck", "jumping", "low_battery", "blocked", "contradicted", "not_compacting"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
Speech = Literal["df702", "em400", "compactor", "counter", "bigbelly", "none"]
SPEECHES: tuple[Speech, ...] = get_args(Speech)

RATE_MEDIAN, RATE_SIGMA = 0.117, 0.75
RATE_SPAN = (0.02, 0.6)
WEEKDAY = (1.04, 1.04, 1.14, 1.07, 0.78, 1.01, 0.94)  # Monday first, Wyndham
DAY_CV = 0.5
NOISE_SD = 0.03
BRIM_SEEN = 1.1  # a sensor under the lid sees no heap higher than this
JUMPS = 0.3  # share of readings of a jumping sensor
UNDERSTATED = 0.45  # what a contradicted sensor shows of the level
COVER_M = 0.04  # what a covered sensor measures
NIGHT_H = 5.5  # share of a day's waste that comes until an hour: nothing before
COUNTERS_FROM = date(2026, 1, 1)
COMPACTION_STEP = 0.04  # a compactor presses each time its level rose by so much
_NORMAL = NormalDist()


class VirtualBin(msgspec.Struct, frozen=True, kw_only=True):
    """What the simulator must know of a bin. A fault shows from `fault_from` on."""

    bin: Bin
    device: str = ""
    speech: Speech = "none"
    dev_eui: str = ""
    codec: str = ""
    serial: str = ""
    fault: Fault = ""
    fault_from: datetime | None = None
    zone: ZoneInfo = ZoneInfo("Asia/Seoul")

    def is_faulty(self, at: datetime) -> bool:
        """Whether the fault shows already."""
        return bool(self.fault) and (self.fault_from is None or at >= self.fault_from)


def chance(seed: int, name: str, number: int) -> float:
    """A number in (0, 1) that only depends on its arguments."""
    digest = hashlib.blake2b(f"{seed}/{name}/{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / (2**64 + 1)


def rate_of(seed: int, name: str) -> float:
    """Mean rise of a bin [1/d]."""
    drawn = RATE_MEDIAN * math.exp(RATE_SIGMA * _NORMAL.inv_cdf(chance(seed, f"rate {name}", 0)))
    return min(max(drawn, RATE_SPAN[0]), RATE_SPAN[1])


@lru_cache(maxsize=65_536)
def of_day(seed: int, name: str, day: date) -> float:
    """What is thrown in on a day, as a share of the bin: gamma about its mean for that weekday."""
    shape = 1 / DAY_CV**2
    drawn = float(gammaincinv(shape, chance(seed, f"day {name}", day.toordinal()))) / shape
    return rate_of(seed, name) * WEEKDAY[day.weekday()] * drawn


def _until(hour: float) -> float:
    """Share of a day's waste that has come at an hour of the day: evenly smooth from half past five to midnight."""
    part = min(max((hour - NIGHT_H) / (24 - NIGHT_H), 0.0), 1.0)
    return part - math.sin(2 * math.pi * part) / (2 * math.pi) * 0.6


def thrown_in(seed: int, one: VirtualBin, start: datetime, end: datetime) -> float:
    """What came into a bin in ``[start, end)``, as a share of it."""
    if end <= start:
        return 0.0
    begin, finish = start.astimezone(one.zone), end.astimezone(one.zone)
    name, first, last = one.bin.id, begin.date(), finish.date()
    whole = sum(of_day(seed, name, first + timedelta(days=n)) for n in range((last - first).days))
    return whole + of_day(seed, name, last) * _until(_hour(finish)) - of_day(seed, name, first) * _until(_hour(begin))


def _hour(at: datetime) -> float:
    return at.hour + at.minute / 60 + at.second / 3600


def rounds_of(seed: int, one: VirtualBin, start: datetime, end: datetime) -> list[datetime]:
    """When the virtual crew empties a bin in ``[start, end)`` by its fixed interval, in the morning, oldest first."""
    every_d = min(max(round(0.75 / rate_of(seed, one.bin.id)), 1), 10)
    phase = int(chance(seed, f"phase {one.bin.id}", 0) * every_d)
    found = []
    day = start.astimezone(one.zone).date()
    while day <= end.astimezone(one.zone).date():
        if (day.toordinal() + phase) % every_d == 0:
            minutes = int(300 * chance(seed, f"round {one.bin.id}", day.toordinal()))
            at = datetime.combine(day, time(6), one.zone) + timedelta(minutes=minutes)
            if start <= at < end:
                found.append(at)
        day += timedelta(days=1)
    return found


def level(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> float:
    """How full the bin truly is at an instant, above 1 when it overflows; `emptied` ascending."""
    place = bisect_right(emptied, at)
    since = emptied[place - 1] if place else at - timedelta(days=2 + 3 * chance(seed, f"first {one.bin.id}", 0))
    return thrown_in(seed, one, since, at)


def measured(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    """What the bin's device says at an instant, by property; nothing when it is silent or there is none."""
    faulty = one.is_faulty(at)
    if one.speech == "none" or (faulty and one.fault == "silent"):
        return {}
    if faulty and one.fault == "stuck" and one.fault_from is not None:
        return measured(seed, one, one.fault_from - timedelta(seconds=1), emptied)
    return _SAYS[one.speech](seed, one, at, emptied)


def _seen(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> float:
    """The level as the sensor sees it, with its noise and its fault."""
    number = to_us(at) // US_PER_S
    true = min(level(seed, one, at, emptied), BRIM_SEEN)
    if one.is_faulty(at):
        if one.fault == "contradicted":
            true *= UNDERSTATED
        elif one.fault == "jumping" and chance(seed, f"jumps {one.bin.id}", number) < JUMPS:
            return chance(seed, f"jump {one.bin.id}", number)
    return max(0.0, true + NOISE_SD * _NORMAL.inv_cdf(chance(seed, f"noise {one.bin.id}", number)))


def _distance_m(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> float:
    if one.fault == "blocked" and one.is_faulty(at):
        return COVER_M
    depth_m = one.bin.depth_m or 1.0
    return max(0.0, depth_m - _seen(seed, one, at, emptied) * (depth_m - one.bin.full_m))


def _temperature(seed: int, at: datetime) -> float:
    """Inside the housing [°C]: season, day and a little of the day's own."""
    season = 12 - 14 * math.cos(2 * math.pi * (at.timetuple().tm_yday - 22) / 365.25)
    day = 4 * math.sin(2 * math.pi * ((at.hour + at.minute / 60) - 0) / 24)  # UTC: warmest at 15 h in Korea
    return round(season + day + 4 * (chance(seed, "weather", at.toordinal()) - 0.5), 1)


def _battery(seed: int, one: VirtualBin, at: datetime) -> float:
    age = (at.toordinal() + 900 * chance(seed, f"battery {one.bin.id}", 0)) % 900
    good = 0.98 - 0.6 * age / 900
    return 0.06 if one.fault == "low_battery" and one.is_faulty(at) else round(good, 2)


def _df702(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    distance_m = round(_distance_m(seed, one, at, emptied), 3)
    return {
        "distance": distance_m,
        "device_temperature": round(_temperature(seed, at)),
        "full_alarm": float(distance_m <= one.bin.full_m + 0.05),
        "fire_alarm": 0.0,
        "tilted": 0.0,
        "battery_low": float(_battery(seed, one, at) < 0.1),
    }


def _em400(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    return {
        "distance": round(_distance_m(seed, one, at, emptied), 3),
        "device_temperature": _temperature(seed, at),
        "battery_fraction": _battery(seed, one, at),
        "tilted": 0.0,
    }


def _total(seed: int, one: VirtualBin, at: datetime) -> float:
    """Everything thrown in since the counters began, as shares of the bin."""
    begin = datetime.combine(COUNTERS_FROM, time(0), one.zone)
    return thrown_in(seed, one, begin, at)


def _deposits(seed: int, one: VirtualBin, at: datetime) -> float:
    holds_l = one.bin.capacity_l * one.bin.compaction
    return float(math.floor(_total(seed, one, at) * holds_l / one.bin.deposit_l))


def _compactor(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    pressed_at = at
    if one.fault == "not_compacting" and one.is_faulty(at) and one.fault_from is not None:
        pressed_at = one.fault_from
    return {
        "fill_fraction": round(min(_seen(seed, one, at, emptied), 1.0), 2),
        "compactions_total": float(math.floor(_total(seed, one, pressed_at) / COMPACTION_STEP)),
        "deposits_total": _deposits(seed, one, at),
        "battery_fraction": _battery(seed, one, at),
        "hopper_jammed": 0.0,
        "hopper_locked": 0.0,
        "fire_alarm": 0.0,
    }


def _counter(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    return {
        "deposits_total": _deposits(seed, one, at),
        "emptyings_total": float(bisect_right(emptied, at)),
        "battery_fraction": _battery(seed, one, at),
        "lid_open": 0.0,
    }


def _bigbelly(seed: int, one: VirtualBin, at: datetime, emptied: Sequence[datetime]) -> dict[str, float]:
    return {"fill_fraction": math.floor(min(_seen(seed, one, at, emptied), 1.0) * 5 + 0.5) / 5}


_SAYS: Mapping[Speech, Callable[[int, VirtualBin, datetime, Sequence[datetime]], dict[str, float]]] = {
    "df702": _df702,
    "em400": _em400,
    "compactor": _compactor,
    "counter": _counter,
    "bigbelly": _bigbelly,
}
