"""Where comparisons and trajectories are asked for: what they need is read, the rest is pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from dure.core.errors import InputError
from dure.core.time import day_of
from dure.engines.records.tables_buildings import building_months as months
from dure.services.buildings.comparing.compare_rules import CompareRules, compare_rules
from dure.services.buildings.comparing.spans import mean_area_m2, shifted
from dure.services.buildings.comparing.standings import Comparison, Vintage, rules_day, standings_of
from dure.services.buildings.comparing.targets import PORTFOLIO, Month, Target, Trajectory, trajectory
from dure.services.buildings.comparing.year_columns import euis
from dure.services.buildings.factors.carbon import PROGRAMME, carbon_book
from dure.services.buildings.model import SUPPLIES, Building
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_columns import runs_of
from dure.services.buildings.months.portfolio import BuildingMonth, portfolio
from dure.services.buildings.rules import load_pack
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from dure.spine.house import House

EVER = date(9999, 12, 31)  # of a question about now: all that was ever published
FIRST_MONTH = "1990-01"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A question about buildings: until which month, as known when (None: now), with the factors of which programme."""

    last: str
    as_of: datetime | None = None
    programme: str = PROGRAMME


def asked(house: House, last: str = "", as_of: datetime | None = None, programme: str = PROGRAMME) -> Asked:
    """A question; until the last month that is over, unless it says otherwise.

    Raises
    ------
    InputError : ``comparison.month`` or ``factor.programme``
    """
    at = as_of or house.clock.now()
    this = day_of(at, house.city.zone).isoformat()[:7]
    if last and not FIRST_MONTH <= last <= this:
        raise InputError("comparison.month", f"{last[:10]!r} is no month from {FIRST_MONTH} to {this}.")
    known_programme(house.city.folder, programme, day_of(at, house.city.zone))
    return Asked(last=last or shifted(this, -1), as_of=as_of, programme=programme)


def newest(house: House, connection: Connection, question: Asked) -> Asked:
    """The question about the newest month that is known of nearly all meters, up to its own; bills come late. Blocks."""
    rules = compare_rules(rules_day(question.last), house.city.folder)
    where = (
        months.c.month >= shifted(question.last, -rules.months_n),
        months.c.month <= question.last,
        months.c.part == "main",
        months.c.coverage >= rules.coverage_min,
        month_records.known(question.as_of),
    )
    query = select(months.c.month, func.count()).where(*where).group_by(months.c.month)
    counted: dict[str, int] = {row[0]: row[1] for row in connection.execute(query)}
    fewest = rules.month_known_min * max(counted.values(), default=0)
    known = [month for month, n in counted.items() if n >= fewest]
    return msgspec.structs.replace(question, last=max(known, default=question.last))


def known_programme(folder: Path | None, programme: str, on: date) -> str:
    """The programme when its emission factors are entered; refused with ``factor.programme``."""
    rows = load_pack("factors", folder).as_of(on).get("programmes", ())
    names = [str(row["id"]) for row in rows]
    if programme not in names:
        raise InputError(
            "factor.programme", f"{programme[:40]!r} is no programme in force on {on}: {', '.join(names) or 'none'}."
        )
    return programme


def compared(folder: Path | None, connection: Connection, question: Asked, today: date, sites: Sites | None = None) -> Comparison:
    """How all buildings stand. `today` is the vintage of a question about now. Blocks."""
    sites = sites or registered(connection)
    rules = compare_rules(rules_day(question.last), folder)
    book = carbon_book(folder, question.as_of.astimezone(UTC).date() if question.as_of else EVER, question.programme)
    runs = runs_of(connection, sites.meters, question.as_of)
    day = question.as_of.date() if question.as_of else today
    vintage = Vintage(question.programme, day)
    return standings_of(sites.buildings, euis(runs, sites.buildings, question.last, rules, book), question.last, rules, vintage)


def trajectories(
    folder: Path | None, connection: Connection, targets: Sequence[Target], question: Asked, sites: Sites | None = None
) -> list[Trajectory]:
    """Where each target stands at the end of the question's month; emissions by the factors of the target's programme. Blocks."""
    if not targets:
        return []
    sites = sites or registered(connection)
    rules = compare_rules(rules_day(question.last), folder)
    first = f"{min(target.base_to for target in targets):04d}-01"
    found: dict[str, tuple[BuildingMonth, ...]] = {}
    for programme in {target.programme for target in targets}:
        found[programme] = portfolio(folder, connection, sites, first, question.last, as_of=question.as_of, programme=programme)
    return [
        trajectory(target, months_of(target, found[target.programme], sites.buildings.values(), rules), question.last, rules)
        for target in targets
    ]


def subjects(target_subject: str, buildings: Iterable[Building]) -> list[Building]:
    """The buildings a target or a filing is about."""
    kind, _, name = target_subject.partition(":")
    if target_subject == PORTFOLIO:
        return list(buildings)
    return [one for one in buildings if (one.body if kind == "body" else one.id) == name]


def months_of(
    target: Target, rows: Iterable[BuildingMonth], buildings: Iterable[Building], rules: CompareRules
) -> dict[str, Month]:
    """What each month came to, of the target's kind.

    A month counts when every building and fuel that has a row in its year has one in it, known for ``coverage_min``.
    """
    chosen = {one.id: one for one in subjects(target.subject, buildings)}
    by_month: dict[str, list[BuildingMonth]] = {}
    series: dict[str, set[tuple[str, str]]] = {}
    for one in rows:
        if one.building in chosen and SUPPLIES[one.fuel].energy:
            by_month.setdefault(one.month, []).append(one)
            series.setdefault(one.month[:4], set()).add((one.building, one.fuel))
    found = {}
    for month, listed in by_month.items():
        values = [one.co2e_g if target.kind == "emissions_g" else one.energy_wh for one in listed]
        whole = {(one.building, one.fuel) for one in listed} == series[month[:4]]
        counts = whole and None not in values and all(one.coverage >= rules.coverage_min for one in listed)
        value = float(sum(one or 0 for one in values))
        if target.kind == "eui_wh_m2":
            area = sum(mean_area_m2(one, (month,)) for one in chosen.values())
            value, counts = (value / area, counts) if area > 0 else (0.0, False)
        found[month] = Month(value, counts)
    return found
