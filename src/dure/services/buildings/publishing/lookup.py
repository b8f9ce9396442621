"""What the public sees of buildings: those shown by themselves with their figures, groups of the others, and totals. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from dure.core.text import Text
from dure.services.buildings.comparing.compare_rules import CompareRules
from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.spans import shifted
from dure.services.buildings.comparing.standings import Standing, Vintage, comparison
from dure.services.buildings.model import Building
from dure.services.buildings.months.portfolio import BuildingMonth, of_buildings
from dure.services.buildings.publishing.anonymity import GroupFigure, Parted, Total, group_figure, kept_back, parted, total
from dure.services.buildings.publishing.figures import Figures, change, figures, newest_span
from dure.services.buildings.publishing.publishing_rules import PublishingRules
from dure.services.buildings.publishing.search import searched
from dure.services.buildings.publishing.spans import Span, year_of


class Entry(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A building that is shown by itself, as lists and its page need it.

    Attributes
    ----------
    zone, zone_name : where it stands
    newest : the newest twelve months; `before` the twelve before them; `change` between them [1]
    years : calendar years, newest last
    standing : intensity, place among the *shown* buildings of its kind, legal target and grade
    searched, order : for `search.find`
    """

    building: Building
    zone: str
    zone_name: Text
    newest: Figures
    before: Figures
    change: float | None
    years: tuple[Figures, ...]
    rows: Sequence[BuildingMonth]
    standing: Standing
    searched: str
    order: Mapping[str, tuple[object, ...]]

    @property
    def eui_kwh_m2(self) -> float | None:
        """Energy use intensity; None unless every month counts."""
        found = self.standing.eui
        return found.kwh_m2 if isinstance(found, Eui) and found.comparable else None

    @property
    def grade(self) -> str:
        """Its grade, "" when it has none."""
        return self.standing.grade.letter if isinstance(self.standing.grade, Grade) else ""


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
    """What the look-up is made from: buildings, their places, and `rows` of all of them by the factors of a programme."""

    buildings: Mapping[str, Building]
    places: Mapping[str, Place]
    rows: Sequence[BuildingMonth]
    programme: str
    compare: CompareRules


def first_month(day: date, rules: PublishingRules) -> str:
    """From which month on the look-up needs rows."""
    return min(f"{day.year - rules.years_shown:04}-01", shifted(day.isoformat()[:7], -24 - rules.lag_months))


def published(ground: Ground, day: date, rules: PublishingRules) -> Published:
    """Everything that the public may see on a day of the city."""
    rows = of_buildings(ground.rows)
    reasons = {one.id: kept_back(one, rules, day) for one in ground.buildings.values()}
    spans = [year_of(year) for year in range(day.year - rules.years_shown, day.year)]
    entries = _entries(ground, {id_: rows.get(id_, []) for id_, why in reasons.items() if not why}, spans, (day, rules))
    behind = [ground.buildings[id_] for id_, why in reasons.items() if why]
    blocks = parted(behind, {one.id: _place(ground, one.id).zone for one in behind}, rules.group_min)
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


def _entries(
    ground: Ground, rows: Mapping[str, Sequence[BuildingMonth]], spans: Sequence[Span], asked: tuple[date, PublishingRules]
) -> dict[str, Entry]:
    """Buildings shown by themselves, compared with one another only: a median may be the figure of a single building."""
    day, rules = asked
    newest = newest_span(rows, day.isoformat()[:7], rules)
    shown = {id_: ground.buildings[id_] for id_ in rows}
    vintage = Vintage(ground.programme, day)
    standings = comparison(shown, rows, newest.last, ground.compare, vintage).standings
    return {
        id_: _entry(shown[id_], _place(ground, id_), listed, (newest, *spans), (standings[id_], rules.coverage_min))
        for id_, listed in rows.items()
    }


def _entry(
    building: Building,
    place: Place,
    rows: Sequence[BuildingMonth],
    spans: Sequence[Span],
    told: tuple[Standing, float],
) -> Entry:
    standing, coverage_min = told
    newest, before = (figures(rows, span, coverage_min) for span in (spans[0], spans[0].before))
    name = building.name
    return Entry(
        building=building,
        zone=place.zone,
        zone_name=place.name,
        newest=newest,
        before=before,
        change=change(newest, before),
        years=tuple(figures(rows, span, coverage_min) for span in spans[1:]),
        rows=rows,
        standing=standing,
        searched=searched(name.ko, name.en, place.name.ko, place.name.en, building.body, building.id),
        order={"ko": _order(name.ko, "ko", building.id), "en": _order(name.en or name.ko, "en", building.id)},
    )


def _place(ground: Ground, building: str) -> Place:
    return ground.places.get(building, Place("", Text("", "")))


def _order(text: str, language: str, id_: str) -> tuple[object, ...]:
    korean = "가" <= text[:1] <= "힣"
    return (korean if language == "en" else not korean, text.casefold(), id_)
