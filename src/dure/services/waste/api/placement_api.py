"""Advice on where bins and sensors should be, by REST: a rehearsal made at night, never in the request."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.waste.pages.naming import names_of
from dure.services.waste.placing import advice_records
from dure.services.waste.placing.advice import Action, Limits
from dure.services.waste.placing.advice_words import why
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import SeesCityData
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from dure.spine.house import House

REHEARSAL = Text(
    "하루 한 바퀴로 돌려 본 모의 계산입니다. 적재량, 근무 시간, 처리장, 바꾸는 값은 세지 않습니다.",
    "A rehearsal with one round a day: loads, working hours, disposal sites and the cost of a change are not counted.",
)


class AdviceQuery(BaseModel):
    """Which advice."""

    action: Literal["sensor", "enlarge", "move", "remove"] | None = Field(None, description="Only this kind of change.")
    limit: int = Field(100, ge=1, le=2_000, description="Most changes, the best first.", examples=[20])


class AdviceForm(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one bin: kilometres a year it saves, overflow counted with the dial, and why.

    `driven_km_year` and `overflow_year` tell the two apart; null where it was estimated (`tried` is false).
    """

    bin: str
    action: Action
    km_year: float
    driven_km_year: float | None
    overflow_year: float | None
    beside: str
    beside_m: float | None
    tried: bool
    why: Text


class PlacementForm(msgspec.Struct, frozen=True, kw_only=True):
    """The advice of a night and what it was rehearsed on."""

    made_at: datetime
    rehearsal: Text
    bins: int
    plan_days: int
    dial_m: float
    estimated: bool
    limits: Limits
    advice: list[AdviceForm]


class PlacementRoutes:
    """The route of advice."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def placement(self, asked: Annotated[AdviceQuery, Query()], _: SeesCityData) -> Response:
        """Last night's advice, ranked."""
        return answer(await run_in_threadpool(self._read, asked))

    def _read(self, asked: AdviceQuery) -> PlacementForm:
        with self._house.records.read() as connection:
            found = advice_records.newest(connection)
            if found is None:
                raise NotFound("advice.early", "Advice needs learnt rates and published plans; there is none yet.")
            chosen = [one for one in found.advice if asked.action in (None, one.action)][: asked.limit]
            names = names_of(connection, {id_ for one in chosen for id_ in (one.bin, one.beside) if id_})
        advice = [AdviceForm(**msgspec.structs.asdict(one), why=why(one, found, names)) for one in chosen]
        return PlacementForm(
            made_at=found.made_at,
            rehearsal=REHEARSAL,
            bins=found.bins_n,
            plan_days=found.days_n,
            dial_m=found.dial_m,
            estimated=found.estimated,
            limits=found.limits,
            advice=advice,
        )


def routes(house: House) -> APIRouter:
    """Advice."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    router.get(
        "/placement",
        summary="Advice on bins and sensors",
        response_class=Response,
        responses=told(schema_of(PlacementForm), 401, 403, 404, 503),
    )(PlacementRoutes(house).placement)
    return router
