"""Contracts, hours of loads and sources, and targets of companies. SQL alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlalchemy import Connection, func, select, update

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_companies import carbon_company_targets as targets
from dure.engines.records.tables_carbon_companies import carbon_contracts as contracts
from dure.engines.records.tables_carbon_companies import carbon_hour_days as days
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.targets import Target

NO_HOUR = -1  # an hour of a kept day that is missing


def add_contract(connection: Connection, one: Contract, at: datetime) -> None:
    """Keep a contract."""
    row = {"id": one.id, "company": one.company, "source": one.source, "start_day": one.start.isoformat()}
    row |= {"end_day": one.end.isoformat()}
    dialect.insert_new(connection, contracts, [row | {"booked_at": at, "ended_at": None, "content": msgspec.to_builtins(one)}])


def end_contract(connection: Connection, company: str, ident: str, at: datetime) -> None:
    """It was wrong; what it gave is free."""
    standing = (contracts.c.id == ident) & (contracts.c.company == company) & contracts.c.ended_at.is_(None)
    if not connection.execute(update(contracts).where(standing).values(ended_at=at)).rowcount:
        raise NotFound("contract.unknown", f"There is no contract {ident[:80]!r} that stands.")


def contracts_of(connection: Connection, *, company: str = "", source: str = "", as_of: datetime | None = None) -> list[Contract]:
    """Contracts of a company or of a source (over all companies), by id."""
    query = select(contracts.c.content)
    if company:
        query = query.where(contracts.c.company == company)
    if source:
        query = query.where(contracts.c.source == source)
    if as_of is None:
        query = query.where(contracts.c.ended_at.is_(None))
    else:
        known = (contracts.c.ended_at.is_(None)) | (contracts.c.ended_at > as_of)
        query = query.where(contracts.c.booked_at <= as_of, known)
    query = query.order_by(contracts.c.id)
    return [msgspec.convert(one, Contract) for one in connection.execute(query).scalars()]


def add_hours(connection: Connection, series: str, company: str, wh: Mapping[datetime, int], at: datetime) -> int:
    """Keep hours of a series; a day that is there is kept anew with these hours over its own. How many days."""
    by_day: dict[str, dict[int, int]] = defaultdict(dict)
    for hour, value in wh.items():
        by_day[hour.date().isoformat()][hour.hour] = value
    rows = []
    for day, hours in sorted(by_day.items()):
        query = select(days.c.n, days.c.wh).where(days.c.series == series, days.c.day == day).order_by(days.c.n.desc()).limit(1)
        before = connection.execute(query).one_or_none()
        values = list(before.wh) if before else [NO_HOUR] * 24
        for hour_, value in hours.items():
            values[hour_] = value
        n = before.n + 1 if before else 0
        rows.append({"series": series, "day": day, "n": n, "company": company, "booked_at": at, "wh": values})
    return dialect.insert_new(connection, days, rows)


def hours_of(
    connection: Connection, series: str, first: datetime, after: datetime, as_of: datetime | None = None
) -> tuple[list[int], int]:
    """(n_hours,) Wh of a series from a UTC hour to another, missing ones 0, and how many are missing."""
    inner = days.alias()
    newest = select(func.max(inner.c.n)).where(inner.c.series == days.c.series, inner.c.day == days.c.day)
    if as_of is not None:
        newest = newest.where(inner.c.booked_at <= as_of)
    query = select(days.c.day, days.c.wh).where(
        days.c.series == series,
        days.c.day >= first.date().isoformat(),
        days.c.day <= after.date().isoformat(),
        days.c.n == newest.scalar_subquery(),
    )
    n = (after - first) // timedelta(hours=1)
    found = [NO_HOUR] * n
    for day, values in connection.execute(query):
        begin = (datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) - first) // timedelta(hours=1)
        for hour, value in enumerate(values):
            if 0 <= begin + hour < n:
                found[begin + hour] = value
    missing = found.count(NO_HOUR)
    return [max(0, one) for one in found], missing


def series_of(connection: Connection, *, company: str = "", prefix: str = "") -> list[tuple[str, str, str]]:
    """(series, first day, last day) of a company's hours, or of all that begin so."""
    query = select(days.c.series, func.min(days.c.day), func.max(days.c.day))
    if company:
        query = query.where(days.c.company == company)
    if prefix:
        query = query.where(days.c.series.startswith(prefix, autoescape=True))
    rows = connection.execute(query.group_by(days.c.series).order_by(days.c.series))
    return [(str(row[0]), str(row[1]), str(row[2])) for row in rows]


def owner_of_series(connection: Connection, series: str) -> str | None:
    """Who brought the first hours of a series: nobody else may bring more."""
    query = select(days.c.company).where(days.c.series == series).order_by(days.c.day, days.c.n).limit(1)
    found = connection.execute(query).scalar()
    return None if found is None else str(found)


def add_target(connection: Connection, one: Target, at: datetime) -> None:
    """Keep a target."""
    row = {"id": one.id, "company": one.company, "made_at": at, "ended_at": None, "content": msgspec.to_builtins(one)}
    dialect.insert_new(connection, targets, [row])


def end_target(connection: Connection, company: str, ident: str, at: datetime) -> None:
    """It holds no longer."""
    standing = (targets.c.id == ident) & (targets.c.company == company) & targets.c.ended_at.is_(None)
    if not connection.execute(update(targets).where(standing).values(ended_at=at)).rowcount:
        raise NotFound("target.unknown", f"There is no target {ident[:80]!r} that stands.")


def targets_of(connection: Connection, company: str, as_of: datetime | None = None) -> list[Target]:
    """Targets of a company, by id."""
    query = select(targets.c.content).where(targets.c.company == company)
    if as_of is None:
        query = query.where(targets.c.ended_at.is_(None))
    else:
        known = (targets.c.ended_at.is_(None)) | (targets.c.ended_at > as_of)
        query = query.where(targets.c.made_at <= as_of, known)
    return [msgspec.convert(one, Target) for one in connection.execute(query.order_by(targets.c.id)).scalars()]
