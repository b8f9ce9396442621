"""Why a company's emissions of energy changed from a period to the next: activity, factor, weather, floor area. Pure.

Only rows with an energy and a factor can be bridged (scopes 1 and 2: fuels, electricity, heat); travel, waste, refrigerants and
purchases have no area or weather and are told beside it. A weather index is used where one is known, else 1, and then the
weather effect is 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from dure.emissions.bridge import Bridge, Use, bridge
from dure.emissions.conversion import Refused
from dure.services.carbon.companies.footprint import Footprint, Line


class CompanyBridge(msgspec.Struct, frozen=True, kw_only=True):
    """The bridge, and what it leaves out [gCO2e]."""

    bridge: Bridge
    outside_before_g: int
    outside_after_g: int
    weather_known: bool


def company_bridge(
    before: Footprint, after: Footprint, areas: tuple[Fraction, Fraction], weather: Mapping[str, tuple[Fraction, Fraction]]
) -> CompanyBridge | Refused:
    """The change between two periods.

    Parameters
    ----------
    areas : floor area of the first and of the second [m2]
    weather : use expected in each period's weather over that in a normal one, by kind; kinds that are absent count as 1
    """
    ones = (Fraction(1), Fraction(1))
    uses = [
        {
            kind: Use(energy_wh=wh, area_m2=areas[i], weather=weather.get(kind, ones)[i], g_per_wh=exact / wh)
            for kind, (wh, exact) in _by_kind(found.lines).items()
        }
        for i, found in enumerate((before, after))
    ]
    found = bridge(uses[0], uses[1])
    if isinstance(found, Refused):
        return found
    outside = [sum(one.co2e_g or 0 for one in part.lines if not _fits(one)) for part in (before, after)]
    return CompanyBridge(bridge=found, outside_before_g=outside[0], outside_after_g=outside[1], weather_known=bool(weather))


def _fits(one: Line) -> bool:
    return one.co2e_g is not None and bool(one.energy_wh) and one.scope in {1, 2}


def _by_kind(lines: Sequence[Line]) -> dict[str, tuple[int, Fraction]]:
    found: dict[str, tuple[int, Fraction]] = {}
    for one in lines:
        if _fits(one):
            wh, exact = found.get(one.kind, (0, Fraction(0)))
            found[one.kind] = wh + (one.energy_wh or 0), exact + Fraction(one.exact_g)
    return found
