"""The CAI and other indices a second time, by another way: rows written out by hand, exact fractions, no code of ours.

Used by the tests and by ``make bench NAME=indices``. Sources: the reference's section 3.1, 3.4 and 3.6. Nothing is imported from
Dure, nothing is read from its rule packs, so that a wrong digit in either shows.
"""

from __future__ import annotations

import math
import random
from decimal import Decimal
from fractions import Fraction as F  # noqa: N817 - reads as the table does

STEPS = {"so2": "0.001", "co": "0.01", "o3": "0.001", "no2": "0.001", "pm10": "1", "pm2_5": "1"}
COUNTS = {"pm10": 601, "pm2_5": 501, "so2": 1001, "co": 5001, "o3": 601, "no2": 2001}
REQUIRED = ("pm10", "pm2_5", "o3", "no2")


def _row(item, text):
    low_c, high_c, low_i, high_i = text.split()
    return item, F(low_c), F(high_c), int(low_i), int(high_i)


ROWS = [
    _row("so2", "0 0.020 0 50"),
    _row("so2", "0.021 0.050 51 100"),
    _row("so2", "0.051 0.150 101 250"),
    _row("so2", "0.151 1 251 500"),
    _row("co", "0 2 0 50"),
    _row("co", "2.01 9 51 100"),
    _row("co", "9.01 15 101 250"),
    _row("co", "15.01 50 251 500"),
    _row("o3", "0 0.030 0 50"),
    _row("o3", "0.031 0.090 51 100"),
    _row("o3", "0.091 0.150 101 250"),
    _row("o3", "0.151 0.600 251 500"),
    _row("no2", "0 0.030 0 50"),
    _row("no2", "0.031 0.060 51 100"),
    _row("no2", "0.061 0.200 101 250"),
    _row("no2", "0.201 2 251 500"),
    _row("pm10", "0 30 0 50"),
    _row("pm10", "31 80 51 100"),
    _row("pm10", "81 150 101 250"),
    _row("pm10", "151 600 251 500"),
    _row("pm2_5", "0 15 0 50"),
    _row("pm2_5", "16 35 51 100"),
    _row("pm2_5", "36 75 101 250"),
    _row("pm2_5", "76 500 251 500"),
]


def half_up(number):
    return math.floor(number + F(1, 2))


def single(item, value):
    """Sub-index of a concentration given as text or fraction; the table's end outside it."""
    step = F(STEPS[item])
    on_step = half_up(F(value) / step) * step
    for name, low_c, high_c, low_i, high_i in ROWS:
        if name == item and low_c <= on_step <= high_c:
            return half_up(F(high_i - low_i) / (high_c - low_c) * (on_step - low_c) + low_i)
    return 0 if on_step < 0 else 500


def every_step():
    """All single-pollutant inputs: (item, concentration as text), 9,706 of them."""
    for item, count in COUNTS.items():
        for number in range(count):
            yield item, str(Decimal(STEPS[item]) * number)


def moving_average(item, hours):
    """C24E as a fraction from 12 hourly values (text or None, the newest last); None when too few are there."""
    knee = {"pm10": 70, "pm2_5": 30}[item]
    values = [None if one is None else F(one) for one in hours]
    there = [one for one in values if one is not None]
    newest = [one for one in values[8:] if one is not None]
    if len(there) < 9 or len(newest) < 3:
        return None
    c12 = sum(there) / len(there)
    total = F(0)
    for c in newest:
        kept = c < knee or c / c12 < F(9, 10) or c / c12 > F(17, 10)
        total += c if kept else F(3, 4) * c
    return (c12 * 12 + total / len(newest) * 12) / 24


def combined(hours):
    """(index or None, bonus, deciding items) of hourly texts by item."""
    numbers = {}
    for item in STEPS:
        series = hours.get(item) or [None]
        value = moving_average(item, series) if item in {"pm10", "pm2_5"} else series[-1]
        if value is not None:
            numbers[item] = single(item, value)
    top = max(numbers.values(), default=None)
    deciding = {item for item, number in numbers.items() if number == top}
    if any(item not in numbers for item in REQUIRED):
        return None, 0, deciding
    bad = sum(number >= 101 for number in numbers.values())
    bonus = 75 if bad >= 3 else 50 if bad == 2 else 0
    return min(top + bonus, 500), bonus, deciding


def vectors(count, seed=20261125):
    """Seeded combined inputs: hourly texts by item, with dips and peaks for every branch of C24E, zeros and gaps."""
    chance = random.Random(seed)  # noqa: S311 - test vectors
    for number in range(count):
        clean = number % 3 == 0
        yield {item: _series(chance, item, clean) for item in STEPS}


def _series(chance, item, clean):
    top = {"pm10": 75, "pm2_5": 33, "so2": 0.05, "co": 9, "o3": 0.09, "no2": 0.06}[item]
    level = top * chance.choice((0, 0.3, 0.7, 1, 1.3, 2, 4))
    if item not in {"pm10", "pm2_5"}:
        gone = not clean and chance.random() < 0.12
        return [None if gone else f"{level * chance.uniform(0.7, 1.3):.{chance.choice((2, 3, 4))}f}"]
    digits = chance.choice((0, 0, 1))
    gap = 0 if clean else chance.choice((0, 0, 0.1, 0.3))
    swing = chance.choice((0.0, 0.1, 0.5, 0.95))
    hours = [f"{level * chance.uniform(1 - swing, 1 + swing):.{digits}f}" for _ in range(12)]
    if chance.random() < 0.2:
        hours[chance.randrange(8, 12)] = f"{level * 3:.{digits}f}"
    if chance.random() < 0.1:
        hours[chance.randrange(12)] = "0"
    return [None if chance.random() < gap else one for one in hours]


def floats(hours):
    """The same input as numbers, as a station would send them."""
    return {item: [None if one is None else float(one) for one in series] for item, series in hours.items()}


# River grades written as the law's table reads: what each grade asks, from the best to the worst.
RIVER = {
    "ph": ("6.5-8.5", "6.5-8.5", "6.5-8.5", "6.5-8.5", "6.0-8.5", "6.0-8.5"),
    "bod": ("<=1", "<=2", "<=3", "<=5", "<=8", "<=10"),
    "toc": ("<=2", "<=3", "<=4", "<=5", "<=6", "<=8"),
    "suspended_solids": ("<=25", "<=25", "<=25", "<=25", "<=100", "any"),
    "dissolved_oxygen": (">=7.5", ">=5.0", ">=5.0", ">=5.0", ">=2.0", ">=2.0"),
    "tp": ("<=0.02", "<=0.04", "<=0.1", "<=0.2", "<=0.3", "<=0.5"),
    "total_coliform": ("<=50", "<=500", "<=1000", "<=5000", "any", "any"),
    "fecal_coliform": ("<=10", "<=100", "<=200", "<=1000", "any", "any"),
}
GRADES = ("Ia", "Ib", "II", "III", "IV", "V", "VI")


def _asks(words, value):
    if words == "any":
        return True
    if words.startswith("<="):
        return F(value) <= F(words[2:])
    if words.startswith(">="):
        return F(value) >= F(words[2:])
    low, high = words.split("-")
    return F(low) <= F(value) <= F(high)


def river_item(item, value):
    """Grade of one item of a river, value as text."""
    return next((grade for grade, words in zip(GRADES, RIVER[item], strict=False) if _asks(words, value)), "VI")


def river(values):
    """(worst grade, the items that have it) of texts by item."""
    grades = {item: river_item(item, value) for item, value in values.items()}
    worst = max(grades.values(), key=GRADES.index)
    return worst, {item for item, grade in grades.items() if grade == worst}


def river_vectors(count, seed=7):
    """Seeded complete sets of river items, many of them exactly at a limit."""
    chance = random.Random(seed)  # noqa: S311 - test vectors
    for _ in range(count):
        yield {item: _river_value(chance, words) for item, words in RIVER.items()}


def _river_value(chance, words):
    ask = chance.choice([one for one in words if one != "any"])
    at = ask[2:] if ask[0] in "<>" else chance.choice(ask.split("-"))
    digits = len(at.partition(".")[2])
    nudge = chance.choice(("0", "0", "1", "-1")) + "e-" + str(digits + chance.choice((0, 1, 3)))
    return str(max(Decimal(at) + Decimal(nudge), Decimal(0)))


RTWQI_ITEMS = ("water_temperature", "ph", "electrical_conductivity", "dissolved_oxygen", "toc", "tn", "tp")
# The example of the page: DO limit 8 with 7.0 and 7.5, TOC limit 3 with 3.5, everything else passes.
RTWQI_LIMITS = {"dissolved_oxygen": 8.0, "toc": 3.0}
RTWQI_HOURS = {
    "water_temperature": [20.0] * 12,
    "ph": [7.5] * 12,
    "electrical_conductivity": [200.0] * 12,
    "dissolved_oxygen": [9.0] * 10 + [7.0, 7.5],
    "toc": [2.5] * 11 + [3.5],
    "tn": [1.0] * 12,
    "tp": [0.02] * 12,
}
RTWQI_ANSWER = (28.57, 3.57, 0.44, 83.4)
