"""Messages to subscribers, kept in the transaction of the change they tell of; the courier sends them at least once.

An inbox message is delivered by being kept: exactly once. Mail and webhooks are claimed for `LEASE`, sent and settled; when
the courier dies between, they are sent again with the same id, by which a receiver knows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.outbox import BACK_OFF_MAX, BACK_OFF_MIN
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_environment import environment_messages as messages
from dure.engines.records.tables_environment import environment_subscriptions as subscriptions
from dure.services.environment.alerting.subscriptions import CONFIRMATION, Channel, Message, end_key

LEASE = timedelta(minutes=2)  # longer than a round of slow receivers
GIVE_UP_AFTER = timedelta(days=3)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_FIELDS = tuple(messages.c[name] for name in Message.__struct_fields__)


class Claim(msgspec.Struct, frozen=True):
    """A message that is ours to send until the lease ends, with its receiver's secret; `attempts` counts this one."""

    message: Message
    attempts: int
    created_at: datetime
    secret: str

    @property
    def end_key(self) -> str:
        """The key of the link that ends the subscription."""
        return end_key(self.secret, self.message.subscription, "end")


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A message and what became of it."""

    message: Message
    created_at: datetime
    sent_at: datetime | None
    read_at: datetime | None
    attempts: int
    next_attempt_at: datetime
    last_error: str

    @property
    def given_up(self) -> bool:
        """Whether it is no longer tried."""
        return self.sent_at is None and self.next_attempt_at >= NEVER


def duty_subscription(person: str) -> str:
    """Stands for a subscription where somebody is told because of a role."""
    return f"duty-{person}"


def put(connection: Connection, new: Iterable[Message], at: datetime) -> int:
    """Keep messages; one of the same change to the same subscription is not kept twice. How many are new."""
    rows = [
        msgspec.structs.asdict(one)
        | {
            "created_at": at,
            "sent_at": at if one.channel == "in_app" else None,
            "read_at": None,
            "attempts": 0,
            "next_attempt_at": at,
            "last_error": "",
        }
        for one in new
    ]
    return dialect.insert_new(connection, messages, rows)


def due(at: datetime, channels: Sequence[Channel]) -> ColumnElement[bool]:
    """Which messages may be sent now."""
    return (messages.c.sent_at.is_(None)) & (messages.c.next_attempt_at <= at) & messages.c.channel.in_(channels)


def any_due(connection: Connection, at: datetime, channels: Sequence[Channel]) -> bool:
    """Whether there is anything to send: asked before writing, so that the disk is left in peace."""
    return connection.execute(select(messages.c.id).where(due(at, channels)).limit(1)).first() is not None


def claim(connection: Connection, at: datetime, channels: Sequence[Channel], limit: int = 100) -> list[Claim]:
    """Take the oldest messages that are due, so that no other courier takes them before the lease ends.

    Those of a subscription that is paused wait; those of one that has ended are given up.
    """
    wanted = (
        select(*_FIELDS, messages.c.attempts, messages.c.created_at, subscriptions.c.secret, subscriptions.c.state)
        .select_from(messages.join(subscriptions, messages.c.subscription == subscriptions.c.id))
        .where(due(at, channels), or_(subscriptions.c.state != "paused", messages.c.alert == CONFIRMATION))
        .order_by(messages.c.created_at, messages.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=messages)  # SQLite has one writer at a time and needs no such word
    )
    rows = connection.execute(wanted).mappings().all()
    ended = [row["id"] for row in rows if row["state"] == "ended"]
    ours = [row for row in rows if row["state"] != "ended"]
    if ended:
        _give_up(connection, ended, "subscription ended")
    taken = update(messages).where(messages.c.id.in_([row["id"] for row in ours]))
    connection.execute(taken.values(attempts=messages.c.attempts + 1, next_attempt_at=at + LEASE))
    return [Claim(_message(row), row["attempts"] + 1, row["created_at"], row["secret"]) for row in ours]


def settle(connection: Connection, ids: Iterable[str], at: datetime) -> int:
    """Mark messages as sent; how many were not yet."""
    change = update(messages).where(messages.c.id.in_(list(ids)), messages.c.sent_at.is_(None))
    return connection.execute(change.values(sent_at=at, last_error="")).rowcount


def postpone(connection: Connection, claimed: Claim, at: datetime, error: str) -> None:
    """Try a message again later: 1 s after the first failure, twice as long after each, at most 10 min, for 3 days."""
    if at - claimed.created_at >= GIVE_UP_AFTER:
        _give_up(connection, [claimed.message.id], error)
        return
    wait = min(BACK_OFF_MIN * 2 ** min(claimed.attempts - 1, 20), BACK_OFF_MAX)
    _note(connection, [claimed.message.id], {"next_attempt_at": at + wait}, error)


def give_up(connection: Connection, claimed: Claim, error: str) -> None:
    """Never try a message again: its receiver said that there is nobody."""
    _give_up(connection, [claimed.message.id], error)


def _give_up(connection: Connection, ids: list[str], error: str) -> None:
    _note(connection, ids, {"next_attempt_at": NEVER}, error)


def _note(connection: Connection, ids: list[str], values: dict[str, Any], error: str) -> None:
    change = update(messages).where(messages.c.id.in_(ids), messages.c.sent_at.is_(None))
    connection.execute(change.values(**values, last_error=error.replace("\0", "�")[:500]))


def of_alert(connection: Connection, alert: str, limit: int = 1_000) -> list[Delivery]:
    """The messages of an alert with what became of each, the newest change first."""
    query = select(messages).where(messages.c.alert == alert).order_by(messages.c.transition.desc(), messages.c.id).limit(limit)
    return [_delivery(row) for row in connection.execute(query).mappings()]


def inbox(connection: Connection, person: str, *, unread: bool = False, after: str = "", limit: int = 50) -> Page[Delivery]:
    """What a person was told here, newest first."""
    query = select(messages).where(_mine(person))
    if unread:
        query = query.where(messages.c.read_at.is_(None))
    if after:
        query = query.where(older_than(after, messages.c.created_at, messages.c.id))
    query = query.order_by(messages.c.created_at.desc(), messages.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_delivery(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.created_at, one.message.id))


def unread_n(connection: Connection, person: str) -> int:
    """How many messages a person has not read."""
    query = select(func.count()).select_from(messages).where(_mine(person), messages.c.read_at.is_(None))
    return int(connection.execute(query).scalar_one())


def mark_read(connection: Connection, person: str, ident: str, at: datetime) -> None:
    """A person has read a message; a second time changes nothing."""
    mine = (messages.c.id == ident) & _mine(person)
    if connection.execute(select(messages.c.id).where(mine)).first() is None:
        raise NotFound("message.unknown", f"There is no message {ident[:80]!r} in your inbox.")
    connection.execute(update(messages).where(messages.c.id == ident, messages.c.read_at.is_(None)).values(read_at=at))


def mark_all_read(connection: Connection, person: str, at: datetime) -> int:
    """A person has read everything; how many messages that were."""
    change = update(messages).where(_mine(person), messages.c.read_at.is_(None))
    return connection.execute(change.values(read_at=at)).rowcount


def purge(connection: Connection, before: datetime) -> int:
    """Delete messages made before then; how many."""
    return connection.execute(delete(messages).where(messages.c.created_at < before)).rowcount


def _mine(person: str) -> ColumnElement[bool]:
    own = select(subscriptions.c.id).where(subscriptions.c.person == person, subscriptions.c.channel == "in_app")
    told_here = or_(messages.c.subscription == duty_subscription(person), messages.c.subscription.in_(own))
    return (messages.c.channel == "in_app") & told_here


def _message(row: RowMapping) -> Message:
    return Message(**{name: row[name] for name in Message.__struct_fields__})


def _delivery(row: RowMapping) -> Delivery:
    rest = ("created_at", "sent_at", "read_at", "attempts", "next_attempt_at", "last_error")
    return Delivery(message=_message(row), **{name: row[name] for name in rest})
