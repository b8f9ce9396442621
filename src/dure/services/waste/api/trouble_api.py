"""Alarms and tickets of bins by REST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.engines.records.audit import By
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarms import Alarm
from dure.services.waste.tickets import ticket_desk
from dure.services.waste.tickets.tickets import NAME_MAX, NOTE_MAX, PARTS_MAX, Repair, Ticket
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import ActsOnAlerts, DoesFieldWork, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"


class AlarmQuery(Paged):
    """Which alarms."""

    state: Literal["open", "acknowledged", "closed"] | None = Field(None, description="Only in this state.")
    bin: str = Field("", max_length=64, description="Only of this bin.")


class TicketQuery(Paged):
    """Which tickets."""

    state: Literal["open", "assigned", "repaired", "closed"] | None = Field(None, description="Only in this state.")
    bin: str = Field("", max_length=64, description="Only of this bin.")
    fault: str = Field("", max_length=64, description="Only of this fault.", examples=["stuck"])


class Noted(BaseModel):
    """What is said of it."""

    note: str = Field("", max_length=alarm_records.NOTE_MAX, pattern=NO_ZERO, description="What was seen or is done.")


class Assignment(BaseModel):
    """Who takes it."""

    owner: str = Field(min_length=1, max_length=NAME_MAX, pattern=NO_ZERO, description="A person or a team.")


class Repairing(BaseModel):
    """What was done."""

    photo: str = Field("", max_length=200, pattern=NO_ZERO, description="Name of a kept photo.")
    parts: list[Annotated[str, Field(max_length=NAME_MAX, pattern=NO_ZERO)]] = Field(
        [], max_length=PARTS_MAX, description="Parts used."
    )
    note: str = Field("", max_length=NOTE_MAX, pattern=NO_ZERO, description="In words.")


class Closing(BaseModel):
    """How it ended."""

    outcome: Literal["repaired", "gone", "false_alarm", "replaced", "removed"] = Field(description="How it ended.")
    note: str = Field(min_length=1, max_length=NOTE_MAX, pattern=NO_ZERO, description="What was found.")


class TroubleRoutes:
    """The routes of alarms and tickets."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def alarms(self, request: Request, asked: Annotated[AlarmQuery, Query()], _: SeesCityData) -> Response:
        """Alarms, newest first."""

        def read(connection: Connection) -> Page[Alarm]:
            bin_id, after = text(asked.bin, "bin"), text(asked.after, "after")
            return alarm_records.listing(connection, state=asked.state, bin_id=bin_id, after=after, limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def acknowledge(self, alarm_id: str, wanted: Noted, actor: ActsOnAlerts) -> Response:
        """Somebody has seen it: it escalates no further."""
        return await self._write(alarm_records.acknowledge, alarm_id, wanted.note, self._by(actor.id))

    async def close_alarm(self, alarm_id: str, wanted: Noted, actor: ActsOnAlerts) -> Response:
        """Somebody looked at the bin and closes it, although the sensor has not said that it is over."""
        return await self._write(alarm_records.close, alarm_id, wanted.note, self._by(actor.id))

    async def tickets(self, request: Request, asked: Annotated[TicketQuery, Query()], _: SeesCityData) -> Response:
        """Tickets, the last changed first."""

        def read(connection: Connection) -> Page[Ticket]:
            states = (asked.state,) if asked.state else ()
            bin_id, fault, after = text(asked.bin, "bin"), text(asked.fault, "fault"), text(asked.after, "after")
            return ticket_desk.listing(connection, states=states, bin_id=bin_id, fault=fault, after=after, limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def ticket(self, ticket_id: str, _: SeesCityData) -> Response:
        """One ticket with its story."""
        ident = text(ticket_id, "ticket id")
        return answer(await run_in_threadpool(self._read, lambda connection: ticket_desk.get(connection, ident)))

    async def assign(self, ticket_id: str, wanted: Assignment, actor: DoesFieldWork) -> Response:
        """Somebody takes it."""
        return await self._write(ticket_desk.assign, ticket_id, wanted.owner, self._by(actor.id))

    async def repaired(self, ticket_id: str, wanted: Repairing, actor: DoesFieldWork) -> Response:
        """It was repaired: readings from now on are its re-test."""
        repair = Repair(photo=wanted.photo, parts=tuple(wanted.parts), note=wanted.note)
        return await self._write(ticket_desk.repaired, ticket_id, repair, self._by(actor.id))

    async def close_ticket(self, ticket_id: str, wanted: Closing, actor: DoesFieldWork) -> Response:
        """A person closes it without waiting for the re-test."""
        return await self._write(ticket_desk.close, ticket_id, wanted.outcome, wanted.note, self._by(actor.id))

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


def routes(house: House) -> APIRouter:
    """Alarms and tickets."""
    router = APIRouter(prefix="/waste", tags=["waste"], route_class=CheckedRoute)
    desk = TroubleRoutes(house)
    alarm, ticket, acted = schema_of(Alarm), schema_of(Ticket), (400, 401, 403, 404, 409, 503)
    for path, summary, schema, act in (
        ("/alarms/{alarm_id}/acknowledge", "Acknowledge an alarm of a bin", alarm, desk.acknowledge),
        ("/alarms/{alarm_id}/close", "Close an alarm of a bin", alarm, desk.close_alarm),
        ("/tickets/{ticket_id}/assign", "Take a ticket", ticket, desk.assign),
        ("/tickets/{ticket_id}/repaired", "Note a repair", ticket, desk.repaired),
        ("/tickets/{ticket_id}/close", "Close a ticket", ticket, desk.close_ticket),
    ):
        router.post(path, summary=summary, response_class=Response, responses=told(schema, *acted))(act)
    router.get("/alarms", summary="Alarms of bins", response_class=Response, responses=told(page_schema(Alarm), 401, 403, 503))(
        desk.alarms
    )
    router.get("/tickets", summary="Tickets", response_class=Response, responses=told(page_schema(Ticket), 401, 403, 503))(
        desk.tickets
    )
    router.get("/tickets/{ticket_id}", summary="One ticket", response_class=Response, responses=told(ticket, 401, 403, 404, 503))(
        desk.ticket
    )
    return router
