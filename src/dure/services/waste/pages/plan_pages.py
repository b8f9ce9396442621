"""The dispatcher's day: which bins are emptied by whom and why, what that comes to, what would change it, putting it in force."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import DureError, InputError, NotFound
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.waste.pages import plan_places, plan_view
from dure.services.waste.pages.plan_view import EDIT_KINDS, STATES
from dure.services.waste.planning import plan_words
from dure.services.waste.planning.edits import Edit
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.services.waste.planning.edits import EditKind, Trial
    from dure.spine.house import House

HERE = "/operations/waste"
Dispatches = Depends(require("act", "decision"))


class Told(msgspec.Struct, frozen=True):
    """What the page says of the last thing done: trouble, or an edit that was tried and not kept."""

    trouble: str = ""
    trial: Any = None
    edit: Edit | None = None
    fields: dict[str, str] = {}  # msgspec copies an empty default for every instance


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the dispatcher."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, day, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/map.json", map_data, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/plan", act, methods=["POST"])
    router.add_api_route(f"{HERE}/edit", edit, methods=["POST"])
    return router


async def day(request: Request) -> Response:
    """The plan of a day."""
    return await _page(request)


async def _page(request: Request, told: Told = Told(), status: int = 200) -> Response:  # noqa: B008  # it is frozen
    house, asked = house_of(request), request.query_params
    today = day_of(house.clock.now(), house.city.zone)
    wanted = _day(told.fields.get("day") or asked.get("day", ""), today)
    shown = await run_in_threadpool(plan_view.read, house, wanted, told.fields.get("plan") or asked.get("plan", "")[:80])
    say = layout_of(request).speech(request)
    show = asked.get("show", "")[:40]
    return await layout_of(request).page(
        request,
        "waste/plan.html",
        status=status,
        shown=shown,
        day=wanted,
        today=today,
        before=wanted - timedelta(days=1),
        after=wanted + timedelta(days=1),
        states=STATES,
        edit_kinds=EDIT_KINDS,
        place_kinds=plan_places.KINDS,
        visits_words=plan_places.visits_words,
        idle_words=plan_words.IDLE,
        verdict_words=plan_words.verdict_words,
        violation_words=plan_words.violation_words,
        codes=plan_words.VERDICTS,
        rows=plan_view.rows(shown, show) if shown.kept else [],
        show=show,
        reasons=plan_view.reasons(shown) if shown.kept else [],
        frontier=plan_view.frontier(shown, say) if shown.kept else None,
        trouble=told.trouble,
        trial=told.trial,
        tried=told.edit,
        fields=told.fields,
        told=asked.get("told", ""),
        edit_id=told.edit.id if told.edit else uuid4().hex,
    )


async def map_data(request: Request) -> Response:
    """Routes and bins of a plan, for the map."""
    house = house_of(request)
    wanted = _day(request.query_params.get("day", ""), day_of(house.clock.now(), house.city.zone))
    shown = await run_in_threadpool(plan_view.read, house, wanted, request.query_params.get("plan", "")[:80])
    say = layout_of(request).speech(request)
    return Response(msgspec.json.encode(plan_view.map_of(shown, say, f"/{say.language}")), media_type="application/geo+json")


async def act(request: Request, actor: Actor = Dispatches) -> Response:
    """Make a draft, put one in force, or take an edit back."""
    house, fields = house_of(request), await own_form(request)
    desk, by = PlanDesk(house), By(actor.id, house.clock.now())
    wanted = _day(fields.get("day", ""), day_of(by.at, house.city.zone))
    try:
        if fields.get("do") == "draft":
            await desk.draft(wanted, by)
        elif fields.get("do") == "publish":
            await desk.publish(fields.get("plan", ""), by, unserved_ok=fields.get("unserved") == "known")
        elif fields.get("do") == "undo":
            await desk.undo(fields.get("edit", ""), by)
        else:
            raise NotFound("plan.unknown", "Nothing was asked for.")
    except (InputError, DureError) as error:
        return await _refused(request, error, fields)
    return RedirectResponse(f"/{language_of(request)}{HERE}?day={wanted.isoformat()}&told={fields['do']}", 303)


async def edit(request: Request, actor: Actor = Dispatches) -> Response:
    """Try an edit and see at once what it would do, or keep it and plan again."""
    house, fields = house_of(request), await own_form(request)
    desk, by = PlanDesk(house), By(actor.id, house.clock.now())
    wanted = _day(fields.get("day", ""), day_of(by.at, house.city.zone))
    kind: EditKind | None = next((one for one in EDIT_KINDS if one == fields.get("kind")), None)
    if kind is None:
        raise NotFound("edit.unknown", "Nothing was asked for.")
    asked = Edit(
        id=fields.get("id", "")[:64] or uuid4().hex,
        day=wanted.isoformat(),
        kind=kind,
        bin="" if kind == "breakdown" else fields.get("bin", "").strip()[:64],
        truck=fields.get("truck", "")[:64] if kind in ("move", "breakdown") else "",
        made_at=by.at,
        person=by.actor,
        note=fields.get("note", "").strip()[:500],
    )
    try:
        if fields.get("do") == "keep":
            await desk.edit(asked, by)
            return RedirectResponse(f"/{language_of(request)}{HERE}?day={wanted.isoformat()}&told=edited", 303)
        trial: Trial = await desk.trial(asked, by)
    except DureError as error:
        return await _refused(request, error, fields)
    return await _page(request, Told(trial=trial, edit=asked, fields=fields))


async def _refused(request: Request, error: DureError, fields: dict[str, str]) -> Response:
    say = layout_of(request).speech(request)
    why = plan_view.WHY.get(error.code)
    if isinstance(error, NotFound) or (why is None and not isinstance(error, InputError)):
        raise error
    return await _page(request, Told(trouble=say.text(why) if why else error.message, fields=fields), 422)


def _day(text: str, today: date) -> date:
    try:
        return date.fromisoformat(text) if text else today
    except ValueError:
        return today
