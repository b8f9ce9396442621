"""Tickets: one for each fault of a bin, from found to closed, with owner, due day, photo and re-test."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.waste.driving import photos
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.pages.forms import blobs_of, form_with_photo
from dure.services.waste.pages.naming import Names, names_of
from dure.services.waste.tickets import ticket_desk
from dure.services.waste.tickets.tickets import OUTCOMES, Outcome, Repair, Ticket, TicketState
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.words import Word

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.spine.house import House

LIST = "/operations/waste/tickets"
FORM = "/operations/waste/ticket"
PAGE_ROWS = 50
NONE = Text("")
STATES: dict[TicketState, Word] = {
    "open": Word(Text("열림", "Open"), "danger", "cross", NONE),
    "assigned": Word(Text("맡음", "Taken"), "warning", "triangle", NONE),
    "repaired": Word(Text("고침, 시험 중", "Repaired, on re-test"), "information", "clock", NONE),
    "closed": Word(Text("닫힘", "Closed"), "success", "check", NONE),
}
OUTCOME_NAMES: dict[str, Text] = {
    "repaired": Text("고침", "Repaired"),
    "gone": Text("저절로 나음", "Gone by itself"),
    "false_alarm": Text("고장이 아니었음", "It was no fault"),
    "replaced": Text("바꿈", "Replaced"),
    "removed": Text("치움", "Removed"),
}
HAPPENED: dict[str, Text] = {
    "opened": Text("찾음", "Found"),
    "seen": Text("아직 보임", "Still seen"),
    "assigned": Text("맡음", "Taken"),
    "repaired": Text("고침", "Repaired"),
    "retested": Text("시험 통과", "Re-test passed"),
    "reopened": Text("시험 실패, 다시 열림", "Re-test failed, open again"),
    "closed": Text("닫음", "Closed"),
    "note": Text("메모", "Note"),
}
FAULTS: dict[str, Text] = {
    "stuck": Text("값이 멈춤", "Level stuck"),
    "silent": Text("무응답", "Silent"),
    "jumping": Text("값이 튐", "Level jumps"),
    "low_battery": Text("전지 부족", "Low battery"),
    "blocked": Text("센서가 가려짐", "Sensor blocked or dirty"),
    "not_compacting": Text("압축이 안 됨", "Does not compact"),
    "contradicted": Text("사람이 본 것과 다름", "Contradicted by people"),
    "broken": Text("통이 망가짐", "Bin broken"),
    "no_access": Text("막혀서 못 비움", "No access"),
}


class Told(msgspec.Struct, frozen=True):
    """What the page says of the last thing done."""

    trouble: str = ""
    fields: dict[str, str] = {}  # msgspec copies an empty default for every instance


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of tickets."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{LIST}/{{ticket_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(FORM, act, methods=["POST"])
    router.add_api_route("/operations/waste/photos/{name}", photo, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """Those that are not closed, the first due first; then the closed ones."""
    house, asked = house_of(request), request.query_params
    fault, after = asked.get("fault", ""), asked.get("after", "")[:200]
    now = house.clock.now()
    today = day_of(now, house.city.zone)

    def read() -> tuple[list[Ticket], Page[Ticket], dict[str, int], Names]:
        with house.records.read() as connection:
            found = [each for each in ticket_desk.unsettled(connection) if fault in ("", each.fault)]
            over = ticket_desk.listing(connection, states=("closed",), fault=fault, after=after, limit=PAGE_ROWS)
            bins = [each.bin for each in (*found, *over.items)]
            return found, over, ticket_desk.counts(connection, today), names_of(connection, bins)

    found, over, counts, names = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "waste/tickets.html",
        found=found,
        over=over.items,
        following=over.next,
        after=after,
        fault=fault,
        counts=counts,
        names=names,
        states=STATES,
        faults=FAULTS,
        outcomes=OUTCOME_NAMES,
        today=today,
    )


async def one(request: Request, ticket_id: str) -> Response:
    """One ticket."""
    return await _page(request, ticket_id)


async def _page(request: Request, ticket_id: str, told: Told = Told(), status: int = 200) -> Response:  # noqa: B008  # it is frozen
    house = house_of(request)
    now = house.clock.now()
    today = day_of(now, house.city.zone)

    def read() -> tuple[Ticket, Names]:
        with house.records.read() as connection:
            found = ticket_desk.get(connection, ticket_id)
            return found, names_of(connection, [found.bin])

    ticket, names = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "waste/ticket.html",
        status=status,
        crumbs=[(LIST, layout_of(request).speech(request)("고장 처리"))],
        ticket=ticket,
        names=names,
        story=list(reversed(ticket.facts.story)),
        states=STATES,
        faults=FAULTS,
        happened=HAPPENED,
        outcomes=OUTCOME_NAMES,
        service=fault_rules(today, house.city.folder).service[ticket.fault],
        today=today,
        fields=told.fields,
        trouble=told.trouble,
        told=request.query_params.get("told", ""),
        photo_name=lambda name: name.rpartition("/")[2],
        ago=lambda at: max(now - at, timedelta(0)),
    )


async def act(request: Request, actor: Actor = Depends(require("act", "field_work"))) -> Response:  # noqa: B008  # FastAPI's way
    """Take it, say that it is repaired, or close it."""
    house = house_of(request)
    fields, kept, error = await form_with_photo(request, house)
    ticket_id, say = fields.get("ticket", ""), layout_of(request).speech(request)
    if error is not None:
        why = say("사진을 읽지 못했습니다. JPEG, PNG, WebP로 6 MB까지 올릴 수 있습니다.")
        return await _page(request, ticket_id, Told(why, fields), 422)
    by = By(actor.id, house.clock.now())

    def write() -> None:
        with house.records.begin() as connection:
            _done(connection, fields, kept, by)

    try:
        await run_in_threadpool(write)
    except (Conflict, InputError) as refused:
        reason = _WHY.get(refused.code)
        return await _page(request, ticket_id, Told(say.text(reason) if reason else refused.message, fields), 422)
    return RedirectResponse(f"/{language_of(request)}{LIST}/{ticket_id}?told={fields.get('do', '')}", 303)


def _done(connection: Connection, fields: dict[str, str], kept: str, by: By) -> None:
    ticket_id, note = fields.get("ticket", ""), fields.get("note", "")
    if fields.get("do") == "assign":
        ticket_desk.assign(connection, ticket_id, fields.get("owner", ""), by)
    elif fields.get("do") == "repaired":
        parts = tuple(each.strip() for each in fields.get("parts", "").split(",") if each.strip())
        ticket_desk.repaired(connection, ticket_id, Repair(photo=kept, parts=parts, note=note), by)
    elif fields.get("do") == "close":
        outcome: Outcome | None = next((each for each in OUTCOMES if each == fields.get("outcome")), None)
        if outcome is None:
            raise InputError("ticket.outcome", "Say how it ended.")
        ticket_desk.close(connection, ticket_id, outcome, note, by)
    else:
        raise NotFound("ticket.unknown", "Nothing was asked for.")


async def photo(request: Request, name: str) -> Response:
    """A kept photo, for staff."""
    full = photos.checked(photos.FOLDER + name)
    data = await (await blobs_of(house_of(request))).get(full)
    media = photos.MEDIA[full.rpartition(".")[2]]
    return Response(data, media_type=media, headers={"Cache-Control": "private, max-age=3600", "Content-Disposition": "inline"})


_WHY: dict[str, Text] = {
    "ticket.state": Text("지금 상태에서는 할 수 없는 일입니다.", "That cannot be done in its present state."),
    "ticket.owner": Text("누가 맡는지 적어 주세요.", "Say who takes it."),
    "ticket.note": Text("무엇을 확인했는지 적어 주세요.", "Say what was found."),
    "ticket.outcome": Text("어떻게 끝났는지 고르세요.", "Choose how it ended."),
    "ticket.parts": Text("부품 이름이 너무 많거나 길어요.", "Too many parts, or a name that is too long."),
}
