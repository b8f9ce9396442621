"""How many spreads the bound must lie below the estimate, as measured at homes that changed nothing. Pure.

A half-year that lies wholly before a home joined is judged like any other. What it "saved" there is chance. The number that
at most one in ten of such homes pass is the number for the next period: split conformal prediction (Vovk et al. 2005; Lei et
al. 2018, doi:10.1080/01621459.2017.1307116), which holds whatever the noise is like, as long as one half-year is like another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist

from dure.services.carbon.households.saving import Saving

EVEN = Fraction(1, 2)  # nothing to spare


def score(found: Saving) -> float:
    """How many spreads a home lies below its expectation."""
    return found.saved / found.spread


def place_of(n: int, confidence: Fraction, certainty: Fraction) -> int:
    """Which of n sorted scores to take, the first is 1; it may be above n.

    The share of all homes below the k-th of n is itself a matter of chance (Beta(k, n + 1 - k)). With `certainty` above a half so
    high a one is taken that with this certainty the share is at least `confidence` (tolerance bound; normal approximation with
    half a step to spare: 96 of 100 for nine tenths at 19/20, where the exact binomial says 96 too).
    """
    plain = math.ceil((n + 1) * confidence)
    share = float(confidence)
    spare = NormalDist().inv_cdf(float(certainty)) * math.sqrt(n * share * (1 - share))
    return max(plain, math.ceil(n * share + spare) + 1) if spare > 0 else plain


def times_of(seasons: Sequence[Sequence[float]], confidence: Fraction, least_n: int, certainty: Fraction = EVEN) -> float | None:
    """The number of spreads: the larger of what each half-year shows, as winters and summers differ.

    None with too few homes in any of them: a summer alone says nothing of a winter. (Measured: 12.7 % of homes that changed
    nothing passed in a winter that one summer was to speak for; by Student's t 7.3 % did.)

    Parameters
    ----------
    seasons : for each half-year before, the scores of homes that changed nothing, each home once
    confidence : of the one-sided interval
    least_n : homes a half-year takes to tell
    certainty : that no more than the rest pass, though only so many homes were measured
    """
    found = []
    for scores in seasons:
        place = place_of(len(scores), confidence, certainty)
        if len(scores) < least_n or place > len(scores):
            return None
        found.append(max(0.0, sorted(scores)[place - 1]))
    return max(found, default=None)
