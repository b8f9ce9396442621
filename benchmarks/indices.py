"""Are the indices exact, and how fast: ``make bench NAME=indices``.

Ours and the one CAI package of PyPI (aqipy-atmotech) beside an independent table (indices_oracle.py: rows by hand, fractions):
every reporting step of the six pollutants, and seeded combined inputs with C24E, bonus, zeros and missing items. The peer has no
C24E, so it is given the oracle's; it has no bonus and no required items. Then river grades, the RTWQI example, and the speed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import time
from datetime import date

import numpy as np
from indices_oracle import (
    COUNTS,
    GRADES,
    RTWQI_ANSWER,
    RTWQI_HOURS,
    RTWQI_LIMITS,
    combined,
    every_step,
    floats,
    moving_average,
    river,
    river_vectors,
    single,
    vectors,
)
from report import Row, tell, write

from dure.services.environment.grades.air_index import cai, cai_of_hours, cai_rules, sub_index
from dure.services.environment.grades.water_grade import grade_rules, water_grade
from dure.services.environment.grades.water_index import rtwqi, rtwqi_rules
from dure.services.environment.rules import load_pack

DAY = date(2026, 11, 25)
PEER = "aqipy-atmotech 0.1.5"
PEER_NAMES = {
    "pm10": "pm10_24h", "pm2_5": "pm25_24h", "o3": "o3_1h", "no2": "no2_1h", "so2": "so2_1h", "co": "co_1h",
}  # fmt: skip


def peer():
    """The peer's two questions, or None where it is not installed."""
    with contextlib.suppress(ImportError):
        from aqipy import cai_kr

        return cai_kr
    return None


def peer_single(module, item, value):
    """The peer's sub-index; None when it fails or has none."""
    with contextlib.suppress(ValueError, TypeError, IndexError), contextlib.redirect_stdout(io.StringIO()):
        return getattr(module, f"get_cai_{PEER_NAMES[item]}")(value)[0]
    return None


def peer_values(hours):
    """What the peer is asked: PM as the oracle's C24E, since it has none."""
    values = {}
    for item, series in hours.items():
        value = moving_average(item, series) if item in {"pm10", "pm2_5"} else series[-1]
        values[PEER_NAMES[item]] = None if value is None else float(value)
    return values


def peer_combined(module, values):
    """The peer's index; None when it has none."""
    with contextlib.suppress(ValueError, TypeError, IndexError):
        index = module.get_aqi(**values)[0]
        return None if index < 0 else index
    return None


def share(hits, total):
    return 100 * hits / total


def rate(count, began):
    return count / (time.perf_counter() - began)


def singles(rules, module):
    steps = [(item, text, float(text), single(item, text)) for item, text in every_step()]
    ours = sum(cai(rules, {item: value}).step(item).sub_index == right for item, _, value, right in steps)
    theirs = None
    if module:
        theirs = share(sum(peer_single(module, item, value) == right for item, _, value, right in steps), len(steps))
    assert len(steps) == sum(COUNTS.values())
    figure = f"CAI: single-pollutant steps equal to the independent table, of {len(steps):,}"
    return Row(figure=figure, ours=share(ours, len(steps)), unit="%", better="higher", bar=100, peer=theirs, peer_name=PEER)


def combinations(rules, module, count):
    asked = list(vectors(count))
    right = [combined(hours) for hours in asked]
    numbers = [floats(hours) for hours in asked]
    began = time.perf_counter()
    found = [cai_of_hours(rules, hours) for hours in numbers]
    speed = rate(count, began)
    hits = sum((one.index, one.bonus, set(one.deciding_all)) == answer for one, answer in zip(found, right, strict=True))
    theirs = peer_speed = None
    if module:
        given = [peer_values(hours) for hours in asked]
        began = time.perf_counter()
        said = [peer_combined(module, values) for values in given]
        peer_speed = rate(count, began)
        theirs = share(sum(one == answer[0] for one, answer in zip(said, right, strict=True)), count)
    figure = f"CAI: combined vectors equal (C24E, bonus, missing items), of {count:,}"
    return [
        Row(figure=figure, ours=share(hits, count), unit="%", better="higher", bar=100, peer=theirs, peer_name=PEER),
        Row(
            figure="CAI: combined vectors, each with all its steps and reasons",
            ours=speed,
            unit="vectors/s",
            better="higher",
            peer=peer_speed,
            peer_name=f"{PEER}, index only, its C24E by the oracle",
        ),
    ]


def columns(rules, module, count):
    """Sub-indices of a column of one item."""
    values = np.random.default_rng(1).uniform(0, 300, count)
    began = time.perf_counter()
    sub_index(rules, "pm2_5", values)
    speed = rate(count, began)
    peer_speed = None
    if module:
        some = values[:20_000].tolist()
        began = time.perf_counter()
        for one in some:
            peer_single(module, "pm2_5", one)
        peer_speed = rate(len(some), began)
    return Row(
        figure="CAI: sub-indices of a column", ours=speed, unit="values/s", better="higher", peer=peer_speed, peer_name=PEER
    )


def water(count):
    rules, index_rules = grade_rules(load_pack("river_grade"), DAY), rtwqi_rules(load_pack("rtwqi"), DAY)
    asked = list(river_vectors(count))
    found = [water_grade(rules, {item: float(text) for item, text in texts.items()}) for texts in asked]
    hits = sum((one.grade, set(one.deciding)) == river(texts) for one, texts in zip(found, asked, strict=True))
    result = rtwqi(index_rules, RTWQI_HOURS, RTWQI_LIMITS)
    same = sum(one == right for one, right in zip((result.f1, result.f2, result.f3, result.index), RTWQI_ANSWER, strict=True))
    seen = len({one.grade for one in found})
    return [
        Row(
            figure=f"river grade and deciding items equal, of {count:,} vectors ({seen} of {len(GRADES)} grades met)",
            ours=share(hits, count),
            unit="%",
            better="higher",
            bar=100,
        ),
        Row(figure="RTWQI: numbers of the page's example reproduced, of 4", ours=same, unit="", better="higher", bar=4),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="500 combined vectors, nothing kept")
    options = parser.parse_args()
    count = 500 if options.quick else 5_000
    rules, module = cai_rules(load_pack("cai"), DAY), peer()
    rows = [
        singles(rules, module),
        *combinations(rules, module, count),
        columns(rules, module, 50_000 if options.quick else 2_000_000),
        *water(count),
    ]
    (tell if options.quick else write)("indices", rows)


if __name__ == "__main__":
    main()
