"""What people do with their subscriptions, by page or API: make, pause, resume, end. Blocks; call it in a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dure.core.access import Actor, may
from dure.core.errors import InputError, NotFound
from dure.core.text import Language
from dure.core.time import to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.environment.alerting import message_records, subscription_records
from dure.services.environment.alerting.alert_rounds import link_of, rules_now
from dure.services.environment.alerting.courier import mail_server
from dure.services.environment.alerting.subscriptions import (
    Channel,
    Purpose,
    Subscription,
    SubscriptionState,
    checked_target,
    confirmation,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

ASK_AGAIN_S = 600  # a mail that asks whether messages are wanted is sent at most once in this time


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; the target of the inbox is the person."""

    channel: Channel
    target: str = ""
    language: Language = "ko"
    rules: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    level_min: int = 1


class Made(msgspec.Struct, frozen=True):
    """A new subscription; `secret` is that of a webhook, shown this once."""

    subscription: Subscription
    secret: str


def subscribe(house: House, actor: Actor, wish: Wish) -> Made:
    """Keep a subscription of a person; one by e-mail waits until the link mailed to the address is opened."""
    now = house.clock.now()
    if wish.channel == "email" and mail_server(house.settings) is None:
        raise InputError("subscription.no_mail", "This city sends no mail yet: smtp_url is not set. Use the inbox.")
    target = actor.id if wish.channel == "in_app" else checked_target(wish.channel, wish.target.strip())
    if target.startswith("http://") and not house.settings.webhook_private_ok:
        raise InputError("subscription.webhook", "A webhook needs an https address.")
    made = Subscription(
        id=subscription_records.new_id(),
        person=actor.id,
        channel=wish.channel,
        target=target,
        language=wish.language,
        rules=_known_rules(house, wish.rules),
        scopes=tuple(dict.fromkeys(wish.scopes)),
        level_min=wish.level_min,
        created_at=now,
        updated_at=now,
    )
    with house.records.begin() as connection:
        _require_places(house, connection, made.scopes)
        secret = subscription_records.add(connection, made, By(actor.id, now))
        if wish.channel == "email":
            _ask(house, connection, made.id)
        return Made(subscription_records.get(connection, made.id), secret if wish.channel == "webhook" else "")


def pause(house: House, actor: Actor, ident: str) -> Subscription:
    """No messages for now."""
    return _change(house, actor, ident, "paused")


def resume(house: House, actor: Actor, ident: str) -> Subscription:
    """Messages again; at an e-mail address only after its link is opened."""
    with house.records.begin() as connection:
        known = _own(connection, actor, ident)
        if known.channel == "email" and known.state == "paused":
            _ask(house, connection, ident)
            return known
        return subscription_records.set_state(connection, ident, "active", By(actor.id, house.clock.now()))


def end(house: House, actor: Actor, ident: str) -> Subscription:
    """No messages any more."""
    return _change(house, actor, ident, "ended")


def by_link(house: House, ident: str, purpose: Purpose, key: str) -> Subscription:
    """What the link of a mail asks for."""
    with house.records.begin() as connection:
        return subscription_records.by_link(connection, ident, purpose, key, house.clock.now())


def _change(house: House, actor: Actor, ident: str, state: SubscriptionState) -> Subscription:
    with house.records.begin() as connection:
        _own(connection, actor, ident)
        return subscription_records.set_state(connection, ident, state, By(actor.id, house.clock.now()))


def _own(connection: Connection, actor: Actor, ident: str) -> Subscription:
    """One's own subscription, or anybody's for who runs the alerts; another's does not exist."""
    known = subscription_records.get(connection, ident)
    if known.person != actor.id and not may(actor, "act", "decision"):
        raise NotFound("subscription.unknown", f"There is no subscription {ident[:80]!r} of yours.")
    return known


def _ask(house: House, connection: Connection, ident: str) -> None:
    now = house.clock.now()
    to = subscription_records.recipient(connection, ident, "confirm")
    round_n = to_us(now) // (ASK_AGAIN_S * 1_000_000)
    message_records.put(connection, [confirmation(to, round_n, link_of(house.settings))], now)


def _known_rules(house: House, asked: tuple[str, ...]) -> tuple[str, ...]:
    known = rules_now(house, house.clock.now())
    for one in asked:
        if not any(name == one or name.startswith(f"{one}-") for name in known):
            raise InputError("subscription.rule", f"No rule begins with {one[:80]!r}. Known: {', '.join(sorted(known))}.")
    return tuple(dict.fromkeys(asked))


def _require_places(house: House, connection: Connection, scopes: tuple[str, ...]) -> None:
    unknown = [one for one in scopes if house.city.zone_by_id(one) is None]
    missing = sorted(set(unknown) - set(assets.find(connection, unknown)))
    if missing:
        raise InputError("subscription.scope", f"There is no zone or asset {missing[0][:80]!r}.")
