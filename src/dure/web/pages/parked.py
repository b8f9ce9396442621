"""Parked readings: what came and could not be used, why, and what an operator does about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError
from dure.engines.records import audit, parked
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

PAGE_ROWS = 50
CONTENT_SHOWN = 400


def router(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of what is parked."""
    routes = APIRouter()
    sees = Depends(require("read", "parked"))
    routes.add_api_route("/operations/parked", listing, methods=["GET"], dependencies=[sees])
    routes.add_api_route("/operations/parked/{parked_id}/replay", replay, methods=["POST"])
    routes.add_api_route("/operations/parked/{parked_id}/drop", drop, methods=["POST"])
    return routes


async def listing(request: Request) -> Response:
    """What waits, newest first."""
    house, after = house_of(request), request.query_params.get("after", "")[:200]

    def read() -> tuple[Page[parked.Parked], dict[str, int]]:
        with house.records.read() as connection:
            return parked.listing(connection, after=after, limit=PAGE_ROWS), parked.counts(connection)

    found, counts = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "parked.html",
        items=found.items,
        following=found.next,
        after=after,
        counts=counts,
        excerpt=excerpt,
        told=request.query_params.get("told", ""),
    )


def excerpt(content: bytes) -> str:
    """The beginning of what was sent, as text."""
    text = content[: CONTENT_SHOWN + 1].decode("utf-8", "backslashreplace")
    return text[:CONTENT_SHOWN] + "…" if len(content) > CONTENT_SHOWN else text


async def replay(request: Request, parked_id: str, actor: Actor = Depends(require("act", "parked"))) -> Response:  # noqa: B008
    """Send it through the intake again."""
    house = house_of(request)
    await own_form(request)

    def find() -> parked.Parked:
        with house.records.read() as connection:
            item = parked.get(connection, parked_id)
        if item.state != "parked":
            raise Conflict("parked.settled", f"It was {item.state} before.")
        return item

    def note(item: parked.Parked, accepted: int) -> None:
        by = audit.By(actor.id, house.clock.now())
        with house.records.begin() as connection:
            audit.append(connection, by, "act", "parked", item.id, {"replayed": {"code": item.code, "accepted": accepted}})

    item = await run_in_threadpool(find)
    try:
        kept = await house.intake.replay(item)
    except InputError:
        return _back(request, "refused")
    await run_in_threadpool(note, item, kept.accepted)
    return _back(request, "replayed" if kept.accepted else "refused")


async def drop(request: Request, parked_id: str, actor: Actor = Depends(require("act", "parked"))) -> Response:  # noqa: B008
    """Give it up."""
    house = house_of(request)
    await own_form(request)

    def write() -> int:
        now = house.clock.now()
        with house.records.begin() as connection:
            known = parked.get(connection, parked_id)
            settled = parked.settle(connection, [parked_id], "dropped", now)
            if settled:
                audit.append(
                    connection, audit.By(actor.id, now), "act", "parked", parked_id, {"state": "dropped", "code": known.code}
                )
            return settled

    await run_in_threadpool(write)
    return _back(request, "dropped")


def _back(request: Request, told: str) -> Response:
    return RedirectResponse(f"/{language_of(request)}/operations/parked?told={told}", 303)
