"""Energy plans of sites, and why: the plan in force, earlier ones, what everything was told, and planning anew."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_records import Kept, PlanHead, Told
from dure.services.charging.planning.plan_watch import HouseTelling
from dure.services.charging.planning.plan_words import cut_text, cuts, held_back, why_of
from dure.services.charging.sites import registered
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesDecisions
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dure.engines.records.paging import Page
    from dure.spine.house import House

SiteId = Annotated[str, Path(max_length=64, description="Asset id of a charging site.")]
PlanId = Annotated[str, Path(max_length=64, description="Id of a plan, as lists give it.")]


class PlansQuery(BaseModel):
    """Which page of plans."""

    after: str = Field("", max_length=200, description="Position after which the page begins, as the page before told.")
    limit: int = Field(100, ge=1, le=1_000, description="How many at most.")


class NeedForm(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle in a plan. `power_w` has one value per step; `served` is the fraction of its whole need."""

    session: str
    expected: bool
    need_wh: int
    unmet_wh: int
    served: float
    power_w: list[int]


class HeldForm(msgspec.Struct, frozen=True):
    """A limit that holds the plan back in steps from `start` until before `end`, and what one more kWh there is worth.

    Where vehicles go short that is what the plan sets on a kWh of need (``unmet_won_kwh`` of its rules), which is no price.
    """

    limit: str
    start: int
    end: int
    won_kwh: float


class SeriesForm(msgspec.Struct, frozen=True, kw_only=True):
    """Steps of a plan [W, Wh, won/kWh]; `stored_wh` has one value more, at the end."""

    pv_w: list[int]
    load_w: list[int]
    import_w: list[int]
    export_w: list[int]
    charge_w: list[int]
    discharge_w: list[int]
    curtail_w: list[int]
    stored_wh: list[int]
    price_won_kwh: list[float]


class PlanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with its steps and its reasons. `won` is beside `edf_won`, what earliest departure first would cost."""

    head: PlanHead
    step_s: int
    steps: SeriesForm
    vehicles: list[NeedForm]
    held_back: list[HeldForm]
    why: list[Text]


class ToldForm(msgspec.Struct, frozen=True, kw_only=True):
    """What an EVSE, a charger or a storage was last told; `until` null: until it is told something else."""

    target: str
    purpose: str
    session: str
    plan: str
    command: str
    sent_at: datetime
    until: datetime | None
    limits_w: list[float]
    told: dict[str, Any]


class PlanRoutes:
    """The routes of plans."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = PlanDesk(house, HouseTelling(house))

    async def newest(self, site_id: SiteId, _: SeesDecisions) -> Response:
        """The plan in force of a site: every step, every vehicle, what holds it back and at which price."""
        return answer(form_of(await run_in_threadpool(self._newest, text(site_id, "site id"))))

    async def listing(
        self, request: Request, site_id: SiteId, asked: Annotated[PlansQuery, Query()], _: SeesDecisions
    ) -> Response:
        """Plans of a site, newest first."""
        found = await run_in_threadpool(self._listing, text(site_id, "site id"), asked)
        return page(request, list(found.items), found.next or None)

    async def one(self, plan_id: PlanId, _: SeesDecisions) -> Response:
        """One plan by its id."""
        return answer(form_of(await run_in_threadpool(self._get, text(plan_id, "plan id"))))

    async def plan(self, site_id: SiteId, _: Commands) -> Response:
        """Plan a site anew from what is known now, and tell its chargers and storage what changed."""
        return answer(form_of(await self._desk.plan(text(site_id, "site id"))), 201)

    async def told(self, site_id: SiteId, _: SeesDecisions) -> Response:
        """What the EVSEs, chargers and storages of a site were last told."""
        return answer({"items": [_told(one) for one in await run_in_threadpool(self._told, text(site_id, "site id"))]})

    def _newest(self, site: str) -> Kept:
        with self._house.records.read() as connection:
            found = plan_records.newest(connection, site)
            if found is None and site not in registered(connection).sites:
                raise NotFound("charging.unknown", f"There is no charging site {site!r}.")
        if found is None:
            raise NotFound("energy_plan.none", f"There is no plan of {site!r} yet.")
        return found

    def _listing(self, site: str, asked: PlansQuery) -> Page[PlanHead]:
        with self._house.records.read() as connection:
            return plan_records.listing(connection, site, after=asked.after, limit=asked.limit)

    def _get(self, plan_id: str) -> Kept:
        with self._house.records.read() as connection:
            return plan_records.get(connection, plan_id)

    def _told(self, site: str) -> list[Told]:
        with self._house.records.read() as connection:
            return plan_records.told(connection, site)


def _whole(values: Iterable[float]) -> list[int]:
    return [round(float(one)) for one in values]


def _told(one: Told) -> ToldForm:
    fields = {name: getattr(one, name) for name in ToldForm.__struct_fields__}
    return ToldForm(**{**fields, "limits_w": list(one.limits_w)})


def form_of(kept: Kept) -> PlanForm:
    """A plan as it is told."""
    problem, plan = kept.problem, kept.plan
    short = cuts(problem, plan)
    served = {one.session: one.served for one in short}
    return PlanForm(
        head=kept.head,
        step_s=problem.step_s,
        steps=SeriesForm(
            pv_w=_whole(problem.pv_w),
            load_w=_whole(problem.load_w),
            import_w=_whole(plan.import_w),
            export_w=_whole(plan.export_w),
            charge_w=_whole(plan.charge_w),
            discharge_w=_whole(plan.discharge_w),
            curtail_w=_whole(plan.curtail_w),
            stored_wh=_whole(plan.stored_wh),
            price_won_kwh=[round(float(one), 2) for one in problem.price_won_kwh],
        ),
        vehicles=[
            NeedForm(
                session=one.id,
                expected=one.expected,
                need_wh=round(one.need_wh),
                unmet_wh=round(float(plan.unmet_wh[i])),
                served=round(served.get(one.id, 1.0), 4),
                power_w=_whole(plan.ev_w[i]),
            )
            for i, one in enumerate(problem.needs)
        ],
        held_back=[HeldForm(one.limit, one.start, one.end, round(one.won_kwh, 1)) for one in held_back(plan.bindings)],
        why=why_of(kept.head.facts, plan) + [cut_text(one) for one in short],
    )


def routes(house: House) -> APIRouter:
    """Routes of plans."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk = PlanRoutes(house)
    form, heads = schema_of(PlanForm), page_schema(PlanHead)
    seen, made = told(form, 400, 401, 403, 404, 503), told(form, 400, 401, 403, 404, 503, status=201, description="Made.")
    points = {"type": "object", "properties": {"items": {"type": "array", "items": schema_of(ToldForm)}}}
    router.get("/sites/{site_id}/plan", summary="The plan in force", response_class=Response, responses=seen)(desk.newest)
    router.post("/sites/{site_id}/plan", summary="Plan a site anew", status_code=201, response_class=Response, responses=made)(
        desk.plan
    )
    router.get(
        "/sites/{site_id}/plans", summary="Plans of a site", response_class=Response, responses=told(heads, 400, 401, 403, 503)
    )(desk.listing)
    router.get(
        "/sites/{site_id}/set-points",
        summary="What a site was told",
        response_class=Response,
        responses=told(points, 400, 401, 403, 503),
    )(desk.told)
    router.get("/plans/{plan_id}", summary="One plan of a site", response_class=Response, responses=seen)(desk.one)
    return router
