"""Domain facts as the activity list shows them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from dure.core.errors import NotFound
from dure.core.events import Event
from dure.engines.records import dialect, outbox
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import events


def add(connection: Connection, items: Iterable[Event]) -> int:
    """Keep events; one with an id already there is the same one. How many are new."""
    rows = {one.id: _row(one) for one in items}
    return dialect.insert_new(connection, events, list(rows.values()))


def announce(connection: Connection, items: Iterable[Event], at: datetime) -> int:
    """Keep events and put the new ones in the outbox, with the change they tell of. How many are new."""
    new = 0
    for event in items:
        if add(connection, [event]):
            outbox.put(connection, [event], at)
            new += 1
    return new


def get(connection: Connection, event_id: str) -> Event:
    """One event."""
    row = connection.execute(select(events).where(events.c.id == event_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("event.unknown", f"There is no event {event_id[:80]!r}.")
    return Event(**row)


def listing(
    connection: Connection,
    *,
    prefix: str = "",
    subject: str = "",
    since: datetime | None = None,
    after: str = "",
    limit: int = 100,
) -> Page[Event]:
    """Newest first; `prefix` of the type, as ``environment.``; `since` an instant."""
    query = select(events)
    if prefix:
        query = query.where(events.c.type.startswith(prefix, autoescape=True))
    if subject:
        query = query.where(events.c.subject == subject)
    if since is not None:
        query = query.where(events.c.time >= since)
    if after:
        query = query.where(older_than(after, events.c.time, events.c.id))
    query = query.order_by(events.c.time.desc(), events.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (Event(**row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda event: time_mark(event.time, event.id))


def expire(connection: Connection, before: datetime) -> int:
    """Delete events older than that; how many."""
    return connection.execute(delete(events).where(events.c.time < before)).rowcount


def _row(event: Event) -> dict[str, object]:
    row = msgspec.structs.asdict(event)
    del row["specversion"]
    return row
