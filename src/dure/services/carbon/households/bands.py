"""Bands of a saving and what they pay; and the published rule, which knows no weather, to stand beside. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import msgspec

AwardOn = Literal["bound", "estimate"]


class Band(msgspec.Struct, frozen=True, kw_only=True):
    """From this cut on [1], this much per half-year [KRW]; `rule` names the row."""

    cut: Fraction
    won: int
    rule: str = ""


def band_of(share: Fraction, bands: Sequence[Band]) -> Band | None:
    """The highest band a cut reaches; None when it reaches none."""
    reached = [one for one in bands if share >= one.cut]
    return max(reached, key=lambda one: one.cut, default=None)


def decided(share: Fraction, bound_share: Fraction, bands: Sequence[Band], award_on: AwardOn) -> Band | None:
    """The band that is awarded.

    Parameters
    ----------
    share, bound_share : best estimate and lower bound of the cut [1]
    award_on : ``bound``: the bound itself has to reach it; ``estimate``: the estimate has to, and the bound has to be above 0
    """
    if award_on == "bound":
        return band_of(bound_share, bands)
    return band_of(share, bands) if bound_share > 0 else None


def bill_average_cut(past: Sequence[Sequence[float]], now: Sequence[float]) -> float | None:
    """The cut by the published rule: use against the mean of the same months of the past one or two years.

    Parameters
    ----------
    past : use of each month in each year before
    now : use of each month; as many as in `past`
    """
    before = sum(sum(one) / len(one) for one in past if one)
    if before <= 0 or any(not one for one in past):
        return None
    return 1 - sum(now) / before
