"""What was learnt from a history: rates of classes and bins, weekdays, how levels follow one another; plain data, kept as JSON.

The classes travel: another city takes them as a prior (`Learned.classes` of the one is `prior` of the other's `learn`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from dure.services.waste.belief.levels import shrunken

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray

CITY = "*"  # all bins together: what a class that nobody has seen falls back on
Method = Literal["gamma", "levels"]
EVEN = (1.0,) * 7


class ClassRates(msgspec.Struct, frozen=True, kw_only=True):
    """How the bins of one class fill.

    Attributes
    ----------
    rate_per_day : mean rise of its bins [1/d]; between_cv : of the rates of its bins; cv : from day to day
    weekday : factor of each weekday, Monday first, mean 1
    method : what told the end of history best: gamma gains, or counted levels
    kappa : days that the class weighs against the counts of a bin
    grid, transitions : levels [1], and (k, k) probabilities of a day
    days : bin-days it was learnt from
    tried : Brier score of each method on the end of history
    """

    rate_per_day: float
    between_cv: float
    cv: float
    weekday: tuple[float, ...] = EVEN
    method: Method = "gamma"
    kappa: float = 20.0
    grid: tuple[float, ...] = ()
    transitions: tuple[tuple[float, ...], ...] = ()
    days: float = 0.0
    tried: dict[str, float] = {}  # msgspec copies an empty default for every instance

    def step_days(self) -> FloatArray:
        """(k, k) the transitions as an array."""
        return np.array(self.transitions, np.float64)


class BinRates(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One bin: its rate, already drawn towards its class, and how often it went from one level to another within a day.

    `days` it was seen; `counts` are (step, step, times).
    """

    rate_per_day: float
    days: float = 0.0
    counts: tuple[tuple[int, int, float], ...] = ()


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """The newest is in force. `until`: nothing after it was looked at."""

    version: str
    classes: dict[str, ClassRates]
    bins: dict[str, BinRates] = {}  # as above
    until: datetime | None = None
    offset_s: int = 0
    pairs: int = 0

    def of_class(self, name: str) -> ClassRates:
        """The class, or the city where it is not known."""
        return self.classes.get(name) or self.classes[CITY]

    def rate_of(self, bin_id: str, bin_class: str) -> float:
        """Mean rise of a bin [1/d]."""
        known = self.bins.get(bin_id)
        return known.rate_per_day if known else self.of_class(bin_class).rate_per_day

    def transitions_of(self, bins: Sequence[str], bin_class: str) -> FloatArray:
        """(n, k, k) daily transitions of bins of one class, each drawn towards it as far as it is not known itself."""
        known = self.of_class(bin_class)
        k = len(known.grid)
        counts = np.zeros((len(bins), k, k))
        for row, one in enumerate(bins):
            for start, end, times in self.bins[one].counts if one in self.bins else ():
                counts[row, start, end] = times
        return shrunken(counts, known.step_days(), known.kappa)


def as_prior(learned: Learned) -> Mapping[str, ClassRates]:
    """What another city may take: the classes, without any bin."""
    return learned.classes


def dumped(learned: Learned) -> dict[str, Any]:
    """Plain JSON values of it."""
    plain: dict[str, Any] = msgspec.to_builtins(learned)
    return plain


def loaded(plain: Mapping[str, Any]) -> Learned:
    """It again, from its JSON values."""
    return msgspec.convert(plain, Learned)
