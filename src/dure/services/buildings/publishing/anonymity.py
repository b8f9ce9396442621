"""Who is shown by itself, and what is said of the others: figures of groups from which no single one can be worked out. Pure.

A building that few people use, or that is small, is *kept back*. Those kept back are parted into blocks of at least k: by use and
zone, what is left by use, what is left then all together; fewer than k at the end are in no figure at all. A block has a figure
of a calendar year only when at least k of its buildings are known for the whole year and none dominates it; sums by fuel and
carbon only when that holds for each fuel (with energy and carbon, two fuels could be solved for). Figures are rounded.

Everything else that is published (totals of the city) is made of the buildings shown and of *published* figures of whole blocks,
and of nothing else. So every number the public has is, as to buildings kept back, a combination of block sums: no difference of
totals leaves fewer than k of them (k-anonymity with complementary suppression; Hundepool et al., Statistical Disclosure Control,
Wiley 2012, chapters 4 and 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from dure.services.buildings.comparing.spans import area_m2, first_day
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES, Building
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.publishing.figures import Figures, figures
from dure.services.buildings.publishing.publishing_rules import PublishingRules
from dure.services.buildings.publishing.spans import Span


class Block(NamedTuple):
    """Buildings kept back that are spoken of together. `use` or `zone` "" means that they are of several."""

    use: str
    zone: str
    members: tuple[str, ...]


class Parted(NamedTuple):
    """Buildings kept back, by block; `unspoken` are too few for any."""

    blocks: tuple[Block, ...]
    unspoken: tuple[str, ...]


class GroupFigure(msgspec.Struct, frozen=True, kw_only=True):
    """What the public is told of a block in a year.

    Attributes
    ----------
    n : buildings behind it
    energy_wh : rounded [Wh]; None: nothing can be said, and `why` (``few``, ``dominated``)
    by_fuel : rounded energy of each fuel, adding up to `energy_wh`; empty when a fuel must not be told apart
    co2e_g : rounded [gCO2e]; None where fuels must not be told apart, or a factor is missing
    """

    block: Block
    span: Span
    n: int = 0
    energy_wh: int | None = None
    by_fuel: Mapping[Fuel, int] = {}
    co2e_g: int | None = None
    area_m2: float | None = None
    provisional: bool = False
    why: str = ""


def kept_back(building: Building, rules: PublishingRules, day: date) -> str:
    """Why a building is not shown by itself (``people``, ``area``, ``unknown``); "" when it is."""
    area = area_m2(building, day)
    if building.people is not None and building.people < rules.people_min:
        return "people"
    if 0 < area < rules.area_min_m2:
        return "area"
    return "unknown" if building.people is None and area <= 0 else ""


def parted(buildings: Iterable[Building], zones: Mapping[str, str], k: int) -> Parted:
    """Buildings kept back in blocks of at least `k`; `zones` by building id."""
    rest = sorted(buildings, key=lambda one: one.id)
    blocks: list[Block] = []
    keys: tuple[Callable[[Building], tuple[str, str]], ...] = (
        lambda one: (one.use, zones.get(one.id, "")),
        lambda one: (one.use, ""),
        lambda _: ("", ""),
    )
    for key in keys:
        cells: dict[tuple[str, str], list[Building]] = {}
        for one in rest:
            cells.setdefault(key(one), []).append(one)
        rest = []
        for (use, zone), members in sorted(cells.items()):
            if len(members) < k:
                rest += members
            else:
                blocks.append(Block(use, zone, tuple(one.id for one in members)))
    return Parted(tuple(blocks), tuple(sorted(one.id for one in rest)))


def group_figure(
    block: Block,
    buildings: Mapping[str, Building],
    rows: Mapping[str, Sequence[BuildingMonth]],
    span: Span,
    rules: PublishingRules,
) -> GroupFigure:
    """The figure of a block in a span, as far as it may be told."""
    whole: dict[str, Figures] = {}
    for one in block.members:
        found = figures(rows.get(one, ()), span, rules.coverage_min)
        if found.whole and not found.unconverted and found.energy_wh > 0:
            whole[one] = found
    if len(whole) < rules.group_min:
        return GroupFigure(block=block, span=span, why="few")
    if not _safe([one.energy_wh for one in whole.values()], rules):
        return GroupFigure(block=block, span=span, why="dominated")
    step = rules.rounding_kwh * 1_000
    by_fuel = _by_fuel(whole.values())
    apart = all(_safe(uses, rules) for uses in by_fuel.values())
    told = {fuel: _rounded(sum(uses), step) for fuel, uses in by_fuel.items()} if apart else {}
    carbon = apart and not any(one.refused for one in whole.values())
    areas = [area_m2(buildings[one], first_day(span.last)) for one in whole]
    return GroupFigure(
        block=block,
        span=span,
        n=len(whole),
        energy_wh=sum(told.values()) if told else _rounded(sum(one.energy_wh for one in whole.values()), step),
        by_fuel=told,
        co2e_g=_rounded(sum(one.co2e_g for one in whole.values()), rules.rounding_co2e_kg * 1_000) if carbon else None,
        area_m2=sum(areas) if all(areas) else None,
        provisional=any(one.provisional for one in whole.values()),
    )


def _by_fuel(found: Iterable[Figures]) -> dict[Fuel, list[int]]:
    """Energy of each fuel of each building that uses it."""
    by_fuel: dict[Fuel, list[int]] = {}
    for one in found:
        used: dict[Fuel, int] = {}
        for part in one.fuels:
            if SUPPLIES[part.fuel].energy and part.energy_wh:
                used[part.fuel] = used.get(part.fuel, 0) + part.energy_wh
        for fuel, energy_wh in used.items():
            by_fuel.setdefault(fuel, []).append(energy_wh)
    return by_fuel


def _safe(uses: Sequence[int], rules: PublishingRules) -> bool:
    """Whether a sum tells of no single one: enough of them, none dominating."""
    return len(uses) >= rules.group_min and max(uses) <= rules.share_max * sum(uses)


def _rounded(value: int, step: int) -> int:
    return round(value / step) * step


class Total(msgspec.Struct, frozen=True, kw_only=True):
    """What a city, a use or a zone used in a year, as far as it is published.

    Attributes
    ----------
    shown_n, grouped_n : buildings shown by themselves, and in published groups, that are in it
    co2e_g : of all in it; None when a group in it has none
    """

    span: Span
    shown_n: int
    grouped_n: int
    energy_wh: int
    co2e_g: int | None
    provisional: bool


def total(shown: Iterable[Figures], groups: Iterable[GroupFigure], span: Span) -> Total:
    """A total of published figures: of buildings shown that are whole in the span, and of groups that have a figure."""
    single = [one for one in shown if one.whole]
    grouped = [one for one in groups if one.energy_wh is not None]
    lacking = any(one.co2e_g is None for one in grouped)
    return Total(
        span=span,
        shown_n=len(single),
        grouped_n=sum(one.n for one in grouped),
        energy_wh=sum(one.energy_wh for one in single) + sum(one.energy_wh or 0 for one in grouped),
        co2e_g=None if lacking else sum(one.co2e_g for one in single) + sum(one.co2e_g or 0 for one in grouped),
        provisional=any(one.provisional for one in single) or any(one.provisional for one in grouped),
    )
