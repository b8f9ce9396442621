"""How well the belief tells tomorrow's levels, as ``make bench NAME=waste-forecast``.

Wyndham: 33 compactors, daily readings in six steps. Everything is learnt, and every choice made, before 2020-03-03; from then
on beliefs only follow the readings of the days before each forecast. Judged are days without a fall of the level. Peers on the
same days: the mean of all days (climatology), the share of days by level, the level itself (persistence), the reference's
shrunken counts. Intervals: a step counts by the part of it that is inside (`step_coverage`), since a whole step cannot be cut.

The transfer learns in one suburb and begins in the other with its classes: so many days of its own are learnt from, the
hold-out is judged. The simulated city (seeded; lognormal rates, gamma days, noise 3 %) tells whether risks of overflow are
right where sensors are continuous, and where 82 % of them are dead.
Times are CPU seconds of one process.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from report import Row, tell, write
from waste_simulated_levels import simulated
from waste_wyndham import HOLD_US, read_history, read_suburbs

from dure.core.time import from_us
from dure.services.waste.belief.belief import Kind, chance, forecast, learn, observations_from, observe, start, without_history
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.calibration import absolute_error, brier, interval_coverage, reliability_error, step_coverage
from dure.services.waste.belief.history import History, merged, pairs_of
from dure.services.waste.belief.state import relearnt
from dure.services.waste.belief.weekdays import DAY_US
from dure.services.waste.model import Bin

RULES = belief_rules(datetime(2026, 11, 24, tzinfo=UTC).date())
LEVEL = 0.8
CITY_N, CITY_READINGS = 5_000, 24


@dataclass
class Walked:
    """What was said of the days without a fall, and what came."""

    said: np.ndarray
    happened: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray
    before: np.ndarray
    came: np.ndarray
    bin: np.ndarray
    grid: np.ndarray

    def middle(self) -> np.ndarray:
        """The level that is as likely passed as not."""
        return self.grid[(np.cumsum(self.spread, axis=1) < 0.5).sum(axis=1)]


def walk(history: History, since_us: int, until_us: int, *, relearn_d: int = 0) -> Walked:
    """Day by day: a forecast of tomorrow's noon, then tomorrow's readings."""
    one = merged(history)
    learned = learn(history.take(history.time_us < since_us), rules=RULES)
    bins = [Bin(id=name, lon=0, lat=0) for name in one.bins]
    beliefs = start(bins, learned, from_us(since_us), RULES)
    last, rows = np.full(len(bins), np.nan), []
    for number, day_us in enumerate(range(since_us, until_us, DAY_US)):
        if relearn_d and number % relearn_d == 0:
            beliefs = relearnt(beliefs, learn(history.take(history.time_us < day_us), rules=RULES))
        today = (one.time_us >= day_us) & (one.time_us < day_us + DAY_US)
        row, level = one.bin[today], one.level[today]
        noon = from_us(day_us + DAY_US // 2)
        said, expected = chance(beliefs, noon, LEVEL), forecast(beliefs, noon)
        group = beliefs.traits.stepwise[0]
        days = beliefs.waste_days(group.rows, np.full(len(bins), day_us + DAY_US // 2))
        spread = beliefs.spread(group, group.rows, days)
        judged = (beliefs.last_us[row, Kind.SENSOR] > day_us - DAY_US) & (level >= last[row] - 1e-9)
        at = row[judged]
        rows.append((said[at], spread[at], expected.low[at], expected.high[at], last[at], level[judged], at))
        beliefs = observe(beliefs, observations_from(row, np.zeros(len(row), np.int64), one.time_us[today], level))
        last[row] = level
    said, spread, low, high, before, came, at = (np.concatenate(column) for column in zip(*rows, strict=True))
    return Walked(said, came >= LEVEL - 1e-9, spread, low, high, before, came, at, group.grid)


def counted_peers(history: History, walked: Walked, kappa: float) -> dict[str, np.ndarray]:
    """Climatology, by level, shrunken bin and level with one kappa, persistence: all from before the hold-out."""
    pairs = pairs_of(replace(history.take(history.time_us < HOLD_US)), RULES)
    day = pairs.take(pairs.day)
    # The peers' counts take in levels at the brim too, as the reference's did.
    high = day.then >= LEVEL - 1e-9
    step, now = np.round(day.level * 10).astype(int), np.round(walked.before * 10).astype(int)
    n, f = np.bincount(step, minlength=11), np.bincount(step, weights=high, minlength=11)
    by_level = np.where(np.arange(11) >= 8, 1.0, f / np.maximum(n, 1))
    own_n, own = np.zeros((len(history.bins), 11)), np.zeros((len(history.bins), 11))
    np.add.at(own_n, (day.bin, step), 1)
    np.add.at(own, (day.bin, step), high)
    shrunken = (own[walked.bin, now] + kappa * by_level[now]) / (own_n[walked.bin, now] + kappa)
    return {
        "climatology": np.full(len(now), high.mean()),
        "by level": by_level[now],
        "bin x level, kappa 20": shrunken,
        "persistence": (walked.before >= LEVEL - 1e-9).astype(float),
    }


def wyndham_rows(quick: bool) -> list[Row]:
    history = read_history()
    until_us = HOLD_US + 60 * DAY_US if quick else int(history.time_us.max()) + 1
    one = walk(history, HOLD_US, until_us)
    peers = counted_peers(history, one, 20.0)
    again = walk(history, HOLD_US, until_us, relearn_d=7)
    naive = peers["by level"]
    rows = [
        Row(
            figure="Brier of P(level >= 80 % tomorrow), held out",
            ours=brier(one.said, one.happened),
            unit="1",
            better="lower",
            bar=0.082,
            peer=brier(naive, one.happened),
            peer_name="share of days by level",
        ),
        *(
            Row(figure=f"the same, {name}", ours=brier(said, one.happened), unit="1", better="lower")
            for name, said in peers.items()
        ),
        Row(
            figure="reliability error, 10 classes, held out",
            ours=reliability_error(one.said, one.happened),
            unit="1",
            better="lower",
            bar=0.03,
            peer=reliability_error(naive, one.happened),
            peer_name="share of days by level",
        ),
    ]
    rows += interval_rows(one)
    rows += [
        Row(figure="Brier, learnt anew each week", ours=brier(again.said, again.happened), unit="1", better="lower"),
        Row(
            figure="reliability error, learnt anew each week",
            ours=reliability_error(again.said, again.happened),
            unit="1",
            better="lower",
        ),
        Row(figure="days without a fall that were judged", ours=float(len(one.said)), unit="bin-days", better="higher"),
    ]
    return rows


def interval_rows(one: Walked) -> list[Row]:
    step = np.abs(one.came[:, None] - one.grid[None, :]).argmin(axis=1)
    covered = step_coverage(one.spread, step, 0.8)
    return [
        Row(figure="80 % intervals cover, steps by the part inside", ours=covered, unit="1", better="higher", bar=0.75),
        Row(figure="the same, not more than", ours=covered, unit="1", better="lower", bar=0.85),
        Row(
            figure="80 % intervals cover, whole steps",
            ours=interval_coverage(one.low, one.high, one.came),
            unit="1",
            better="higher",
        ),
        Row(
            figure="MAE of the middle of the distribution",
            ours=absolute_error(one.middle(), one.came),
            unit="1",
            better="lower",
            peer=absolute_error(one.before, one.came),
            peer_name="persistence",
        ),
    ]


def transfer_rows() -> list[Row]:
    """Days of own history until the Brier score is within 0.005 of what all of it gives, and stays so."""
    history, suburbs = read_history(), read_suburbs()
    names = np.array([suburbs[one] for one in history.bins])
    rows = []
    for there, here in (("Werribee", "Point Cook"), ("Point Cook", "Werribee")):
        early = history.time_us < HOLD_US
        prior = learn(of_bins(history.take(early), names == there), rules=RULES).classes
        own, test = of_bins(history.take(early), names == here), of_bins(history.take(~early), names == here)
        begin_us = int(own.time_us.min())
        steps = (1, 2, 4, 7, 10, 14, 21, 28, 42, 60, 120, 240)
        parts = [own.take(own.time_us < begin_us + d * DAY_US) for d in steps]
        final = followed_brier(own, test, None)
        alone = [followed_brier(part, test, None) for part in parts]
        helped = [followed_brier(part, test, prior) for part in parts]
        rows.append(
            Row(
                figure=f"days until Brier is within 0.005 of its final, {here} with classes of {there}",
                ours=settled(steps, helped, final),
                unit="d",
                better="lower",
                bar=settled(steps, alone, final) / 2,
                peer=settled(steps, alone, final),
                peer_name="without a prior",
            )
        )
    return rows


def of_bins(history: History, chosen: np.ndarray) -> History:
    number = np.cumsum(chosen) - 1
    part = history.take(chosen[history.bin])
    bins = tuple(one for one, yes in zip(history.bins, chosen, strict=True) if yes)
    return replace(part, bins=bins, classes=("street",) * len(bins), bin=number[part.bin])


def followed_brier(own: History, test: History, prior) -> float:
    """Brier of a day ahead over the hold-out, learnt from `own` alone, with beliefs that follow the readings as always."""
    one = merged(test)
    begin_us = HOLD_US
    bins = [Bin(id=name, lon=0, lat=0) for name in one.bins]
    beliefs = start(bins, learn(own, rules=RULES, prior=prior), from_us(begin_us), RULES)
    last, said, came = np.full(len(bins), np.nan), [], []
    for day_us in range(begin_us, int(one.time_us.max()) + 1, DAY_US):
        today = (one.time_us >= day_us) & (one.time_us < day_us + DAY_US)
        row, level = one.bin[today], one.level[today]
        now = chance(beliefs, from_us(day_us + DAY_US // 2), LEVEL)
        judged = (beliefs.last_us[row, Kind.SENSOR] > day_us - DAY_US) & (level >= last[row] - 1e-9)
        said.append(now[row[judged]])
        came.append(level[judged] >= LEVEL - 1e-9)
        beliefs = observe(beliefs, observations_from(row, np.zeros(len(row), np.int64), one.time_us[today], level))
        last[row] = level
    return brier(np.concatenate(said), np.concatenate(came))


def settled(steps: tuple[int, ...], scores: list[float], final: float) -> float:
    far = [number for number, score in enumerate(scores) if score > final + 0.005]
    return float("inf") if far and far[-1] + 1 == len(steps) else float(steps[far[-1] + 1] if far else steps[0])


def simulated_rows(quick: bool) -> list[Row]:
    rows = []
    for dead in (0.0, 0.82):
        said, came, inside = (
            np.concatenate(column)
            for column in zip(*(simulated(seed, dead, RULES) for seed in range(1 if quick else 3)), strict=True)
        )
        what = f"simulated city, {dead:.0%} of sensors dead"
        rows += [
            Row(
                figure=f"{what}: reliability error of the risk",
                ours=reliability_error(said, came),
                unit="1",
                better="lower",
                bar=0.03,
            ),
            Row(
                figure=f"{what}: Brier of the risk",
                ours=brier(said, came),
                unit="1",
                better="lower",
                peer=float(came.mean() * (1 - came.mean())),
                peer_name="climatology",
            ),
            Row(figure=f"{what}: 80 % intervals cover", ours=float(inside.mean()), unit="1", better="higher"),
        ]
    return rows


def city_rows() -> list[Row]:
    """CPU seconds of 5,000 bins: one reading of each with a forecast, and a day of readings replayed."""
    at = datetime(2026, 11, 24, tzinfo=UTC)
    at_us, n = int(at.timestamp() * 1e6), CITY_N
    rng = np.random.default_rng(1)
    level, rate = rng.uniform(0, 0.6, n), rng.lognormal(np.log(0.117), 0.75, n)
    bins = [Bin(id=f"bin-{row}", lon=0, lat=0) for row in range(n)]
    begun = time.process_time()
    beliefs = start(bins, without_history(RULES), at, RULES)
    beliefs = observe(beliefs, observations_from(np.arange(n), np.zeros(n, np.int64), np.full(n, at_us + 1), level))
    forecast(beliefs, at + timedelta(days=1))
    update_s = time.process_time() - begun
    row, hour = np.repeat(np.arange(n), CITY_READINGS), np.tile(np.arange(1, CITY_READINGS + 1), n)
    seen = np.clip(level[row] + rate[row] * hour / 24 + rng.normal(0, 0.03, len(row)), -0.04, 1.2)
    begun = time.process_time()
    observe(beliefs, observations_from(row, np.zeros(len(row), np.int64), at_us + hour * 3_600_000_000, seen))
    day_s = time.process_time() - begun
    return [
        Row(figure="5,000 bins: one reading each and a forecast", ours=update_s, unit="CPU s", better="lower", bar=2.0),
        Row(figure="5,000 bins: a day of 24 readings each", ours=day_s, unit="CPU s", better="lower", bar=60.0),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows = [*wyndham_rows(quick), *([] if quick else transfer_rows()), *simulated_rows(quick), *city_rows()]
    (tell if quick else write)("waste-forecast", rows)


if __name__ == "__main__":
    main()
