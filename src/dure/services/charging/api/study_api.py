"""Backtests of forecasts, and sizing studies: asking for one, and its answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.engines.records.audit import By
from dure.services.charging.planning import backtest_records
from dure.services.charging.planning.backtest_records import Backtest
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.asking import stays_of_file
from dure.services.charging.sizing.model import CARS_MAX, KW_MAX, POINTS_MAX, Asked, Study
from dure.services.charging.sizing.study_desk import ask
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesCityData
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from dure.spine.house import House

CSV_MAX = 2_000_000


class NewStudy(BaseModel):
    """Which sizes to compare, for whose vehicles."""

    name: str = Field("", max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", description="What it is called in lists.")
    site: str = Field(max_length=200, description="Charging site: its tariff, and with source `site` its own sessions.")
    source: Literal["site", "scenario", "file"] = Field("site", description="Whose vehicles: the site's, a scenario's, a file's.")
    solar_kw: list[float] = Field(
        description=f"Sizes of the generator [kW], 0 to {KW_MAX:g}; with the others at most {POINTS_MAX} combinations."
    )
    storage_kwh: list[float] = Field(description="Sizes of the storage [kWh].")
    contract_kw: list[float] = Field(description="Contract powers [kW], 1 at least.")
    scenario: str = Field("", max_length=50, description="A scenario of rules/sizing.toml.", examples=["workplace"])
    cars: int = Field(0, ge=0, le=CARS_MAX, description="Vehicles on a working day of the scenario.")
    sessions_csv: str = Field(
        "",
        max_length=CSV_MAX,
        description="Columns arrival, departure (with offset from UTC), energy_kwh and, if known, max_power_kw.",
    )
    seed: int = Field(
        1, ge=0, le=2**31, description="Of the chance in a scenario and in a made sky: the same seed, the same study."
    )


class StudyForm(msgspec.Struct, frozen=True, kw_only=True):
    """A study. `stays_n`: sessions of its file; `answer` is null until it is done; `code` says why it failed."""

    id: str
    name: str
    site: str
    person: str
    state: str
    made_at: datetime
    done_at: datetime | None
    asked: dict[str, Any]
    stays_n: int
    answer: dict[str, Any] | None
    code: str


class BacktestForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipe would have cost a site over the days before `day`; `live` marks the one in use."""

    site: str
    day: date
    recipe: str
    made_at: datetime
    days_n: int
    won: float
    live: bool
    share: float | None
    peak_w: float
    unmet_fraction: float
    breaches: int


def study_form(one: Study) -> StudyForm:
    """A study as it is told; the sessions of a file stay where they are."""
    asked = msgspec.to_builtins(msgspec.structs.replace(one.asked, stays=()))
    del asked["stays"]
    found = None if one.answer is None else msgspec.to_builtins(one.answer)
    if found is not None and one.answer is not None:
        for row, point in zip(found["points"], one.answer.points, strict=True):
            row |= {"reached_won": point.reached_won, "best_won": point.best_won, "sufficient": point.sufficient}
    return StudyForm(
        id=one.id, name=one.name, site=one.site, person=one.person, state=one.state, made_at=one.made_at, done_at=one.done_at,
        asked=asked, stays_n=len(one.asked.stays), answer=found, code=one.code,
    )  # fmt: skip


def _backtest_form(one: Backtest) -> BacktestForm:
    facts = {name: one.facts.get(name) for name in ("share", "peak_w", "unmet_fraction", "breaches")}
    return BacktestForm(
        site=one.site, day=one.day, recipe=one.recipe, made_at=one.made_at, days_n=one.days_n, won=round(one.won), live=one.live,
        share=facts["share"], peak_w=facts["peak_w"] or 0.0, unmet_fraction=facts["unmet_fraction"] or 0.0,
        breaches=facts["breaches"] or 0,
    )  # fmt: skip


class Studies:
    """The routes of backtests and studies."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def backtests(self, request: Request, site: str, _: SeesCityData) -> Response:
        """Recipes of the site's last night, the cheapest first; empty while nothing was rehearsed."""

        def read() -> list[Backtest]:
            with self._house.records.read() as connection:
                return backtest_records.latest(connection, site[:200])

        return page(request, [_backtest_form(one) for one in await run_in_threadpool(read)], None)

    async def listing(self, request: Request, _: SeesCityData) -> Response:
        """The newest studies first."""

        def read() -> list[Study]:
            with self._house.records.read() as connection:
                return study_records.listing(connection)

        return page(request, [study_form(one) for one in await run_in_threadpool(read)], None)

    async def one(self, study: str, _: SeesCityData) -> Response:
        """One study with its answer, once there is one."""

        def read() -> Study:
            with self._house.records.read() as connection:
                return study_records.get(connection, study[:80])

        return answer(study_form(await run_in_threadpool(read)))

    async def enter(self, wanted: NewStudy, actor: Commands) -> Response:
        """Ask for a study; it is worked out where there is room, and its answer appears under its id."""
        by = By(actor.id, self._house.clock.now())

        def keep() -> Study:
            stays = stays_of_file(wanted.sessions_csv)[0] if wanted.source == "file" else ()
            asked = Asked(
                site=wanted.site, source=wanted.source, solar_kw=tuple(wanted.solar_kw), storage_kwh=tuple(wanted.storage_kwh),
                contract_kw=tuple(wanted.contract_kw), scenario=wanted.scenario, cars=wanted.cars, stays=tuple(stays),
                seed=wanted.seed,
            )  # fmt: skip
            return ask(self._house, wanted.name, asked, by)

        return answer(study_form(await run_in_threadpool(keep)), 201)


def routes(house: House) -> APIRouter:
    """Routes of studies."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk = Studies(house)
    one = schema_of(StudyForm)
    router.get(
        "/backtests/{site}", summary="Backtests of a site's forecasts", response_class=Response,
        responses=told(page_schema(BacktestForm), 401, 403, 503),
    )(desk.backtests)  # fmt: skip
    router.get(
        "/studies", summary="Sizing studies", response_class=Response, responses=told(page_schema(StudyForm), 401, 403, 503)
    )(desk.listing)
    router.post(
        "/studies", summary="Ask for a sizing study", status_code=201, response_class=Response,
        responses=told(one, 400, 401, 403, 503, status=201, description="Asked for."),
    )(desk.enter)  # fmt: skip
    router.get("/studies/{study}", summary="One sizing study", response_class=Response, responses=told(one, 401, 403, 404, 503))(
        desk.one
    )
    return router
