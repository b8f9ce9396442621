"""Measures and what they saved: the list with its verdicts, one measure, the form that freezes, the model of a meter."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.buildings.baselines import measure_records, model_desk
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.measure_desk import MeasureDesk
from dure.services.buildings.baselines.measure_saving import Normal
from dure.services.buildings.baselines.measures import NOTE_MAX, WORKS, Measure, Wanted
from dure.services.buildings.baselines.normal_saving import normal_saving
from dure.services.buildings.baselines.saving_days import DaysCompared, days_compared
from dure.services.buildings.baselines.saving_desk import saving_of
from dure.services.buildings.baselines.saving_words import refusal
from dure.services.buildings.pages import bridge_pages, measure_view
from dure.services.buildings.pages.measure_view import MEASURE_STATES, MODEL_KINDS, VERDICTS
from dure.services.buildings.pages.scatter_chart import scatter_chart
from dure.services.buildings.sites import Sites, registered
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.services.buildings.baselines.looking import Looked
    from dure.services.buildings.baselines.measure_saving import MeasureSaving
    from dure.services.buildings.baselines.models import Kind
    from dure.spine.house import House

HERE = "/operations/buildings/measures"
METERS = "/operations/buildings/meters"
YEAR_D = 365
WHY: dict[str, Text] = {
    "measure.work": Text("어떤 일인지 골라 주세요.", "Choose what is done."),
    "measure.name": Text("한국어 이름을 적어 주세요.", "Give it a name in Korean."),
    "measure.meter": Text("이 건물의 계량기를 하나 이상 골라 주세요.", "Choose at least one meter of this building."),
    "measure.span": Text(
        "기준 기간은 이미 지난 날들이고, 일을 시작하기 전에 끝나야 합니다.",
        "The baseline is of days that are over, and ends before the measure begins.",
    ),
    "measure.baseline_short": Text(
        "기준 기간이 한 해를 다 보지 못했습니다. 계절 하나를 못 보면 절감을 말할 수 없습니다.",
        "The baseline has not seen a whole year. Without every season no saving can be told.",
    ),
    "measure.late": Text(
        "이미 시작한 일입니다. ‘이미 시작함’을 고르면 절감은 보이되 탄소 장부에는 오르지 않습니다.",
        "It has begun already. Say so and its saving is shown, but credited nowhere.",
    ),
    "measure.exists": Text("같은 기준선이 이미 얼려져 있습니다.", "The same baseline is frozen already."),
    "measure.overlaps": Text(
        "다른 사업이 같은 계량기에 닿습니다. 그 사업을 먼저 끝내야 절감을 두 번 세지 않습니다.",
        "Another measure acts on the same meter. End it first, so that no saving is counted twice.",
    ),
    "measure.state": Text("지금은 그렇게 할 수 없습니다.", "That cannot be done now."),
    "weather.none": refusal("weather.none"),
    "weather.coverage": refusal("weather.coverage"),
}


class Told(NamedTuple):
    """One measure with what it saved up to today."""

    measure: Measure
    sites: Sites
    saving: MeasureSaving | None
    normal: Normal | None
    days: DaysCompared | None
    kept: list[tuple[date, dict[str, Any], str]]
    trouble: Text | None


def routes(house: House) -> APIRouter:
    """Routes of measures and models, and of the bridge."""
    router = APIRouter()
    seen = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=seen)
    router.add_api_route(f"{HERE}/new", new, methods=["GET"], dependencies=seen)
    router.add_api_route(f"{HERE}/new", freeze, methods=["POST"])
    router.add_api_route(f"{HERE}/{{measure}}", one, methods=["GET"], dependencies=seen)
    router.add_api_route(f"{HERE}/{{measure}}", act, methods=["POST"])
    router.add_api_route(f"{METERS}/{{meter}}/model", model, methods=["GET"], dependencies=seen)
    router.include_router(bridge_pages.routes(house))
    return router


async def listing(request: Request) -> Response:
    """All measures with their newest verdict."""
    house, building = house_of(request), request.query_params.get("building", "")

    def read() -> tuple[list[Measure], dict[str, tuple[date, dict[str, Any], str]], Sites]:
        with house.records.read() as connection:
            found = measure_records.listing(connection, building=building)
            return found, measure_records.newest_savings(connection), registered(connection)

    found, savings, sites = await run_in_threadpool(read)
    today = day_of(house.clock.now(), house.city.zone)
    return await layout_of(request).page(
        request,
        "buildings/measures.html",
        found=found,
        savings=savings,
        sites=sites,
        works=WORKS,
        verdicts=VERDICTS,
        states=MEASURE_STATES,
        today=today,
        building=building,
    )


async def one(request: Request, measure: str, trouble: str = "", status: int = 200) -> Response:
    """One measure: the sentence, the chart, the months, and what it rests on."""
    house = house_of(request)
    say = layout_of(request).speech(request)

    def read() -> Told:
        with house.records.read() as connection:
            return _told(house, connection, measure_records.get(connection, measure))

    told = await run_in_threadpool(read)
    months = measure_view.months_of(told.saving) if told.saving else []
    today = day_of(house.clock.now(), house.city.zone)
    return await layout_of(request).page(
        request,
        "buildings/measure.html",
        status=status,
        crumbs=[(HERE, say("개선 사업"))],
        told=told,
        m=told.measure,
        s=told.saving,
        months=months,
        whole=measure_view.sums(months),
        picture=measure_view.saving_chart(told.days, say) if told.days and len(told.days.expected) else None,
        state=MEASURE_STATES[told.measure.state_on(today)],
        works=WORKS,
        verdicts=VERDICTS,
        kinds=MODEL_KINDS,
        today=today.isoformat(),
        trouble=trouble,
        done=request.query_params.get("told", ""),
    )


def _told(house: House, connection: Connection, measure: Measure) -> Told:
    sites = registered(connection)
    kept = measure_records.savings_of(connection, measure.id)
    until = measure.reports_until(day_of(house.clock.now(), house.city.zone))
    if measure.state == "withdrawn" or until <= measure.begins_on:
        return Told(measure, sites, None, None, None, kept, None)
    try:
        saving = saving_of(house, connection, measure, (measure.begins_on, until))
        normal = _normal(house, connection, measure, until, kept)
        days = days_compared(house, connection, measure, measure_view.week_days(measure.begins_on, until))
    except DureError as error:
        return Told(measure, sites, None, None, None, kept, WHY.get(error.code, Text(error.message)))
    return Told(measure, sites, saving, normal, days, kept, None)


def _normal(
    house: House, connection: Connection, measure: Measure, until: date, kept: list[tuple[date, dict[str, Any], str]]
) -> Normal:
    """The saving of a normal year as it was told last, as it takes a while to make; before that, made now."""
    if kept and kept[-1][1].get("normal"):
        return msgspec.convert(kept[-1][1]["normal"], Normal)
    return normal_saving(house, connection, measure, until)


async def act(request: Request, measure: str, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """End or withdraw a measure."""
    house, fields, say = house_of(request), await own_form(request), layout_of(request).speech(request)
    by, desk = By(actor.id, house.clock.now()), MeasureDesk(house)
    why = fields.get("why", "").strip()[:NOTE_MAX]
    try:
        if fields.get("do") == "withdraw":
            await run_in_threadpool(desk.withdraw, measure, why, by)
        else:
            on = _day(fields.get("on", ""))
            if on is None:
                return await one(request, measure, say("날짜를 바르게 적어 주세요."), 422)
            await run_in_threadpool(desk.end, measure, on, why, by)
    except (InputError, Conflict) as error:
        return await one(request, measure, _why(error, request), 422 if isinstance(error, InputError) else 409)
    return RedirectResponse(f"/{language_of(request)}{HERE}/{measure}?told=changed", 303)


async def new(request: Request) -> Response:
    """The form that freezes a baseline."""
    return await _form(request, dict(request.query_params), (), "", 200)


async def freeze(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Look at a baseline, or freeze it."""
    house, say = house_of(request), layout_of(request).speech(request)
    form = await request.form(max_files=0, max_fields=60)
    meters = tuple(str(value) for name, value in form.multi_items() if name == "meters")
    fields = await own_form(request)
    wanted = _wanted(fields, meters)
    if wanted is None:
        return await _form(request, fields, meters, say("날짜를 바르게 적어 주세요."), 422)
    desk = MeasureDesk(house)
    try:
        if fields.get("do") != "freeze":
            looked = await run_in_threadpool(desk.preview, wanted)
            return await _form(request, fields, meters, "", 200, looked)
        kept = await run_in_threadpool(desk.freeze, wanted, By(actor.id, house.clock.now()))
    except (InputError, Conflict, NotFound) as error:
        status = 409 if isinstance(error, Conflict) else 422
        return await _form(request, fields, meters, _why(error, request), status)
    return RedirectResponse(f"/{language_of(request)}{HERE}/{kept.id}?told=frozen", 303)


_FIELDS = ("building", "name_ko", "name_en", "work", "static", "note", "late")


async def _form(  # what a form shows again
    request: Request,
    fields: Mapping[str, str],
    meters: tuple[str, ...],
    trouble: str,
    status: int,
    looked: list[Looked] | None = None,
) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)

    def read() -> Sites:
        with house.records.read() as connection:
            return registered(connection)

    sites = await run_in_threadpool(read)
    today = day_of(house.clock.now(), house.city.zone)
    rules = baseline_rules(today, house.city.folder)
    usual = dict.fromkeys(_FIELDS, "") | {
        "begins_on": (today + timedelta(days=1)).isoformat(),
        "baseline_start": (today - timedelta(days=rules.span_d)).isoformat(),
        "baseline_end": today.isoformat(),
        "kind": "auto",
    }
    building = fields.get("building", "")
    return await layout_of(request).page(
        request,
        "buildings/measure_new.html",
        status=status,
        crumbs=[(HERE, say("개선 사업"))],
        fields=usual | dict(fields),
        chosen=meters,
        sites=sites,
        own=[each for each in sites.meters_of(building) if not each.formula],
        works=WORKS,
        kinds=MODEL_KINDS,
        looked=looked,
        rules=rules,
        refusal=refusal,
        trouble=trouble,
    )


def _wanted(fields: Mapping[str, str], meters: tuple[str, ...]) -> Wanted | None:
    days = [_day(fields.get(name, "")) for name in ("begins_on", "baseline_start", "baseline_end")]
    begins_on, start, end = days
    kind = fields.get("kind", "auto")
    if begins_on is None or start is None or end is None:
        return None
    return Wanted(
        building=fields.get("building", ""),
        name=Text(fields.get("name_ko", "").strip()[:200], fields.get("name_en", "").strip()[:200]),
        work=fields.get("work", ""),
        meters=meters,
        begins_on=begins_on,
        baseline_start=start,
        baseline_end=end,
        kind=_KINDS.get(kind, "auto"),
        static=fields.get("static", "").strip()[:NOTE_MAX],
        note=fields.get("note", "").strip()[:NOTE_MAX],
        late=fields.get("late") == "yes",
    )


_KINDS: Mapping[str, Any] = {name: name for name in ("auto", *MODEL_KINDS)}


async def model(request: Request, meter: str) -> Response:
    """The models of a meter: how good they are, and use against temperature with the line they draw."""
    house, say = house_of(request), layout_of(request).speech(request)
    asked = request.query_params.get("kind", "")
    kind: Kind | None = _KINDS[asked] if asked in MODEL_KINDS else None

    def read() -> tuple[Sites, list[model_desk.Judged], model_desk.Expected | None, Any, str]:
        with house.records.read() as connection:
            sites, judged = registered(connection), model_desk.models_of(house, connection, meter)
            try:
                kept = model_desk.model_named(connection, meter, kind)
                days = (date.fromisoformat(kept.fit.start_day), date.fromisoformat(kept.fit.end_day))
                told = model_desk.expected(house, connection, meter, days, kept.fit.kind)
                return sites, judged, told, kept.fit.of_rows(), ""
            except NotFound:
                return sites, judged, None, None, ""
            except InputError as error:
                return sites, judged, None, None, _why(error, request)

    sites, judged, told, fitted, trouble = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "buildings/meter_model.html",
        meter=sites.meters[meter],
        building=sites.buildings[sites.meters[meter].building],
        judged=judged,
        told=told,
        picture=scatter_chart(measure_view.scatter_of(told, fitted, say), say) if told else None,
        bins=measure_view.bins_of(told) if told else [],
        unit="kWh" if told and told.book in measure_view.KWH_UNITS else (told.book if told else ""),
        kinds=MODEL_KINDS,
        refusal=refusal,
        trouble=trouble,
    )


def _why(error: DureError, request: Request) -> str:
    say = layout_of(request).speech(request)
    return say.text(WHY[error.code]) if error.code in WHY else error.message


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
