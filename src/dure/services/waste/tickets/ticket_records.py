"""Tickets, kept: one that is not closed for each bin and fault (the tables say so, not only this code)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_waste import waste_tickets as tickets
from dure.services.waste.tickets.tickets import Facts, Ticket, TicketState


def insert(connection: Connection, ticket: Ticket) -> bool:
    """Keep a new ticket; False when there is one of this bin and fault already, or it was settled before."""
    return bool(dialect.insert_new(connection, tickets, [_row(ticket)]))


def store(connection: Connection, ticket: Ticket) -> Ticket:
    """Keep a change."""
    row = _row(ticket)
    connection.execute(update(tickets).where(tickets.c.id == ticket.id).values(row))
    return ticket


def get(connection: Connection, ident: str, *, lock: bool = False) -> Ticket:
    """One ticket; with `lock` nobody else changes it until the transaction ends."""
    query = select(tickets).where(tickets.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("ticket.unknown", f"There is no ticket {ident[:80]!r}.")
    return _ticket(row)


def unsettled(
    connection: Connection,
    *,
    bin_id: str = "",
    states: Collection[TicketState] = ("open", "assigned", "repaired"),
    lock: bool = False,
) -> list[Ticket]:
    """Tickets that are not closed, the first due first."""
    query = select(tickets).where(tickets.c.closed_at.is_(None), tickets.c.state.in_(states))
    if bin_id:
        query = query.where(tickets.c.bin == bin_id)
    query = query.order_by(tickets.c.due_on, tickets.c.id)
    return [_ticket(row) for row in connection.execute(query.with_for_update() if lock else query).mappings()]


def closed_since(connection: Connection, since: datetime) -> list[Ticket]:
    """Tickets closed since then."""
    query = select(tickets).where(tickets.c.closed_at >= since).order_by(tickets.c.closed_at)
    return [_ticket(row) for row in connection.execute(query).mappings()]


def listing(  # noqa: PLR0913  # the filters of a list
    connection: Connection,
    *,
    states: Sequence[TicketState] = (),
    bin_id: str = "",
    fault: str = "",
    owner: str = "",
    after: str = "",
    limit: int = 100,
) -> Page[Ticket]:
    """The last changed first."""
    query = select(tickets)
    if states:
        query = query.where(tickets.c.state.in_(states))
    for column, wanted in ((tickets.c.bin, bin_id), (tickets.c.fault, fault), (tickets.c.owner, owner)):
        if wanted:
            query = query.where(column == wanted)
    if after:
        query = query.where(older_than(after, tickets.c.changed_at, tickets.c.id))
    query = query.order_by(tickets.c.changed_at.desc(), tickets.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_ticket(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.changed_at, one.id))


def counts(connection: Connection, today: date) -> dict[str, int]:
    """How many tickets are in each state that is not closed, and how many of them are ``late``."""
    query = select(tickets.c.state, func.count()).where(tickets.c.closed_at.is_(None)).group_by(tickets.c.state)
    found = {row[0]: int(row[1]) for row in connection.execute(query)}
    late = select(func.count()).where(tickets.c.closed_at.is_(None), tickets.c.due_on < today.isoformat())
    return found | {"late": int(connection.execute(late).scalar_one())}


def open_faults(connection: Connection, faults: Iterable[str]) -> dict[str, list[str]]:
    """Bin -> its faults of these kinds that are not closed."""
    query = select(tickets.c.bin, tickets.c.fault).where(tickets.c.closed_at.is_(None), tickets.c.fault.in_(list(faults)))
    found: dict[str, list[str]] = {}
    for row in connection.execute(query.order_by(tickets.c.bin, tickets.c.opened_at)):
        found.setdefault(row.bin, []).append(row.fault)
    return found


def _row(ticket: Ticket) -> dict[str, Any]:
    row = msgspec.structs.asdict(ticket)
    return row | {"due_on": ticket.due_on.isoformat(), "facts": msgspec.to_builtins(ticket.facts)}


def _ticket(row: RowMapping) -> Ticket:
    return Ticket(**{**row, "due_on": date.fromisoformat(row["due_on"]), "facts": msgspec.convert(row["facts"], Facts)})
