"""Stops by a rule of the place, kept: one per session, and how often its station was asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_charging_sessions import charging_stops as stops
from dure.services.charging.sessions.place_rules import Stopped


def insert(connection: Connection, stopped: Stopped, decision: str, facts: dict[str, Any]) -> bool:
    """Keep that a session is to be stopped; False when it is already."""
    row = {
        "session": stopped.session, "evse": stopped.evse, "reason": stopped.reason, "decided_at": stopped.decided_at,
        "asked_at": None, "asked_n": 0, "decision": decision, "facts": facts,
    }  # fmt: skip
    return bool(dialect.insert_new(connection, stops, [row]))


def of_sessions(connection: Connection, idents: list[str]) -> dict[str, dict[str, Any]]:
    """Stops of sessions, with how often and when they were asked for."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(idents), 500):
        query = select(stops).where(stops.c.session.in_(idents[start : start + 500]))
        found.update((row["session"], dict(row)) for row in connection.execute(query).mappings())
    return found


def newest_of_evses(connection: Connection, evses: list[str]) -> dict[str, Stopped]:
    """The last stop at each EVSE."""
    found: dict[str, Stopped] = {}
    for start in range(0, len(evses), 500):
        part = evses[start : start + 500]
        newest = select(stops.c.evse, func.max(stops.c.decided_at).label("at")).where(stops.c.evse.in_(part))
        latest = newest.group_by(stops.c.evse).subquery()
        query = select(stops).join(latest, (stops.c.evse == latest.c.evse) & (stops.c.decided_at == latest.c.at))
        for row in connection.execute(query).mappings():
            found[row["evse"]] = Stopped(
                session=row["session"], evse=row["evse"], reason=row["reason"], decided_at=row["decided_at"]
            )
    return found


def note_asked(connection: Connection, session: str, at: datetime) -> None:
    """Its station was asked to stop it."""
    change = update(stops).where(stops.c.session == session)
    connection.execute(change.values(asked_at=at, asked_n=stops.c.asked_n + 1))
