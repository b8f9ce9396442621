"""Targets as they are kept, in two times: a new one replaces the old, which stays for questions of its time."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_buildings import building_targets as targets
from dure.services.buildings.comparing.targets import Target


def put(connection: Connection, target: Target) -> Target:
    """Keep a target; the one that stands for the same subject, kind and year is replaced."""
    same = and_(
        targets.c.subject == target.subject,
        targets.c.kind == target.kind,
        targets.c.year == target.year,
        targets.c.replaced_at.is_(None),
    )
    connection.execute(update(targets).where(same).values(replaced_at=target.made_at))
    facts = {
        "base_from": target.base_from,
        "base_to": target.base_to,
        "programme": target.programme,
        "base_note": target.base_note,
    }
    row = {
        "id": target.id,
        "subject": target.subject,
        "kind": target.kind,
        "year": target.year,
        "value": target.value,
        "base": target.base,
        "person": target.person,
        "made_at": target.made_at,
        "replaced_at": None,
        "facts": facts,
    }
    dialect.insert_new(connection, targets, [row])
    return target


def get(connection: Connection, target_id: str) -> Target:
    """A target, also one that was replaced."""
    row = connection.execute(select(targets).where(targets.c.id == target_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("target.unknown", "There is no target of this id.")
    return _of(row)


def find(connection: Connection, subject: str = "", *, as_of: datetime | None = None) -> list[Target]:
    """Targets that stood at an instant (None: that stand), of one subject or of all, by subject, kind and year.

    They come as they were known then: that one was replaced later does not show.
    """
    if as_of is None:
        query = select(targets).where(targets.c.replaced_at.is_(None))
    else:
        open_ = or_(targets.c.replaced_at.is_(None), targets.c.replaced_at > as_of)
        query = select(targets).where(targets.c.made_at <= as_of, open_)
    if subject:
        query = query.where(targets.c.subject == subject)
    query = query.order_by(targets.c.subject, targets.c.kind, targets.c.year)
    found = [_of(row) for row in connection.execute(query).mappings()]
    return found if as_of is None else [msgspec.structs.replace(one, replaced_at=None) for one in found]


def end(connection: Connection, target_id: str, at: datetime) -> Target:
    """Take a target back; it stays for questions of its time."""
    target = get(connection, target_id)
    if target.replaced_at is None:
        where = and_(targets.c.id == target_id, targets.c.replaced_at.is_(None))
        connection.execute(update(targets).where(where).values(replaced_at=at))
    return get(connection, target_id)


def _of(row: RowMapping) -> Target:
    given = dict(row)
    facts = given.pop("facts")
    return Target(
        **given,
        base_from=int(facts["base_from"]),
        base_to=int(facts["base_to"]),
        programme=str(facts["programme"]),
        base_note=str(facts.get("base_note", "")),
    )
