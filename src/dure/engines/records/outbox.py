"""Messages that leave with the change they tell of: kept in its transaction, then delivered at least once.

A worker claims some messages for `LEASE`, sends them, and settles each. When it dies, the lease runs out and another
sends them again: receivers know a message by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from dure.core.events import Event
from dure.core.time import Clock
from dure.engines.records import dialect
from dure.engines.records.tables import outbox

if TYPE_CHECKING:
    from dure.engines.records.store import Records

LEASE = timedelta(seconds=30)
BACK_OFF_MIN = timedelta(seconds=1)
BACK_OFF_MAX = timedelta(minutes=10)


class Claim(msgspec.Struct, frozen=True):
    """A message that is ours to send until the lease ends; `attempts` counts this one."""

    event: Event
    attempts: int


class Delivered(msgspec.Struct, frozen=True):
    """What one round did."""

    sent: int
    failed: int


def put(connection: Connection, events: Iterable[Event], at: datetime) -> int:
    """Keep messages to be sent; one already there is not kept again. How many are new."""
    rows = [
        {
            "id": event.id,
            "event": msgspec.json.encode(event).decode(),
            "created_at": at,
            "attempts": 0,
            "next_attempt_at": at,
            "last_error": "",
        }
        for event in events
    ]
    return dialect.insert_new(connection, outbox, rows)


def claim(connection: Connection, at: datetime, limit: int = 100, lease: timedelta = LEASE) -> list[Claim]:
    """Take the oldest messages that are due, so that no other worker takes them before the lease ends."""
    due = (
        select(outbox.c.n)
        .where(outbox.c.sent_at.is_(None), outbox.c.next_attempt_at <= at)
        .order_by(outbox.c.n)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has one writer at a time and needs no such word
    )
    numbers = list(connection.execute(due).scalars())
    taken = (
        update(outbox)
        .where(outbox.c.n.in_(numbers))
        .values(attempts=outbox.c.attempts + 1, next_attempt_at=at + lease)
        .returning(outbox.c.n, outbox.c.event, outbox.c.attempts)
    )
    rows = sorted(connection.execute(taken).all(), key=lambda row: row.n)
    return [Claim(msgspec.json.decode(row.event, type=Event), row.attempts) for row in rows]


def settle(connection: Connection, ids: Iterable[str], at: datetime) -> int:
    """Mark messages as sent; how many were not yet."""
    change = update(outbox).where(outbox.c.id.in_(list(ids)), outbox.c.sent_at.is_(None))
    return connection.execute(change.values(sent_at=at, last_error="")).rowcount


def postpone(connection: Connection, claimed: Claim, at: datetime, error: str) -> None:
    """Try a message again later: 1 s after the first failure, twice as long after each, at most 10 min."""
    wait = min(BACK_OFF_MIN * 2 ** min(claimed.attempts - 1, 20), BACK_OFF_MAX)
    change = update(outbox).where(outbox.c.id == claimed.event.id, outbox.c.sent_at.is_(None))
    connection.execute(change.values(next_attempt_at=at + wait, last_error=error.replace("\0", "�")[:500]))


def waiting(connection: Connection) -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest does."""
    row = connection.execute(select(func.count(), func.min(outbox.c.created_at)).where(outbox.c.sent_at.is_(None))).one()
    return row[0], row[1]


def purge(connection: Connection, before: datetime) -> int:
    """Delete messages sent before then; how many."""
    return connection.execute(delete(outbox).where(outbox.c.sent_at < before)).rowcount


async def deliver(records: Records, send: Callable[[Event], Awaitable[None]], clock: Clock, limit: int = 100) -> Delivered:
    """One round: claim, send in order, settle. Any exception of `send` postpones that message and no other."""
    lease_ends = clock.now() + LEASE
    sent: list[str] = []
    failed: list[tuple[Claim, str]] = []
    for one in await asyncio.to_thread(_claim_due, records, clock.now(), limit):
        if clock.now() >= lease_ends:
            break  # the rest may be another worker's by now
        try:
            await send(one.event)
        except Exception as error:  # noqa: BLE001  # whatever a transport raises, the message stays ours to send
            failed.append((one, f"{type(error).__name__}: {error}"))
        else:
            sent.append(one.event.id)
    if sent or failed:
        await asyncio.to_thread(_settle_all, records, clock.now(), sent, failed)
    return Delivered(len(sent), len(failed))


def _claim_due(records: Records, at: datetime, limit: int) -> list[Claim]:
    """Look before writing: when nothing is due, the disk is left in peace."""
    with records.read() as connection:
        due = select(outbox.c.n).where(outbox.c.sent_at.is_(None), outbox.c.next_attempt_at <= at).limit(1)
        if connection.execute(due).first() is None:
            return []
    with records.begin() as connection:
        return claim(connection, at, limit)


def _settle_all(records: Records, at: datetime, sent: list[str], failed: list[tuple[Claim, str]]) -> None:
    with records.begin() as connection:
        settle(connection, sent, at)
        for one, error in failed:
            postpone(connection, one, at, error)
