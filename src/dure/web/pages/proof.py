"""Why things are as they are: health of the engines, the audit log, and the story of one value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import may
from dure.core.errors import DureError
from dure.engines.records import audit, decisions
from dure.web.access import actor_of, require
from dure.web.api.explanations import explain_observation
from dure.web.api.queries import observation_id
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from dure.core.events import Decision
    from dure.engines.records.paging import Page
    from dure.spine.house import House

PAGE_ROWS = 100


def router(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of proof."""
    routes = APIRouter()
    for path, endpoint, subject in (
        ("/operations/health", health, "system"),
        ("/operations/audit", log, "audit"),
        ("/operations/explain", explain, "city_data"),
    ):
        routes.add_api_route(path, endpoint, methods=["GET"], dependencies=[Depends(require("read", subject))])  # type: ignore[arg-type]
    return routes


async def health(request: Request) -> Response:
    """How the engines are."""
    found = await request.app.state.doctor.examine()
    return await layout_of(request).page(request, "health.html", health=found)


async def log(request: Request) -> Response:
    """Who did what, newest first; and whether the chain is whole."""
    house, after = house_of(request), request.query_params.get("after", "")[:20]
    verify = request.query_params.get("verify") == "1"

    def read() -> tuple[Page[audit.Entry], audit.Head, int | None]:
        with house.records.read() as connection:
            broken = audit.verify(connection) if verify else None
            return audit.listing(connection, after=after, limit=PAGE_ROWS), audit.head(connection), broken

    found, head, broken = await run_in_threadpool(read)
    return await layout_of(request).page(
        request, "audit.html", entries=found.items, following=found.next, after=after, head=head, verify=verify, broken=broken
    )


async def explain(request: Request) -> Response:
    """Why one value, or one decision, is what it is."""
    asked = request.query_params.get("id", "").strip()[:300]
    story: Any = None
    decision: Decision | None = None
    trouble: DureError | None = None
    try:
        if ":" in asked:
            story = await explain_observation(house_of(request), observation_id(asked))
        elif asked and may(await actor_of(request), "read", "decision"):
            decision = await run_in_threadpool(_decision, house_of(request), asked)
    except DureError as error:
        trouble = error
    return await layout_of(request).page(request, "explain.html", asked=asked, story=story, decision=decision, trouble=trouble)


def _decision(house: House, decision_id: str) -> Decision:
    with house.records.read() as connection:
        return decisions.get(connection, decision_id)
