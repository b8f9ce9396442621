"""Who is told of a change, once each, and in which words: inbox, e-mail and webhook.

Pure: changes and subscriptions in, messages out. A webhook is signed as the Standard Webhooks specification says
(https://www.standardwebhooks.com: HMAC-SHA256 over ``id.timestamp.body``) and carries a CloudEvent.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from dure.core.errors import InputError
from dure.core.events import Event
from dure.core.text import Language, Text
from dure.spine.post import one_line

Channel = Literal["in_app", "email", "webhook"]
SubscriptionState = Literal["active", "paused", "ended"]
Purpose = Literal["end", "confirm"]
CONFIRMATION = "confirmation"  # stands for an alert's id in the mail that asks whether messages are wanted
CHANNELS: tuple[Channel, ...] = ("in_app", "email", "webhook")
TARGET_MAX = 320
FILTERS_MAX = 100
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's wish to be told.

    Attributes
    ----------
    person : who made it; None for one without an account
    target : person id, e-mail address or https address, by channel
    rules : beginnings of rule ids, ``air-warning`` for all of them; empty = every rule
    scopes : zones and assets; empty = everywhere
    level_min : only changes to or from this level, >= 1
    """

    id: str
    person: str | None
    channel: Channel
    target: str
    language: Language
    rules: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    level_min: int = 1
    state: SubscriptionState = "active"
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        if not 1 <= self.level_min <= 3:
            raise InputError("subscription.level", f"The level must be 1, 2 or 3, not {self.level_min}.")
        if max(len(self.rules), len(self.scopes)) > FILTERS_MAX:
            raise InputError("subscription.filters", f"At most {FILTERS_MAX} rules and {FILTERS_MAX} places can be named.")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an alert, as far as it matters who is told.

    Attributes
    ----------
    alert, transition : id, and the number of the change in its story, from 1
    scopes : the place itself and the places it lies in
    before, after : level
    public : whether citizens may know of it
    """

    alert: str
    transition: int
    rule: str
    scopes: tuple[str, ...]
    before: int
    after: int
    public: bool


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What a message says, in both languages."""

    title: Text
    sentence: Text
    advice: Text
    issuer: Text


class Recipient(msgspec.Struct, frozen=True):
    """A subscription, whether its person may see what is not public, and the key of its link to end it."""

    subscription: Subscription
    staff: bool = False
    key: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What one subscriber is told of one change; its id is made of both, so that it exists once."""

    id: str
    alert: str
    transition: int
    subscription: str
    channel: Channel
    target: str
    language: Language
    subject: str
    body: str


def recipients(change: Change, known: Iterable[Recipient]) -> list[Recipient]:
    """Whom to tell of a change: one subscription for each channel and target, the oldest of those that fit."""
    found: dict[tuple[str, str], Recipient] = {}
    for one in sorted(known, key=lambda each: (each.subscription.created_at, each.subscription.id)):
        wish = one.subscription
        if wish.state == "active" and (change.public or one.staff) and wants(wish, change):
            found.setdefault((wish.channel, wish.target), one)
    return list(found.values())


def wants(wish: Subscription, change: Change) -> bool:
    """Whether the filters of a subscription let a change through; who was told of a beginning is told of its end."""
    rules = not wish.rules or any(change.rule == one or change.rule.startswith(f"{one}-") for one in wish.rules)
    places = not wish.scopes or not set(wish.scopes).isdisjoint(change.scopes)
    return rules and places and max(change.before, change.after) >= wish.level_min


def message_id(alert: str, transition: int, subscription: str) -> str:
    """The id of the one message of a change to a subscription."""
    return hashlib.sha256(f"{alert}\0{transition}\0{subscription}".encode()).hexdigest()[:32]


def written(change: Change, to: Recipient, story: Story, event: Event, link: str) -> Message:
    """The message of a change to one subscriber.

    Parameters
    ----------
    change, to, story : what happened, to whom it is told, and in which words
    event : the fact itself, which a webhook carries
    link : address of Dure without a trailing slash, empty when it has none that people can reach
    """
    wish, say = to.subscription, to.subscription.language
    ident = message_id(change.alert, change.transition, wish.id)
    body = _webhook(ident, event, story, say) if wish.channel == "webhook" else _letter(change, to, story, link)
    return Message(
        id=ident,
        alert=change.alert,
        transition=change.transition,
        subscription=wish.id,
        channel=wish.channel,
        target=wish.target,
        language=say,
        subject=one_line(story.title(say)),
        body=body,
    )


def _letter(change: Change, to: Recipient, story: Story, link: str) -> str:
    wish, say = to.subscription, to.subscription.language
    lines = [story.sentence(say), story.advice(say), story.issuer(say)]
    if link and wish.channel == "email":
        more, end = Text("자세히 보기", "More"), Text("그만 받기", "Stop these messages")
        page = "environment/alerts" if change.public else f"operations/environment/alerts/{change.alert}"
        lines += [f"{more(say)}: {link}/{say}/{page}"]
        lines += [f"{end(say)}: {_mailed(link, wish, 'end', to.key)}"]
    return "\n".join(line for line in lines if line)


def confirmation(to: Recipient, round_n: int, link: str) -> Message:
    """The mail that asks whether messages are wanted at this address; only its link lets them begin.

    `to.key` is the key of its link, `round_n` tells one asking from another.
    """
    wish, say = to.subscription, to.subscription.language
    title = Text("환경 알림을 받으시겠습니까?", "Do you want environment alerts?")
    lines = (
        Text("누군가 이 주소로 환경 알림을 신청했습니다.", "Somebody asked for environment alerts at this address."),
        Text(
            "받으려면 아래 주소를 여세요. 신청하지 않았다면 그대로 두세요.",
            "To get them, open this address. If it was not you, do nothing.",
        ),
    )
    return Message(
        id=message_id(CONFIRMATION, round_n, wish.id),
        alert=CONFIRMATION,
        transition=round_n,
        subscription=wish.id,
        channel=wish.channel,
        target=wish.target,
        language=say,
        subject=title(say),
        body="\n".join([*(line(say) for line in lines), _mailed(link, wish, "confirm", to.key)]),
    )


def _mailed(link: str, wish: Subscription, purpose: Purpose, key: str) -> str:
    return f"{link}/{wish.language}/environment/subscriptions/{wish.id}/{purpose}?key={key}"


def _webhook(ident: str, event: Event, story: Story, say: Language) -> str:
    data = event.data | {"title": story.title(say), "sentence": story.sentence(say), "advice": story.advice(say)}
    data["issuer"] = story.issuer(say)
    whole = msgspec.to_builtins(msgspec.structs.replace(event, data=data))
    whole |= {"datacontenttype": "application/json", "messageid": ident}
    return msgspec.json.encode(whole).decode()


def end_key(secret: str, subscription: str, purpose: Purpose) -> str:
    """What a link in a mail proves itself with: only who was sent it can confirm or end the subscription."""
    return hmac.new(secret.encode(), f"{purpose}:{subscription}".encode(), hashlib.sha256).hexdigest()[:32]


def checked_target(channel: Channel, target: str) -> str:
    """The target when messages can go there; else refused.

    Raises
    ------
    InputError
        ``subscription.address`` or ``subscription.webhook``
    """
    if channel == "email":
        if len(target) > TARGET_MAX or not _ADDRESS.fullmatch(target) or ".." in target:
            raise InputError("subscription.address", f"{target[:80]!r} is no e-mail address that can be written to.")
        local, _, domain = target.rpartition("@")
        return f"{local}@{domain.lower()}"
    if channel == "webhook":
        return _checked_url(target)
    return target


def _checked_url(target: str) -> str:
    refusal = InputError(
        "subscription.webhook", "A webhook needs an address such as https://example.org/hook, without a name in it."
    )
    if len(target) > TARGET_MAX or not target.isascii() or _CONTROL.search(target) or " " in target:
        raise refusal
    try:
        parts = urlsplit(target)
        port = parts.port
    except ValueError as error:
        raise refusal from error
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None or port == 0 or parts.fragment:
        raise refusal
    return target
