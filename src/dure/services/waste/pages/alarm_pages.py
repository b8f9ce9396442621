"""Alarms of bins: fire, jammed hoppers, tilt. First what nobody has acknowledged; then what is open; then what is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.waste.pages.naming import Names, names_of
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.escalation import escalation_policy
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.waste.safety.alarms import Alarm
    from dure.spine.house import House

DESK = "/operations/waste/alarms"
PAGE_ROWS = 50
NONE = Text("")
KINDS: dict[str, Word] = {
    "fire": Word(
        Text("화재", "Fire"), "danger", "cross", Text("센서가 불의 온도를 쟀습니다.", "The sensor measured the heat of a fire.")
    ),
    "hopper_jam": Word(
        Text("투입구 걸림", "Hopper jammed"),
        "warning",
        "triangle",
        Text("손이 끼었을 수 있습니다.", "A hand may be in the hopper."),
    ),
    "tilt": Word(
        Text("넘어짐", "Tilted"),
        "warning",
        "diamond",
        Text("통이 넘어졌거나 옮겨졌습니다.", "The bin has fallen over or was moved."),
    ),
}
HAPPENED: dict[str, Text] = {
    "raised": Text("경보", "Raised"),
    "again": Text("다시 울림", "Again"),
    "cleared": Text("센서가 해제", "Sensor says it is over"),
    "acknowledged": Text("확인", "Acknowledged"),
    "escalated": Text("다음 담당에게 알림", "Told to the next role"),
    "told": Text("바깥에 알림", "Message sent"),
    "closed": Text("끝", "Closed"),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the alarm desk."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(DESK, desk, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{DESK}/{{alarm_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{DESK}/{{alarm_id}}", act, methods=["POST"])
    return router


async def desk(request: Request) -> Response:
    """The desk."""
    house, after = house_of(request), request.query_params.get("after", "")[:200]

    def read() -> tuple[list[Alarm], Page[Alarm], Names]:
        with house.records.read() as connection:
            found = alarm_records.unsettled(connection)
            over = alarm_records.listing(connection, state="closed", after=after, limit=PAGE_ROWS)
            return found, over, names_of(connection, [one.bin for one in (*found, *over.items)])

    found, over, names = await run_in_threadpool(read)
    now = house.clock.now()
    return await layout_of(request).page(
        request,
        "waste/alarms.html",
        waiting=[each for each in found if each.state == "open"],
        seen=[each for each in found if each.state != "open"],
        over=over.items,
        following=over.next,
        after=after,
        names=names,
        kinds=KINDS,
        due=_due(house, now),
        ago=_ago(now),
        told=request.query_params.get("told", ""),
    )


async def one(request: Request, alarm_id: str, trouble: str = "", status: int = 200) -> Response:
    """One alarm and its story."""
    house = house_of(request)

    def read() -> tuple[Alarm, Names]:
        with house.records.read() as connection:
            found = alarm_records.get(connection, alarm_id)
            return found, names_of(connection, [found.bin])

    alarm, names = await run_in_threadpool(read)
    now = house.clock.now()
    return await layout_of(request).page(
        request,
        "waste/alarm.html",
        status=status,
        crumbs=[(DESK, layout_of(request).speech(request)("쓰레기통 경보"))],
        alarm=alarm,
        names=names,
        kinds=KINDS,
        happened=HAPPENED,
        story=list(reversed(alarm.facts.story)),
        due=_due(house, now),
        ago=_ago(now),
        trouble=trouble,
        told=request.query_params.get("told", ""),
    )


async def act(request: Request, alarm_id: str, actor: Actor = Depends(require("act", "alert"))) -> Response:  # noqa: B008  # FastAPI's way
    """Somebody has seen it, or closes what the sensor will not."""
    house, fields = house_of(request), await own_form(request)
    note, by = fields.get("note", "").strip(), By(actor.id, house.clock.now())
    wanted = {"acknowledge": alarm_records.acknowledge, "close": alarm_records.close}.get(fields.get("do", ""))
    if wanted is None:
        raise NotFound("alarm.unknown", "Nothing was asked for.")

    def write() -> None:
        with house.records.begin() as connection:
            wanted(connection, alarm_id, note, by)

    try:
        await run_in_threadpool(write)
    except InputError as error:
        say = layout_of(request).speech(request)
        why = say("무엇을 확인했는지 1,000자 안으로 적어 주세요.") if error.code == "alarm.note" else error.message
        return await one(request, alarm_id, why, 422)
    back = f"{DESK}/{alarm_id}" if fields.get("back") == "one" else DESK
    return RedirectResponse(f"/{language_of(request)}{back}?told={fields['do']}", 303)


def _due(house: House, now: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    """When an alarm goes to whom next, as long as nobody acknowledges it."""
    steps = escalation_policy(day_of(now, house.city.zone), house.city.folder).steps

    def due(alarm: Alarm) -> tuple[datetime, tuple[str, ...]] | None:
        row = next((each for each in steps if each.kind == alarm.kind and each.step > alarm.escalation), None)
        if row is None or alarm.state != "open":
            return None
        return alarm.raised_at + timedelta(minutes=row.after_min), row.roles

    return due


def _ago(now: datetime):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    def ago(at: datetime) -> timedelta:
        return max(now - at, timedelta(0))

    return ago
