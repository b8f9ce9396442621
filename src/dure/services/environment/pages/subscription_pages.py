"""Pages of one's own alerts: subscriptions, the inbox, and the pages that links in mails lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError, NotFound, NotSignedIn
from dure.core.text import Text
from dure.services.environment.alerting import message_records, subscription_desk, subscription_records
from dure.services.environment.alerting.alert_rounds import rules_now
from dure.services.environment.alerting.courier import mail_server
from dure.services.environment.alerting.subscription_desk import Made, Wish
from dure.services.environment.alerting.subscriptions import CHANNELS, Channel, Purpose, Subscription
from dure.web.access import actor_of
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.environment.alerting.message_records import Delivery
    from dure.spine.house import House

PAGE_ROWS = 30
HERE = "/environment/subscriptions"
# Families of rules as people choose among them: the beginning of the rules' ids, and the words.
FAMILIES: tuple[tuple[str, Text], ...] = (
    ("air-warning", Text("대기오염경보 기준", "Air pollution warning criteria")),
    ("weather", Text("기상특보 수준의 관측값", "Weather observed at warning level")),
    ("river", Text("하천 수질", "River water")),
    ("noise", Text("소음", "Noise")),
    ("network", Text("관측망 점검", "Station network")),
)
_CHANGES = {"pause": subscription_desk.pause, "resume": subscription_desk.resume, "end": subscription_desk.end}


async def signed_in(request: Request) -> Actor:
    """The person that asks."""
    actor = await actor_of(request)
    if not actor.id or actor.device:
        raise NotSignedIn("access.sign_in", "Sign in to see this.")
    return actor


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of subscriptions and inbox."""
    router = APIRouter()
    router.add_api_route(HERE, mine, methods=["GET"])
    router.add_api_route(HERE, add, methods=["POST"])
    router.add_api_route("/environment/inbox/read", read_all, methods=["POST"])
    router.add_api_route(f"{HERE}/{{subscription_id}}", change, methods=["POST"])
    router.add_api_route(f"{HERE}/{{subscription_id}}/{{purpose}}", link, methods=["GET"])
    router.add_api_route(f"{HERE}/{{subscription_id}}/{{purpose}}", follow, methods=["POST"])
    return router


async def mine(request: Request, actor: Actor = Depends(signed_in)) -> Response:  # noqa: B008  # FastAPI's way
    """One's own subscriptions and inbox."""
    return await _page(request, actor)


class _Told(msgspec.Struct, frozen=True):
    """What the page says of the last thing done."""

    fields: dict[str, str] = {}  # msgspec copies an empty default for every instance
    trouble: str = ""
    made: Made | None = None


async def _page(request: Request, actor: Actor, told: _Told = _Told(), status: int = 200) -> Response:  # noqa: B008  # it is frozen
    house, after = house_of(request), request.query_params.get("after", "")[:200]

    def read() -> tuple[list[Subscription], Page[Delivery], int]:
        with house.records.read() as connection:
            found = subscription_records.of_person(connection, actor.id)
            inbox = message_records.inbox(connection, actor.id, after=after, limit=PAGE_ROWS)
            return found, inbox, message_records.unread_n(connection, actor.id)

    found, inbox, unread = await run_in_threadpool(read)
    say = layout_of(request).speech(request)
    rules = rules_now(house, house.clock.now())
    return await layout_of(request).page(
        request,
        "environment/subscriptions.html",
        status=status,
        found=found,
        inbox=inbox.items,
        following=inbox.next,
        after=after,
        unread=unread,
        fields=told.fields,
        trouble=told.trouble,
        made=told.made,
        mail=mail_server(house.settings) is not None,
        families=FAMILIES,
        family_names=dict(FAMILIES) | {one.id: one.row.name for one in rules.values()},
        zones=sorted(house.city.zones, key=lambda zone: say.sort_key(say.text(zone.name))),
        zone_names={zone.id: zone.name for zone in house.city.zones},
        told=request.query_params.get("told", ""),
    )


async def add(request: Request, actor: Actor = Depends(signed_in)) -> Response:  # noqa: B008
    """A new subscription; a webhook's secret is on this one page only."""
    house, fields = house_of(request), await own_form(request)
    channel: Channel = next((one for one in CHANNELS if one == fields.get("channel")), "in_app")
    level = fields.get("level", "1")
    wish = Wish(
        channel=channel,
        target=fields.get("target", ""),
        language=language_of(request),
        rules=tuple(name for name, _ in FAMILIES if fields.get(f"rule-{name}") == "yes"),
        scopes=(fields["scope"],) if fields.get("scope") else (),
        level_min=int(level) if level in ("1", "2", "3") else 1,
    )
    try:
        made = await run_in_threadpool(subscription_desk.subscribe, house, actor, wish)
    except (InputError, Conflict) as error:
        say = layout_of(request).speech(request)
        trouble = say.text(_WHY.get(error.code, Text(error.message, error.message)))
        return await _page(request, actor, _Told(fields, trouble), 422)
    if made.secret:
        return await _page(request, actor, _Told(made=made))
    return _back(request, "mailed" if channel == "email" else "made")


async def change(request: Request, subscription_id: str, actor: Actor = Depends(signed_in)) -> Response:  # noqa: B008
    """Pause, resume or end one's own."""
    house, fields = house_of(request), await own_form(request)
    wanted = _CHANGES.get(fields.get("do", ""))
    if wanted is None:
        raise NotFound("subscription.unknown", "Nothing was asked for.")
    known = await run_in_threadpool(wanted, house, actor, subscription_id)
    return _back(request, "mailed" if known.channel == "email" and fields["do"] == "resume" else "changed")


async def read_all(request: Request, actor: Actor = Depends(signed_in)) -> Response:  # noqa: B008
    """All messages are read."""
    house = house_of(request)
    await own_form(request)

    def write() -> None:
        with house.records.begin() as connection:
            message_records.mark_all_read(connection, actor.id, house.clock.now())

    await run_in_threadpool(write)
    return _back(request, "read")


async def link(request: Request, subscription_id: str, purpose: Literal["end", "confirm"]) -> Response:
    """Where a link in a mail leads: one button, so that a program that only looks at links changes nothing."""
    house, key = house_of(request), request.query_params.get("key", "")[:100]

    def read() -> Subscription:
        with house.records.read() as connection:
            return subscription_records.fitting_link(connection, subscription_id, purpose, key)

    found = await run_in_threadpool(read)
    return await _linked(request, found, purpose, done=False)


async def follow(request: Request, subscription_id: str, purpose: Literal["end", "confirm"]) -> Response:
    """The button of that page."""
    house, fields = house_of(request), await own_form(request)
    key = fields.get("key", "")[:100]
    found = await run_in_threadpool(subscription_desk.by_link, house, subscription_id, purpose, key)
    return await _linked(request, found, purpose, done=True)


async def _linked(request: Request, found: Subscription, purpose: Purpose, *, done: bool) -> Response:
    return await layout_of(request).page(
        request,
        "environment/subscriptions_link.html",
        found=found,
        purpose=purpose,
        done=done,
        key=request.query_params.get("key", "")[:100],
    )


_WHY: dict[str, Text] = {
    "subscription.address": Text("전자우편 주소를 바르게 적어 주세요.", "Enter an e-mail address that can be written to."),
    "subscription.webhook": Text("https로 시작하는 주소를 적어 주세요.", "Enter an address that begins with https."),
    "subscription.too_many": Text("더 만들 수 없습니다. 하나를 끝내고 다시 하세요.", "There are too many: end one first."),
    "subscription.no_mail": Text(
        "이 도시는 아직 전자우편을 보내지 않습니다. 알림함을 쓰세요.", "This city sends no mail yet. Use the inbox."
    ),
    "subscription.scope": Text("목록에서 지역을 골라 주세요.", "Choose an area of the list."),
}


def _back(request: Request, told: str) -> Response:
    return RedirectResponse(f"/{language_of(request)}{HERE}?told={told}", 303)
