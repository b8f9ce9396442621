"""Plans of days by REST: their versions, one with its reasons, making, trying, changing and publishing one."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.engines.records.audit import By
from dure.services.waste.planning import plan_records
from dure.services.waste.planning.edits import Edit, Trial
from dure.services.waste.planning.plan import DayPlan, Figures
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.services.waste.planning.plan_records import Kept, PlanHead
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesDecisions
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from dure.spine.house import House

Day = Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A local day (YYYY-MM-DD).", examples=["2026-11-24"])


class DayQuery(BaseModel):
    """Which day."""

    day: str = Day


class NewDraft(BaseModel):
    """Of which day a draft is made."""

    day: str = Day


class Publishing(BaseModel):
    """That a plan is put in force."""

    unserved_ok: bool = Field(default=False, description="It is known that bins which must be emptied are not.")


class NewEdit(BaseModel):
    """What a dispatcher asks of a day."""

    id: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$", description="Made by the sender: sent twice it is one edit.")
    day: str = Day
    kind: Literal["lock", "ban", "move", "breakdown"] = Field(
        description="Put in, take out, give to a truck; or a truck broke down."
    )
    bin: str = Field("", max_length=64, description="The bin; none for a breakdown.", examples=["bin-001"])
    truck: str = Field("", max_length=64, description="The truck of a move or a breakdown.", examples=["truck-1"])
    note: str = Field("", max_length=500, pattern=r"^[^\x00]*$", description="Why.")


class PlanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a plan with its content."""

    head: PlanHead
    plan: dict[str, Any]


class TrialForm(msgspec.Struct, frozen=True, kw_only=True):
    """What an edit would do: metres and seconds more, bins in and out, what it breaks, and what the day comes to."""

    added_m: int
    added_s: int
    taken: tuple[str, ...]
    left: tuple[str, ...]
    unserved: tuple[str, ...]
    violations: tuple[str, ...]
    figures: Figures


class PlanRoutes:
    """The routes of plans."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = PlanDesk(house)

    async def versions(self, request: Request, asked: Annotated[DayQuery, Query()], _: SeesDecisions) -> Response:
        """Versions of a day's plan, newest first."""
        return page(request, await run_in_threadpool(self._versions, _day(asked.day)), None)

    async def one(self, plan_id: str, _: SeesDecisions) -> Response:
        """One plan: routes, the verdict on every bin, figures, what the checker found."""
        return answer(_form(await run_in_threadpool(self._get, text(plan_id, "plan id"))))

    async def draft(self, wanted: NewDraft, actor: Commands) -> Response:
        """Make a draft from what is known now. It takes as long as the rules let the search run."""
        return answer(_form(await self._desk.draft(_day(wanted.day), self._by(actor.id))), 201)

    async def publish(self, plan_id: str, wanted: Publishing, actor: Commands) -> Response:
        """Put a draft in force; refused when the checker finds fault with it."""
        return answer(await self._desk.publish(text(plan_id, "plan id"), self._by(actor.id), unserved_ok=wanted.unserved_ok))

    async def edits(self, request: Request, asked: Annotated[DayQuery, Query()], _: SeesDecisions) -> Response:
        """What was asked of a day and not taken back."""
        return page(request, await run_in_threadpool(self._edits, _day(asked.day)), None)

    async def edit(self, wanted: NewEdit, actor: Commands) -> Response:
        """Keep an edit and plan again with as few other changes as can be; the new draft."""
        by = self._by(actor.id)
        return answer(_form(await self._desk.edit(_edit(wanted, by), by)), 201)

    async def trial(self, wanted: NewEdit, actor: Commands) -> Response:
        """What an edit would do; nothing is kept."""
        by = self._by(actor.id)
        return answer(_trial(await self._desk.trial(_edit(wanted, by), by)))

    async def undo(self, edit_id: str, actor: Commands) -> Response:
        """Take an edit back and plan again; the new draft."""
        return answer(_form(await self._desk.undo(text(edit_id, "edit id"), self._by(actor.id))))

    def _by(self, actor: str) -> By:
        return By(actor, self._house.clock.now())

    def _versions(self, day: date) -> list[PlanHead]:
        with self._house.records.read() as connection:
            return plan_records.versions(connection, day)

    def _edits(self, day: date) -> list[Edit]:
        with self._house.records.read() as connection:
            return list(plan_records.edits(connection, day))

    def _get(self, plan_id: str) -> Kept:
        with self._house.records.read() as connection:
            return plan_records.get(connection, plan_id)


def _day(text_: str) -> date:
    try:
        return date.fromisoformat(text_)
    except ValueError as error:
        raise InputError("plan.day", f"{text_[:40]!r} is no day. Write for example 2026-11-25.") from error


def _edit(wanted: NewEdit, by: By) -> Edit:
    _day(wanted.day)
    return Edit(
        id=wanted.id or uuid4().hex,
        day=wanted.day,
        kind=wanted.kind,
        bin="" if wanted.kind == "breakdown" else wanted.bin,
        truck=wanted.truck if wanted.kind in ("move", "breakdown") else "",
        made_at=by.at,
        person=by.actor,
        note=wanted.note,
    )


def _form(kept: Kept) -> PlanForm:
    return PlanForm(head=kept.head, plan=msgspec.to_builtins(kept.plan))


def _trial(found: Trial) -> TrialForm:
    plan: DayPlan = found.plan
    return TrialForm(
        added_m=found.added_m,
        added_s=found.added_s,
        taken=found.taken,
        left=found.left,
        unserved=found.unserved,
        violations=tuple(sorted({one.code for one in plan.violations})),
        figures=plan.figures,
    )


def routes(house: House) -> APIRouter:
    """Plans and edits."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    desk = PlanRoutes(house)
    form, seen, acted = schema_of(PlanForm), (401, 403, 404, 503), (400, 401, 403, 404, 409, 503)
    made = told(form, *acted, status=201, description="Made.")
    router.get(
        "/plans", summary="Versions of a plan", response_class=Response, responses=told(page_schema(PlanHead), 401, 403, 503)
    )(desk.versions)
    router.post("/plans", summary="Make a draft", status_code=201, response_class=Response, responses=made)(desk.draft)
    router.get("/plans/{plan_id}", summary="One plan", response_class=Response, responses=told(form, *seen))(desk.one)
    router.post(
        "/plans/{plan_id}/publish",
        summary="Put a plan in force",
        response_class=Response,
        responses=told(schema_of(PlanHead), *acted),
    )(desk.publish)
    router.get(
        "/edits", summary="Changes asked of a day", response_class=Response, responses=told(page_schema(Edit), 401, 403, 503)
    )(desk.edits)
    router.post("/edits", summary="Change a plan", status_code=201, response_class=Response, responses=made)(desk.edit)
    router.post(
        "/edits/trial", summary="Try a change of a plan", response_class=Response, responses=told(schema_of(TrialForm), *acted)
    )(desk.trial)
    router.post("/edits/{edit_id}/undo", summary="Take a change back", response_class=Response, responses=told(form, *acted))(
        desk.undo
    )
    return router
