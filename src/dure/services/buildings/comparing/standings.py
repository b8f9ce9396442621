"""How all buildings stand: intensity, place among peers, legal target and grade of each, in one vintage of factors.

`comparison` is pure: rows of `months.portfolio` in, standings out. What differs in programme or `as_of` is never compared:
`same_vintage` refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui, eui
from dure.services.buildings.comparing.grade import Grade, grade
from dure.services.buildings.comparing.legal import Legal, legal_target
from dure.services.buildings.comparing.peers import Peers, Place
from dure.services.buildings.comparing.spans import first_day, months_ending
from dure.services.buildings.model import Building
from dure.services.buildings.months.portfolio import BuildingMonth


class Vintage(msgspec.Struct, frozen=True):
    """Which factors: of which programme, as known on which day."""

    programme: str
    as_of: date


class Standing(msgspec.Struct, frozen=True, gc=False):
    """One building. `rank` counts from the highest intensity; None: it is not ranked."""

    building: str
    eui: Eui | Refused
    place: Place | Refused | None
    legal: Legal | Refused | None
    grade: Grade | Refused | None
    rank: int | None = None


class Comparison(msgspec.Struct, frozen=True):
    """All buildings over ``first <= month <= last``, in one vintage."""

    vintage: Vintage
    first: str
    last: str
    standings: dict[str, Standing]
    rules_version: str

    @property
    def ranked(self) -> list[Standing]:
        """Those that can be ranked, the highest intensity first."""
        return sorted((one for one in self.standings.values() if one.rank is not None), key=lambda one: one.rank or 0)


def comparison(
    buildings: Mapping[str, Building],
    rows: Mapping[str, Sequence[BuildingMonth]],
    last: str,
    rules: CompareRules,
    vintage: Vintage,
) -> Comparison:
    """How the buildings stand in the months that end with `last`; `rows` by building, as `months.portfolio.of_buildings`."""
    found = {one.id: eui(one, rows.get(one.id, ()), last, rules) for one in buildings.values()}
    return standings_of(buildings, found, last, rules, vintage)


def standings_of(
    buildings: Mapping[str, Building], found: Mapping[str, Eui | Refused], last: str, rules: CompareRules, vintage: Vintage
) -> Comparison:
    """The same of intensities that are known already (`year_columns.euis`)."""
    known = {name: one for name, one in found.items() if isinstance(one, Eui)}
    peers = Peers(buildings, known, rules)
    order = sorted((one for one in known.values() if one.comparable), key=lambda one: (-one.kwh_m2, one.building))
    ranks = {one.building: rank for rank, one in enumerate(order, 1)}
    standings = {}
    for name, one in found.items():
        if isinstance(one, Refused):
            standings[name] = Standing(name, one, None, None, None)
            continue
        place, legal = peers.place(one), legal_target(buildings[name], one.area_m2, rules)
        standings[name] = Standing(name, one, place, legal, grade(one, legal, place, rules), ranks.get(name))
    return Comparison(vintage, months_ending(last, rules.months_n)[0], last, standings, rules.version)


def same_vintage(one: Vintage, other: Vintage) -> Refused | None:
    """Why two figures must not be compared; None when they may."""
    if one == other:
        return None
    left, right = (f"{each.programme} {each.as_of}" for each in (one, other))
    words = Text(
        f"계수가 다른 값은 견주지 않습니다: {left}, {right}.", f"Figures of different factors are not compared: {left}, {right}."
    )
    return Refused("vintage.mixed", words)


def rules_day(last: str) -> date:
    """The day whose rules judge a span: the first of its last month."""
    return first_day(last)
