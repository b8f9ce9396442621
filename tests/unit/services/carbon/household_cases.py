"""Bills and weather of a made home, for tests of energy at home."""

from __future__ import annotations

import math
from datetime import date, timedelta

import msgspec

from dure.services.carbon.households.degree_days import StationWeather
from dure.services.carbon.households.energy_rules import judging_rules
from dure.services.carbon.households.judging import Asked, judge
from dure.services.carbon.households.model import MILLI, Bill, Home, People
from dure.services.carbon.households.periods import HALF, Month, period_of

ON = date(2026, 6, 30)
PERIOD = period_of("2026H1")
HOME = Home(since=date(2015, 1, 1), people=(People(date(2015, 1, 1), 3),))
UNITS = {"electricity": "kWh", "gas": "Nm3", "water": "m3"}


def temperatures(first=date(2023, 11, 1), end=date(2026, 9, 1), warmer=0.0):
    """Mean temperatures of days, a plain year's course with weeks that differ."""
    days = [first + timedelta(one) for one in range((end - first).days)]
    found = {}
    for day in days:
        course = math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 365.25)
        found[day] = 12.5 - 14 * course + 3 * math.sin(day.toordinal() / 9) + (warmer if day >= PERIOD.start else 0.0)
    return found


MEAN_C = temperatures()


def use_of(month, mean_c, base=8.0, heat=0.3, cool=0.9):
    """Use of a home in a month, as its weather asks for, a little uneven."""
    day, total = month.first, 0.0
    while day < month.end:
        total += base + heat * max(0.0, 16 - mean_c[day]) + cool * max(0.0, mean_c[day] - 24)
        day += timedelta(1)
    return total * (1 + 0.02 * math.sin(3.7 * month.place))


def bills_of(utility="electricity", cut=0.0, mean_c=MEAN_C, months=24, **home):
    """Two years of bills and the half-year, in which the home uses less by a share."""
    found = []
    for place in range(PERIOD.first.place - months, PERIOD.first.place + HALF):
        month = Month(place)
        amount = use_of(month, mean_c, **home) * (1 - cut if month in PERIOD.months else 1)
        words = {"first": month.first, "end": month.end, "milli": round(amount * MILLI), "unit": UNITS[utility]}
        found.append(Bill(utility=utility, month=place, **words))
    return found


def changed(bills, place, **words):
    """The same bills, one of them otherwise; a place below 0 counts from the end."""
    return [msgspec.structs.replace(one, **words) if at == place % len(bills) else one for at, one in enumerate(bills)]


def judged(bills, home=HOME, mean_c=MEAN_C, utility="electricity", times=None):
    """What the half-year comes to."""
    rules = judging_rules(utility, ON)
    return judge(Asked(home, bills, StationWeather(mean_c, rules.bases, rules.weather_share_least)), PERIOD, rules, times)
