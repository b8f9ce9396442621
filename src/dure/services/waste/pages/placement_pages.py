"""Where bins and sensors should be: last night's advice, ranked, with why, and with what it was rehearsed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.services.waste.pages.naming import names_of
from dure.services.waste.pages.paging import page_at
from dure.services.waste.placing import advice_records
from dure.services.waste.placing.advice_words import ACTIONS, why
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from dure.core.text import Text
    from dure.services.waste.pages.naming import Names
    from dure.services.waste.pages.paging import Part
    from dure.services.waste.placing.advice import Advice
    from dure.services.waste.placing.advice_records import Placement
    from dure.spine.house import House

HERE = "/operations/waste/placement"
PAGE_ROWS = 20


class Line(NamedTuple):
    """One change, its place in the list, its bin's name and why."""

    number: int
    advice: Advice
    name: Text
    why: Text


class Told(NamedTuple):
    """The advice of a night, and the lines of one page of it."""

    placement: Placement
    lines: list[Line]
    part: Part[tuple[int, Advice]]
    counts: dict[str, int]


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The page of advice."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def page(request: Request) -> Response:
    """The advice, the best first."""
    house, asked = house_of(request), request.query_params
    action = asked.get("action", "") if asked.get("action", "") in ACTIONS else ""

    def read() -> Told | None:
        with house.records.read() as connection:
            placement = advice_records.newest(connection)
            if placement is None:
                return None
            ranked = enumerate(placement.advice, start=1)
            part = page_at([one for one in ranked if action in ("", one[1].action)], asked.get("after", ""), PAGE_ROWS)
            names = names_of(connection, {id_ for _, one in part.items for id_ in (one.bin, one.beside) if id_})
            return Told(placement, _lines(part, placement, names), part, _counts(placement))

    told = await run_in_threadpool(read)
    return await layout_of(request).page(request, "waste/placement.html", told=told, actions=ACTIONS, action=action)


def _lines(part: Part[tuple[int, Advice]], placement: Placement, names: Names) -> list[Line]:
    return [Line(number, one, names(one.bin), why(one, placement, names)) for number, one in part.items]


def _counts(placement: Placement) -> dict[str, int]:
    return {action: sum(one.action == action for one in placement.advice) for action in ACTIONS}
