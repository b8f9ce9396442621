"""Subscriptions, kept: who wants to be told of what, where. A webhook's secret is shown once, when it is made."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, func, insert, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.access import Actor, Role, may
from dure.core.errors import Conflict, NotFound
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import people
from dure.engines.records.tables_environment import environment_subscriptions as subscriptions
from dure.services.environment.alerting.subscriptions import (
    Purpose,
    Recipient,
    Subscription,
    SubscriptionState,
    checked_target,
    end_key,
)
from dure.spine.post import SECRET_PREFIX

PER_PERSON_MAX = 20
SECRET_BYTES = 32
_FIELDS = tuple(subscriptions.c[name] for name in Subscription.__struct_fields__)


def new_id() -> str:
    """The id of a new subscription."""
    return f"sub-{secrets.token_hex(8)}"


def add(connection: Connection, wish: Subscription, by: By) -> str:
    """Keep a new subscription; its secret, by which a webhook's receiver knows us.

    One to an e-mail address begins paused: only the link that is mailed there lets it begin.
    """
    target = checked_target(wish.channel, wish.target)
    if wish.person is not None:
        mine = and_(subscriptions.c.person == wish.person, subscriptions.c.state != "ended")
        n = connection.execute(select(func.count()).select_from(subscriptions).where(mine)).scalar_one()
        if n >= PER_PERSON_MAX:
            raise Conflict("subscription.too_many", f"A person has at most {PER_PERSON_MAX} subscriptions: end one first.")
    state = "paused" if wish.channel == "email" else "active"
    secret = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row = msgspec.structs.asdict(wish) | {"target": target, "state": state, "secret": secret}
    connection.execute(insert(subscriptions).values(row))
    detail = {"added": {"channel": wish.channel, "rules": list(wish.rules), "scopes": list(wish.scopes)}}
    audit.append(connection, by, "write", "personal", wish.id, detail)
    return secret


def set_state(connection: Connection, ident: str, state: SubscriptionState, by: By) -> Subscription:
    """Pause, resume or end a subscription; an ended one stays ended."""
    before = get(connection, ident)
    if before.state == "ended" and state != "ended":
        raise Conflict("subscription.ended", "The subscription has ended: make a new one.")
    if before.state != state:
        values = {"state": state, "updated_at": by.at}
        connection.execute(update(subscriptions).where(subscriptions.c.id == ident).values(values))
        audit.append(connection, by, "write", "personal", ident, {"before": before.state, "after": state})
    return msgspec.structs.replace(before, state=state, updated_at=by.at)


def pause(connection: Connection, ident: str, by: By) -> None:
    """Pause an active subscription; any other stays as it is."""
    if get(connection, ident).state == "active":
        set_state(connection, ident, "paused", by)


def by_link(connection: Connection, ident: str, purpose: Purpose, key: str, at: datetime) -> Subscription:
    """What the link of a mail asks for: let messages begin, or end them. A wrong key is answered like an unknown one."""
    row = connection.execute(select(subscriptions.c.secret).where(subscriptions.c.id == ident)).one_or_none()
    wanted = end_key("" if row is None else row.secret, ident, purpose)
    if row is None or not hmac.compare_digest(wanted.encode(), key.encode()):
        raise _unknown(ident)
    return set_state(connection, ident, "ended" if purpose == "end" else "active", By(f"link-{ident}", at))


def fitting_link(connection: Connection, ident: str, purpose: Purpose, key: str) -> Subscription:
    """The subscription a mailed link belongs to, before anything is done."""
    row = connection.execute(select(subscriptions.c.secret).where(subscriptions.c.id == ident)).one_or_none()
    if row is None or not hmac.compare_digest(end_key(row.secret, ident, purpose).encode(), key.encode()):
        raise _unknown(ident)
    return get(connection, ident)


def get(connection: Connection, ident: str) -> Subscription:
    """One subscription."""
    row = connection.execute(select(*_FIELDS).where(subscriptions.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise _unknown(ident)
    return _subscription(row)


def recipient(connection: Connection, ident: str, purpose: Purpose) -> Recipient:
    """A subscription with the key of a link that is mailed to it."""
    row = connection.execute(select(subscriptions).where(subscriptions.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise _unknown(ident)
    return Recipient(_subscription(row), key=end_key(row["secret"], ident, purpose))


def of_person(connection: Connection, person: str) -> list[Subscription]:
    """A person's subscriptions that have not ended, oldest first."""
    query = select(*_FIELDS).where(subscriptions.c.person == person, subscriptions.c.state != "ended")
    rows = connection.execute(query.order_by(subscriptions.c.created_at, subscriptions.c.id)).mappings()
    return [_subscription(row) for row in rows]


def listing(connection: Connection, *, person: str = "", after: str = "", limit: int = 100) -> Page[Subscription]:
    """Newest first; of one person or of all."""
    query = select(*_FIELDS)
    if person:
        query = query.where(subscriptions.c.person == person)
    if after:
        query = query.where(older_than(after, subscriptions.c.created_at, subscriptions.c.id))
    query = query.order_by(subscriptions.c.created_at.desc(), subscriptions.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_subscription(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.created_at, one.id))


def active(connection: Connection) -> list[Recipient]:
    """Every active subscription whose person, if it has one, may still sign in."""
    query = (
        select(subscriptions, people.c.roles)
        .select_from(subscriptions.outerjoin(people, subscriptions.c.person == people.c.id))
        .where(subscriptions.c.state == "active", or_(subscriptions.c.person.is_(None), people.c.state == "active"))
    )
    return [_recipient(row) for row in connection.execute(query).mappings()]


def on_duty(connection: Connection, roles: Iterable[Role]) -> list[str]:
    """Ids of the people who may sign in and have one of the roles."""
    wanted = set(roles)
    rows = connection.execute(select(people.c.id, people.c.roles).where(people.c.state == "active").order_by(people.c.id))
    return [row.id for row in rows if not wanted.isdisjoint(row.roles)]


def _recipient(row: RowMapping) -> Recipient:
    staff = may(Actor(row["person"] or "", frozenset(row["roles"] or ())), "read", "city_data")
    return Recipient(_subscription(row), staff, end_key(row["secret"], row["id"], "end"))


def _subscription(row: RowMapping) -> Subscription:
    fields: dict[str, Any] = {name: row[name] for name in Subscription.__struct_fields__}
    return Subscription(**fields | {"rules": tuple(row["rules"]), "scopes": tuple(row["scopes"])})


def _unknown(ident: str) -> NotFound:
    return NotFound("subscription.unknown", f"There is no subscription {ident[:80]!r}, or the link is not its own.")
