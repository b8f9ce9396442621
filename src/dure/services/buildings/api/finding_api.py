"""Findings and their tickets by REST: the ranked list, one with its evidence, what is done with it, and gaps of a meter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.engines.records.audit import By
from dure.services.buildings.finding import finding_desk, ticket_desk, ticket_records
from dure.services.buildings.finding.evidence import rows_of
from dure.services.buildings.finding.gaps import MeterGap
from dure.services.buildings.finding.ticket_records import Asked
from dure.services.buildings.finding.tickets import NAME_MAX, NOTE_MAX, Ticket
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import DoesFieldWork, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"
FindingName = Literal["night_base", "weekend", "leak", "stuck", "schedule_drift", "missing"]


class FindingQuery(Paged):
    """Which findings."""

    state: Literal["open", "assigned", "repaired", "closed"] | None = Field(None, description="Only in this state.")
    building: str = Field("", max_length=64, description="Only of this building.")
    meter: str = Field("", max_length=64, description="Only of this meter.")
    finding: FindingName | None = Field(None, description="Only of this kind.")
    owner: str = Field("", max_length=NAME_MAX, description="Only of this person or team.")


class GapQuery(BaseModel):
    """How far back."""

    days: int = Field(90, ge=1, le=800, description="Days back from today.")


class Assignment(BaseModel):
    """Who takes it."""

    owner: str = Field(min_length=1, max_length=NAME_MAX, pattern=NO_ZERO, description="A person or a team.")


class Repairing(BaseModel):
    """What was done."""

    note: str = Field("", max_length=NOTE_MAX, pattern=NO_ZERO, description="In words.")


class Closing(BaseModel):
    """How it ended."""

    outcome: Literal["repaired", "no_waste", "accepted"] = Field(description="How it ended.")
    note: str = Field(min_length=1, max_length=NOTE_MAX, pattern=NO_ZERO, description="What was found.")


class Reopening(BaseModel):
    """Why it is not over."""

    note: str = Field(min_length=1, max_length=NOTE_MAX, pattern=NO_ZERO, description="Why.")


class FindingRoutes:
    """The routes of findings."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def findings(self, request: Request, asked: Annotated[FindingQuery, Query()], _: SeesCityData) -> Response:
        """Findings, those worth most in a year first."""

        def read(connection: Connection) -> Page[Ticket]:
            wanted = Asked(
                states=(asked.state,) if asked.state else (),
                building=text(asked.building, "building"),
                meter=text(asked.meter, "meter"),
                finding=asked.finding or "",
                owner=text(asked.owner, "owner"),
            )
            return ticket_records.listing(connection, wanted, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def finding(self, finding_id: str, _: SeesCityData) -> Response:
        """One finding with its story."""
        ident = text(finding_id, "finding id")
        return answer(await run_in_threadpool(self._read, lambda connection: ticket_records.get(connection, ident)))

    async def evidence(self, finding_id: str, _: SeesCityData) -> Response:
        """What speaks for it: use beside that of alike hours, as the readings tell it now."""
        ident = text(finding_id, "finding id")
        ticket, series = await run_in_threadpool(finding_desk.evidence, self._house, ident)
        found = {"finding": ticket.id, "step": series.step, "limit": series.limit, "items": rows_of(series)}
        return answer(found)

    async def assign(self, finding_id: str, wanted: Assignment, actor: DoesFieldWork) -> Response:
        """Somebody takes it."""
        return await self._write(ticket_desk.assign, finding_id, wanted.owner, self._by(actor.id))

    async def repair(self, finding_id: str, wanted: Repairing, actor: DoesFieldWork) -> Response:
        """It was repaired: readings from now on are its re-test."""
        return await self._write(ticket_desk.repaired, finding_id, wanted.note, self._by(actor.id))

    async def close(self, finding_id: str, wanted: Closing, actor: DoesFieldWork) -> Response:
        """A person closes it without waiting for the re-test."""
        return await self._write(ticket_desk.close, finding_id, wanted.outcome, wanted.note, self._by(actor.id))

    async def reopen(self, finding_id: str, wanted: Reopening, actor: DoesFieldWork) -> Response:
        """A person says that it is not over."""
        return await self._write(ticket_desk.reopen, finding_id, wanted.note, self._by(actor.id))

    async def gaps(self, meter_id: str, asked: Annotated[GapQuery, Query()], _: SeesCityData) -> Response:
        """Gaps of a meter, each with what the hourly model puts in its place and how sure that is."""
        ident = text(meter_id, "meter id")
        found = await run_in_threadpool(finding_desk.gaps, self._house, ident, asked.days)
        return answer({"meter": ident, "items": found})

    def _by(self, actor: str) -> By:
        return By(actor, self._house.clock.now())

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        with self._house.records.read() as connection:
            return read(connection)

    async def _write(self, act: Callable[..., Any], ident: str, *words: object) -> Response:
        known = text(ident, "id")

        def written() -> Any:
            with self._house.records.begin() as connection:
                return act(connection, known, *words)

        return answer(await run_in_threadpool(written))


_SERIES: dict[str, Any] = {
    "type": "object",
    "required": ["finding", "step", "limit", "items"],
    "properties": {
        "finding": {"type": "string"},
        "step": {"type": "string", "enum": ["hour", "night"]},
        "limit": {"type": ["number", "null"], "description": "The threshold, where it is one value."},
        "items": {"type": "array", "items": {"type": "object"}},
    },
}
_GAPS: dict[str, Any] = {
    "type": "object",
    "required": ["meter", "items"],
    "properties": {"meter": {"type": "string"}, "items": {"type": "array", "items": schema_of(MeterGap)}},
}


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk, ticket, acted = FindingRoutes(house), schema_of(Ticket), (400, 401, 403, 404, 409, 503)
    for path, summary, act in (
        ("/findings/{finding_id}/assign", "Take a finding", desk.assign),
        ("/findings/{finding_id}/repair", "Note a repair of a finding", desk.repair),
        ("/findings/{finding_id}/close", "Close a finding", desk.close),
        ("/findings/{finding_id}/reopen", "Open a finding again", desk.reopen),
    ):
        router.post(path, summary=summary, response_class=Response, responses=told(ticket, *acted))(act)
    seen = (401, 403, 404, 503)
    for path, summary, schema, read in (
        ("/findings", "Findings, worth most first", page_schema(Ticket), desk.findings),
        ("/findings/{finding_id}", "One finding", ticket, desk.finding),
        ("/findings/{finding_id}/evidence", "What speaks for a finding", _SERIES, desk.evidence),
        ("/meters/{meter_id}/gaps", "Gaps of a meter, filled by model", _GAPS, desk.gaps),
    ):
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *seen))(read)
    return router
