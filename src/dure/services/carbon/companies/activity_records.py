"""Activities, the keys that make each of them one, and the files they came by. SQL alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_carbon_companies import carbon_activities as activities
from dure.engines.records.tables_carbon_companies import carbon_activity_imports as imports
from dure.engines.records.tables_carbon_companies import carbon_activity_keys as taken
from dure.services.carbon.companies.activity import Activity

SOME = 500  # as many values one question names
REPORT_ROWS = 100  # of each file in a list


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was brought, with its report; `ended_at` once it was undone."""

    id: str
    company: str
    name: str
    sha256: str
    person: str
    booked_at: datetime
    accepted_n: int
    rejected_n: int
    report: dict[str, Any]
    ended_at: datetime | None = None


class Kept(msgspec.Struct, frozen=True):
    """A row as it stands in the books."""

    activity: Activity
    brought: str
    booked_at: datetime
    ended_at: datetime | None


def add(connection: Connection, rows: Sequence[tuple[Activity, Sequence[str]]], brought: str, at: datetime) -> dict[str, str]:
    """Keep activities with the keys each takes; key -> company of those taken by another row already.

    With any taken the caller must let the transaction fall.
    """
    keys = [{"key": key, "company": one.company, "activity": one.id} for one, names in rows for key in names]
    new = 0
    for start in range(0, len(keys), SOME):
        new += dialect.insert_new(connection, taken, keys[start : start + SOME])
    if new != len(keys):
        mine = {key["key"]: key["activity"] for key in keys}
        return {key: company for key, (company, one) in holders(connection, list(mine)).items() if one != mine[key]}
    kept = [
        {
            "id": one.id, "company": one.company, "kind": one.kind, "start_day": one.start.isoformat(),
            "end_day": one.end.isoformat(), "brought": brought, "booked_at": at, "ended_at": None,
            "content": msgspec.to_builtins(one),
        }
        for one, _ in rows
    ]  # fmt: skip
    for start in range(0, len(kept), SOME):
        dialect.insert_new(connection, activities, kept[start : start + SOME])
    return {}


def holders(connection: Connection, keys: Sequence[str]) -> dict[str, tuple[str, str]]:
    """(company, activity) of each key that is taken."""
    found: dict[str, tuple[str, str]] = {}
    for start in range(0, len(keys), SOME):
        query = select(taken).where(taken.c.key.in_(keys[start : start + SOME]))
        found |= {row["key"]: (row["company"], row["activity"]) for row in connection.execute(query).mappings()}
    return found


def end(connection: Connection, company: str, idents: Iterable[str], at: datetime) -> int:
    """Rows are wrong from now on, and what they took is free; how many stood."""
    count = 0
    wanted = list(idents)
    for start in range(0, len(wanted), SOME):
        some = wanted[start : start + SOME]
        standing = (activities.c.id.in_(some)) & (activities.c.company == company) & activities.c.ended_at.is_(None)
        count += connection.execute(update(activities).where(standing).values(ended_at=at)).rowcount
        connection.execute(delete(taken).where(taken.c.activity.in_(some), taken.c.company == company))
    return count


def of_import(connection: Connection, brought: str) -> list[str]:
    """Ids of the rows of a file that stand, by kind, day and id."""
    query = select(activities.c.id).where(activities.c.brought == brought, activities.c.ended_at.is_(None))
    return [
        str(one)
        for one in connection.execute(query.order_by(activities.c.kind, activities.c.start_day, activities.c.id)).scalars()
    ]


def standing(
    connection: Connection, company: str, first: date | None = None, after: date | None = None, as_of: datetime | None = None
) -> list[Activity]:
    """Activities of a company that reach into ``[first, after)``, as known now or at an instant, by day, kind, id."""
    query = select(activities.c.content).where(activities.c.company == company)
    if first is not None:
        query = query.where(activities.c.end_day > first.isoformat())
    if after is not None:
        query = query.where(activities.c.start_day < after.isoformat())
    if as_of is None:
        query = query.where(activities.c.ended_at.is_(None))
    else:
        known = (activities.c.ended_at.is_(None)) | (activities.c.ended_at > as_of)
        query = query.where(activities.c.booked_at <= as_of, known)
    order = query.order_by(activities.c.start_day, activities.c.kind, activities.c.id)
    return [msgspec.convert(one, Activity) for one in connection.execute(order).scalars()]


def get(connection: Connection, company: str, ident: str) -> Kept:
    """One row."""
    return rows_of(connection, company, [ident])[0]


def rows_of(connection: Connection, company: str, idents: Sequence[str]) -> list[Kept]:
    """Rows by their ids, in the order asked for; NotFound ``activity.unknown``."""
    found: dict[str, Kept] = {}
    for start in range(0, len(idents), SOME):
        some = activities.c.id.in_(idents[start : start + SOME])
        for row in connection.execute(select(activities).where(some, activities.c.company == company)).mappings():
            activity = msgspec.convert(row["content"], Activity)
            found[activity.id] = Kept(activity, row["brought"], row["booked_at"], row["ended_at"])
    missing = next((one for one in idents if one not in found), None)
    if missing is not None:
        raise NotFound("activity.unknown", f"There is no activity {missing[:80]!r}.")
    return [found[one] for one in idents]


def listing(connection: Connection, company: str, *, after: str = "", limit: int = 100) -> Page[Activity]:
    """Those that stand, by id."""
    query = select(activities.c.content).where(activities.c.company == company, activities.c.ended_at.is_(None))
    query = query.where(activities.c.id > after).order_by(activities.c.id).limit(checked_limit(limit) + 1)
    rows = (msgspec.convert(one, Activity) for one in connection.execute(query).scalars())
    return page(rows, limit, lambda one: one.id)


def add_import(connection: Connection, one: Import) -> None:
    """Keep a file's report."""
    dialect.insert_new(connection, imports, [msgspec.structs.asdict(one)])


def times_brought(connection: Connection, company: str, sha256: str) -> tuple[int, bool]:
    """How often a file was brought, and whether one of them stands."""
    query = select(func.count(), func.count().filter(imports.c.ended_at.is_(None)))
    row = connection.execute(query.where(imports.c.company == company, imports.c.sha256 == sha256)).one()
    return int(row[0]), row[1] > 0


def get_import(connection: Connection, company: str, ident: str) -> Import:
    """One file."""
    row = connection.execute(select(imports).where(imports.c.id == ident, imports.c.company == company)).mappings().one_or_none()
    if row is None:
        raise NotFound("import.unknown", f"There is no import {ident[:80]!r}.")
    return _import(row)


def end_import(connection: Connection, ident: str, at: datetime) -> None:
    """It was undone."""
    connection.execute(update(imports).where(imports.c.id == ident).values(ended_at=at))


def imports_of(connection: Connection, company: str, *, after: str = "", limit: int = 50) -> Page[Import]:
    """Newest first, each with the first `REPORT_ROWS` rows of its report; `get_import` has all."""
    query = select(imports).where(imports.c.company == company)
    if after:
        query = query.where(older_than(after, imports.c.booked_at, imports.c.id))
    query = query.order_by(imports.c.booked_at.desc(), imports.c.id.desc()).limit(checked_limit(limit) + 1)
    rows = (_shortened(_import(row)) for row in connection.execute(query).mappings())
    return page(rows, limit, lambda one: time_mark(one.booked_at, one.id))


def _shortened(one: Import) -> Import:
    return msgspec.structs.replace(one, report={name: rows[:REPORT_ROWS] for name, rows in one.report.items()})


def _import(row: RowMapping) -> Import:
    return Import(**row)
