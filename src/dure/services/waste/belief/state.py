"""What is believed of n bins at an instant, and what is fixed about them: arrays, one row for each bin.

The level of a bin is told by its last observation (`level`, `sd`, at `anchor_us`) and by what fell in since, which is computed
when asked. So a bin nobody hears of only becomes less certain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.time import to_us
from dure.services.waste.belief import levels
from dure.services.waste.belief.gains import Gain, gain
from dure.services.waste.belief.weekdays import DAY_US, exposure_d

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.core.observations import Rejected
    from dure.services.waste.belief.belief_rules import BeliefRules
    from dure.services.waste.belief.emptying import Evidence
    from dure.services.waste.belief.learned import Learned
    from dure.services.waste.model import Bin, FloatArray

NEVER_US = -(2**62)
UNKNOWN_LEVEL, UNKNOWN_SD = 0.35, 0.35  # of a bin nobody ever looked into
TEMPO_SPAN = (0.1, 6.0)
STEADY_BINS = 3.0  # a class of so many bins is believed half as fast as its bins lately were, half as learnt


class Kind(IntEnum):
    """What an observation is. Of one instant they count in this order: an emptying comes after what was seen before it."""

    SENSOR = 0
    DEPOSITS = 1
    CREW = 2
    REPORT = 3
    EMPTIED = 4
    EMPTYINGS = 5


LEVEL_KINDS = (Kind.SENSOR, Kind.CREW, Kind.REPORT)


class Emptied(NamedTuple):
    """An emptying that was found while observing."""

    bin: str
    at_us: int
    before: float
    left: float
    evidence: Evidence


@dataclass(frozen=True)
class Stepwise:
    """Bins of one class whose levels are counted: which rows, the grid of levels, and daily transitions (r, k, k)."""

    rows: NDArray[np.int64]
    grid: FloatArray
    transitions: FloatArray


@dataclass(frozen=True)
class Traits:
    """What is fixed about n bins: learnt rates, their class, and who is counted stepwise.

    `awaited`: (n,) rise that is awaited in the days all that was learnt weighs [1]; `place`: (n,) row among the stepwise, or -1.
    """

    rate_per_day: FloatArray
    cv: FloatArray
    weekday: FloatArray
    awaited: FloatArray
    group: NDArray[np.int64]
    groups_n: int
    stepwise: tuple[Stepwise, ...]
    steps: NDArray[np.int64]
    place: NDArray[np.int64]
    deposit: FloatArray
    sensor: NDArray[np.bool_]


@dataclass(frozen=True)
class Beliefs:
    """Beliefs of n bins. Nothing here is changed: `observe` gives new ones.

    Attributes
    ----------
    level, sd, anchor_us : (n,) level by the last observation that told it [1], its sd [1], when [µs]
    risen, awaited, paced_us : (n,) rise seen lately, rise awaited at the learnt rate [1], and when both were brought up to date
    fell_from, fell_us, sure : (n,) level before the last fall [1] (nan: none), when [µs], whether somebody confirmed it
    last_us : (n, 6) last observation of each `Kind` that was believed [µs]; read_us : last that was read, believed or not
    totals : (n, 2) last state of the counters of deposits and emptyings; nan: never
    slips : (n,) observations that were not believed, since the last that was
    rejected, emptied : what the last `observe` refused, and the emptyings it found
    """

    bins: tuple[Bin, ...]
    learned: Learned
    rules: BeliefRules
    traits: Traits
    as_of_us: int
    level: FloatArray
    sd: FloatArray
    anchor_us: NDArray[np.int64]
    risen: FloatArray
    awaited: FloatArray
    paced_us: NDArray[np.int64]
    fell_from: FloatArray
    fell_us: NDArray[np.int64]
    sure: NDArray[np.bool_]
    last_us: NDArray[np.int64]
    read_us: NDArray[np.int64]
    totals: FloatArray
    slips: NDArray[np.int64]
    rejected: tuple[Rejected, ...] = ()
    emptied: tuple[Emptied, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)

    def waste_days(self, rows: NDArray[np.int64], end_us: NDArray[np.int64]) -> FloatArray:
        """(r,) waste days since the last observation of some bins."""
        return exposure_d(self.traits.weekday[rows], self.anchor_us[rows], end_us, self.learned.offset_s)

    def tempo(self, rows: NDArray[np.int64]) -> FloatArray:
        """(r,) how many times as fast as learnt the bins fill lately [1]."""
        return np.clip(self.risen[rows] / self.awaited[rows], *TEMPO_SPAN)

    def gain(self, rows: NDArray[np.int64], days: FloatArray) -> Gain:
        """What falls into some bins within so many waste days."""
        traits = self.traits
        return gain(days, traits.rate_per_day[rows], traits.cv[rows], self.risen[rows], self.awaited[rows])

    def spread(self, group: Stepwise, rows: NDArray[np.int64], days: FloatArray) -> FloatArray:
        """(r, k) distribution over the levels of one group after so many waste days at its bins' own tempo."""
        begin = levels.distribution(self.level[rows], self.sd[rows], group.grid)
        return levels.after(begin, group.transitions[self.traits.place[rows]], days * self.tempo(rows))


def start(bins: Sequence[Bin], learned: Learned, at: datetime, rules: BeliefRules) -> Beliefs:
    """Beliefs before anything was observed: rates as learnt, levels unknown."""
    n, at_us = len(bins), to_us(at)
    traits = _traits(bins, learned, rules)
    return Beliefs(
        bins=tuple(bins),
        learned=learned,
        rules=rules,
        traits=traits,
        as_of_us=at_us,
        level=np.full(n, UNKNOWN_LEVEL),
        sd=np.full(n, UNKNOWN_SD),
        anchor_us=np.full(n, at_us, np.int64),
        risen=traits.awaited.copy(),
        awaited=traits.awaited.copy(),
        paced_us=np.full(n, at_us, np.int64),
        fell_from=np.full(n, np.nan),
        fell_us=np.full(n, NEVER_US, np.int64),
        sure=np.zeros(n, np.bool_),
        last_us=np.full((n, len(Kind)), NEVER_US, np.int64),
        read_us=np.full((n, len(Kind)), NEVER_US, np.int64),
        totals=np.full((n, 2), np.nan),
        slips=np.zeros(n, np.int64),
        rows={one.id: row for row, one in enumerate(bins)},
    )


def advance(beliefs: Beliefs, to: datetime) -> Beliefs:
    """The same beliefs later, nothing being observed: levels are likely higher and less certain."""
    return replace(beliefs, as_of_us=max(beliefs.as_of_us, to_us(to)), rejected=(), emptied=())


def _traits(bins: Sequence[Bin], learned: Learned, rules: BeliefRules) -> Traits:
    names = sorted({one.bin_class for one in bins})
    number = {name: n for n, name in enumerate(names)}
    kinds = [learned.of_class(one.bin_class) for one in bins]
    rate = np.array([learned.rate_of(one.id, one.bin_class) for one in bins], np.float64)
    cv = np.array([one.cv for one in kinds], np.float64)
    between = np.array([one.between_cv for one in kinds], np.float64)
    own_days = np.array([learned.bins[one.id].days if one.id in learned.bins else 0.0 for one in bins], np.float64)
    weight_d = np.minimum(rules.learning.weight_d, (cv / between) ** 2 + own_days)
    group = np.array([number[one.bin_class] for one in bins], np.int64)
    stepwise: list[Stepwise] = []
    steps, place = np.full(len(bins), -1, np.int64), np.full(len(bins), -1, np.int64)
    for name in names:
        known = learned.of_class(name)
        if known.method == "levels" and known.transitions:
            rows = np.flatnonzero(group == number[name])
            steps[rows], place[rows] = len(stepwise), np.arange(len(rows))
            own = learned.transitions_of([bins[row].id for row in rows.tolist()], name)
            stepwise.append(Stepwise(rows, np.array(known.grid), own))
    return Traits(
        rate_per_day=rate,
        cv=cv,
        weekday=np.array([one.weekday for one in kinds], np.float64).reshape(-1, 7),
        awaited=rate * weight_d,
        group=group,
        groups_n=len(names),
        stepwise=tuple(stepwise),
        steps=steps,
        place=place,
        deposit=np.array([one.deposit_l / (one.capacity_l * one.compaction) for one in bins], np.float64),
        sensor=np.array([one.sensor for one in bins], np.bool_),
    )


def forgotten(beliefs: Beliefs, rows: NDArray[np.int64], at_us: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """(r,) rise seen and awaited, drawn back with time towards what was learnt at the tempo the class has now."""
    traits, memory_d = beliefs.traits, beliefs.rules.learning.memory_d
    total = np.bincount(traits.group, weights=beliefs.awaited, minlength=traits.groups_n)
    seen = np.bincount(traits.group, weights=beliefs.risen, minlength=traits.groups_n)
    members = np.bincount(traits.group, minlength=traits.groups_n)
    steady = STEADY_BINS * np.bincount(traits.group, weights=traits.awaited, minlength=traits.groups_n) / np.maximum(members, 1)
    tempo = ((seen + steady) / np.maximum(total + steady, 1e-9))[traits.group[rows]]
    kept = 0.5 ** (np.maximum(at_us - beliefs.paced_us[rows], 0) / (DAY_US * memory_d))
    usual = traits.awaited[rows]
    return usual * tempo + kept * (beliefs.risen[rows] - usual * tempo), usual + kept * (beliefs.awaited[rows] - usual)


def relearnt(beliefs: Beliefs, learned: Learned) -> Beliefs:
    """The same beliefs resting on newer learning: levels and present rates stay as they are, what they are drawn to changes."""
    traits = _traits(beliefs.bins, learned, beliefs.rules)
    awaited = beliefs.awaited * traits.rate_per_day / beliefs.traits.rate_per_day
    return replace(beliefs, learned=learned, traits=traits, awaited=awaited, rejected=(), emptied=())


def begun_anew(beliefs: Beliefs, rows: NDArray[np.int64], at: datetime) -> Beliefs:
    """Some bins as if nothing had been observed of them since an instant, but for how fast they fill: to replay them in order."""
    fresh, at_us = start(beliefs.bins, beliefs.learned, at, beliefs.rules), to_us(at)
    kept = ("level", "sd", "fell_from", "fell_us", "sure", "last_us", "read_us", "totals", "slips")
    copies = {name: getattr(beliefs, name).copy() for name in kept}
    for name, column in copies.items():
        column[rows] = getattr(fresh, name)[rows]
    anchor_us = beliefs.anchor_us.copy()
    anchor_us[rows] = at_us
    return replace(beliefs, anchor_us=anchor_us, rejected=(), emptied=(), **copies)
