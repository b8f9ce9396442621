"""How long vehicles stayed, kept: one row per session whose vehicle stood there after its end, or stayed too long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, or_, select

from dure.engines.records import dialect
from dure.engines.records.tables_charging_sessions import charging_sessions as sessions
from dure.engines.records.tables_charging_sessions import charging_stays as stays
from dure.services.charging.sessions.model import Session
from dure.services.charging.sessions.session_records import session_of


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle at an EVSE: when its session ended, when it left, and when it was told that it overstays."""

    session: str
    evse: str
    ended_at: datetime | None = None
    left_at: datetime | None = None
    told_at: datetime | None = None


def get(connection: Connection, session: str) -> Stay | None:
    """The stay of a session, if one is kept."""
    row = connection.execute(select(stays).where(stays.c.session == session)).mappings().one_or_none()
    return None if row is None else Stay(**row)


def present(connection: Connection) -> dict[str, Stay]:
    """Stays of vehicles that have not left, by session."""
    return {row["session"]: Stay(**row) for row in connection.execute(select(stays).where(stays.c.left_at.is_(None))).mappings()}


def put(connection: Connection, found: list[Stay]) -> None:
    """Keep stays as they are now."""
    dialect.upsert(connection, stays, [msgspec.structs.asdict(one) for one in found])


def looked_at(connection: Connection, since: datetime, open_sessions: set[str]) -> list[Session]:
    """Sessions whose vehicle may stand there still: those that run, that ended since then, or whose stay is open; by begin."""
    found: dict[str, Any] = {}
    recent = or_(sessions.c.state == "running", sessions.c.ended_at >= since)
    wanted = [recent, *(sessions.c.id.in_(part) for part in _parts(sorted(open_sessions)))]
    for where in wanted:
        rows = connection.execute(select(sessions).where(where, sessions.c.evse != "")).mappings()
        found.update((row["id"], row) for row in rows)
    return sorted((session_of(row) for row in found.values()), key=lambda one: (one.started_at, one.id))


def _parts(idents: list[str]) -> list[list[str]]:
    return [idents[start : start + 500] for start in range(0, len(idents), 500)]
