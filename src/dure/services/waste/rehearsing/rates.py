"""How fast each bin fills, and how surely: a probability for every rate of a grid, from exact and from coarse levels alike.

A spell is the time between two known levels of a bin. Its gain is gamma distributed (reference waste.md, 4.1)::

    G ~ gamma(shape h / c^2, scale r c^2)       over h days at rate r and coefficient of variation c of a day

A sensor tells the gain closely; a crew's tap tells the quarter it lies in, and "overflow" only that it is more than the brim.
Both are probabilities of an interval of G, so nothing is made of a tap but what it says. Before a bin has told anything its
rate is presumed from its neighbours and from all bins: the logarithms of the rates are a Gaussian field over the city, part of
whose variance falls off with distance, how much being learnt too (Rasmussen and Williams 2006, Gaussian Processes for Machine
Learning, 2.2 and 5.4.2: what the others say of a bin without its own word).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from scipy.special import gammainc

if TYPE_CHECKING:
    from dure.routing.model import IntArray
    from dure.services.waste.model import FloatArray

LOG_RATES = np.arange(np.log(0.004), np.log(1.6), 0.1)
RATES = np.exp(LOG_RATES)  # 1/d
CVS = np.geomspace(0.3, 1.2, 7)
WIDE = 1.2  # standard deviation of log rates before anything is known of them


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """How log rates vary over a city: their mean and standard deviation, the share neighbours have in common, how far."""

    mean: float = -2.05
    sd: float = 0.7
    alike: float = 0.25
    alike_m: float = 1_500.0


FIELD = Field()
TRIED = tuple(
    Field(sd=sd, alike=alike, alike_m=far)
    for sd in (0.35, 0.5, 0.7, 0.95)
    for alike, far in ((0.0, 1.0), (0.25, 500.0), (0.25, 1_500.0), (0.5, 500.0), (0.5, 1_500.0), (0.75, 1_500.0), (0.5, 4_000.0))
)


class Spells(NamedTuple):
    """(s,) bins, days of mean weekdays, and the interval the gain lies in."""

    bin: IntArray
    days: FloatArray
    low: FloatArray
    high: FloatArray


class Rates:
    """Rates of n bins.

    Parameters
    ----------
    n : bins
    places_m : (n, 2) where they stand; None: nobody knows, so that neighbours tell nothing of each other
    """

    def __init__(self, n: int, places_m: FloatArray | None = None, field: Field = FIELD) -> None:
        self.n, self.field = n, field
        self._apart_m = None if places_m is None else np.hypot(*(places_m[:, None] - places_m[None]).transpose(2, 0, 1))
        self._told = np.zeros((CVS.size, n, RATES.size))  # log likelihoods
        self._weight_cv = np.exp(-((np.log(CVS / 0.6) / 0.5) ** 2) / 2)
        self._weight_cv /= self._weight_cv.sum()
        self._presumed = (np.full(n, field.mean), np.full(n, WIDE**2))
        self._stale = False
        self._spells = 0
        self._fitted = 0

    def learn(self, spells: Spells) -> None:
        """Take in closed spells."""
        if spells.bin.size:
            for at, cv in enumerate(CVS):
                np.add.at(self._told[at], spells.bin, likelihood(spells, cv))
            self._stale = True
            self._spells += spells.bin.size

    def cv(self) -> float:
        """Coefficient of variation of a day, as likely as spells make it."""
        self._refresh()
        return float(self._weight_cv @ CVS)

    def shares(self, more: FloatArray | None = None) -> FloatArray:
        """(n, r) probability of each rate; `more`: (n, r) log likelihood of what is not closed yet."""
        self._refresh()
        told = np.tensordot(self._weight_cv, self._told, 1)
        return normal(told + self._prior() + (0.0 if more is None else more))

    def _prior(self) -> FloatArray:
        mean, variance = self._presumed
        return np.asarray(-((LOG_RATES - mean[:, None]) ** 2) / (2 * variance[:, None]))

    def _refresh(self) -> None:
        if not self._stale:
            return
        self._stale = False
        prior = self._prior()
        prior = prior - np.log(np.exp(prior).sum(1, keepdims=True))
        both = self._told + prior
        top = both.max(2)
        evidence = (top + np.log(np.exp(both - top[:, :, None]).sum(2))).sum(1)
        evidence -= (np.log(CVS / 0.6) / 0.5) ** 2 / 2
        weight = np.exp(evidence - evidence.max())
        self._weight_cv = weight / weight.sum()
        self._fit(normal(np.tensordot(self._weight_cv, self._told, 1) + prior))

    def _fit(self, shares: FloatArray) -> None:
        """What each bin's own word adds to what was presumed of it, and what the others then make of it."""
        mean = shares @ LOG_RATES
        variance = np.maximum(shares @ LOG_RATES**2 - mean**2, 1e-3)
        was, width = self._presumed
        sure = np.maximum(1 / variance - 1 / width, 1e-4)  # precision of its own word
        said = np.clip((mean / variance - was / width) / sure, LOG_RATES[0] - 1, LOG_RATES[-1] + 1)
        if self._spells >= 1.3 * self._fitted:
            self._fitted = max(self._spells, 20)
            self.field = max((self._centred(one, said, sure) for one in self._tried()), key=lambda one: one[0])[1]
        held = self._covariance(self.field) + np.diag(1 / sure)
        inverse = np.linalg.inv(held)
        own = 1 / np.diag(inverse)
        self._presumed = (said - own * (inverse @ (said - self.field.mean)), np.maximum(own - 1 / sure, 1e-3))

    def _tried(self) -> tuple[Field, ...]:
        return TRIED if self._apart_m is not None else tuple(one for one in TRIED if one.alike == 0)

    def _covariance(self, field: Field) -> FloatArray:
        variance = field.sd**2
        if self._apart_m is None or field.alike == 0:
            return variance * np.eye(self.n)
        common = field.alike * np.exp(-self._apart_m / field.alike_m)
        return np.asarray(variance * (common + (1 - field.alike) * np.eye(self.n)))

    def _centred(self, field: Field, said: FloatArray, sure: FloatArray) -> tuple[float, Field]:
        """Log likelihood of a field and the field at its best mean, with a weak presumption of both."""
        root = np.linalg.cholesky(self._covariance(field) + np.diag(1 / sure))
        ones, told = np.linalg.solve(root, np.ones(self.n)), np.linalg.solve(root, said)
        usual, weight = FIELD.mean, 1 / 0.5**2
        mean = (ones @ told + weight * usual) / (ones @ ones + weight)
        rest = told - mean * ones
        likely = -0.5 * rest @ rest - np.log(np.diag(root)).sum() - 0.5 * weight * (mean - usual) ** 2
        likely -= 0.5 * (np.log(field.sd / FIELD.sd) / 0.4) ** 2
        return float(likely), msgspec.structs.replace(field, mean=float(mean))


def likelihood(spells: Spells, cv: float) -> FloatArray:
    """(s, r) log probability that a spell gains what it did, at each rate."""
    shape = (spells.days / cv**2)[:, None]
    scale = RATES * cv**2
    below = gammainc(shape, np.maximum(spells.high, 0.0)[:, None] / scale) - gammainc(
        shape, np.maximum(spells.low, 0.0)[:, None] / scale
    )
    return np.asarray(np.log(np.maximum(below, 1e-6)))


def normal(log_: FloatArray) -> FloatArray:
    """Shares along the last axis from log weights."""
    weight = np.exp(log_ - log_.max(-1, keepdims=True))
    return np.asarray(weight / weight.sum(-1, keepdims=True))
