"""Tickets of findings, kept: one that is not closed for each meter and kind (the tables say so, not only this code)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import InputError, NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables_buildings import building_tickets as tickets
from dure.services.buildings.finding.tickets import Facts, State, Ticket

UNSETTLED: tuple[State, ...] = ("open", "assigned", "repaired")
MARK_PARTS = 3


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which tickets; empty words leave a filter out."""

    states: Sequence[State] = ()
    building: str = ""
    meter: str = ""
    finding: str = ""
    owner: str = ""


def insert(connection: Connection, ticket: Ticket) -> bool:
    """Keep a new ticket; False when there is an unsettled one of this meter and kind."""
    return bool(dialect.insert_new(connection, tickets, [_row(ticket)]))


def store(connection: Connection, ticket: Ticket) -> Ticket:
    """Keep a change."""
    connection.execute(update(tickets).where(tickets.c.id == ticket.id).values(_row(ticket)))
    return ticket


def get(connection: Connection, ident: str, *, lock: bool = False) -> Ticket:
    """One ticket; with `lock` nobody else changes it until the transaction ends."""
    query = select(tickets).where(tickets.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("ticket.unknown", f"There is no finding {ident[:80]!r}.")
    return _ticket(row)


def unsettled(connection: Connection, meters: Collection[str] | None = None, *, lock: bool = False) -> list[Ticket]:
    """Tickets that are not closed, of some meters or of all."""
    query = select(tickets).where(tickets.c.closed_at.is_(None))
    if meters is not None:
        query = query.where(tickets.c.meter.in_(list(meters)))
    query = query.order_by(tickets.c.meter, tickets.c.finding)
    return [_ticket(row) for row in connection.execute(query.with_for_update() if lock else query).mappings()]


def closed_since(connection: Connection, since: datetime, meters: Collection[str]) -> list[Ticket]:
    """Tickets of some meters that were closed since then."""
    query = select(tickets).where(tickets.c.closed_at >= since, tickets.c.meter.in_(list(meters)))
    return [_ticket(row) for row in connection.execute(query.order_by(tickets.c.closed_at)).mappings()]


def listing(connection: Connection, asked: Asked, *, after: str = "", limit: int = 100) -> Page[Ticket]:
    """Those worth most in a year first: by won, then grams, then id."""
    query = select(tickets)
    if asked.states:
        query = query.where(tickets.c.state.in_(asked.states))
    for column, wanted in (
        (tickets.c.building, asked.building),
        (tickets.c.meter, asked.meter),
        (tickets.c.finding, asked.finding),
        (tickets.c.owner, asked.owner),
    ):
        if wanted:
            query = query.where(column == wanted)
    if after:
        won, grams, ident = _mark_of(after)
        won_column, grams_column = tickets.c.won_year, tickets.c.co2e_g_year
        query = query.where(
            or_(
                won_column < won,
                and_(won_column == won, grams_column < grams),
                and_(won_column == won, grams_column == grams, tickets.c.id > ident),
            )
        )
    query = query.order_by(tickets.c.won_year.desc(), tickets.c.co2e_g_year.desc(), tickets.c.id)
    found = (_ticket(row) for row in connection.execute(query.limit(checked_limit(limit) + 1)).mappings())
    return page(found, limit, lambda one: f"{one.won_year}~{one.co2e_g_year}~{one.id}")


def counts(connection: Connection, today: date) -> dict[str, int]:
    """How many are in each state that is not closed, how many of those are ``late``, and what they come to in a year."""
    query = select(tickets.c.state, func.count(), func.sum(tickets.c.won_year), func.sum(tickets.c.co2e_g_year)).where(
        tickets.c.closed_at.is_(None)
    )
    found: dict[str, int] = {"won_year": 0, "co2e_g_year": 0}
    for state, n, won, grams in connection.execute(query.group_by(tickets.c.state)):
        found[state] = int(n)
        found["won_year"] += int(won or 0)
        found["co2e_g_year"] += int(grams or 0)
    late = select(func.count()).where(
        tickets.c.closed_at.is_(None), tickets.c.state != "repaired", tickets.c.due_on < today.isoformat()
    )
    return found | {"late": int(connection.execute(late).scalar_one())}


def _mark_of(after: str) -> tuple[int, int, str]:
    parts = after.split("~", MARK_PARTS - 1)
    if len(parts) != MARK_PARTS or not all(
        one.lstrip("-").isascii() and one.lstrip("-").isdigit() and len(one) < 19 for one in parts[:2]
    ):
        raise InputError("page.mark", f"{after[:80]!r} is no mark of a page: take `next` of the page before.")
    return int(parts[0]), int(parts[1]), parts[2]


def _row(ticket: Ticket) -> dict[str, Any]:
    row = msgspec.structs.asdict(ticket)
    return row | {"due_on": ticket.due_on.isoformat(), "facts": msgspec.to_builtins(ticket.facts)}


def _ticket(row: RowMapping) -> Ticket:
    return Ticket(**{**row, "due_on": date.fromisoformat(row["due_on"]), "facts": msgspec.convert(row["facts"], Facts)})
