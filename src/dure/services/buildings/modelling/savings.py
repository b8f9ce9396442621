"""Avoided energy with an interval that holds: baseline prediction less measured use, and how far that may be off.

The interval comes from weeks the model has not seen. The baseline's n weeks are dealt to four folds at random, again and again;
the m weeks of a fold are predicted, as one sum, by a model of the others, structure and all. What is missed, E, tells a variance
per week, and that tells the interval of m weeks of reporting::

    s^2 = mean of E^2 / (m + m^2 / (n - m))          variance = s^2 (m + m^2 / n)          m^2 / n for the baseline's own error

with Student's quantile of n - 1. Sums of many weeks are held out, as what is wrong in one week is often wrong in the next, and
weeks, as what moves a building's use for a day (a holiday, an event) lasts for days: intervals from single days or hours are far
too narrow. The interval holds where the baseline has seen the season that is reported on; a baseline must span a year.
ASHRAE Guideline 14's half width stands beside it, for those who must report it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student

from dure.services.buildings.modelling.goodness import Goodness, goodness, savings_uncertainty
from dure.services.buildings.modelling.outcome import Bools, Floats, Ints, Refused

if TYPE_CHECKING:
    from dure.services.buildings.modelling.rows import Model, Rows


@dataclass(frozen=True)
class Judging:
    """How savings are judged.

    Attributes
    ----------
    confidence : of the two-sided interval [1]
    folds, deals : folds the baseline's weeks are dealt to, and how often
    weeks_min : weeks of baseline that are needed
    week_share_min : share of a week's rows that must be known for it to tell an error [1]
    seed : of the deals
    """

    confidence: float = 0.9
    folds: int = 4
    deals: int = 8
    weeks_min: int = 12
    week_share_min: float = 0.5
    seed: int = 1


DEFAULT = Judging()


@dataclass(frozen=True)
class HeldOut:
    """What models miss in sums of weeks they have not seen: mean square per week [(unit of use)^2], weeks of baseline."""

    mean_square: float
    weeks: int

    def half_width(self, weeks: float, confidence: float) -> float:
        """Half width of the interval of a prediction over some weeks [unit of use]."""
        variance = self.mean_square * (weeks + weeks**2 / self.weeks)
        return float(student.ppf(0.5 + confidence / 2, self.weeks - 1)) * math.sqrt(variance)


@dataclass(frozen=True, eq=False)
class Misses:
    """What models missed in folds they had not seen; those of series that were dealt the same weeks may be added up.

    Attributes
    ----------
    missed : (n_folds,) sum of use less prediction over each fold [unit of use]
    held : (n_folds,) weeks in each fold that could be told
    dealt : weeks that were dealt; weeks : those of them that are whole
    """

    missed: Floats
    held: Floats
    dealt: int
    weeks: int

    def errors(self) -> HeldOut:
        """The mean square per week: ``E^2 / (m + m^2 / (n - m))`` over all folds that hold anything."""
        m = self.held
        told = m > 0
        squares = self.missed[told] ** 2 / (m[told] + m[told] ** 2 / np.maximum(self.dealt - m[told], 1.0))
        return HeldOut(float(squares.mean()), self.weeks)


@dataclass(frozen=True)
class Saving:
    """Avoided energy of a reporting period.

    Attributes
    ----------
    avoided : predicted - measured [unit of use]; negative = used more
    low, high : its interval
    predicted, measured : over the rows that have both
    g14_half_width : what ASHRAE Guideline 14 would say
    coverage : share of the reporting period's rows that could be compared [1]; the rest is in neither sum
    fit : of the baseline model to its own rows
    """

    avoided: float
    low: float
    high: float
    predicted: float
    measured: float
    g14_half_width: float
    coverage: float
    confidence: float
    fit: Goodness
    errors: HeldOut

    @property
    def half_width(self) -> float:
        """[unit of use]."""
        return (self.high - self.low) / 2

    @property
    def certain(self) -> bool:
        """Whether the interval leaves no doubt that something was saved."""
        return self.low > 0


@dataclass(frozen=True)
class Annual:
    """Use of a normal year by one model, with its interval [unit of use]."""

    use: float
    low: float
    high: float
    confidence: float
    errors: HeldOut


def held_out(baseline: Rows, how: Judging = DEFAULT) -> HeldOut | Refused:
    """What models of other weeks miss in weeks of the baseline, by blocked cross-validation."""
    found = misses(baseline, how)
    return found if isinstance(found, Refused) else found.errors()


def misses(baseline: Rows, how: Judging = DEFAULT, weeks: Ints | None = None) -> Misses | Refused:
    """What models of the other folds miss in each fold of every deal.

    Parameters
    ----------
    weeks : the weeks that are dealt, ascending; None: those of the baseline. Series that shall be summed are dealt the same
    """
    known = baseline.of(baseline.known())
    own, rows = np.unique(known.week, return_counts=True)
    whole = int((rows >= how.week_share_min * known.per_week).sum())
    if whole < how.weeks_min:
        return Refused("too_few", {"weeks": float(whole), "weeks_min": float(how.weeks_min)})
    dealt = own if weeks is None else np.union1d(weeks, own)
    place = np.searchsorted(dealt, known.week)
    chance = np.random.default_rng(how.seed)
    missed, held = np.zeros((how.deals, how.folds)), np.zeros((how.deals, how.folds))
    for deal in range(how.deals):
        fold = chance.permutation(len(dealt)) % how.folds
        for each in range(how.folds):
            found = _missed(known, fold[place] == each)
            if isinstance(found, Refused):
                return found
            missed[deal, each], held[deal, each] = found[0], found[1] / known.per_week
    return Misses(missed.ravel(), held.ravel(), len(dealt), whole)


def _missed(known: Rows, held: Bools) -> tuple[float, int] | Refused:
    """Sum of what a model of the other rows misses in those that are held out, and of how many rows."""
    model = known.of(~held).fit()
    if isinstance(model, Refused):
        return model
    tested = known.of(held)
    residual = tested.usage - model.of_rows(tested)
    told = np.isfinite(residual)
    return float(residual[told].sum()), int(told.sum())


def avoided_energy(baseline: Rows, reporting: Rows, how: Judging = DEFAULT) -> Saving | Refused:
    """The saving of a reporting period against a baseline.

    Parameters
    ----------
    baseline : rows before the measure
    reporting : rows after it, of the same kind

    Returns
    -------
    The saving, or why none can be told
    """
    model = baseline.fit()
    if isinstance(model, Refused):
        return model
    errors = held_out(baseline, how)
    if isinstance(errors, Refused):
        return errors
    fit = goodness(baseline.usage, model.of_rows(baseline), model.coefficients)
    if isinstance(fit, Refused):
        return fit
    expected = model.of_rows(reporting)
    told = np.isfinite(expected) & np.isfinite(reporting.usage)
    if not told.any():
        return Refused("no_data", {"rows": float(len(told))})
    predicted, measured, count = float(expected[told].sum()), float(reporting.usage[told].sum()), int(told.sum())
    half = errors.half_width(count / reporting.per_week, how.confidence)
    avoided = predicted - measured
    return Saving(
        avoided=avoided,
        low=avoided - half,
        high=avoided + half,
        predicted=predicted,
        measured=measured,
        g14_half_width=savings_uncertainty(fit, predicted, count, how.confidence),
        coverage=float(told.mean()),
        confidence=how.confidence,
        fit=fit,
        errors=errors,
    )


def normalised_annual(rows: Rows, normal: Rows, how: Judging = DEFAULT) -> Annual | Refused:
    """Use of a year of normal weather, by the model of some rows.

    Parameters
    ----------
    rows : what the model is fitted to
    normal : rows of the normal year; their use does not matter
    """
    model = rows.fit()
    if isinstance(model, Refused):
        return model
    errors = held_out(rows, how)
    if isinstance(errors, Refused):
        return errors
    return annual_by(model, normal, errors, how.confidence)


def annual_by(model: Model, normal: Rows, errors: HeldOut, confidence: float) -> Annual | Refused:
    """Use of a normal year by a model and what it misses; every row must be told, as a year with holes is no year."""
    told: Floats = model.of_rows(normal)
    if not np.isfinite(told).all():
        return Refused("no_data", {"rows": float((~np.isfinite(told)).sum())})
    use, half = float(told.sum()), errors.half_width(len(told) / normal.per_week, confidence)
    return Annual(use, use - half, use + half, confidence, errors)


def normalised_saving(before: Annual, after: Annual) -> tuple[float, float, float]:
    """Saving in a normal year with its interval: the half widths of both, independent of each other, in quadrature."""
    half = math.hypot((before.high - before.low) / 2, (after.high - after.low) / 2)
    saved = before.use - after.use
    return saved, saved - half, saved + half
