"""Citizens' reports for staff: what waits, what was answered, and answering one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict
from dure.engines.records.audit import By
from dure.services.waste.pages.naming import Names, names_of
from dure.services.waste.reporting import report_desk, report_records
from dure.services.waste.reporting.reports import KINDS, STATES, Report, number_of, spoken
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

LIST = "/operations/waste/reports"
PAGE_ROWS = 50
SERIOUS = {"fire": 0, "overflow": 1, "broken": 2, "full": 3, "other": 4}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of reports for staff."""
    router = APIRouter()
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    router.add_api_route(LIST, settle, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """Those that wait, the most serious and oldest first; then the answered ones."""
    house, after = house_of(request), request.query_params.get("after", "")[:200]
    now = house.clock.now()

    def read() -> tuple[list[Report], Page[Report], Names]:
        with house.records.read() as connection:
            waiting = report_records.waiting(connection)
            over = report_records.listing(connection, states=("done", "refused"), after=after, limit=PAGE_ROWS)
            return waiting, over, names_of(connection, [one.bin for one in (*waiting, *over.items)])

    waiting, over, names = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "waste/reports.html",
        waiting=sorted(waiting, key=lambda one: (SERIOUS[one.kind], one.received_at)),
        over=over.items,
        following=over.next,
        after=after,
        names=names,
        kinds=KINDS,
        states=STATES,
        spoken=spoken,
        told=request.query_params.get("told", ""),
        photo_name=lambda name: name.rpartition("/")[2],
        ago=lambda at: max(now - at, timedelta(0)),
    )


async def settle(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Answer a report."""
    house, fields = house_of(request), await own_form(request)
    by, state = By(actor.id, house.clock.now()), fields.get("state", "")

    def write() -> None:
        with house.records.begin() as connection:
            report_desk.settle(
                connection,
                number_of(fields.get("number", "")),
                "done" if state == "done" else "refused",
                fields.get("note", ""),
                by,
            )

    told = "answered"
    try:
        await run_in_threadpool(write)
    except Conflict:
        told = "before"
    return RedirectResponse(f"/{language_of(request)}{LIST}?told={told}", 303)
