"""Targets: the line to each goal, where we are, this year's end with its interval; entering and ending one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.engines.records.audit import By
from dure.services.buildings.api.target_api import end, put
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.comparison_desk import asked, newest, trajectories
from dure.services.buildings.comparing.targets import KINDS, PORTFOLIO, Kind, Target, Trajectory
from dure.services.buildings.factors.carbon import PROGRAMME, Programme
from dure.services.buildings.filing.filing_rules import Goal, filing_rules
from dure.services.buildings.filing.reports import PATH, SCALES, target_title, trajectory_picture
from dure.services.buildings.rules import load_pack
from dure.services.buildings.sites import Sites, registered
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/buildings/targets"
KIND_NAMES: dict[Kind, Text] = {
    "emissions_g": Text("온실가스 배출량", "Greenhouse gas emissions"),
    "energy_wh": Text("에너지 사용량", "Energy used"),
    "eui_wh_m2": Text("단위면적당 에너지", "Energy per floor area"),
}
WHY: dict[str, Text] = {
    "target.years": Text("기준 해, 목표 해의 차례를 확인해 주세요.", "Check the years: base first, then the goal."),
    "target.value": Text("기준은 0보다 크고 목표는 0 이상이어야 합니다.", "The base must be above 0 and the goal 0 or more."),
    "target.subject": Text("누구의 목표인지 골라 주세요.", "Choose whose target it is."),
}


class Told(NamedTuple):
    """A target as it is shown."""

    one: Trajectory
    title: Text
    unit: str
    scale: float
    chart: Markup
    refused: Text | None


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of targets."""
    router = APIRouter()
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    router.add_api_route(HERE, change, methods=["POST"])
    return router


async def listing(request: Request, trouble: str = "", status: int = 200, given: dict[str, str] | None = None) -> Response:
    """All targets that stand, and the form for another."""
    house, say = house_of(request), layout_of(request).speech(request)
    today = day_of(house.clock.now(), house.city.zone)

    def read() -> tuple[list[Trajectory], Sites]:
        with house.records.read() as connection:
            sites = registered(connection)
            standing = target_records.find(connection)
            question = newest(house, connection, asked(house))
            return trajectories(house.city.folder, connection, standing, question, sites), sites

    found, sites = await run_in_threadpool(read)
    names = _subjects(sites)
    goals = filing_rules(today, house.city.folder).goals
    return await layout_of(request).page(
        request,
        "buildings/targets.html",
        status=status,
        trouble=trouble,
        told=request.query_params.get("told", ""),
        targets=[_told(one, say) for one in found],
        names=names,
        subject_name=lambda subject: say.text(names.get(subject, Text(subject, subject))),
        kinds=KIND_NAMES,
        units={kind: SCALES[kind][1] for kind in KINDS},
        paths=PATH,
        goals=list(goals.values()),
        given=given or _usual(list(goals.values())),
        programmes=[one.id for one in load_pack("factors", house.city.folder).rows("programmes", Programme, today)],
    )


async def change(request: Request, actor: Actor = Depends(require("act", "filing"))) -> Response:  # noqa: B008  # FastAPI's way
    """Enter a target, or end one."""
    house, fields = house_of(request), await own_form(request)
    by, say = By(actor.id, house.clock.now()), layout_of(request).speech(request)
    try:
        if fields.get("end"):
            await run_in_threadpool(end, house, fields["end"][:64], by)
            return RedirectResponse(f"/{language_of(request)}{HERE}?told=ended", 303)
        await run_in_threadpool(put, house, _entered(fields, by), by)
    except NotFound:
        return await listing(request, say("그런 목표가 없습니다."), 404)
    except InputError as error:
        return await listing(request, say.text(WHY[error.code]) if error.code in WHY else error.message, 422, fields)
    return RedirectResponse(f"/{language_of(request)}{HERE}?told=entered", 303)


def _entered(fields: dict[str, str], by: By) -> Target:
    """The target of a form, whose amounts stand in the unit people read; the goal may be a share of the base."""
    kind: Kind = next((one for one in KINDS if one == fields.get("kind")), "emissions_g")
    scale = SCALES[kind][0]
    base = _number(fields, "base") * scale
    value = base * (1 + _number(fields, "share") / 100)
    return Target(
        id=uuid4().hex,
        subject=fields.get("subject", "")[:200],
        kind=kind,
        year=_year(fields, "year"),
        value=value,
        base=base,
        base_from=_year(fields, "base_from"),
        base_to=_year(fields, "base_to"),
        programme=(fields.get("programme") or PROGRAMME)[:40],
        person=by.actor,
        made_at=by.at,
        base_note=fields.get("base_note", "").strip()[:500],
    )


def _number(fields: dict[str, str], name: str) -> float:
    try:
        return float(fields.get(name, "").replace(",", "").replace("\N{MINUS SIGN}", "-"))
    except ValueError as error:
        raise InputError("target.value", f"{name} is no number.") from error


def _year(fields: dict[str, str], name: str) -> int:
    try:
        return int(fields.get(name, ""))
    except ValueError as error:
        raise InputError("target.years", f"{name} is no year.") from error


def _told(one: Trajectory, say: Speech) -> Told:
    scale, unit = SCALES[one.target.kind]
    picture = trajectory_picture(one, say.text(target_title(one.target)), say.language)
    refused = one.forecast.why if isinstance(one.forecast, Refused) else None
    return Told(one, target_title(one.target), unit, scale, Markup(picture.svg), refused)  # noqa: S704  # our own shapes, texts escaped


def _subjects(sites: Sites) -> dict[str, Text]:
    found = {PORTFOLIO: Text("모든 공공건물", "All public buildings")}
    found |= {f"body:{body}": Text(body, body) for body in sorted({one.body for one in sites.buildings.values() if one.body})}
    return found | {f"building:{one.id}": one.name for one in sorted(sites.buildings.values(), key=lambda one: one.name.ko)}


def _usual(goals: list[Goal]) -> dict[str, str]:
    if not goals:
        return {}
    goal = goals[0]
    return {
        "year": str(goal.year),
        "share": f"{goal.share * 100:g}",
        "base_from": str(goal.base_from),
        "base_to": str(goal.base_to),
    }
