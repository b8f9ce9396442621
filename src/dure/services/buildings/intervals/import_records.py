"""Files that were taken in: who brought which, what became of every row. Their bytes are kept in the blobs by their digest."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_buildings import building_imports as imports

Kind = Literal["bills", "intervals", "green_button", "weather", "parcels"]


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """One file.

    `report` holds ``rejected`` (row, code, why, content), ``meters`` (by id: start and end [us] of its intervals), ``asked`` (how
    it was read) and ``booked`` (whether all of it has been handed on).
    """

    id: str
    kind: Kind
    name: str
    sha256: str
    person: str
    imported_at: datetime
    accepted_n: int
    rejected_n: int
    report: dict[str, Any]


def add(connection: Connection, one: Import) -> bool:
    """Keep it; False when the same bytes were taken in as that kind before."""
    return bool(dialect.insert_new(connection, imports, [msgspec.structs.asdict(one)]))


def same(connection: Connection, sha256: str, kind: Kind) -> Import | None:
    """The import of these bytes, None when there was none."""
    row = connection.execute(select(imports).where(imports.c.sha256 == sha256, imports.c.kind == kind)).mappings().one_or_none()
    return None if row is None else _of(row)


def get(connection: Connection, import_id: str) -> Import:
    """One import."""
    row = connection.execute(select(imports).where(imports.c.id == import_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("import.unknown", f"There is no import {import_id[:80]!r}.")
    return _of(row)


def booked(connection: Connection, one: Import) -> Import:
    """Note that all of it has been handed on."""
    done = msgspec.structs.replace(one, report=one.report | {"booked": True})
    connection.execute(update(imports).where(imports.c.id == one.id).values(report=done.report))
    return done


def listing(connection: Connection, *, kind: str = "", after: str = "", limit: int = 100) -> Page[Import]:
    """Newest first."""
    query = select(imports)
    if kind:
        query = query.where(imports.c.kind == kind)
    if after:
        query = query.where(older_than(after, imports.c.imported_at, imports.c.id))
    query = query.order_by(imports.c.imported_at.desc(), imports.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_of(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.imported_at, one.id))


def state(connection: Connection) -> tuple[int, datetime | None]:
    """How many there are and when the last was brought: another answer means that something changed."""
    row = connection.execute(select(func.count(), func.max(imports.c.imported_at))).one()
    return int(row[0]), row[1]


def spans(connection: Connection) -> dict[str, list[tuple[int, int]]]:
    """By meter: spans [us] of intervals that files brought; registers say nothing there that was not brought."""
    found: dict[str, list[tuple[int, int]]] = {}
    query = select(imports.c.report).where(imports.c.kind.in_(("intervals", "green_button")))
    for (report,) in connection.execute(query):
        for meter, (start_us, end_us) in report.get("meters", {}).items():
            found.setdefault(meter, []).append((start_us, end_us))
    return found


def _of(row: RowMapping) -> Import:
    return Import(**row)
