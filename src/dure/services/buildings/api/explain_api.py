"""Any figure, unfolded to the readings it came from."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.services.buildings.explaining.explain import explain
from dure.services.buildings.explaining.figures import CHARS_MAX
from dure.services.buildings.explaining.sources import Register, books_of
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import SeesCityData
from dure.web.api.queries import AsOf, CheckedRoute, instant

if TYPE_CHECKING:
    from dure.spine.house import House


class FigureQuery(AsOf):
    """Which figure, as known when."""

    figure: str = Field(
        max_length=CHARS_MAX,
        description="Its id, as docs/en/buildings.md lists them.",
        examples=["building/bd-namyang-hall/energy/2025-11..2026-10"],
    )


class ExplanationForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure comes from. `step` is a tree: each part has the form of the whole."""

    figure: str
    as_of: datetime | None
    agrees: bool
    step: dict[str, Any]
    versions: dict[str, str]


class ExplainRoutes:
    """The route that explains figures of buildings."""

    def __init__(self, house: House) -> None:
        self._house, self._register = house, Register(house)

    async def explain(self, asked: Annotated[FigureQuery, Query()], _: SeesCityData) -> Response:
        """A figure with all that it is made of, run again and held against what is kept."""
        as_of = None if asked.as_of is None else instant(asked.as_of, "as_of")
        return answer(await run_in_threadpool(explain, books_of(self._house, self._register), asked.figure, as_of))


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    router.get(
        "/explain",
        summary="Where a figure comes from",
        response_class=Response,
        responses=told(schema_of(ExplanationForm), 400, 401, 403, 404, 503),
    )(ExplainRoutes(house).explain)
    return router
