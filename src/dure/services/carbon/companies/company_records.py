"""Companies, who speaks for them, and their customer numbers. SQL alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from dure.core.errors import Conflict, NotFound
from dure.engines.records import dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables_carbon_companies import carbon_companies as companies
from dure.engines.records.tables_carbon_companies import carbon_company_meters as meters
from dure.engines.records.tables_carbon_companies import carbon_company_people as members
from dure.engines.records.tables_carbon_companies import carbon_company_profiles as profiles
from dure.services.carbon.companies.company import Company


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A customer or meter number of a company: ``kind:NUMBER``."""

    meter: str
    company: str
    site: str
    bound_at: datetime


def put(connection: Connection, company: Company, by: By) -> int:
    """Keep a company, or its next profile; the number of its profile.

    Raises
    ------
    Conflict : ``company.number_taken``
    """
    row = {"business_number": company.business_number, "name_ko": company.name.ko, "name_en": company.name.en}
    held = connection.execute(select(companies.c.n).where(companies.c.id == company.id).with_for_update()).scalar()
    other = connection.execute(
        select(companies.c.id).where(companies.c.business_number == company.business_number, companies.c.id != company.id)
    ).scalar()
    if other is not None:
        raise Conflict("company.number_taken", "Another company has this business number.")
    n = 1 if held is None else held + 1
    if held is None:
        new = dialect.insert_new(connection, companies, [{"id": company.id, **row, "n": n, "created_at": by.at}])
        if not new:
            raise Conflict("company.number_taken", "Another company has this business number or id.")
    else:
        connection.execute(update(companies).where(companies.c.id == company.id).values(**row, n=n))
    content = msgspec.to_builtins(company)
    kept = {"company": company.id, "n": n, "written_at": by.at, "written_by": by.actor, "content": content}
    dialect.insert_new(connection, profiles, [kept])
    return n


def lock(connection: Connection, ident: str) -> None:
    """Who changes rows of the company waits for the others who do, until the transaction ends."""
    connection.execute(select(companies.c.n).where(companies.c.id == ident).with_for_update())


def get(connection: Connection, ident: str, as_of: datetime | None = None) -> Company:
    """The company as it is now, or as it was at an instant (its first profile, where it was not there yet)."""
    query = select(profiles.c.content).where(profiles.c.company == ident)
    if as_of is not None:
        first = select(func.min(profiles.c.written_at)).where(profiles.c.company == ident).scalar_subquery()
        query = query.where((profiles.c.written_at <= as_of) | (profiles.c.written_at == first))
    row = connection.execute(query.order_by(profiles.c.n.desc()).limit(1)).scalar()
    if row is None:
        raise NotFound("company.unknown", f"There is no company {ident[:80]!r}.")
    return msgspec.convert(row, Company)


def listing(connection: Connection, *, after: str = "", limit: int = 100) -> Page[Company]:
    """By id."""
    found = select(profiles.c.content).join(companies, (companies.c.id == profiles.c.company) & (companies.c.n == profiles.c.n))
    query = found.where(companies.c.id > after).order_by(companies.c.id).limit(checked_limit(limit) + 1)
    rows = (msgspec.convert(one, Company) for one in connection.execute(query).scalars())
    return page(rows, limit, lambda one: one.id)


def company_of(connection: Connection, person: str) -> str | None:
    """Id of the company a person speaks for."""
    found = connection.execute(select(members.c.company).where(members.c.person == person)).scalar()
    return None if found is None else str(found)


def people_of(connection: Connection, company: str) -> list[str]:
    """Who speaks for a company."""
    query = select(members.c.person).where(members.c.company == company).order_by(members.c.person)
    return [str(one) for one in connection.execute(query).scalars()]


def join(connection: Connection, company: str, person: str, by: By) -> None:
    """A person speaks for a company from now on, and for no other."""
    row = {"person": person, "company": company, "added_at": by.at, "added_by": by.actor}
    if not dialect.insert_new(connection, members, [row]) and company_of(connection, person) != company:
        raise Conflict("company.person_taken", "The person speaks for another company. Take them off there first.")


def leave(connection: Connection, company: str, person: str) -> bool:
    """They do so no longer; whether they did."""
    gone = delete(members).where(members.c.company == company, members.c.person == person)
    return connection.execute(gone).rowcount > 0


def bind(connection: Connection, meter: str, company: str, site: str, by: By) -> str:
    """Bind a customer number to a company unless it is bound; id of the company it belongs to now."""
    row = {"meter": meter, "company": company, "site": site, "bound_at": by.at, "bound_by": by.actor}
    dialect.insert_new(connection, meters, [row])
    return str(connection.execute(select(meters.c.company).where(meters.c.meter == meter)).scalar_one())


def release(connection: Connection, meter: str, company: str) -> bool:
    """The number belongs to the company no longer; whether it did."""
    return connection.execute(delete(meters).where(meters.c.meter == meter, meters.c.company == company)).rowcount > 0


def meters_of(connection: Connection, company: str) -> list[Meter]:
    """All customer numbers of a company."""
    query = select(meters).where(meters.c.company == company).order_by(meters.c.meter)
    return [_meter(row) for row in connection.execute(query).mappings()]


def owners(connection: Connection, wanted: list[str]) -> dict[str, Meter]:
    """Whose each of these numbers is; those of nobody are absent."""
    found: dict[str, Meter] = {}
    for start in range(0, len(wanted), 500):
        query = select(meters).where(meters.c.meter.in_(wanted[start : start + 500]))
        found |= {row["meter"]: _meter(row) for row in connection.execute(query).mappings()}
    return found


def _meter(row: Any) -> Meter:
    return Meter(meter=row["meter"], company=row["company"], site=row["site"], bound_at=row["bound_at"])
