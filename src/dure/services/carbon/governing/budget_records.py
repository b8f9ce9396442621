"""What the city did with programmes' money, in the records."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_governing import carbon_programme_deeds as deeds
from dure.services.carbon.governing.budgets import Done


def add(connection: Connection, one: Done) -> Done:
    """Keep one more deed of a programme; its number follows the last, whatever it was given."""
    last = connection.execute(select(func.max(deeds.c.n)).where(deeds.c.programme == one.programme)).scalar()
    done = msgspec.structs.replace(one, n=int(last or 0) + 1)
    dialect.insert_new(connection, deeds, [msgspec.structs.asdict(done)])
    return done


def by_document(connection: Connection, programme: str, document: str) -> Done | None:
    """What a document funded; None where it funded nothing yet."""
    query = select(deeds).where(deeds.c.programme == programme, deeds.c.deed == "fund", deeds.c.document == document)
    row = connection.execute(query).mappings().first()
    return None if row is None else _done(row)


def listing(connection: Connection, programme: str = "", limit: int = 100) -> list[Done]:
    """Newest first."""
    query = select(deeds).order_by(deeds.c.at.desc(), deeds.c.programme, deeds.c.n.desc()).limit(limit)
    if programme:
        query = query.where(deeds.c.programme == programme)
    return [_done(row) for row in connection.execute(query).mappings()]


def of_year(connection: Connection, year: int) -> dict[str, list[Done]]:
    """The deeds of a year by programme, in order."""
    found: dict[str, list[Done]] = {}
    query = select(deeds).where(deeds.c.year == year).order_by(deeds.c.programme, deeds.c.n)
    for row in connection.execute(query).mappings():
        found.setdefault(row["programme"], []).append(_done(row))
    return found


def holding(connection: Connection, programme: str) -> list[Done]:
    """The freezes of a programme that no thaw has ended, oldest first."""
    rows = [one for one in reversed(listing(connection, programme, 10_000)) if one.deed in ("freeze", "thaw")]
    held: list[Done] = []
    for one in rows:
        held = [*held, one] if one.deed == "freeze" else []
    return held


def _done(row: Any) -> Done:
    return Done(**row)
