"""Seeded bins for ``waste-faults``: weeks of deposits, emptyings, readings and people, and one fault put into some of them.

Rates are lognormal (median 11.7 % a day, sigma 0.75; of compactors, which stand where it is busy, 80 % of their loose volume),
days gamma with CV 0.5 to 1.0 and the weekday factors of Wyndham, deposits Poisson from seven to eleven at night, triangular 12.5
/ 33.4 / 57.1 L into 570 L, and a large bag every five months; sensors scatter by 3 % or 1 % and round to 1 %; one reading in
twenty is lost and one in a thousand is a stray; gateways go away for hours, once for most of the city. One bin in ten has a
noisy sensor (6 %). Crews empty by sight and habit, a third of them not on Sundays and nobody on the three days of Chuseok, when
some bins get twice as much and others half; they forget one tap in twenty and tap one in five hundred falsely; citizens report
overflows and sometimes a bin that is not full. (Rates, factors, deposits, noise and outages: waste.md 3.6; the rest is assumed.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from dure.core.time import from_us
from dure.services.waste.faults.findings import SENSOR_FAULTS, Series, Window, us_of
from dure.services.waste.model import Sighting

START_US = us_of(datetime(2026, 8, 31, tzinfo=UTC))  # a Monday
HOUR_US = 3_600_000_000
DAYS, WARM_UP_D = 84, 21
CHUSEOK = (24, 25, 26)  # days since the start: 24 to 26 September 2026
HOURS = DAYS * 24
WEEKDAY = np.array([1.04, 1.04, 1.14, 1.07, 0.78, 1.01, 0.94])
AWAKE = np.array([0.0] * 7 + [1.0] * 16 + [0.0])
DEPOSIT_L = np.array([12.5, 33.4, 57.1])
CAPACITY_L = 570.0
GATEWAYS = 10
CREW_HOUR = 7


@dataclass
class Bin:
    """One bin and everything that was heard of it."""

    id: str
    fault: str
    broken_h: int  # hour of the fault; HOURS when it has none
    level: Series
    battery: Series
    compactions: Series
    emptied_us: np.ndarray
    sightings: list[Sighting] = field(default_factory=list)

    def window(self, hour: int, weeks: int = 3) -> Window:
        """What is known of it at an hour."""
        now_us = START_US + hour * HOUR_US
        start_us = now_us - weeks * 7 * 24 * HOUR_US
        seen = tuple(one for one in self.sightings if start_us <= us_of(one.seen_at) <= now_us)
        emptied = self.emptied_us[(self.emptied_us >= start_us) & (self.emptied_us <= now_us)]
        return Window(
            self.id,
            now_us,
            self.level.between(start_us, now_us + 1),
            self.battery.between(start_us, now_us + 1),
            self.compactions.between(start_us, now_us + 1),
            tuple(emptied.tolist()),
            seen,
        )


def city(seed: int, bins: int, faulty: int) -> list[Bin]:
    """`bins` bins of which the first `faulty` get a fault each, the kinds in turn."""
    chance = np.random.default_rng(seed)
    away = _outages(chance)
    kinds = [SENSOR_FAULTS[number % len(SENSOR_FAULTS)] if number < faulty else "" for number in range(bins)]
    return [_bin(chance, number, kind, away[number % GATEWAYS]) for number, kind in enumerate(kinds)]


def _outages(chance: np.random.Generator) -> np.ndarray:
    """(gateways, hours) True while a gateway is away; once most of them together."""
    away = np.zeros((GATEWAYS, HOURS), bool)
    for gateway in range(GATEWAYS):
        for start in chance.choice(HOURS, chance.poisson(DAYS / 30), replace=False):
            away[gateway, start : start + chance.integers(3, 21)] = True
    start = chance.integers(WARM_UP_D * 24, HOURS - 48)
    away[: round(0.82 * GATEWAYS), start : start + 14] = True
    return away


def _bin(chance: np.random.Generator, number: int, kind: str, away: np.ndarray) -> Bin:
    pressing = kind == "not_compacting" or (kind != "contradicted" and chance.random() < 0.25)
    solar = pressing or chance.random() < 0.2
    powered = solar or kind == "low_battery" or chance.random() < 0.5
    broken_h = int(chance.integers((WARM_UP_D + 2) * 24, (DAYS - 4) * 24)) if kind else HOURS
    truth = _Truth(chance, kind, broken_h, pressing=pressing, sundays=number % 3 > 0)
    truth.live()
    broken_h = truth.broken_h
    if broken_h > (DAYS - 4) * 24 or (kind == "not_compacting" and truth.failed_h < 0):
        kind, broken_h = "", HOURS  # its first failing press would have come after the end
    level, when = _sensed(chance, truth, kind, broken_h, away)
    if kind == "contradicted":
        broken_h = _contradicted_h(truth, broken_h, when)
        if broken_h > (DAYS - 4) * 24:
            kind, broken_h = "", HOURS
    heard = np.isin(np.arange(HOURS), when)
    charge = _charge(chance, kind, broken_h, solar=solar)
    counter = Series(_us(when), truth.counter[when].astype(float)) if pressing else Series(_us(when[:0]), np.empty(0))
    battery = Series(_us(np.flatnonzero(heard)), charge[heard]) if powered else Series(_us(when[:0]), np.empty(0))
    emptied = np.array([us_of(one.seen_at) for one in truth.sightings if one.kind == "emptied"], np.int64)
    name = f"bin-{number:03}"
    sightings = [_named(one, name, index) for index, one in enumerate(sorted(truth.sightings, key=lambda one: one.seen_at))]
    return Bin(name, kind, broken_h, Series(_us(when), level), battery, counter, np.sort(emptied), sightings)


def _named(one: Sighting, name: str, index: int) -> Sighting:
    return Sighting(id=f"{name}-{index}", bin=name, kind=one.kind, seen_at=one.seen_at, level=one.level)


def _us(hours: np.ndarray) -> np.ndarray:
    return START_US + hours.astype(np.int64) * HOUR_US


class _Truth:
    """What is really in the bin, hour by hour, and who came by."""

    def __init__(self, chance: np.random.Generator, kind: str, broken_h: int, *, pressing: bool, sundays: bool) -> None:
        self.chance, self.kind, self.broken_h, self.pressing = chance, kind, broken_h, pressing
        self.works = [day not in CHUSEOK and (sundays or day % 7 < 6) for day in range(DAYS)]
        median = 0.8 if pressing else 0.117
        self.rate = float(np.exp(chance.normal(np.log(median), 0.35 if pressing else 0.75)))
        self.cv = float(chance.uniform(0.5, 1.0))
        self.failed_h = -1
        self.without_effect = chance.random() < 0.5
        self.level = np.zeros(HOURS)
        self.counter = np.zeros(HOURS, int)
        self.sightings: list[Sighting] = []
        self.empty_at = float(chance.uniform(0.6, 0.95))

    def live(self) -> None:
        chance = self.chance
        day = self.rate * WEEKDAY[np.arange(DAYS) % 7] * chance.gamma(1 / self.cv**2, self.cv**2, DAYS)
        day[list(CHUSEOK)] *= chance.uniform(0.5, 2.0)
        deposits = chance.poisson(np.outer(day, AWAKE / AWAKE.sum()).ravel() / DEPOSIT_L.mean() * CAPACITY_L)
        gained = np.array([chance.triangular(*DEPOSIT_L, size=n).sum() for n in deposits]) / CAPACITY_L
        bulky = chance.random(HOURS) < 0.2 / 30 / 24
        gained[bulky] += chance.exponential(0.2, bulky.sum())
        if self.kind == "contradicted":
            gained[self.broken_h] += 1.3
        pressed, loose, presses = chance.uniform(0, 0.3), 0.0, 0
        for hour in range(HOURS):
            if hour % 24 == CREW_HOUR and self.works[hour // 24] and self._visited(hour, pressed, pressed + loose):
                pressed, loose = (0.0, 0.0) if chance.random() < 0.95 else (0.0, float(chance.uniform(0.05, 0.2)))
            loose = min(loose + gained[hour], 1.3 - pressed)
            if self.pressing and pressed + loose >= 0.85:
                if self.kind == "not_compacting" and hour >= self.broken_h > self.failed_h:
                    self.broken_h = self.failed_h = hour  # it begins with the first press that fails
                works = not (self.kind == "not_compacting" and hour >= self.broken_h)
                presses += works or self.without_effect
                if works:
                    pressed, loose = min(pressed + loose / 5, 1.0), 0.0
            self._reported(hour, pressed + loose)
            self.level[hour], self.counter[hour] = pressed + loose, presses

    def _visited(self, hour: int, pressed: float, level: float) -> bool:
        """Whether a crew empties it; most taps are sent, few are false."""
        chance = self.chance
        full = pressed >= 0.65 or level >= 1 if self.pressing else level >= self.empty_at
        wanted = full and chance.random() < 0.8
        came = wanted or chance.random() < 0.04
        if (came and chance.random() < 0.95) or chance.random() < 0.002:
            seen = min(5, round(4 * (level + chance.normal(0, 0.08)))) / 4
            self._saw("emptied", hour, max(0.0, seen if seen < 1.25 else 1.125), 0)
        return came

    def _reported(self, hour: int, level: float) -> None:
        broken = self.kind == "contradicted" and hour >= self.broken_h
        rate = (2.0 if broken else 0.5) if level > 1 else 0.05 / 30
        if self.chance.random() < rate / 24:
            self._saw("report", hour, 1.1, 1_800)

    def _saw(self, kind: str, hour: int, level: float, after_s: int) -> None:
        at = from_us(START_US + hour * HOUR_US - HOUR_US // 2 + after_s * 1_000_000)
        self.sightings.append(Sighting(id="", bin="", kind=kind, seen_at=at, level=level))


def _sensed(
    chance: np.random.Generator, truth: _Truth, kind: str, broken_h: int, away: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Readings and the hours they came."""
    period = 1 if chance.random() < 0.7 else 3
    hours = np.arange(int(chance.integers(0, period)), HOURS, period)
    hours = hours[(chance.random(len(hours)) > 0.05) & ~away[hours]]
    value = truth.level[hours] + chance.normal(0, chance.choice([0.03, 0.01, 0.06], p=[0.6, 0.3, 0.1]), len(hours))
    stray = chance.random(len(hours)) < 0.001
    value[stray] = chance.uniform(0, 1, stray.sum())
    broken = hours >= broken_h
    if kind == "stuck":
        value[broken] = value[np.flatnonzero(broken)[0] - 1]
    elif kind == "jumping":
        leaps = broken & (chance.random(len(hours)) < 0.5)
        value[leaps] = chance.uniform(0, 1, leaps.sum())
    elif kind == "blocked":
        value[broken] = chance.uniform(0.93, 1.0) + chance.normal(0, 0.005, broken.sum())
    elif kind == "contradicted":
        value[broken] *= 0.35
    elif kind == "silent":
        value, hours = value[~broken], hours[~broken]
    return np.round(np.clip(value, 0, 1.05), 2), hours


def _contradicted_h(truth: _Truth, broken_h: int, when: np.ndarray) -> int:
    """Hour of the first overflow seen beside a reading that is wrong: until then nobody can say that the sensor is.

    A bin that was emptied before its sensor spoke again was contradicted by nobody yet.
    """
    for one in sorted(truth.sightings, key=lambda one: one.seen_at):
        hour = (us_of(one.seen_at) - START_US) / HOUR_US
        if one.level >= 1 and ((when >= broken_h) & (when <= hour) & (when >= hour - 6)).any():
            return int(hour)
    return HOURS


def _charge(chance: np.random.Generator, kind: str, broken_h: int, *, solar: bool) -> np.ndarray:
    """(hours,) charge of the battery: a solar one swings by day and weather, a lithium one goes down slowly."""
    hour = np.arange(HOURS)
    if solar:
        weather = np.zeros(DAYS)
        for day in range(1, DAYS):
            weather[day] = 0.6 * weather[day - 1] + chance.normal(0, 0.03)
        charge = 0.75 + 0.1 * np.sin(2 * np.pi * (hour % 24 - 9) / 24) + np.repeat(weather, 24)
    else:
        charge = chance.uniform(0.5, 0.98) - hour / 24 * chance.uniform(0.0003, 0.001)
    if kind == "low_battery":
        charge = charge - np.maximum(0, hour - broken_h) / 24 * chance.uniform(0.12, 0.3)
    return np.round(np.clip(charge + chance.normal(0, 0.005, HOURS), 0, 1), 3)
