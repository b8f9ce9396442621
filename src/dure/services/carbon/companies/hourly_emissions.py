"""Grams of matched hours: location-based by all that was used, market-based by what no right of that hour covered. Pure.

Wh are summed exactly; a factor is an exact number of g/Wh, one for all hours (Korea publishes yearly factors) or one for each;
each total is rounded once.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from dure.services.carbon.companies.hourly import WhArray


class HourlyFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one company in a period.

    Attributes
    ----------
    load_wh, matched_wh : sums [Wh]
    location_g, market_g : [gCO2e]
    score_ppm : share of the load matched in its own hour, millionths, rounded down
    """

    load_wh: int
    matched_wh: int
    location_g: int
    market_g: int
    score_ppm: int


def hourly_figures(
    load_wh: WhArray, matched_wh: WhArray, grid_g_per_wh: Sequence[Fraction] | Fraction, residual_g_per_wh: Fraction | None = None
) -> HourlyFigures:
    """Figures of one company.

    Parameters
    ----------
    load_wh, matched_wh : (n_hours,) of the company [Wh]
    grid_g_per_wh : grid's factor [gCO2e/Wh], one or (n_hours,)
    residual_g_per_wh : residual mix, None where none is published: the grid's stands in
    """
    load, matched = int(load_wh.sum()), int(matched_wh.sum())
    rest = load_wh - matched_wh
    location = _grams(load_wh, grid_g_per_wh)
    market = _grams(rest, grid_g_per_wh if residual_g_per_wh is None else residual_g_per_wh)
    return HourlyFigures(
        load_wh=load,
        matched_wh=matched,
        location_g=round(location),
        market_g=round(market),
        score_ppm=matched * 1_000_000 // load if load else 0,
    )


def _grams(wh: WhArray, factor: Sequence[Fraction] | Fraction) -> Fraction:
    if isinstance(factor, Fraction):
        return int(wh.sum()) * factor
    return sum((one * part for one, part in zip(wh.tolist(), factor, strict=True)), Fraction(0))
