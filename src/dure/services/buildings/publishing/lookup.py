"""What the public sees of buildings: those shown by themselves with their figures, groups of the others, and totals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from dure.core.text import Text
from dure.services.buildings.model import Building
from dure.services.buildings.months.portfolio import BuildingMonth, of_buildings
from dure.services.buildings.publishing.anonymity import GroupFigure, Parted, Total, group_figure, kept_back, parted, total
from dure.services.buildings.publishing.figures import Figures, Intensity, change, figures, intensity, newest_year
from dure.services.buildings.publishing.publishing_rules import PublishingRules
from dure.services.buildings.publishing.search import searched
from dure.services.buildings.publishing.spans import Span, shifted, year_of


class Entry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A building that is shown by itself, as lists and its page need it.

    Attributes
    ----------
    zone, zone_name : where it stands
    newest : its newest twelve months; `before` the twelve before them; `change` between them [1]
    years : calendar years, newest last
    grade : "" when there is none
    searched, order : for `search.find`
    """

    building: Building
    zone: str
    zone_name: Text
    newest: Figures
    before: Figures
    intensity: Intensity
    change: float | None
    years: tuple[Figures, ...]
    rows: Sequence[BuildingMonth]
    grade: str = ""
    searched: str = ""
    order: Mapping[str, tuple[object, ...]] = {}


class Place(NamedTuple):
    """Where a building stands."""

    zone: str
    name: Text


class Published(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All the public may see, as of one instant.

    Attributes
    ----------
    entries : by building id, those shown by themselves
    kept_back : why the others are not, by building id
    parted : the others in blocks; `groups` their figures by calendar year
    totals : of the city by calendar year, of published figures only
    """

    day: date
    rules: PublishingRules
    programme: str
    entries: Mapping[str, Entry]
    kept_back: Mapping[str, str]
    parted: Parted
    groups: Mapping[str, tuple[GroupFigure, ...]]
    totals: Mapping[str, Total]

    @property
    def years(self) -> tuple[str, ...]:
        """Calendar years that have figures, newest first."""
        return tuple(sorted(self.totals, reverse=True))


class Ground(NamedTuple):
    """What the look-up is made from: `rows` of all buildings, places and grades by building id."""

    buildings: Mapping[str, Building]
    places: Mapping[str, Place]
    rows: Sequence[BuildingMonth]
    programme: str
    grades: Mapping[str, str] = {}


def first_month(day: date, rules: PublishingRules) -> str:
    """From which month on the look-up needs rows."""
    return min(f"{day.year - rules.years_shown:04}-01", shifted(day.isoformat()[:7], -24 - rules.lag_months))


def published(ground: Ground, day: date, rules: PublishingRules) -> Published:
    """Everything that the public may see on a day of the city."""
    rows = of_buildings(ground.rows)
    reasons = {one.id: kept_back(one, rules, day) for one in ground.buildings.values()}
    spans = [year_of(year) for year in range(day.year - rules.years_shown, day.year)]
    entries = {
        id_: entry(ground.buildings[id_], ground, rows.get(id_, []), spans, (day, rules))
        for id_, why in reasons.items()
        if not why
    }
    behind = [ground.buildings[id_] for id_, why in reasons.items() if why]
    blocks = parted(behind, {one.id: _zone(ground, one.id).zone for one in behind}, rules.group_min)
    groups = {
        span.first[:4]: tuple(group_figure(one, ground.buildings, rows, span, rules) for one in blocks.blocks) for span in spans
    }
    totals = {}
    for place, span in enumerate(spans):
        found = total([one.years[place] for one in entries.values()], groups[span.first[:4]], span)
        if found.shown_n + found.grouped_n:
            totals[span.first[:4]] = found
    return Published(
        day=day,
        rules=rules,
        programme=ground.programme,
        entries=entries,
        kept_back={id_: why for id_, why in reasons.items() if why},
        parted=blocks,
        groups=groups,
        totals=totals,
    )


def entry(
    building: Building,
    ground: Ground,
    rows: Sequence[BuildingMonth],
    spans: Sequence[Span],
    asked: tuple[date, PublishingRules],
) -> Entry:
    """A building with its figures; `asked` is the day and its rules."""
    day, rules = asked
    newest = newest_year(rows, day.isoformat()[:7], rules)
    earlier = Span(shifted(newest.span.first, -12), shifted(newest.span.last, -12))
    before = figures(rows, earlier, rules.coverage_min)
    place = _zone(ground, building.id)
    name = building.name
    return Entry(
        building=building,
        zone=place.zone,
        zone_name=place.name,
        newest=newest,
        before=before,
        intensity=intensity(building, newest),
        change=change(newest, before),
        years=tuple(figures(rows, span, rules.coverage_min) for span in spans),
        rows=rows,
        grade=ground.grades.get(building.id, ""),
        searched=_searched(building, place),
        order={"ko": _order(name.ko, "ko", building.id), "en": _order(name.en or name.ko, "en", building.id)},
    )


def _zone(ground: Ground, building: str) -> Place:
    return ground.places.get(building, Place("", Text("", "")))


def _searched(building: Building, place: Place) -> str:
    name = building.name
    return searched(name.ko, name.en, place.name.ko, place.name.en, building.body, building.id)


def _order(text: str, language: str, id_: str) -> tuple[object, ...]:
    korean = "가" <= text[:1] <= "힣"
    return (korean if language == "en" else not korean, text.casefold(), id_)
