"""Targets by REST: those that stand, entering and ending one, and where one stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import day_of
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.buildings.api.comparison_api import MONTH, PROGRAMME_WORD, known_at
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.comparison_desk import asked, known_programme, newest, trajectories
from dure.services.buildings.comparing.spans import month_of
from dure.services.buildings.comparing.targets import Forecast, Target, Trajectory, YearPoint, checked
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Files, SeesCityData
from dure.web.api.queries import AsOf, CheckedRoute, text

if TYPE_CHECKING:
    from dure.spine.house import House


class TargetQuery(AsOf):
    """Whose targets, as they stood when."""

    subject: str = Field("", max_length=200, description="`portfolio`, `body:NAME` or `building:ID`; empty: all.")


class TrajectoryQuery(AsOf):
    """Until which month."""

    last: str | None = Field(
        None,
        pattern=MONTH,
        description="The last month that is looked at; the newest that is known of nearly all meters.",
        examples=["2026-10"],
    )


class NewTarget(BaseModel):
    """A goal: who, what, by when, against which base. It replaces the one of the same subject, kind and year."""

    subject: str = Field(max_length=200, description="`portfolio`, `body:NAME` or `building:ID`.", examples=["portfolio"])
    kind: Literal["emissions_g", "energy_wh", "eui_wh_m2"] = Field(description="What falls, with its unit.")
    year: int = Field(ge=1990, le=2100, description="By when.", examples=[2030])
    value: float = Field(ge=0, le=1e18, description="The goal, in the unit of the kind, a year.")
    base: float = Field(gt=0, le=1e18, description="Mean of the base years, in the same unit.")
    base_from: int = Field(ge=1990, le=2100, description="First base year.", examples=[2007])
    base_to: int = Field(ge=1990, le=2100, description="Last base year.", examples=[2009])
    programme: str = Field(PROGRAMME, pattern=PROGRAMME_WORD, description="Whose emission factors it is told with.")
    base_note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="Where the base comes from.")


class TrajectoryForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where a target stands. `forecast` null: `forecast_refused` says why by code."""

    target: Target
    last: str
    years: tuple[YearPoint, ...]
    rolling: float | None
    planned_now: float
    on_path: bool | None
    forecast: Forecast | None
    forecast_refused: str


def _form(one: Trajectory) -> TrajectoryForm:
    said = one.forecast if isinstance(one.forecast, Forecast) else None
    return TrajectoryForm(
        target=one.target, last=one.last, years=one.years, rolling=one.rolling, planned_now=one.planned_now, on_path=one.on_path,
        forecast=said, forecast_refused="" if isinstance(one.forecast, Forecast) else one.forecast.code,
    )  # fmt: skip


def put(house: House, target: Target, by: By) -> Target:
    """Keep a target that was checked. Blocks."""
    known_programme(house.city.folder, target.programme, day_of(by.at, house.city.zone))
    with house.records.begin() as connection:
        kept = target_records.put(connection, checked(target))
        audit.append(connection, by, "act", "filing", kept.id, {"subject": kept.subject, "kind": kept.kind, "year": kept.year})
        return kept


def end(house: House, target_id: str, by: By) -> Target:
    """Take a target back. Blocks."""
    with house.records.begin() as connection:
        ended = target_records.end(connection, target_id, by.at)
        audit.append(connection, by, "act", "filing", ended.id, {"ended": True})
        return ended


class TargetRoutes:
    """The routes of targets."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, wanted: Annotated[TargetQuery, Query()], _: SeesCityData) -> Response:
        """Targets that stand, or that stood at `as_of`."""

        def read() -> list[Target]:
            with self._house.records.read() as connection:
                return target_records.find(connection, text(wanted.subject, "subject"), as_of=known_at(wanted.as_of))

        return page(request, await run_in_threadpool(read), None)

    async def one(self, target: str, _: SeesCityData) -> Response:
        """One target, also one that was replaced."""
        return answer(await run_in_threadpool(self._get, target))

    async def enter(self, wanted: NewTarget, actor: Files) -> Response:
        """Enter a target."""
        by = By(actor.id, self._house.clock.now())
        made = Target(
            id=uuid4().hex, subject=text(wanted.subject, "subject"), kind=wanted.kind, year=wanted.year,
            value=wanted.value, base=wanted.base, base_from=wanted.base_from, base_to=wanted.base_to,
            programme=wanted.programme, person=by.actor, made_at=by.at, base_note=wanted.base_note,
        )  # fmt: skip
        return answer(await run_in_threadpool(put, self._house, made, by), 201)

    async def end(self, target: str, actor: Files) -> Response:
        """Take a target back; it stays for questions of its time."""
        by = By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(end, self._house, target, by))

    async def trajectory(self, target: str, wanted: Annotated[TrajectoryQuery, Query()], _: SeesCityData) -> Response:
        """The line to the goal, the years so far, the last twelve months, and this year's end with its interval."""
        return answer(_form(await run_in_threadpool(self._trajectory, target, wanted)))

    def _get(self, target: str) -> Target:
        with self._house.records.read() as connection:
            return target_records.get(connection, target)

    def _trajectory(self, target_id: str, wanted: TrajectoryQuery) -> Trajectory:
        house = self._house
        question = asked(house, month_of(wanted.last) if wanted.last else "", known_at(wanted.as_of))
        with house.records.read() as connection:
            target = target_records.get(connection, target_id)
            question = question if wanted.last else newest(house, connection, question)
            return trajectories(house.city.folder, connection, [target], question)[0]


def routes(house: House) -> APIRouter:
    """Targets."""
    router = APIRouter(prefix="/buildings/targets", tags=["buildings"], route_class=CheckedRoute)
    desk = TargetRoutes(house)
    one = schema_of(Target)
    router.get("", summary="Targets", response_class=Response, responses=told(page_schema(Target), 400, 401, 403, 503))(
        desk.listing
    )
    router.post(
        "", summary="Enter a target", status_code=201, response_class=Response,
        responses=told(one, 400, 401, 403, 503, status=201, description="Entered."),
    )(desk.enter)  # fmt: skip
    router.get("/{target}", summary="One target", response_class=Response, responses=told(one, 401, 403, 404, 503))(desk.one)
    router.delete("/{target}", summary="End a target", response_class=Response, responses=told(one, 401, 403, 404, 503))(desk.end)
    router.get(
        "/{target}/trajectory", summary="Where a target stands", response_class=Response,
        responses=told(schema_of(TrajectoryForm), 400, 401, 403, 404, 503),
    )(desk.trajectory)  # fmt: skip
    return router
