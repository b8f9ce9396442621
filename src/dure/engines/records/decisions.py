"""Decisions with what they saw and why: stored before they are acted on, for `dure explain`."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, NotFound
from dure.core.events import Decision
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import canonical, decisions


def add(connection: Connection, decision: Decision) -> bool:
    """Keep a decision; False when the very same is already kept. Another under its id is refused."""
    if dialect.insert_new(connection, decisions, [msgspec.structs.asdict(decision)]):
        return True
    if canonical(get(connection, decision.id)) != canonical(decision):
        raise Conflict("decision.changed", f"The decision {decision.id!r} is already kept with other content.")
    return False


def get(connection: Connection, decision_id: str) -> Decision:
    """One decision."""
    row = connection.execute(select(decisions).where(decisions.c.id == decision_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("decision.unknown", f"There is no decision {decision_id[:80]!r}.")
    return _decision(row)


def listing(connection: Connection, *, kind: str = "", after: str = "", limit: int = 100) -> Page[Decision]:
    """Newest first."""
    query = select(decisions)
    if kind:
        query = query.where(decisions.c.kind == kind)
    if after:
        query = query.where(older_than(after, decisions.c.decided_at, decisions.c.id))
    query = query.order_by(decisions.c.decided_at.desc(), decisions.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_decision(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.decided_at, one.id))


def _decision(row: RowMapping) -> Decision:
    return Decision(**{**row, "reasons": tuple(row["reasons"])})
