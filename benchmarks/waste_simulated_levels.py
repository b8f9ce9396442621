"""A seeded city of continuous levels, learnt for a month and believed for another: what was said, what came."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from dure.core.time import from_us, to_us
from dure.services.waste.belief.belief import Kind, Seen, chance, forecast, learn, observations_of, observe, start
from dure.services.waste.belief.belief_rules import BeliefRules
from dure.services.waste.belief.history import history_of
from dure.services.waste.belief.weekdays import DAY_US
from dure.services.waste.model import Bin

N, LEARNT_D, DAYS = 200, 28, 70
CV, NOISE = 0.5, 0.03
BEGIN_US = to_us(datetime(2026, 6, 1, 20, tzinfo=UTC))
WEEK = np.array([1.04, 1.04, 1.14, 1.07, 0.78, 1.01, 0.94])


def simulated(seed: int, dead_share: float, rules: BeliefRules) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Risks said each evening for the evening after, whether the bin overflowed, whether its level was inside the interval.

    Emptied is what is likely to overflow by what is believed, and a tenth at random; crews tell the level in quarters.
    """
    rng = np.random.default_rng(seed)
    bins = [Bin(id=f"bin-{row:03d}", lon=0, lat=0) for row in range(N)]
    rate, dead = rng.lognormal(np.log(0.117), 0.75, N), rng.random(N) < dead_share
    level, past, beliefs = rng.uniform(0, 0.5, N), [], None
    said, came, inside = [], [], []
    for day in range(DAYS):
        at_us = BEGIN_US + day * DAY_US
        if day == LEARNT_D:
            learned = learn(history_of(past, {one.id: one.bin_class for one in bins}), rules=rules)
            beliefs = start(bins, learned, from_us(at_us - DAY_US), rules)
        waste_d = WEEK[day % 7] / WEEK.mean()
        level = level + rng.gamma(waste_d / CV**2, rate * CV**2)
        if beliefs is not None and day > LEARNT_D + 7:  # a week to see each bin once
            expected = forecast(beliefs, from_us(at_us))
            said.append(chance(beliefs, from_us(at_us)))
            came.append(level >= 1)
            inside.append((expected.low <= np.minimum(level, 1.25)) & (np.minimum(level, 1.25) <= expected.high))
        taken = rng.random(N) < 0.1
        taken |= rate * (day % 9) > 0.5 if beliefs is None else chance(beliefs, from_us(at_us + DAY_US)) > 0.1
        seen, rows = _evening(bins, np.clip(level + rng.normal(0, NOISE, N), -0.05, 1.25), dead, taken, at_us)
        past += rows
        level[taken] = 0.0
        if beliefs is not None:
            beliefs = observe(beliefs, observations_of(seen, beliefs.rows, at_us + DAY_US, rules.seeing))
    return np.concatenate(said), np.concatenate(came), np.concatenate(inside)


def _evening(bins, read, dead, taken, at_us):
    """What sensors and crews say: as observations, and as rows of a history."""
    seen, rows = [], []
    for row, one in enumerate(bins):
        if not dead[row]:
            seen.append(Seen(one.id, Kind.SENSOR, at_us, float(read[row])))
            rows.append((one.id, at_us, float(read[row]), False))
        if taken[row]:
            told = float(min(round(max(read[row], 0) * 4) / 4, 1.25))
            seen += [Seen(one.id, Kind.CREW, at_us + 1_000, told), Seen(one.id, Kind.EMPTIED, at_us + 1_000, float("nan"))]
            rows.append((one.id, at_us + 1_000, told, True))
    return seen, rows
