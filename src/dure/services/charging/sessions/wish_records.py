"""What drivers asked for: energy, when they leave, up to which charge. The newest wish of a session counts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_charging_sessions import charging_wishes as wishes

FIELDS = ("need_wh", "departs_at", "target_soc")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver asked for, how (`way`: page, api, vehicle), and of which session; empty while none runs."""

    id: str
    evse: str
    made_at: datetime
    session: str = ""
    need_wh: int | None = None
    departs_at: datetime | None = None
    target_soc: float | None = None
    way: str = "api"


def add(connection: Connection, wish: Wish) -> bool:
    """Keep a wish; False when it is already there."""
    return bool(dialect.insert_new(connection, wishes, [msgspec.structs.asdict(wish)]))


def of_sessions(connection: Connection, idents: Collection[str]) -> dict[str, dict[str, Any]]:
    """What drivers asked for, by session: of each word the newest that was said."""
    found: dict[str, dict[str, Any]] = {}
    listed = sorted(idents)
    for start in range(0, len(listed), 500):
        query = select(wishes).where(wishes.c.session.in_(listed[start : start + 500])).order_by(wishes.c.made_at, wishes.c.id)
        for row in connection.execute(query).mappings():
            said = {name: row[name] for name in FIELDS if row[name] is not None}
            found.setdefault(row["session"], {}).update(said)
    return found


def adopt(connection: Connection, session: str, evse: str, since: datetime, until: datetime | None = None) -> int:
    """A session began at an EVSE: wishes made there since then, of no session yet, are its driver's. How many.

    Parameters
    ----------
    until : when it ended, where it was heard of only afterwards: what is asked for later is another driver's
    """
    change = update(wishes).where(wishes.c.evse == evse, wishes.c.session == "", wishes.c.made_at >= since)
    if until is not None:
        change = change.where(wishes.c.made_at < until)
    return connection.execute(change.values(session=session)).rowcount
