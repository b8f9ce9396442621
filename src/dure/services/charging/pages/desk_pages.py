"""The operator's desk: chargers, faults, calls and their log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import DureError, InputError, NotFound
from dure.core.identifiers import identifier
from dure.core.time import from_us
from dure.engines.records.audit import By
from dure.services.charging.central import central, desk, kept_messages, turned_away
from dure.services.charging.central.message_desk import messages_of
from dure.services.charging.pages import desk_words
from dure.services.charging.sites import registered
from dure.services.charging.stations import calls, remote_start, station_desk, station_records
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.certificate_records import StationCertificate, of_charger
from dure.services.charging.stations.memory import Admission
from dure.services.charging.stations.station_desk import StationDetail, StationView
from dure.services.charging.stations.station_records import Happening, Report
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.charging.central.message_log import Shown
    from dure.spine.house import House

LIST = "/operations/charging"
ONE = f"{LIST}/stations"
FORM = f"{LIST}/station"
ADMISSIONS: tuple[Admission, ...] = ("accepted", "pending", "rejected")
MESSAGES_N = 40
HAPPENINGS_N = 25
CALLS_N = 20
ANSWER_S = 3.0  # how long a page waits for a station's answer; it comes later otherwise
AT_ONCE = frozenset({"read_settings", "clear_cache", "trigger_status", "in"})  # what needs no second question


class Told(NamedTuple):
    """Everything the page of a charger shows."""

    detail: StationDetail
    calls: Page[Call]
    happenings: Page[Happening]
    reports: list[Report]
    certificates: list[StationCertificate]


class Asked(msgspec.Struct, frozen=True):
    """What the page says of the last thing asked, or asks before it is done."""

    trouble: str = ""
    confirm: str = ""
    evse: int = 0
    transaction: str = ""


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of chargers."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{ONE}/{{station_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(FORM, act, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """All chargers, those that need a person first."""
    house, standing = house_of(request), request.query_params.get("standing", "")

    def read() -> tuple[list[StationView], Page[Happening]]:
        with house.records.read() as connection:
            found = station_desk.listing(house, connection)
            return found, station_records.happenings(connection, topics=WORTH_A_LOOK, limit=HAPPENINGS_N)

    found, happenings = await run_in_threadpool(read)
    counts = {name: sum(1 for each in found if each.standing == name) for name in station_desk.ORDER}
    now = house.clock.now()
    return await layout_of(request).page(
        request,
        "charging/desk.html",
        stations=[each for each in found if standing in ("", each.standing)],
        total_n=len(found),
        counts=counts,
        standing=standing,
        happenings=happenings.items,
        names={each.charger: each.name for each in found},
        words=desk_words,
        ago=lambda at: max(now - at, timedelta(0)),
    )


WORTH_A_LOOK = (
    *("security", "event", "serial_differs", desk.DRIFT, desk.DUPLICATE, turned_away.TOPIC, "certificate_refused", "der_alarm"),
)


async def one(request: Request, station_id: str) -> Response:
    """One charger."""
    return await _page(request, identifier(station_id, "charger"), Asked())


async def _page(request: Request, station_id: str, asked: Asked, status: int = 200) -> Response:
    house = house_of(request)

    def read() -> Told:
        with house.records.read() as connection:
            return Told(
                station_desk.detail(house, connection, station_id),
                calls.history(connection, station_id, limit=CALLS_N),
                station_records.happenings(connection, charger=station_id, limit=HAPPENINGS_N),
                station_records.reports(connection, station_id),
                of_charger(connection, station_id),
            )

    told = await run_in_threadpool(read)
    now = house.clock.now()
    messages = await messages_of(house, central.of(house), told.detail.view.identity, MESSAGES_N)
    if not messages:
        messages = await run_in_threadpool(_kept_messages, house, told.detail.view.identity) or messages
    return await layout_of(request).page(
        request,
        "charging/station.html",
        status=status,
        crumbs=[(LIST, layout_of(request).speech(request)("충전기 상황"))],
        told=told,
        station=told.detail.view,
        here=messages is not None,
        messages=messages or [],
        settings=[each for each in told.reports if each.topic in {"configuration", "variables"}],
        states=[each for each in told.reports if each.topic not in {"configuration", "variables", "monitors"}],
        words=desk_words,
        asked=asked,
        key=uuid4().hex,
        done=request.query_params.get("told", ""),
        shown=lambda value: msgspec.json.encode(value).decode(),
        setting_value=_setting_value,
        at_of=from_us,
        ago=lambda at: max(now - at, timedelta(0)),
    )


def _kept_messages(house: House, identity: str) -> list[Shown]:
    """What is on the disk of a charger whose log is kept."""
    with house.records.read() as connection:
        return kept_messages.of_station(connection, identity, house.clock.now() + timedelta(days=1), MESSAGES_N)


def _setting_value(report: Report) -> str:
    """A setting as one text, whichever version told it."""
    if report.topic == "configuration":
        return str(report.value.get("value", ""))
    return ", ".join(str(each.get("value", "")) for each in report.value.get("attributes", ()))


async def act(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Ask a charger something: first whether it is meant, then really."""
    fields = await own_form(request)
    house, say = house_of(request), layout_of(request).speech(request)
    station_id, verb = identifier(fields.get("station", ""), "charger"), fields.get("do", "")
    evse, transaction = int(fields["evse"]) if fields.get("evse", "").isdecimal() else 0, fields.get("transaction", "")
    if verb in desk_words.VERBS and verb not in AT_ONCE and fields.get("sure") != "yes":
        return await _page(request, station_id, Asked(confirm=verb, evse=evse, transaction=transaction))
    by = By(actor.id, house.clock.now())
    try:
        if verb == "admit":
            await run_in_threadpool(_admit, house, station_id, fields, by)
            return RedirectResponse(f"/{language_of(request)}{ONE}/{station_id}?told=admit", 303)
        call = await _ask(house, station_id, fields, (verb, evse, transaction), by)
        settled = await calls.settled(house, call.id, ANSWER_S)
    except DureError as error:
        reason = desk_words.WHY.get(error.code)
        trouble = say.text(reason) if reason else error.message
        status = 422 if isinstance(error, InputError) else 404 if isinstance(error, NotFound) else 503
        return await _page(request, station_id, Asked(trouble=trouble), status)
    return RedirectResponse(f"/{language_of(request)}{ONE}/{station_id}?told={settled.outcome}", 303)


def _admit(house: House, station_id: str, fields: dict[str, str], by: By) -> None:
    answer = next((one for one in ADMISSIONS if one == fields.get("answer")), None)
    if answer is None:
        raise InputError("call.argument", "A boot is answered accepted, pending or rejected.")
    with house.records.begin() as connection:
        station_desk.detail(house, connection, station_id)
        station_records.admit(connection, station_id, answer, fields.get("why", "")[:500], by)


async def _ask(house: House, station_id: str, fields: dict[str, str], asked: tuple[str, int, str], by: By) -> Call:
    verb, evse, transaction = asked
    key = fields.get("key", "")[:64]
    if verb == "start":
        evse_id = await run_in_threadpool(_evse_id, house, station_id, evse)
        return (await remote_start.start(house, evse_id, by, key=key))[0]
    if verb == "raw":
        return await calls.ask(house, station_id, fields.get("action", "").strip(), _payload(fields), by, key)
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "unlock": ("unlock", {"evse": evse}),
        "out": ("availability", {"operative": False, "evse": evse}),
        "in": ("availability", {"operative": True, "evse": evse}),
        "stop": ("stop", {"transaction": transaction}),
        "reset": ("reset", {"hard": False}),
        "reset_now": ("reset", {"hard": True}),
        "read_settings": ("read_settings", {}),
        "clear_cache": ("clear_cache", {}),
        "trigger_status": ("trigger", {"message": "StatusNotification", "evse": evse}),
    }
    if verb not in known:
        raise InputError("call.argument", "Nothing was asked for.")
    return await calls.do(house, station_id, *known[verb], by, key)


def _payload(fields: dict[str, str]) -> dict[str, Any]:
    try:
        return msgspec.json.decode(fields.get("payload", "").encode() or b"{}", type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InputError("ocpp.payload", "The payload is no JSON object.") from error


def _evse_id(house: House, station_id: str, number: int) -> str:
    with house.records.read() as connection:
        sites = registered(connection)
    site = sites.site_of(station_id)
    evse = site.evse_of(station_id, number) if site else None
    if evse is None:
        raise NotFound("evse.unknown", f"{station_id} has no EVSE {number}.")
    return evse.id
