"""Seeded homes whose use depends on weather the way homes do, for ``household``: what they use, month by month.

A home has a base load, heating below and cooling above temperatures of its own, noise of each month (neighbours alike), a drift
of its level from month to month that nobody orders, guests and holidays that last a month or two, and now and then a lasting
change of its habits. Nothing here uses the judging module.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Mean temperature of each month, about as in the Seoul area [Cel].
MONTH_C = (-2.0, 0.7, 6.1, 12.6, 18.2, 22.7, 25.3, 26.1, 21.6, 15.0, 7.5, 0.2)


class Habits(NamedTuple):
    """Of a utility's homes.

    Attributes
    ----------
    base : median use on a mild day [unit/d]
    heating, cooling : share of homes with a slope, and its median [unit/(K d)]
    """

    base: float
    heating: tuple[float, float]
    cooling: tuple[float, float]


HABITS = {
    "electricity": Habits(8.0, (0.35, 0.25), (0.9, 0.9)),
    "gas": Habits(0.6, (0.95, 0.28), (0.0, 0.0)),
    "water": Habits(0.5, (0.0, 0.0), (0.6, 0.008)),
}


class Restless(NamedTuple):
    """How homes differ from themselves.

    Attributes
    ----------
    noise : range of a home's month-to-month noise [1]; likeness : correlation of neighbouring months
    drift_year : standard deviation of a year's drift of the level [1]
    visits : chance of a month that a spell of guests or absence begins; change_year : chance in a year of a lasting change
    """

    noise: tuple[float, float] = (0.04, 0.12)
    likeness: float = 0.3
    drift_year: float = 0.04
    visits: float = 0.04
    change_year: float = 0.06


CALM, USUAL, WILD = (
    Restless((0.03, 0.07), 0.2, 0.02, 0.02, 0.02),
    Restless(),
    Restless((0.06, 0.18), 0.4, 0.08, 0.07, 0.12),
)


def made_weather(first: date, end: date, seed: int) -> dict[date, float]:
    """Mean temperatures of days: a year's course, warm and cold months, days alike."""
    chance = np.random.default_rng(seed)
    days = [first + timedelta(one) for one in range((end - first).days)]
    months = {(one.year, one.month): chance.normal(0, 1.5) for one in days}
    found, swing = {}, 0.0
    for day in days:
        swing = 0.7 * swing + chance.normal(0, 2.2)
        middle = (day.month - 1 + (day.day - 1) / 30.5 - 0.5) % 12
        at, part = int(middle), middle - int(middle)
        course = (1 - part) * MONTH_C[at] + part * MONTH_C[(at + 1) % 12]
        found[day] = course + months[day.year, day.month] + swing
    return found


def made_use(utility: str, temperatures: list[Floats], homes: int, how: Restless, seed: int) -> Floats:
    """Use of homes that change nothing on purpose (homes, months) [unit].

    Parameters
    ----------
    temperatures : mean temperatures of the days of each month [Cel]
    """
    chance = np.random.default_rng(seed)
    habits, n = HABITS[utility], len(temperatures)

    def some(share: float, median: float) -> Floats:
        return np.where(chance.random(homes) < share, median * chance.lognormal(0, 0.5, homes), 0.0)

    base = habits.base * chance.lognormal(0, 0.4, homes)
    heat, cool = some(*habits.heating), some(*habits.cooling)
    below, above = chance.uniform(12, 19, homes), chance.uniform(20, 26, homes)
    weather_use = np.stack(
        [
            (
                base[:, None]
                + heat[:, None] * np.maximum(0, below[:, None] - days)
                + cool[:, None] * np.maximum(0, days - above[:, None])
            ).sum(1)
            for days in temperatures
        ],
        axis=1,
    )
    return weather_use * _level(chance, homes, n, how)


def _level(chance: np.random.Generator, homes: int, n: int, how: Restless) -> Floats:
    noise = chance.uniform(*how.noise, homes)[:, None]
    steps = chance.normal(0, 1, (homes, n))
    alike = np.empty_like(steps)
    alike[:, 0] = steps[:, 0]
    for at in range(1, n):
        alike[:, at] = how.likeness * alike[:, at - 1] + np.sqrt(1 - how.likeness**2) * steps[:, at]
    level = np.cumsum(chance.normal(0, how.drift_year / np.sqrt(12), (homes, n)), axis=1) + noise * alike
    for length in (1, 2):
        begins = chance.random((homes, n)) < how.visits / 2
        size = chance.uniform(-0.3, 0.3, (homes, n)) * begins
        level += sum((np.pad(size, ((0, 0), (one, 0)))[:, :n] for one in range(length)), np.zeros((homes, n)))
    lasting = chance.normal(0, 0.12, (homes, n)) * (chance.random((homes, n)) < how.change_year / 12)
    return np.exp(level + np.cumsum(lasting, axis=1))
