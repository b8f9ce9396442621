"""Which events were looked at, and what became of each: taken once, parked until what they lack comes, or replaced."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from sqlalchemy import Connection, func, select, update

from dure.core.events import Event
from dure.core.text import Text
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import events
from dure.engines.records.tables_carbon_claims import carbon_event_intake as intake

IntakeState = Literal["taken", "parked", "replaced"]
BACK_OFF_MIN, BACK_OFF_MAX = timedelta(minutes=1), timedelta(days=1)
NOTHING = Text("")


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event. `code` and `why` of one that is parked."""

    event: str
    type: str
    event_at: datetime
    state: IntakeState
    seen_at: datetime
    code: str = ""
    why: Text = NOTHING
    tries: int = 0
    next_try_at: datetime | None = None


def unseen(connection: Connection, types: Collection[str], since: datetime | None, limit: int) -> list[Event]:
    """Events of some types nobody has looked at, oldest first; `since`: only those of that time or later."""
    known = select(intake.c.event).where(intake.c.event == events.c.id).exists()
    query = select(events).where(events.c.type.in_(sorted(types)), ~known)
    if since is not None:
        query = query.where(events.c.time >= since)
    return [Event(**row) for row in connection.execute(query.order_by(events.c.time, events.c.id).limit(limit)).mappings()]


def due(connection: Connection, now: datetime, limit: int) -> list[Event]:
    """Parked events whose next try has come."""
    query = select(events).join(intake, intake.c.event == events.c.id)
    query = query.where(intake.c.state == "parked", intake.c.next_try_at <= now)
    return [Event(**row) for row in connection.execute(query.order_by(events.c.time, events.c.id).limit(limit)).mappings()]


def event_of(connection: Connection, ident: str) -> Event | None:
    """An event as it is kept; None when it has not come or is too old to be kept."""
    row = connection.execute(select(events).where(events.c.id == ident)).mappings().one_or_none()
    return None if row is None else Event(**row)


def find(connection: Connection, event: str) -> Looked | None:
    """What became of an event; None when nobody has looked at it."""
    row = connection.execute(select(intake).where(intake.c.event == event)).mappings().one_or_none()
    return None if row is None else _looked(dict(row))


def put(connection: Connection, looked: Looked) -> bool:
    """Note what became of an event. False when it is settled already: another was first. A parked one may be noted again."""
    row = msgspec.structs.asdict(looked) | {"why": msgspec.to_builtins(looked.why)}
    if dialect.insert_new(connection, intake, [row]):
        return True
    changes = {name: row[name] for name in ("state", "code", "why", "tries", "next_try_at")}
    change = update(intake).where(intake.c.event == looked.event, intake.c.state == "parked").values(**changes)
    return connection.execute(change).rowcount == 1


def park(connection: Connection, event: Event, said: tuple[str, Text], now: datetime) -> bool:
    """Note that an event waits; it is looked at again after a minute, then twice as long each time, at most a day."""
    before = find(connection, event.id)
    tries = before.tries + 1 if before is not None else 1
    wait = min(BACK_OFF_MIN * 2 ** min(tries - 1, 12), BACK_OFF_MAX)
    code, why = said
    return put(
        connection,
        Looked(
            event=event.id, type=event.type, event_at=event.time, state="parked", seen_at=now, code=code, why=why, tries=tries,
            next_try_at=now + wait,
        ),
    )  # fmt: skip


def listing(
    connection: Connection, *, states: Sequence[IntakeState] = ("parked",), after: str = "", limit: int = 100
) -> Page[Looked]:
    """Newest first."""
    query = select(intake).where(intake.c.state.in_(list(states)))
    if after:
        query = query.where(older_than(after, intake.c.seen_at, intake.c.event))
    query = query.order_by(intake.c.seen_at.desc(), intake.c.event.desc()).limit(checked_limit(limit) + 1)
    found = (_looked(dict(row)) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.seen_at, one.event))


def counts(connection: Connection) -> dict[str, int]:
    """How many events wait, by code."""
    query = select(intake.c.code, func.count()).where(intake.c.state == "parked").group_by(intake.c.code).order_by(intake.c.code)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def _looked(row: dict[str, object]) -> Looked:
    return Looked(**{**row, "why": msgspec.convert(row["why"], Text)})  # type: ignore[arg-type]  # columns are named alike
