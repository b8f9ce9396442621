"""How many spreads the bound must lie below the estimate, as measured at homes that changed nothing. Pure.

A half-year that lies wholly before a home joined is judged like any other. What it "saved" there is chance. The number that
at most one in ten of such homes pass is the number for the next period: split conformal prediction (Vovk et al. 2005; Lei et
al. 2018, doi:10.1080/01621459.2017.1307116), which holds whatever the noise is like, as long as one half-year is like another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from dure.services.carbon.households.saving import Saving


def score(found: Saving) -> float:
    """How many spreads a home lies below its expectation."""
    return found.saved / found.spread


def times_of(seasons: Sequence[Sequence[float]], confidence: Fraction, least_n: int) -> float | None:
    """The number of spreads: the larger of what each half-year shows, as winters and summers differ; None with too few homes.

    Parameters
    ----------
    seasons : for each half-year before, the scores of homes that changed nothing, each home once
    confidence : of the one-sided interval
    least_n : homes a half-year takes to tell
    """
    found = []
    for scores in seasons:
        place = math.ceil((len(scores) + 1) * confidence)
        if len(scores) >= least_n and place <= len(scores):
            found.append(max(0.0, sorted(scores)[place - 1]))
    return max(found, default=None)
