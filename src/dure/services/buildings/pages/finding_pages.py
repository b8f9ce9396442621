"""Waste that was found: a desk ranked by what it costs in a year, and a page for each finding with its evidence."""

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
from dure.services.buildings import sites
from dure.services.buildings.finding import finding_desk, ticket_desk, ticket_records, wording
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.findings import CHECKS, KINDS, NAMES
from dure.services.buildings.finding.ticket_records import UNSETTLED, Asked
from dure.services.buildings.finding.tickets import BY_PERSON, NAME_MAX, STATES, Outcome, Ticket
from dure.services.buildings.pages.finding_chart import chart_of, table_of
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.finding.evidence import Evidence
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

LIST = "/operations/buildings/findings"
FORM = "/operations/buildings/finding"
PAGE_ROWS = 50
NONE = Text("")
STATE_WORDS: dict[str, Word] = {
    "open": Word(Text("열림", "Open"), "danger", "cross", NONE),
    "assigned": Word(Text("맡음", "Taken"), "warning", "triangle", NONE),
    "repaired": Word(Text("고침, 시험 중", "Repaired, on re-test"), "information", "clock", NONE),
    "closed": Word(Text("닫힘", "Closed"), "success", "check", NONE),
}
OUTCOME_NAMES: dict[str, Text] = {
    "repaired": Text("고침", "Repaired"),
    "gone": Text("저절로 끝남", "Over by itself"),
    "no_waste": Text("낭비가 아니었음", "It was no waste"),
    "accepted": Text("그대로 두기로 함", "Left as it is"),
}
HAPPENED: dict[str, Text] = {
    "opened": Text("찾음", "Found"),
    "assigned": Text("맡음", "Taken"),
    "repaired": Text("고침", "Repaired"),
    "reopened": Text("다시 열림", "Open again"),
    "closed": Text("닫음", "Closed"),
}


class Told(msgspec.Struct, frozen=True):
    """What the page says of the last thing done."""

    trouble: str = ""
    fields: dict[str, str] = {}  # msgspec copies an empty default for every instance


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of this part."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{LIST}/{{finding_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(FORM, act, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """Those that are not closed, worth most first; closed ones when asked for."""
    house, query = house_of(request), request.query_params
    finding, building = query.get("finding", "")[:40], query.get("building", "")[:64]
    state, owner, after = query.get("state", "")[:20], query.get("owner", "")[:NAME_MAX], query.get("after", "")[:200]
    states = (state,) if state in STATES else UNSETTLED
    asked = Asked(states=states, building=building, finding=finding, owner=owner)
    today = day_of(house.clock.now(), house.city.zone)

    def read() -> tuple[list[Ticket], str, dict[str, int], Sites]:
        with house.records.read() as connection:
            found = ticket_records.listing(connection, asked, after=after, limit=PAGE_ROWS)
            return list(found.items), found.next, ticket_records.counts(connection, today), sites.registered(connection)

    found, following, counts, known = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "buildings/findings.html",
        found=found,
        following=following,
        after=after,
        counts=counts,
        buildings=known.buildings,
        chosen={"finding": finding, "building": building, "state": state, "owner": owner},
        states=STATE_WORDS,
        names={kind: NAMES[kind] for kind in KINDS},
        outcomes=OUTCOME_NAMES,
        words=lambda ticket: (
            wording.words_of(ticket.facts.finding, known.meters[ticket.meter]) if ticket.meter in known.meters else NONE
        ),
        today=today,
    )


async def one(request: Request, finding_id: str) -> Response:
    """One finding."""
    return await _page(request, finding_id)


async def _page(request: Request, finding_id: str, told: Told = Told(), status: int = 200) -> Response:  # noqa: B008  # it is frozen
    house, say = house_of(request), layout_of(request).speech(request)
    now = house.clock.now()
    today = day_of(now, house.city.zone)

    def read() -> tuple[Ticket, Sites, Evidence | None]:
        with house.records.read() as connection:
            ticket, known = ticket_records.get(connection, finding_id), sites.registered(connection)
        series = finding_desk.evidence(house, finding_id)[1] if ticket.meter in known.meters else None
        return ticket, known, series

    ticket, known, series = await run_in_threadpool(read)
    meter = known.meters.get(ticket.meter)
    finding = ticket.facts.finding
    return await layout_of(request).page(
        request,
        "buildings/finding.html",
        status=status,
        crumbs=[(LIST, say("에너지 낭비"))],
        ticket=ticket,
        building=known.buildings.get(ticket.building),
        supply=meter.supply if meter else None,
        name=NAMES[ticket.finding],
        reason=wording.words_of(finding, meter) if meter else NONE,
        checks=CHECKS[ticket.finding],
        amount_year=wording.amount(ticket.facts.worth.amount_year, meter) if meter else "",
        picture=chart_of(series, meter, say) if meter and series is not None and len(series.start_us) else None,
        table=table_of(series, meter, say) if meter and series is not None else [],
        story=list(reversed(ticket.facts.story)),
        states=STATE_WORDS,
        happened=HAPPENED,
        outcomes=OUTCOME_NAMES,
        by_person=BY_PERSON,
        service=finding_rules(today, house.city.folder).service[ticket.finding],
        today=today,
        fields=told.fields,
        trouble=told.trouble,
        told=request.query_params.get("told", "")[:20],
        ago=lambda at: max(now - at, timedelta(0)),
    )


async def act(request: Request, actor: Actor = Depends(require("act", "field_work"))) -> Response:  # noqa: B008  # FastAPI's way
    """Take it, say that it is repaired, close it or open it again."""
    house = house_of(request)
    fields = await own_form(request)
    ident, say = fields.get("finding", "")[:200], layout_of(request).speech(request)
    by = By(actor.id, house.clock.now())

    def write() -> None:
        with house.records.begin() as connection:
            _done(connection, ident, fields, by)

    try:
        await run_in_threadpool(write)
    except (Conflict, InputError) as refused:
        reason = _WHY.get(refused.code)
        return await _page(request, ident, Told(say.text(reason) if reason else refused.message, fields), 422)
    return RedirectResponse(f"/{language_of(request)}{LIST}/{ident}?told={fields.get('do', '')}", 303)


def _done(connection: Connection, ident: str, fields: dict[str, str], by: By) -> None:
    note, do = fields.get("note", ""), fields.get("do")
    if do == "assign":
        ticket_desk.assign(connection, ident, fields.get("owner", ""), by)
    elif do == "repair":
        ticket_desk.repaired(connection, ident, note, by)
    elif do == "reopen":
        ticket_desk.reopen(connection, ident, note, by)
    elif do == "close":
        outcome: Outcome | None = next((each for each in BY_PERSON if each == fields.get("outcome")), None)
        if outcome is None:
            raise InputError("ticket.outcome", "Say how it ended.")
        ticket_desk.close(connection, ident, outcome, note, by)
    else:
        raise NotFound("ticket.unknown", "Nothing was asked for.")


_WHY: dict[str, Text] = {
    "ticket.state": Text("지금 상태에서는 할 수 없는 일입니다.", "That cannot be done in its present state."),
    "ticket.owner": Text("누가 맡는지 적어 주세요.", "Say who takes it."),
    "ticket.note": Text("무엇을 확인했는지 적어 주세요.", "Say what was found."),
    "ticket.outcome": Text("어떻게 끝났는지 고르세요.", "Choose how it ended."),
    "ticket.twice": Text("같은 일로 열린 다른 건이 있습니다.", "Another one about the same is open."),
}
