"""Bins with what is believed of them: whether they are full, for everybody; numbers of the belief, for staff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.waste.pages.bin_rows import BinRow, bin_rows
from dure.services.waste.reporting.answers import Word
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesCityData, SeesPublicData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dure.core.assets import Asset
    from dure.spine.house import House
    from dure.web.api.sight import Sight


class BinQuery(Paged):
    """Which bins."""

    zone: str = Field("", max_length=64, description="Only those of this zone.")
    stream: str = Field("", max_length=64, description="Only those for this waste.", examples=["general"])


class BinForm(msgspec.Struct, frozen=True, kw_only=True):
    """A bin as everybody sees it. `word` is the answer to "is it full?"."""

    id: str
    name: Text
    lon: float | None
    lat: float | None
    stream: str
    word: Word
    emptied_at: datetime | None
    planned_at: datetime | None


class BeliefForm(msgspec.Struct, frozen=True, kw_only=True):
    """What is believed of a bin now, as fractions of its volume; `risk` until a truck can come again tomorrow."""

    bin: str
    level: float | None
    low: float | None
    high: float | None
    risk: float | None
    per_day: float | None
    age_d: float | None
    health: str


class BinRoutes:
    """The routes of bins."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[BinQuery, Query()], actor: SeesPublicData) -> Response:
        """Live bins by id."""
        sight: Sight = request.app.state.sight
        chosen = _chosen((await sight.of(actor)).values(), asked)
        rows = await run_in_threadpool(self._rows, chosen[: asked.limit])
        following = chosen[asked.limit - 1].id if len(chosen) > asked.limit else None
        return page(request, [_form(one) for one in rows], following)

    async def one(self, request: Request, bin_id: str, actor: SeesPublicData) -> Response:
        """One bin."""
        sight: Sight = request.app.state.sight
        asset = await sight.one(actor, bin_id)
        if asset.kind != "bin":
            raise NotFound("asset.unknown", f"The bin {bin_id[:80]!r} is not registered, or not public.")
        rows = await run_in_threadpool(self._rows, [asset])
        return answer(_form(rows[0]))

    async def beliefs(self, request: Request, asked: Annotated[BinQuery, Query()], actor: SeesCityData) -> Response:
        """Beliefs of live bins by id."""
        sight: Sight = request.app.state.sight
        chosen = _chosen((await sight.of(actor)).values(), asked)
        rows = await run_in_threadpool(self._rows, chosen[: asked.limit])
        following = chosen[asked.limit - 1].id if len(chosen) > asked.limit else None
        return page(request, [BeliefForm(bin=one.asset.id, **one.outlook._asdict()) for one in rows], following)

    def _rows(self, bins: Sequence[Asset]) -> list[BinRow]:
        with self._house.records.read() as connection:
            return bin_rows(self._house, connection, bins, self._house.clock.now())


def _chosen(assets: Iterable[Asset], asked: BinQuery) -> list[Asset]:
    after, zone, stream = text(asked.after, "after"), text(asked.zone, "zone"), text(asked.stream, "stream")
    return [
        one
        for one in assets
        if one.kind == "bin"
        and one.state == "live"
        and one.id > after
        and zone in ("", one.attributes.get("zone"))
        and stream in ("", one.attributes.get("stream") or "general")
    ]


def _form(row: BinRow) -> BinForm:
    point = row.asset.place.point if row.asset.place else None
    return BinForm(
        id=row.asset.id,
        name=row.asset.name,
        lon=point.lon if point else None,
        lat=point.lat if point else None,
        stream=row.stream,
        word=row.answer.word,
        emptied_at=row.known.emptied_at,
        planned_at=row.known.planned_at,
    )


def routes(house: House) -> APIRouter:
    """Bins and beliefs."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    desk = BinRoutes(house)
    router.get("/bins", summary="Bins", response_class=Response, responses=told(page_schema(BinForm), 503))(desk.listing)
    router.get("/bins/{bin_id}", summary="One bin", response_class=Response, responses=told(schema_of(BinForm), 404, 503))(
        desk.one
    )
    router.get(
        "/beliefs",
        summary="What is believed of bins",
        response_class=Response,
        responses=told(page_schema(BeliefForm), 401, 403, 503),
    )(desk.beliefs)
    return router
