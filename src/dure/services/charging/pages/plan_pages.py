"""Plans of sites: what is planned and why, what everything was told, beside the baseline and the last look back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import from_us
from dure.services.charging.planning import backtest_records, plan_records
from dure.services.charging.planning.plan_words import (
    CAUSES,
    LIMITS,
    POLICIES,
    RECIPES,
    cut_text,
    cuts,
    feeds_vehicles,
    held_back,
    why_of,
)
from dure.services.charging.sessions import session_records
from dure.services.charging.sites import registered
from dure.web.access import require
from dure.web.bar_charts import BarChart, Line, LineChart, Series, Stack
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dure.services.charging.model import Site
    from dure.services.charging.planning.backtest_records import Backtest
    from dure.services.charging.planning.plan_records import Kept, Told
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/charging/plans"
PURPOSES: dict[str, Text] = {
    "plan": Text("계획", "Plan"),
    "default": Text("안전 출력", "Safe share"),
    "station": Text("충전기 한도", "Limit of the charger"),
    "storage": Text("저장장치 전력", "Power of the storage"),
}
HELD_SHOWN = 20
STEP_US = 1_000_000


class HeldRow(NamedTuple):
    """A limit, from when to when, and what a kWh more there saves [won]; None where vehicles would get it."""

    limit: Text
    span: str
    won_kwh: float | None


class Short(NamedTuple):
    """A vehicle that goes short: its session, the EVSE where it stands, and why."""

    session: str
    evse: str
    why: Text


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of plans."""
    router = APIRouter()
    sees = [Depends(require("read", "decision"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{site_id}}", one, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """Every site with its plan in force; who goes short comes first."""
    house = house_of(request)

    def read() -> list[tuple[Site, Kept | None, Text]]:
        with house.records.read() as connection:
            sites = registered(connection).sites.values()
            found = [(site, plan_records.newest(connection, site.id)) for site in sites]
        shown = [(site, kept, POLICIES[kept.head.policy] if kept else Text("")) for site, kept in found]
        return sorted(shown, key=lambda row: (-(row[1].head.unmet_wh if row[1] else 0), row[0].id))

    return await layout_of(request).page(request, "charging/plans.html", found=await run_in_threadpool(read), here=HERE)


async def one(request: Request, site_id: str) -> Response:
    """The plan of one site, step by step, with its reasons."""
    house, say = house_of(request), layout_of(request).speech(request)
    site, kept, told, backtests = await run_in_threadpool(_read, house, site_id)
    crumbs = [(HERE, say("충전 계획"))]
    if kept is None:
        return await layout_of(request).page(request, "charging/plan.html", crumbs=crumbs, site=site, kept=None)
    return await layout_of(request).page(
        request,
        "charging/plan.html",
        crumbs=crumbs,
        site=site,
        kept=kept,
        told=told,
        backtests=backtests,
        purposes=PURPOSES,
        policy=POLICIES[kept.head.policy],
        cause=CAUSES[kept.head.cause],
        peak_w=float(kept.plan.import_w.max(initial=0.0)),
        names=_names(site),
        recipes=RECIPES,
        hours_n=kept.problem.n * kept.problem.step_s / 3_600,
        now_w=[limit_now(each, house.clock.now(), kept.problem.step_s) for each in told],
        why=_why(kept),
        short=await run_in_threadpool(_short, house, kept),
        held=_held(kept, say),
        flows=flows_chart(kept, say, site.contract_w),
        stored=stored_chart(kept, say) if kept.problem.storage else None,
    )


def _read(house: House, site_id: str) -> tuple[Site, Kept | None, list[Told], list[Backtest]]:
    with house.records.read() as connection:
        site = registered(connection).sites.get(site_id)
        if site is None:
            raise NotFound("charging.unknown", f"There is no charging site {site_id[:80]!r}.")
        kept, told = plan_records.newest(connection, site_id), plan_records.told(connection, site_id)
        return site, kept, told, backtest_records.latest(connection, site_id)


def _names(site: Site) -> Mapping[str, Text]:
    """Names of what a site's set points go to."""
    found = {one.id: one.name for one in site.chargers} | {one.id: one.name for one in site.evses}
    return found | {one.id: Text("저장장치", "Storage") for one in site.storage}


def limit_now(told: Told, now: datetime, step_s: int) -> float | None:
    """What a set point allows at an instant [W]; None when it is over. A plan's steps end together at its end."""
    if told.until is None or told.purpose != "plan":
        return None if told.until is not None and told.until <= now else told.limits_w[0]
    begun = told.until - timedelta(seconds=len(told.limits_w) * step_s)
    passed = max(0, int((now - begun).total_seconds() // step_s))
    return told.limits_w[passed] if passed < len(told.limits_w) else None


def _why(kept: Kept) -> list[Text]:
    return why_of(kept.head.facts, kept.plan)


def _short(house: House, kept: Kept) -> list[Short]:
    """Who goes short and why; blocks."""
    found = []
    with house.records.read() as connection:
        for one in cuts(kept.problem, kept.plan):
            try:
                evse = session_records.get(connection, one.session).evse
            except NotFound:  # it is no session any more
                evse = ""
            found.append(Short(one.session, evse, cut_text(one)))
    return found


def _held(kept: Kept, say: Speech) -> list[HeldRow]:
    found = held_back(kept.plan.bindings)[:HELD_SHOWN]
    return [
        HeldRow(
            LIMITS[one.limit],
            f"{_clock(kept, say, one.start)}~{_clock(kept, say, one.end)}",
            None if feeds_vehicles(kept.problem, one.won_kwh) else one.won_kwh,
        )
        for one in found
    ]


def _clock(kept: Kept, say: Speech, step: int) -> str:
    return say.clock(from_us(kept.problem.start_us + step * kept.problem.step_s * STEP_US))


def flows_chart(kept: Kept, say: Speech, contract_w: float) -> BarChart:
    """Where the power of each hour is to come from [kW], with what vehicles take beside it."""
    problem, plan = kept.problem, kept.plan
    each = max(1, 3_600 // problem.step_s)
    sun = problem.pv_w - plan.curtail_w - plan.export_w
    vehicles = np.maximum(plan.ev_w, 0.0).sum(axis=0)
    given_back = np.maximum(-plan.ev_w, 0.0).sum(axis=0)
    stacks = []
    for first in range(0, problem.n, each):
        span = slice(first, first + each)
        sources = (plan.import_w, plan.discharge_w, sun.clip(min=0), *((given_back,) if given_back.any() else ()))
        parts = [float(one[span].mean()) / 1_000 for one in sources]
        label = _clock(kept, say, first)
        compare = float(vehicles[span].mean()) / 1_000
        stacks.append(Stack(label=label.split(":")[0], name=label, parts=parts, compare=compare))
    return BarChart(
        id="plan-flows",
        title=say("시간마다 쓸 전력"),
        unit="kW",
        decimals=1,
        series=[
            Series("from-grid", say("계통"), "hatch"),
            Series("from-ess", say("저장장치"), "dots"),
            Series("from-pv", say("태양광"), "plain"),
            *([Series("from-vehicle", say("차량이 되돌린 것"), "rows")] if given_back.any() else []),
        ],
        stacks=stacks,
        compare_name=say("그 가운데 전기차"),
        limit=contract_w / 1_000 if float(plan.import_w.max(initial=0.0)) > contract_w / 2 else None,
    )


def stored_chart(kept: Kept, say: Speech) -> LineChart:
    """What the storage is to hold at the begin of each hour [kWh]."""
    each = max(1, 3_600 // kept.problem.step_s)
    steps = range(0, kept.problem.n, each)
    return LineChart(
        id="plan-stored",
        title=say("저장장치에 남을 전력량"),
        unit="kWh",
        decimals=1,
        labels=[_clock(kept, say, one) for one in steps],
        lines=[Line(say("저장장치"), [float(kept.plan.stored_wh[one]) / 1_000 for one in steps])],
    )
