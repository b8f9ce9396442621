"""Figures of a company made from what is kept: footprints, hourly matching, bridges, targets; now, or as of an instant."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from sqlalchemy import Connection

from dure.core.errors import InputError
from dure.core.time import day_interval, day_of
from dure.emissions.conversion import Refused as NoFactor
from dure.emissions.emission import emission
from dure.emissions.packs import load_factors, load_pack
from dure.emissions.quantity import Quantity
from dure.services.carbon.companies import activity_records, company_records, right_records
from dure.services.carbon.companies.activity import Notice
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.bridging import CompanyBridge, company_bridge
from dure.services.carbon.companies.company import FIRST_YEAR
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.footprint import Covered, Footprint, Question, Sources, factor_of, footprint
from dure.services.carbon.companies.hourly import WHOLE_PPM, Right, match
from dure.services.carbon.companies.hourly_emissions import HourlyFigures, hourly_figures
from dure.services.carbon.companies.targets import LAST_YEAR, Standing, Target, standing
from dure.services.carbon.model import Refused

if TYPE_CHECKING:
    from dure.spine.house import House

LOAD, SUPPLY = "load", "supply"


class HourlyAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Hourly-matched scope 2 of a company in a period.

    Attributes
    ----------
    by_contract_wh : matched Wh of each contract
    unused_wh : Wh of its rights that no load of the same hour could use
    missing : hours that are not known, by series
    factor : id of the grid's factor
    """

    company: str
    first: date
    after: date
    figures: HourlyFigures
    by_contract_wh: dict[str, int]
    unused_wh: int
    missing: dict[str, int]
    factor: str
    notices: tuple[Notice, ...] = ()


def period(house: House, connection: Connection, company: str, year: int, as_of: datetime | None) -> Question:
    """The question for a reporting year."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InputError("company.period", f"A reporting year lies from {FIRST_YEAR} to {LAST_YEAR}.")
    profile = company_records.get(connection, company, as_of)
    first, after = profile.year(year)
    at = as_of or house.clock.now()
    return Question(company=profile, first=first, after=after, as_of=day_of(at, house.city.zone))


def sources(house: House, on: date) -> Sources:
    """The dated data in force."""
    folder = house.city.folder
    return Sources(rules=activity_rules(on, folder), factors=load_factors(folder), energy=load_pack("energy", folder))


def year_footprint(
    house: House, connection: Connection, company: str, year: int, as_of: datetime | None = None, gwp: str = ""
) -> Footprint:
    """A company's footprint of a reporting year.

    Raises
    ------
    NotFound : ``company.unknown``
    InputError : ``company.period``, ``company.gwp``
    """
    if gwp not in {"", "SAR", "AR5"}:
        raise InputError("company.gwp", "Warming potentials are SAR or AR5.")
    asked = msgspec.structs.replace(period(house, connection, company, year, as_of), gwp=gwp)
    data = sources(house, asked.as_of)
    rows = activity_records.standing(connection, company, asked.first, asked.after, as_of)
    return footprint(asked, rows, covered(connection, asked, data, house.city.zone, as_of), data)


def covered(connection: Connection, asked: Question, data: Sources, zone: ZoneInfo, as_of: datetime | None) -> list[Covered]:
    """What each instrument covers of the period by sums of the year, first used first."""
    found = []
    for one in _in_order(right_records.contracts_of(connection, company=asked.company.id, as_of=as_of), data):
        wh = one.amount_within(asked.first, asked.after)
        if one.share_ppm:
            begin, end = _instants(max(one.start, asked.first), min(one.end, asked.after), zone)
            hours, _ = right_records.hours_of(connection, f"{SUPPLY}/{one.source}", begin, end, as_of) if begin < end else ([], 0)
            wh = sum(hour * one.share_ppm // WHOLE_PPM for hour in hours)
        if wh:
            found.append(Covered(one.id, wh, data.rules.instruments[one.kind].g_per_kwh))
    return found


def year_hourly(
    house: House, connection: Connection, company: str, year: int, as_of: datetime | None = None
) -> HourlyAnswer | Refused:
    """Hourly-matched scope 2 of a reporting year: loads the company brought, rights it has, over all holders of each source."""
    asked = period(house, connection, company, year, as_of)
    data = sources(house, asked.as_of)
    begin, end = _instants(asked.first, asked.after, house.city.zone)
    n = (end - begin) // timedelta(hours=1)
    missing: dict[str, int] = {}
    loads = _hours(
        connection,
        [one for one, _, _ in right_records.series_of(connection, prefix=f"{LOAD}/{company}/")],
        begin,
        end,
        as_of,
        missing,
    )
    contracts = [
        one
        for one in _in_order(right_records.contracts_of(connection, company=company, as_of=as_of), data)
        if one.share_ppm and data.rules.instruments[one.kind].hourly and one.start < asked.after and asked.first < one.end
    ]
    names = sorted({one.source for one in contracts})
    supply = _hours(connection, [f"{SUPPLY}/{one}" for one in names], begin, end, as_of, missing)
    rights = [_right(one, names, (begin, n), data, house.city.zone) for one in contracts]
    load = np.array(loads, np.int64).reshape(len(loads), n)
    found = match(load, np.zeros(len(loads), np.int64), np.array(supply, np.int64).reshape(len(names), n), rights)
    if isinstance(found, Refused):
        return found
    factor = factor_of("electricity", data.rules.order, data.factors, asked.first, asked.as_of)
    if isinstance(factor, NoFactor):
        return Refused(factor.code, factor.why)
    one_wh = emission(Quantity(Fraction(1), "Wh"), factor, data.factors, data.energy, asked.first)
    if isinstance(one_wh, NoFactor):
        return Refused(one_wh.code, one_wh.why)
    matched = found.by_company_wh.sum(0) if len(found.by_company_wh) else np.zeros(n, np.int64)
    due = sum(
        sum(hour * one.share_ppm // WHOLE_PPM for hour in supply[one.source][max(0, one.first) : max(0, min(one.after, n))])
        for one in rights
    )
    return HourlyAnswer(
        company=company,
        first=asked.first,
        after=asked.after,
        figures=hourly_figures(load.sum(0), matched, one_wh.exact_g),
        by_contract_wh={one.id: int(row.sum()) for one, row in zip(rights, found.by_right_wh, strict=True)},
        unused_wh=due - int(found.by_right_wh.sum()),
        missing={name: hours for name, hours in sorted(missing.items()) if hours},
        factor=factor.id,
    )


def year_bridge(
    house: House, connection: Connection, company: str, year: int, as_of: datetime | None = None
) -> CompanyBridge | NoFactor:
    """Why the year's emissions of energy differ from those of the year before."""
    areas = []
    for one in (year - 1, year):
        asked = period(house, connection, company, one, as_of)
        areas.append(asked.company.area_m2 or Fraction(1))
    before, after = (year_footprint(house, connection, company, one, as_of) for one in (year - 1, year))
    return company_bridge(before, after, (areas[0], areas[1]), {})


def target_standings(
    house: House, connection: Connection, company: str, as_of: datetime | None = None
) -> list[tuple[Target, tuple[Standing, ...]]]:
    """Every target with its line, and the years that are known."""
    found = []
    today = day_of(as_of or house.clock.now(), house.city.zone)
    made: dict[int, Footprint] = {}
    for one in right_records.targets_of(connection, company, as_of):
        actual: dict[int, Fraction] = {}
        for year in range(one.base_year, min(one.year, today.year) + 1):
            if year not in made:
                made[year] = year_footprint(house, connection, company, year, as_of)
            value = _measured(one, made[year], company_records.get(connection, company, as_of).area_m2)
            if value is not None:
                actual[year] = value
        found.append((one, standing(one, actual)))
    return found


def scope_g(found: Footprint, covers: str) -> int:
    """Grams of what a target or figure covers."""
    return {
        "scope1": found.scope1_g,
        "scope2-location": found.scope2_location_g,
        "scope2-market": found.scope2_market_g,
        "scope12-location": found.scope1_g + found.scope2_location_g,
        "scope12-market": found.scope1_g + found.scope2_market_g,
        "scope3": sum(found.scope3_g.values()),
    }[covers]


def _measured(one: Target, found: Footprint, area_m2: Fraction | None) -> Fraction | None:
    if not found.lines:
        return None
    grams = Fraction(scope_g(found, one.covers))
    if one.measure == "absolute":
        return grams
    return grams / area_m2 if one.measure == "per_m2" and area_m2 else None


def _in_order(contracts: Sequence[Contract], data: Sources) -> list[Contract]:
    known = [one for one in contracts if one.kind in data.rules.instruments]
    return sorted(known, key=lambda one: (data.rules.instruments[one.kind].priority, one.source, one.id))


def _right(one: Contract, names: Sequence[str], hours: tuple[datetime, int], data: Sources, zone: ZoneInfo) -> Right:
    begin, n = hours
    first, after = (int((at - begin) // timedelta(hours=1)) for at in _instants(one.start, one.end, zone))
    return Right(
        id=one.id,
        source=names.index(one.source),
        company=0,
        share_ppm=one.share_ppm,
        priority=data.rules.instruments[one.kind].priority,
        first=min(n, max(0, first)),
        after=min(n, max(0, after)),
    )


def _hours(  # a question of the records with its answer's gaps
    connection: Connection, series: Sequence[str], begin: datetime, end: datetime, as_of: datetime | None, missing: dict[str, int]
) -> list[list[int]]:
    found = []
    for one in series:
        hours, gaps = right_records.hours_of(connection, one, begin, end, as_of)
        missing[one] = gaps
        found.append(hours)
    return found


def _instants(first: date, after: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return day_interval(first, zone).start, day_interval(after, zone).start
