"""Alerts, subscriptions and the inbox by REST. Everybody may read open public alerts; persons are named to staff only."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor, may
from dure.core.errors import NotFound, NotSignedIn
from dure.core.text import Language, Text
from dure.engines.records.audit import By
from dure.services.environment.alerting import (
    alert_records,
    alert_rounds,
    message_records,
    subscription_desk,
    subscription_records,
)
from dure.services.environment.alerting.alert_model import Alert, AlertState, Entry, EntryKind
from dure.services.environment.alerting.alert_records import Wanted
from dure.services.environment.alerting.subscription_desk import Made, Wish
from dure.services.environment.alerting.subscriptions import Subscription
from dure.web.access import actor_of, require
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.environment.alerting.message_records import Delivery
    from dure.spine.house import House

NO_STORE = {"Cache-Control": "no-store"}


async def signed_in(request: Request) -> Actor:
    """The person that asks; subscriptions are for people with an account."""
    actor = await actor_of(request)
    if not actor.id or actor.device:
        raise NotSignedIn("access.sign_in", "Sign in to see this.")
    return actor


Person = Annotated[Actor, Depends(signed_in)]
ActsOnAlerts = Annotated[Actor, Depends(require("act", "alert"))]


class AlertQuery(Paged):
    """Which alerts."""

    state: Literal["open", "closed"] | None = Field(None, description="Open or over; citizens see open ones only.")
    rule: str = Field("", max_length=64, description="Rules that begin so.", examples=["air-warning"])
    scope: str = Field("", max_length=64, description="Only of this zone or asset.")


class Acknowledgement(BaseModel):
    """That somebody has seen an alert."""

    note: str = Field("", max_length=alert_records.NOTE_MAX, description="What is done about it.")


class SubscriptionQuery(Paged):
    """Which subscriptions."""

    everybody: bool = Field(default=False, description="Those of all people, for operators.")


class NewSubscription(BaseModel):
    """What somebody wants to be told of, and where."""

    channel: Literal["in_app", "email", "webhook"] = Field(description="Inbox of Dure, e-mail, or an https address.")
    target: str = Field("", max_length=320, description="E-mail or https address; nothing for the inbox.")
    language: Literal["ko", "en"] = Field("ko", description="Language of the messages.")
    rules: list[str] = Field([], max_length=100, description="Beginnings of rules; none = all.", examples=[["air-warning"]])
    scopes: list[str] = Field([], max_length=100, description="Zones and assets; none = everywhere.")
    level_min: int = Field(1, ge=1, le=3, description="Only changes to or from this level.")


class InboxQuery(Paged):
    """Which messages."""

    unread: bool = Field(default=False, description="Only those not read.")


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an alert; by whom is told to staff only."""

    n: int
    kind: EntryKind
    at: datetime
    before: int
    after: int
    value: float | None
    limit: float | None
    reasons: tuple[Text, ...]
    by: str | None = None
    note: str | None = None


class AlertForm(msgspec.Struct, frozen=True, kw_only=True):
    """One alert. It says that values reached the criteria of a level; `issuer` says who issues a warning."""

    id: str
    rule: str
    rule_name: Text
    scope: str
    scope_name: Text
    zone: str
    level: int
    level_name: Text
    state: AlertState
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    acknowledged: bool
    issuer: Text
    advice: Text
    unit: str
    story: tuple[Step, ...]
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    escalation: int | None = None


class InboxForm(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the inbox."""

    id: str
    alert: str
    transition: int
    language: Language
    subject: str
    body: str
    created_at: datetime
    read_at: datetime | None


class AlertRoutes:
    """Alerts."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[AlertQuery, Query()], actor: SeesPublicData) -> Response:
        """Alerts, the last changed first."""
        staff = may(actor, "read", "city_data")
        found = await run_in_threadpool(self._listing, asked, staff)
        return page(request, [self._form(one, staff) for one in found.items], found.next or None)

    async def one(self, alert_id: str, actor: SeesPublicData) -> Response:
        """One alert with its story."""
        staff = may(actor, "read", "city_data")
        found = await run_in_threadpool(self._get, alert_id)
        if not staff and not (found.facts.public and found.state == "open"):
            raise NotFound("alert.unknown", f"There is no alert {alert_id[:80]!r}, or it is not public.")
        return answer(self._form(found, staff))

    async def acknowledge(self, alert_id: str, wanted: Acknowledgement, actor: ActsOnAlerts) -> Response:
        """Say that it was seen: it escalates no further."""
        by = By(actor.id, self._house.clock.now())
        found = await run_in_threadpool(alert_rounds.acknowledge, self._house, alert_id, wanted.note.strip(), by)
        return answer(self._form(found, staff=True))

    def _listing(self, asked: AlertQuery, staff: bool) -> Page[Alert]:
        rules = alert_rounds.rules_now(self._house, self._house.clock.now())
        public = tuple(sorted(one.id for one in rules.values() if one.row.public))
        rule, scope, after = text(asked.rule, "rule"), text(asked.scope, "scope"), text(asked.after, "after")
        state = asked.state if staff else "open"
        with self._house.records.read() as connection:
            wanted = Wanted(state=state, rule=rule, scope=scope, rules=None if staff else public)
            return alert_records.listing(connection, wanted, after=after, limit=asked.limit)

    def _get(self, alert_id: str) -> Alert:
        with self._house.records.read() as connection:
            return alert_records.get(connection, text(alert_id, "alert id"))

    def _form(self, one: Alert, staff: bool) -> AlertForm:
        rule = alert_rounds.rules_now(self._house, self._house.clock.now()).get(one.rule)
        named = rule is not None and one.level <= len(rule.levels)
        steps = tuple(
            _step(entry, staff) for entry in one.facts.story if staff or entry.kind not in ("acknowledged", "escalated")
        )
        return AlertForm(
            id=one.id,
            rule=one.rule,
            rule_name=rule.row.name if rule else Text(one.rule),
            scope=one.scope,
            scope_name=one.facts.name,
            zone=one.facts.zone,
            level=one.level,
            level_name=rule.name_of(one.level) if rule and named else Text(str(one.level)),
            state=one.state,
            opened_at=one.opened_at,
            changed_at=one.changed_at,
            closed_at=one.closed_at,
            acknowledged=one.acknowledged_at is not None,
            issuer=rule.row.issuer if rule else Text(""),
            advice=rule.level(one.level).advice if rule and named and one.level else Text(""),
            unit=rule.row.unit if rule else "",
            story=steps,
            acknowledged_by=one.acknowledged_by if staff else None,
            acknowledged_at=one.acknowledged_at if staff else None,
            escalation=one.escalation if staff else None,
        )


def _step(entry: Entry, staff: bool) -> Step:
    return Step(
        n=entry.n,
        kind=entry.kind,
        at=entry.at,
        before=entry.before,
        after=entry.after,
        value=entry.value,
        limit=entry.limit,
        reasons=entry.reasons,
        by=entry.by or None if staff else None,
        note=entry.note or None if staff else None,
    )


class SubscriptionRoutes:
    """Subscriptions and the inbox of the person that asks."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[SubscriptionQuery, Query()], actor: Person) -> Response:
        """One's own subscriptions, newest first; operators may ask for everybody's."""
        everybody = asked.everybody and may(actor, "act", "decision")
        found = await run_in_threadpool(self._listing, asked, "" if everybody else actor.id)
        return page(request, found.items, found.next or None)

    async def add(self, wanted: NewSubscription, actor: Person) -> Response:
        """Subscribe; a mail address must be confirmed by the link that is mailed to it."""
        made = await run_in_threadpool(subscription_desk.subscribe, self._house, actor, _wish(wanted))
        return answer(made, 201, NO_STORE)

    async def pause(self, subscription_id: str, actor: Person) -> Response:
        """No messages for now."""
        return answer(await run_in_threadpool(subscription_desk.pause, self._house, actor, subscription_id))

    async def resume(self, subscription_id: str, actor: Person) -> Response:
        """Messages again; to a mail address after its link is opened."""
        return answer(await run_in_threadpool(subscription_desk.resume, self._house, actor, subscription_id))

    async def end(self, subscription_id: str, actor: Person) -> Response:
        """No messages any more."""
        await run_in_threadpool(subscription_desk.end, self._house, actor, subscription_id)
        return Response(status_code=204)

    async def inbox(self, request: Request, asked: Annotated[InboxQuery, Query()], actor: Person) -> Response:
        """What one was told here, newest first."""
        found = await run_in_threadpool(self._inbox, asked, actor.id)
        return page(request, [_inbox_form(one) for one in found.items], found.next or None)

    async def read(self, message_id: str, actor: Person) -> Response:
        """Mark a message as read."""
        await run_in_threadpool(self._read, text(message_id, "message id"), actor.id)
        return Response(status_code=204)

    def _listing(self, asked: SubscriptionQuery, person: str) -> Page[Subscription]:
        with self._house.records.read() as connection:
            after = text(asked.after, "after")
            return subscription_records.listing(connection, person=person, after=after, limit=asked.limit)

    def _inbox(self, asked: InboxQuery, person: str) -> Page[Delivery]:
        with self._house.records.read() as connection:
            after = text(asked.after, "after")
            return message_records.inbox(connection, person, unread=asked.unread, after=after, limit=asked.limit)

    def _read(self, message_id: str, person: str) -> None:
        with self._house.records.begin() as connection:
            message_records.mark_read(connection, person, message_id, self._house.clock.now())


def _wish(wanted: NewSubscription) -> Wish:
    return Wish(
        channel=wanted.channel,
        target=text(wanted.target, "target"),
        language=wanted.language,
        rules=tuple(text(one, "rules") for one in wanted.rules),
        scopes=tuple(text(one, "scopes") for one in wanted.scopes),
        level_min=wanted.level_min,
    )


def _inbox_form(one: Delivery) -> InboxForm:
    of = one.message
    return InboxForm(
        id=of.id,
        alert=of.alert,
        transition=of.transition,
        language=of.language,
        subject=of.subject,
        body=of.body,
        created_at=one.created_at,
        read_at=one.read_at,
    )


def routes(house: House) -> APIRouter:
    """Alerts, subscriptions, inbox."""
    router = APIRouter(prefix="/environment", tags=["environment"], route_class=CheckedRoute)
    _alerts(router, AlertRoutes(house))
    _subscriptions(router, SubscriptionRoutes(house))
    return router


def _alerts(router: APIRouter, desk: AlertRoutes) -> None:
    form = schema_of(AlertForm)
    router.get("/alerts", summary="Alerts", response_class=Response, responses=told(page_schema(AlertForm), 503))(desk.listing)
    router.get("/alerts/{alert_id}", summary="One alert", response_class=Response, responses=told(form, 404, 503))(desk.one)
    router.post(
        "/alerts/{alert_id}/acknowledge",
        summary="Acknowledge an alert",
        response_class=Response,
        responses=told(form, 400, 401, 403, 404, 409, 503),
    )(desk.acknowledge)


def _subscriptions(router: APIRouter, desk: SubscriptionRoutes) -> None:
    one, refusals = schema_of(Subscription), (401, 404, 409, 503)
    path = "/subscriptions/{subscription_id}"
    router.get(
        "/subscriptions", summary="My subscriptions", response_class=Response, responses=told(page_schema(Subscription), 401, 503)
    )(desk.listing)
    router.post(
        "/subscriptions",
        summary="Subscribe",
        status_code=201,
        response_class=Response,
        responses=told(schema_of(Made), 400, *refusals, status=201, description="Made; a webhook's secret is shown this once."),
    )(desk.add)
    router.post(f"{path}/pause", summary="Pause a subscription", response_class=Response, responses=told(one, *refusals))(
        desk.pause
    )
    router.post(f"{path}/resume", summary="Resume a subscription", response_class=Response, responses=told(one, *refusals))(
        desk.resume
    )
    router.delete(
        path, summary="End a subscription", status_code=204, response_class=Response, responses=told(None, *refusals, status=204)
    )(desk.end)
    router.get("/inbox", summary="My inbox", response_class=Response, responses=told(page_schema(InboxForm), 401, 503))(
        desk.inbox
    )
    router.post(
        "/inbox/{message_id}/read",
        summary="Mark a message as read",
        status_code=204,
        response_class=Response,
        responses=told(None, *refusals, status=204),
    )(desk.read)
