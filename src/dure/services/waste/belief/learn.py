"""Learning how bins fill from what was seen of them: each bin borrows from its class, the class from the city.

A rate is the rise seen over the waste days it was seen in, drawn towards the class by as many days as the spread between bins
leaves uncertain (empirical Bayes; the mean of a gamma process with a gamma prior). What cannot be derived is tried: the strength
of the class against a bin's own counts, counts or gamma gains, weekdays or not, each on the last part of the history alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dure.core.time import from_us
from dure.services.waste.belief import levels
from dure.services.waste.belief.calibration import brier
from dure.services.waste.belief.gains import gain
from dure.services.waste.belief.history import History, Pairs, pairs_of
from dure.services.waste.belief.learned import CITY, EVEN, BinRates, ClassRates, Learned
from dure.services.waste.belief.weekdays import DAY_US, exposure_d

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dure.services.waste.belief.belief_rules import BeliefRules, LearningRules
    from dure.services.waste.model import FloatArray

Prior = Mapping[str, ClassRates]
TRIED_MIN = 60  # pairs at the end of a history below which nothing is tried
KAPPA_USUAL = 20.0
CV_SPAN = (0.2, 3.0)
BETWEEN_SPAN = (0.1, 2.0)
BETWEEN_BINS = 5.0  # bins that the prior of the spread between bins weighs


@dataclass(frozen=True)
class _Fit:
    """A class and its n bins, fitted: the rate of each bin, the daily counts of each, and the class itself."""

    rates: FloatArray
    days: FloatArray
    counts: FloatArray
    found: ClassRates


def learn(history: History, *, rules: BeliefRules, prior: Prior | None = None) -> Learned:
    """Everything `belief.start` needs.

    Parameters
    ----------
    history : all that is known, in any order; a bin without observations gets its class's rates
    prior : classes of another city, or of this one before; None: the rules alone
    """
    pairs = pairs_of(history, rules)
    if len(pairs.bin):
        pairs = pairs.take(pairs.end_us > pairs.end_us[-1] - int(rules.learning.history_d * DAY_US))
    usual = _usual(rules, prior)
    everyone = np.arange(len(history.bins))
    city = _choose(pairs, everyone, usual[CITY], rules, history.offset_s)
    classes = {CITY: city.found}
    bins: dict[str, BinRates] = {}
    names = np.array(history.classes)
    for name in sorted(set(history.classes)):
        members = np.flatnonzero(names == name)
        base = usual.get(name, city.found)
        one = _choose(pairs, members, base, rules, history.offset_s) if len(members) < len(everyone) else city
        classes[name] = one.found
        bins |= {history.bins[row]: _bin(one, n) for n, row in enumerate(members)}
    until = from_us(int(pairs.end_us[-1])) if len(pairs.bin) else None
    known = {name: usual[name] for name in usual if name not in classes}
    return Learned(
        version=rules.version,
        classes=known | classes,
        bins=bins,
        until=until,
        offset_s=history.offset_s,
        pairs=len(pairs.bin),
    )


def without_history(rules: BeliefRules, offset_s: int = 0, prior: Prior | None = None) -> Learned:
    """What a city knows on its first day: the rules, or another city's classes."""
    return Learned(version=rules.version, classes=dict(_usual(rules, prior)), offset_s=offset_s)


def _usual(rules: BeliefRules, prior: Prior | None) -> dict[str, ClassRates]:
    learning = rules.learning
    usual = ClassRates(rate_per_day=learning.rate_per_day, between_cv=learning.between_cv, cv=learning.cv)
    return {CITY: usual} | dict(prior or {})


def _bin(fit: _Fit, row: int) -> BinRates:
    start, end = np.nonzero(fit.counts[row])
    times = fit.counts[row][start, end]
    counts = tuple(zip(start.tolist(), end.tolist(), times.tolist(), strict=True)) if fit.found.method == "levels" else ()
    return BinRates(rate_per_day=float(fit.rates[row]), days=float(fit.days[row]), counts=counts)


def _choose(pairs: Pairs, members: NDArray[np.intp], base: ClassRates, rules: BeliefRules, offset_s: int) -> _Fit:
    """The class fitted on all its pairs, in the way that told the end of them best when fitted on the beginning."""
    number = np.full(int(max(pairs.bin.max(initial=-1), members.max(initial=-1))) + 1, -1)
    number[members] = np.arange(len(members))
    own = pairs.take(number[pairs.bin] >= 0)
    own = Pairs(number[own.bin], own.start_us, own.end_us, own.level, own.then, own.day, own.weekday, own.noise)
    best = _tried(own, len(members), base, rules, offset_s)
    return _fit(own, len(members), best, base, (rules, offset_s))


def _tried(own: Pairs, n: int, base: ClassRates, rules: BeliefRules, offset_s: int) -> ClassRates:
    """The settings to be used: method, kappa, weekdays on or off, with the score of each that was tried."""
    learning, days = rules.learning, np.flatnonzero(own.day)
    late = days[round(len(days) * (1 - learning.tried_share)) :]
    if len(late) < TRIED_MIN:
        usual = base.weekday if base.weekday != EVEN else ()  # nobody tried whether weekdays help: as the prior has it
        return ClassRates(rate_per_day=0, between_cv=0, cv=0, method=base.method, kappa=base.kappa, grid=base.grid, weekday=usual)
    early = own.take(own.end_us <= own.end_us[late[0]])
    test = own.take(np.isin(np.arange(len(own.bin)), late))
    scores: dict[str, float] = {}
    for weekly in (False, True):
        wish = ClassRates(rate_per_day=0, between_cv=0, cv=0, method="levels", weekday=EVEN if weekly else ())
        fit = _fit(early, n, wish, base, (rules, offset_s))
        name = "weekday" if weekly else "even"
        scores[f"gamma {name} {KAPPA_USUAL:g}"] = _score(test, rules.tried, partial(_gamma_says, test, fit, learning, offset_s))
        for kappa in rules.kappas:
            scores[f"levels {name} {kappa:g}"] = _score(test, rules.tried, partial(_levels_say, test, fit, kappa, offset_s))
    # What has more numbers must tell clearly better than what has fewer.
    harder = {
        one: learning.counts_better * one.startswith("levels") + learning.weekdays_better * (" weekday " in one) for one in scores
    }
    asked = {one: score * (1 + harder[one]) for one, score in scores.items()}
    method, rhythm, weight = min(asked, key=lambda one: (asked[one], one)).split()
    return ClassRates(
        rate_per_day=0,
        between_cv=0,
        cv=0,
        method="levels" if method == "levels" else "gamma",
        kappa=float(weight),
        weekday=EVEN if rhythm == "weekday" else (),
        tried=scores,
    )


def _fit(own: Pairs, n: int, wish: ClassRates, base: ClassRates, given: tuple[BeliefRules, int]) -> _Fit:
    rules, offset_s = given
    learning = rules.learning
    risen = own.then - own.level
    rate = _class_rate(risen, own.days, base, learning)
    weekday = _weekdays(own, rate, base, learning) if wish.weekday else np.ones(7)
    waste_d = exposure_d(np.broadcast_to(weekday, (len(own.bin), 7)), own.start_us, own.end_us, offset_s)
    days = np.bincount(own.bin, weights=waste_d, minlength=n).astype(np.float64)
    rises = np.maximum(np.bincount(own.bin, weights=risen, minlength=n), 0.0)
    rate = _class_rate(risen, waste_d, base, learning)
    cv = base.cv
    rates, between = _bin_rates(rises, days, rate, (cv, base.between_cv), learning)
    cv = _day_cv(own, rates, waste_d, base, learning)
    rates, between = _bin_rates(rises, days, rate, (cv, between), learning)
    grid = _grid(own, base, learning)
    counts, transitions = _transitions(own, n, grid, (base, learning))
    found = ClassRates(
        rate_per_day=rate,
        between_cv=between,
        cv=cv,
        weekday=tuple(weekday.tolist()),
        method=wish.method,
        kappa=wish.kappa,
        grid=tuple(grid.tolist()) if wish.method == "levels" else (),
        transitions=tuple(map(tuple, transitions.tolist())) if wish.method == "levels" else (),
        days=float(days.sum()),
        tried=wish.tried,
    )
    return _Fit(rates, days, counts, found)


def _class_rate(risen: FloatArray, days: FloatArray, base: ClassRates, learning: LearningRules) -> float:
    total = risen.sum() + learning.class_days * base.rate_per_day
    return max(float(total / (days.sum() + learning.class_days)), learning.rate_min)


def _bin_rates(
    rises: FloatArray, days: FloatArray, rate: float, spreads: tuple[float, float], learning: LearningRules
) -> tuple[FloatArray, float]:
    """(n,) rate of each bin, drawn towards the class by (cv / between_cv)^2 days, and the spread between the bins."""
    cv, usual_between = spreads
    seen = days > 1
    own = rises[seen] / days[seen]
    beyond = (own - rate) ** 2 - cv**2 * rate**2 / days[seen]
    square = (beyond.sum() + BETWEEN_BINS * (usual_between * rate) ** 2) / (seen.sum() + BETWEEN_BINS)
    between = float(np.clip(np.sqrt(max(square, 0.0)) / rate, *BETWEEN_SPAN))
    kappa_d = (cv / between) ** 2
    return np.maximum((rises + kappa_d * rate) / (days + kappa_d), learning.rate_min), between


def _day_cv(own: Pairs, rates: FloatArray, waste_d: FloatArray, base: ClassRates, learning: LearningRules) -> float:
    """Variation from day to day: what pairs a day apart differ from their mean, without the sensor's noise.

    Levels only rise, so a small fall is noise: where there are none, the sensor has less of it than its kind usually has.
    """
    day = own.day
    risen, usual = own.then[day] - own.level[day], own.noise[day]
    fell = risen < 0
    noisy = min(1.0, float((risen[fell] ** 2).mean() / usual[fell].mean())) if fell.any() else 0.0
    square = (risen - rates[own.bin[day]] * waste_d[day]) ** 2 - noisy * usual
    weight = rates[own.bin[day]] ** 2 * waste_d[day]
    prior = learning.class_days * rates.mean() ** 2 if len(rates) else 1.0
    spread = (square.sum() + prior * base.cv**2) / (weight.sum() + prior)
    return float(np.clip(np.sqrt(max(spread, 0.0)), *CV_SPAN))


def _weekdays(own: Pairs, rate: float, base: ClassRates, learning: LearningRules) -> FloatArray:
    """(7,) factors of the weekdays, drawn towards the prior's, mean 1."""
    day = own.day
    risen = np.bincount(own.weekday[day], weights=(own.then - own.level)[day], minlength=7)
    awaited = np.bincount(own.weekday[day], weights=rate * own.days[day], minlength=7)
    prior = learning.weekday_days * rate
    usual = np.array(base.weekday or EVEN)
    factor = np.maximum((risen + prior * usual) / (awaited + prior), 0.05)
    found: FloatArray = factor / factor.mean()
    return found


def _grid(own: Pairs, base: ClassRates, learning: LearningRules) -> FloatArray:
    if base.grid:
        return np.array(base.grid)
    return levels.grid_of(np.concatenate([own.level, own.then]), int(learning.steps_max))


def _transitions(own: Pairs, n: int, grid: FloatArray, given: tuple[ClassRates, LearningRules]) -> tuple[FloatArray, FloatArray]:
    """(n, k, k) daily counts of each bin and (k, k) transitions of all, drawn towards the prior's, or a little to staying."""
    base, learning = given
    day = own.take(own.day)
    start, end = levels.nearest_step(day.level, grid), levels.nearest_step(day.then, grid)
    counts = levels.counted(day.bin, start, np.maximum(start, end), (n, len(grid)))
    prior, weight = (base.step_days(), learning.class_days) if base.transitions else (np.eye(len(grid)), 1.0)
    return counts, levels.shrunken(counts.sum(axis=0), prior, weight)


def _waste_d(test: Pairs, fit: _Fit, offset_s: int) -> FloatArray:
    weekday = np.broadcast_to(np.array(fit.found.weekday), (len(test.bin), 7))
    return exposure_d(weekday, test.start_us, test.end_us, offset_s)


def _score(test: Pairs, tried: Sequence[float], says: Callable[[float], FloatArray]) -> float:
    """Mean Brier score over some levels: a ranked probability score."""
    return float(np.mean([brier(says(level), test.then >= level - 1e-9) for level in tried]))


def _gamma_says(test: Pairs, fit: _Fit, learning: LearningRules, offset_s: int, level: float) -> FloatArray:
    rate = fit.rates[test.bin]
    known, days = rate * learning.weight_d, _waste_d(test, fit, offset_s)
    gained = gain(days * _pace(test, rate * days), rate, np.full(len(rate), fit.found.cv), known, known)
    return gained.passes(level - test.level)


def _levels_say(test: Pairs, fit: _Fit, kappa: float, offset_s: int, level: float) -> FloatArray:
    grid = np.array(fit.found.grid)
    own = levels.shrunken(fit.counts, fit.found.step_days(), kappa)
    begin = levels.distribution(test.level, np.full(len(test.bin), 1e-3), grid)
    days, moves = _waste_d(test, fit, offset_s), own[test.bin]
    pace = _pace(test, (levels.after(begin, moves, days) - begin) @ grid)
    return levels.at_least(levels.after(begin, moves, days * pace), grid, level)


def _pace(test: Pairs, awaited: FloatArray) -> float:
    """How fast all bins filled meanwhile, against what was awaited: beliefs follow that, so no method is blamed for it."""
    return float(np.clip((test.then - test.level).sum() / max(awaited.sum(), 1e-9), 0.3, 3.0))
