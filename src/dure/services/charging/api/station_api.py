"""Chargers: what they are, say, and are asked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.core.time import parse_instant
from dure.engines.records.audit import By
from dure.services.charging.central import central, kept_messages
from dure.services.charging.central.message_desk import messages_of
from dure.services.charging.central.message_log import Shown
from dure.services.charging.stations import calls, certificate_records, remote_start, reserving, station_desk, station_records
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.certificate_records import StationCertificate
from dure.services.charging.stations.reservation_records import Reservation
from dure.services.charging.stations.station_desk import StationDetail, StationView
from dure.services.charging.stations.station_records import Happening, Report
from dure.services.charging.stations.verbs import VERBS
from dure.services.charging.tokens import local_list
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, instant, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"
CARD = Field("", max_length=255, pattern=NO_ZERO, description="The card's number; it is used and not kept.")


class StationQuery(BaseModel):
    """Which chargers."""

    site: str = Field("", max_length=64, description="Only of this charging site.")


class HappeningQuery(Paged):
    """Which reports."""

    topic: str = Field("", max_length=40, description="Only topics that begin so, as `security`.")


class ReportQuery(BaseModel):
    """Which of what a charger reports of itself."""

    topic: str = Field("", max_length=40, description="Only this topic: `configuration`, `variables`, `firmware`, …")


class NewCall(BaseModel):
    """What a charger is asked: a verb that fits all versions, or a message of its own version."""

    verb: str = Field("", max_length=40, pattern=NO_ZERO, description=f"One of {', '.join(VERBS)}.", examples=["unlock"])
    arguments: dict[str, Any] = Field({}, description="Arguments of the verb.", examples=[{"evse": 1}])
    action: str = Field("", max_length=50, pattern=NO_ZERO, description="Instead of a verb: a message, as `Reset`.")
    payload: dict[str, Any] = Field({}, description="Its payload.")
    key: str = Field("", max_length=64, pattern=NO_ZERO, description="The same key asked again is the same call.")


class Starting(BaseModel):
    """Who charges: a card, or nobody (then a guest's token is made)."""

    card: str = CARD
    key: str = Field("", max_length=64, pattern=NO_ZERO, description="The same key asked again is the same call.")


class Stopping(BaseModel):
    """Which transaction."""

    transaction: str = Field(min_length=1, max_length=36, pattern=NO_ZERO, description="The station's id of it.")


class Admitting(BaseModel):
    """What the charger's boot is answered."""

    answer: Literal["accepted", "pending", "rejected"] = Field(description="What its next boot is answered.")
    why: str = Field("", max_length=500, pattern=NO_ZERO, description="For the audit log.")


class Listing(BaseModel):
    """Cards that the charger may take while it is not connected."""

    cards: list[Annotated[str, Field(max_length=255, pattern=NO_ZERO)]] = Field(
        max_length=5_000, description="Cards; those not known, blocked or not for offline use are left out."
    )


class Reserving(BaseModel):
    """What is held for whom."""

    evse: int = Field(0, ge=0, le=1_000, description="Number of the EVSE; 0: any.")
    card: str = Field(min_length=1, max_length=255, pattern=NO_ZERO, description="The card's number; it is used and not kept.")
    until: str = Field(description="Until this instant (RFC 3339), within a day.", examples=["2026-11-24T10:00:00Z"])


class KeptQuery(BaseModel):
    """Which messages."""

    until: str = Field("", max_length=40, description="From before this instant (RFC 3339); the newest when absent.")
    limit: int = Field(100, ge=1, le=1_000, description="So many at most.")


class StationRoutes:
    """The routes of chargers."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def stations(self, asked: Annotated[StationQuery, Query()], _: SeesCityData) -> Response:
        """All chargers, those that need a person first."""
        site = text(asked.site, "site")
        found = await self._read(lambda connection: station_desk.listing(self._house, connection, site=site))
        return answer({"items": found})

    async def station(self, station_id: str, _: SeesCityData) -> Response:
        """One charger with its connectors, reservations and local list."""
        known = identifier(station_id, "charger")
        return answer(await self._read(lambda connection: station_desk.detail(self._house, connection, known)))

    async def happenings(
        self, request: Request, station_id: str, asked: Annotated[HappeningQuery, Query()], _: SeesCityData
    ) -> Response:
        """What it reported, newest first."""
        known, after, topics = identifier(station_id, "charger"), text(asked.after, "after"), [asked.topic] if asked.topic else []

        def read(connection: Connection) -> Any:
            return station_records.happenings(connection, charger=known, topics=topics, after=after, limit=asked.limit)

        found = await self._read(read)
        return page(request, found.items, found.next or None)

    async def reports(self, station_id: str, asked: Annotated[ReportQuery, Query()], _: SeesCityData) -> Response:
        """The newest of its settings, variables, firmware, logs and profiles."""
        known, topic = identifier(station_id, "charger"), text(asked.topic, "topic")
        found = await self._read(lambda connection: station_records.reports(connection, known, topic))
        return answer({"items": [one._asdict() for one in found]})

    async def messages(self, station_id: str, _: SeesCityData) -> Response:
        """Its last messages as they went over the wire, without secrets; kept in memory by the process it is connected to."""
        known = identifier(station_id, "charger")
        found = await self._read(lambda connection: station_desk.detail(self._house, connection, known))
        told = await messages_of(self._house, central.of(self._house), found.view.identity)
        return answer({"here": told is not None, "items": told or []})

    async def kept_messages(self, station_id: str, asked: Annotated[KeptQuery, Query()], _: SeesCityData) -> Response:
        """Messages of it that are on the disk, newest first; of chargers with `keep_log` only."""
        known = identifier(station_id, "charger")
        until = instant(asked.until, "until") if asked.until else self._house.clock.now() + timedelta(days=1)

        def read(connection: Connection) -> Any:
            identity = station_desk.detail(self._house, connection, known).view.identity
            return kept_messages.of_station(connection, identity, until, asked.limit)

        return answer({"items": await self._read(read)})

    async def history(self, request: Request, station_id: str, asked: Annotated[Paged, Query()], _: SeesCityData) -> Response:
        """What it was asked and answered, newest first."""
        known, after = identifier(station_id, "charger"), text(asked.after, "after")
        found = await self._read(lambda connection: calls.history(connection, known, after=after, limit=asked.limit))
        return page(request, found.items, found.next or None)

    async def ask(self, station_id: str, wanted: NewCall, actor: Commands) -> Response:
        """Ask it something."""
        known, by = identifier(station_id, "charger"), self._by(actor.id)
        if bool(wanted.verb) == bool(wanted.action):
            raise InputError("call.argument", "Give a verb or an action, not both.")
        if wanted.verb:
            return answer(await calls.do(self._house, known, wanted.verb, wanted.arguments, by, wanted.key), 202)
        return answer(await calls.ask(self._house, known, wanted.action, wanted.payload, by, wanted.key), 202)

    async def call(self, call_id: str, _: SeesCityData) -> Response:
        """One call and what came of it."""
        return answer(await run_in_threadpool(calls.get, self._house, text(call_id, "call id")))

    async def start(self, evse_id: str, wanted: Starting, actor: Commands) -> Response:
        """Start charging at an EVSE."""
        known, by = identifier(evse_id, "EVSE"), self._by(actor.id)
        found, _ = await remote_start.start(self._house, known, by, card=wanted.card, key=wanted.key)
        return answer(found, 202)

    async def stop(self, station_id: str, wanted: Stopping, actor: Commands) -> Response:
        """Stop a transaction."""
        known = identifier(station_id, "charger")
        return answer(await remote_start.stop(self._house, known, wanted.transaction, self._by(actor.id)), 202)

    async def admit(self, station_id: str, wanted: Admitting, actor: Commands) -> Response:
        """Say what its boot is answered."""
        known, by = identifier(station_id, "charger"), self._by(actor.id)

        def write() -> Any:
            with self._house.records.begin() as connection:
                station_desk.detail(self._house, connection, known)
                station_records.admit(connection, known, wanted.answer, wanted.why, by)
                return station_desk.detail(self._house, connection, known).view

        return answer(await run_in_threadpool(write))

    async def certificates(self, station_id: str, _: SeesCityData) -> Response:
        """Certificates that were signed here for it, newest first."""
        known = identifier(station_id, "charger")

        def read(connection: Connection) -> Any:
            station_desk.detail(self._house, connection, known)
            return certificate_records.of_charger(connection, known)

        return answer({"items": await self._read(read)})

    async def revoke(self, station_id: str, serial: str, actor: Commands) -> Response:
        """Take a certificate of it back: it does not come in with it any more, and is closed where it did."""
        known, by = identifier(station_id, "charger"), self._by(actor.id)

        def write() -> Any:
            with self._house.records.begin() as connection:
                return certificate_records.revoke(connection, known, text(serial, "serial"), by)

        return answer(await run_in_threadpool(write))

    async def send_list(self, station_id: str, wanted: Listing, actor: Commands) -> Response:
        """Send it the list of cards for the time without connection."""
        known, by = identifier(station_id, "charger"), self._by(actor.id)
        found = await self._read(lambda connection: station_desk.detail(self._house, connection, known))
        call, left_out = await local_list.send(self._house, known, found.view.site, wanted.cards, by)
        return answer({"call": call, "left_out": left_out}, 202)

    async def reserve(self, station_id: str, wanted: Reserving, actor: Commands) -> Response:
        """Hold an EVSE for a card."""
        known, by, until = identifier(station_id, "charger"), self._by(actor.id), parse_instant(wanted.until)
        kept, call = await reserving.reserve(self._house, known, wanted.evse, wanted.card, until, by)
        return answer({"reservation": kept, "call": call}, 202)

    async def cancel(self, reservation_id: int, actor: Commands) -> Response:
        """Let a reserved EVSE go."""
        return answer(await reserving.cancel(self._house, reservation_id, self._by(actor.id)), 202)

    def _by(self, actor: str) -> By:
        return By(actor, self._house.clock.now())

    async def _read(self, read: Callable[[Connection], Any]) -> Any:
        def inside() -> Any:
            with self._house.records.read() as connection:
                return read(connection)

        return await run_in_threadpool(inside)


def _items(kind: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"items": {"type": "array", "items": schema_of(kind)}}}


def routes(house: House) -> APIRouter:
    """Routes of chargers."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk, call = StationRoutes(house), schema_of(Call)
    one, seen, acted = "/stations/{station_id}", (401, 403, 404, 503), (400, 401, 403, 404, 409, 503)
    log = {"type": "object", "properties": {"here": {"type": "boolean"}, "items": _items(Shown)["properties"]["items"]}}
    sent = {"type": "object", "properties": {"call": call, "left_out": {"type": "integer"}}}
    held = {"type": "object", "properties": {"reservation": schema_of(Reservation), "call": call}}
    for path, summary, schema, get in (
        ("/stations", "Chargers", _items(StationView), desk.stations),
        (one, "One charger", schema_of(StationDetail), desk.station),
        (f"{one}/happenings", "What a charger reported", page_schema(Happening), desk.happenings),
        (f"{one}/reports", "Settings and states of a charger", _items(Report), desk.reports),
        (f"{one}/messages", "Last messages of a charger", log, desk.messages),
        (f"{one}/messages/kept", "Kept messages of a charger", _items(Shown), desk.kept_messages),
        (f"{one}/calls", "What a charger was asked", page_schema(Call), desk.history),
        (f"{one}/certificates", "Certificates of a charger", _items(StationCertificate), desk.certificates),
        ("/calls/{call_id}", "One call and its answer", call, desk.call),
    ):
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *seen))(get)
    for path, summary, schema, post in (
        (f"{one}/calls", "Ask a charger", call, desk.ask),
        (f"{one}/stop", "Stop a transaction", call, desk.stop),
        (f"{one}/local-list", "Send a charger its local list", sent, desk.send_list),
        (f"{one}/reservations", "Reserve an EVSE", held, desk.reserve),
        ("/reservations/{reservation_id}/cancel", "Cancel a reservation", call, desk.cancel),
        ("/evses/{evse_id}/start", "Start charging", call, desk.start),
    ):
        responses = told(schema, *acted, status=202)
        router.post(path, summary=summary, status_code=202, response_class=Response, responses=responses)(post)
    router.post(
        f"{one}/certificates/{{serial}}/revocation",
        summary="Revoke a certificate of a charger",
        response_class=Response,
        responses=told(schema_of(StationCertificate), *acted),
    )(desk.revoke)
    router.post(
        f"{one}/admission",
        summary="Accept, hold or reject a charger",
        response_class=Response,
        responses=told(schema_of(StationView), *acted),
    )(desk.admit)
    return router
