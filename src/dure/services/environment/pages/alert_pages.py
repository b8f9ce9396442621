"""Pages of alerts: the desk where people see and acknowledge them, one alert with its story, and what is open for everybody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.environment.alerting import alert_records, alert_rounds, message_records
from dure.services.environment.alerting.alert_model import Alert, Entry
from dure.services.environment.alerting.alert_records import Wanted
from dure.services.environment.alerting.alert_rules import AlertRule, escalation_policy
from dure.services.environment.alerting.alert_words import at_level, criteria, quantity
from dure.services.environment.alerting.alerts import MEAN
from dure.services.environment.alerting.escalation import Due, next_step
from dure.services.environment.pages import subscription_pages
from dure.web import history
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dure.core.properties import Property
    from dure.engines.records.paging import Page
    from dure.services.environment.alerting.message_records import Delivery
    from dure.spine.house import House
    from dure.web.history import Past

PAGE_ROWS = 50
DESK = "/operations/environment/alerts"
KINDS: dict[str, Text] = {
    "opened": Text("시작", "Begun"),
    "raised": Text("높아짐", "Raised"),
    "lowered": Text("낮아짐", "Lowered"),
    "closed": Text("끝", "Ended"),
    "acknowledged": Text("확인", "Acknowledged"),
    "escalated": Text("다음 담당에게 알림", "Told to the next role"),
}
CHANNELS: dict[str, Text] = {
    "in_app": Text("알림함", "Inbox"),
    "email": Text("전자우편", "E-mail"),
    "webhook": Text("웹훅", "Webhook"),
}
TONES = {0: ("success", "check"), 1: ("warning", "triangle"), 2: ("danger", "cross"), 3: ("danger", "diamond")}


class Shown(NamedTuple):
    """An alert as a page shows it."""

    alert: Alert
    rule: AlertRule | None
    level: Word
    says: Text
    due: Due | None = None

    @property
    def name(self) -> Text:
        """The rule in words."""
        return self.rule.row.name if self.rule else Text(self.alert.rule)


def routes(house: House) -> APIRouter:
    """Routes of alerts, and of what people subscribe to."""
    router = APIRouter()
    sees = Depends(require("read", "city_data"))
    router.add_api_route(DESK, desk, methods=["GET"], dependencies=[sees])
    router.add_api_route(f"{DESK}/{{alert_id}}", one, methods=["GET"], dependencies=[sees])
    router.add_api_route(f"{DESK}/{{alert_id}}/acknowledge", acknowledge, methods=["POST"])
    router.add_api_route("/environment/alerts", public, methods=["GET"])
    router.include_router(subscription_pages.routes(house))
    return router


async def desk(request: Request) -> Response:
    """First what nobody has acknowledged, the most serious and oldest first; then what is open; then what is over."""
    house, asked = house_of(request), request.query_params
    rule, scope, after = asked.get("rule", "")[:64], asked.get("scope", "")[:64], asked.get("after", "")[:200]
    now = house.clock.now()

    def read() -> tuple[list[Alert], Page[Alert]]:
        with house.records.read() as connection:
            over = alert_records.listing(connection, Wanted(state="closed", rule=rule, scope=scope), after=after, limit=PAGE_ROWS)
            return alert_records.open_alerts(connection), over

    found, over = await run_in_threadpool(read)
    fitting = [each for each in found if each.rule.startswith(rule) and scope in ("", each.scope, each.facts.zone)]
    shown = [_shown(house, each, now) for each in fitting]
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "environment/alerts.html",
        waiting=[each for each in shown if each.alert.acknowledged_at is None],
        seen=[each for each in shown if each.alert.acknowledged_at is not None],
        over=[_shown(house, each, now) for each in over.items],
        following=over.next,
        after=after,
        asked={"rule": rule, "scope": scope},
        rules=sorted(alert_rounds.rules_now(house, now).values(), key=lambda each: say.sort_key(say.text(each.row.name))),
        zones=sorted(house.city.zones, key=lambda each: say.sort_key(say.text(each.name))),
        told=asked.get("told", ""),
        ago=_ago(now),
    )


async def one(request: Request, alert_id: str) -> Response:
    """One alert: its story, the values against the limits, whom it was told to, and its clock."""
    house, now = house_of(request), house_of(request).clock.now()

    def read() -> tuple[Alert, list[Delivery]]:
        with house.records.read() as connection:
            return alert_records.get(connection, alert_id), message_records.of_alert(connection, alert_id)

    alert, told = await run_in_threadpool(read)
    shown = _shown(house, alert, now)
    known, past = await run_in_threadpool(_past, house, shown, now)
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "environment/alert.html",
        crumbs=[(DESK, say("알림 처리"))],
        shown=shown,
        story=list(reversed(alert.facts.story)),
        kinds=KINDS,
        channels=CHANNELS,
        deliveries=told,
        delivery_state=_delivery_state,
        amount=_amount(shown.rule),
        criteria=[(row.name, criteria(shown.rule, row.level)) for row in shown.rule.levels] if shown.rule else [],
        source_name=_source_names({each.id: each.name for each in (await visible(request)).values()}),
        known=known,
        past=past,
        chart_of=history.chart_of,
        told=request.query_params.get("told", ""),
        ago=_ago(now),
    )


async def acknowledge(request: Request, alert_id: str, actor: Actor = Depends(require("act", "alert"))) -> Response:  # noqa: B008
    """Somebody has seen it."""
    house, fields = house_of(request), await own_form(request)
    by = By(actor.id, house.clock.now())
    note = fields.get("note", "").strip()
    told = "seen"
    try:
        await run_in_threadpool(alert_rounds.acknowledge, house, alert_id, note, by)
    except Conflict:
        told = "before"
    back = f"{DESK}/{alert_id}" if fields.get("back") == "one" else DESK
    return RedirectResponse(f"/{language_of(request)}{back}?told={told}", 303)


async def public(request: Request) -> Response:
    """What is open now, for everybody, in plain words; no persons."""
    house, now = house_of(request), house_of(request).clock.now()

    def read() -> list[Alert]:
        with house.records.read() as connection:
            return [each for each in alert_records.open_alerts(connection) if each.facts.public]

    found = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "environment/alerts_public.html",
        found=[_shown(house, each, now) for each in found],
        measured=_measured,
        amount_of=_amount,
    )


def _shown(house: House, alert: Alert, now: datetime) -> Shown:
    rule = alert_rounds.rules_now(house, now).get(alert.rule)
    level = min(alert.level, len(rule.levels)) if rule else alert.level
    tone, mark = TONES[min(alert.level, 3)]
    name = rule.name_of(level) if rule else Text(str(alert.level))
    why = rule.level(level).advice if rule and level else Text("")
    due = None
    if alert.state == "open":
        due = next_step(alert.waiting, escalation_policy(day_of(now, house.city.zone), house.city.folder), house.city.zone)
    says = at_level(rule, level) if rule else Text(alert.rule)
    return Shown(alert, rule, Word(name, tone, mark, why), says, due)


def _measured(alert: Alert) -> Entry | None:
    """The last change that a value decided."""
    return next((each for each in reversed(alert.facts.story) if each.value is not None), None)


def _amount(rule: AlertRule | None):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    def amount(value: float | None) -> str:
        if value is None:
            return "–"
        return quantity(rule, value) if rule and rule.row.property else f"{value:g}"

    return amount


def _source_names(names: Mapping[str, Text]):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    def name(source: str) -> Text:
        return Text("권역 평균", "mean of the zone") if source == MEAN else names.get(source, Text(source, source))

    return name


def _ago(now: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    def ago(at: datetime) -> timedelta:
        return max(now - at, timedelta(0))

    return ago


def _past(house: House, shown: Shown, now: datetime) -> tuple[Property | None, Past | None]:
    """The hours around the alert at the station whose values decided, where it was one."""
    entry = _measured(shown.alert)
    known = house.properties.get(shown.rule.row.property) if shown.rule else None
    if entry is None or known is None or entry.source == MEAN:
        return None, None
    until = min(now, shown.alert.closed_at + timedelta(hours=6)) if shown.alert.closed_at else now
    past = history.of_series(house.telemetry, (entry.source, known), history.REACHES["7d"], until, everything=True)
    return (known, past) if past.dots else (None, None)


def _delivery_state(one_: Delivery) -> Word:
    """What became of a message, in words."""
    none = Text("")
    if one_.sent_at is not None:
        return Word(Text("전달함", "Delivered"), "success", "check", none)
    if one_.given_up:
        return Word(Text("전달하지 못함", "Not delivered"), "danger", "cross", none)
    if one_.attempts:
        return Word(Text("다시 보낼 예정", "To be sent again"), "warning", "triangle", none)
    return Word(Text("보낼 차례를 기다림", "Waiting to be sent"), "gray", "clock", none)
