"""The driver's pages: choose a truck, drive its route one bin at a time, see it whole, print it, take it along as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response

from dure.core.access import Actor
from dure.core.text import Text
from dure.core.time import day_interval, format_instant
from dure.engines.records.audit import By
from dure.services.waste import words
from dure.services.waste.driving import route_files, route_source, tap_desk
from dure.services.waste.driving.taps import LEVELS, Tap
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form
from dure.web.static_files import FOLDER

if TYPE_CHECKING:
    from dure.services.waste.driving.route_source import TruckToday
    from dure.services.waste.driving.shift import Shift, ShiftStop
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/field/waste"
DoesFieldWork = Depends(require("act", "field_work"))
LEVEL_NAMES: dict[float, Text] = {
    0.0: Text("비어 있음", "Empty"),
    0.25: Text("1/4", "1/4"),
    0.5: Text("절반", "Half"),
    0.75: Text("3/4", "3/4"),
    1.0: Text("가득", "Full"),
    1.1: Text("넘침", "Over full"),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the driver."""
    router = APIRouter()
    router.add_api_route(f"{HERE}/worker.js", worker, methods=["GET"])
    sees = [DoesFieldWork]
    router.add_api_route(HERE, trucks, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{truck}}", drive, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{truck}}/tap", tap, methods=["POST"])
    router.add_api_route(f"{HERE}/{{truck}}/route", whole, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{truck}}/route.json", map_data, methods=["GET"], dependencies=sees)
    return router


async def worker(request: Request) -> Response:  # noqa: ARG001  # the file is the same for everybody
    """The worker that keeps the driver's pages; it must stand beside them, or the browser gives it no power over them."""
    return FileResponse(FOLDER / "field-worker.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"})


async def trucks(request: Request) -> Response:
    """Choose whose route."""
    house = house_of(request)

    def read() -> list[TruckToday]:
        with house.records.read() as connection:
            return route_source.trucks_today(connection, house.clock.now(), house.city.zone)

    return await layout_of(request).page(request, "waste/field_trucks.html", found=await run_in_threadpool(read))


async def drive(request: Request, truck: str) -> Response:
    """One bin at a time."""
    house = house_of(request)
    shift = await run_in_threadpool(_shift, house, truck)
    say = layout_of(request).speech(request)
    here = f"/{language_of(request)}{HERE}"
    return await layout_of(request).page(
        request,
        "waste/field_drive.html",
        shift=shift,
        rows=_rows(shift, say),
        levels=[(one, LEVEL_NAMES[one]) for one in LEVELS],
        tap_id=uuid4().hex,
        since=format_instant(day_interval(shift.day, house.city.zone).start),
        keep=msgspec.json.encode(_kept_pages(here, truck)).decode(),
        worker=f"{here}/worker.js",
        words_for_script=_words(say),
        told=request.query_params.get("told", ""),
        sightings=words.SIGHTINGS,
        visits=words.VISITS,
    )


async def tap(request: Request, truck: str, actor: Actor = DoesFieldWork) -> Response:
    """A tap of a page without script."""
    house, fields = house_of(request), await own_form(request)
    level = fields.get("level", "")
    sent = Tap(
        id=fields.get("id", ""),
        bin=fields.get("bin", ""),
        kind=fields.get("kind", "emptied"),
        level=float(level) if level.replace(".", "", 1).isdigit() else None,
        seen_at=format_instant(house.clock.now()),
        truck=truck,
        plan=fields.get("plan", ""),
        wet=fields.get("wet") == "1",
    )
    (told,) = await run_in_threadpool(tap_desk.take, house.records, [sent], By(actor.id, house.clock.now()))
    return RedirectResponse(f"/{language_of(request)}{HERE}/{truck}?told={told.code or told.state}", 303)


async def whole(request: Request, truck: str) -> Response:
    """The whole route: list, map, sheet for printing, files."""
    shift = await run_in_threadpool(_shift, house_of(request), truck)
    return await layout_of(request).page(
        request,
        "waste/field_route.html",
        crumbs=[(f"{HERE}/{truck}", layout_of(request).speech(request).text(shift.truck_name))],
        shift=shift,
        visits=words.VISITS,
        stream_name=words.stream,
        sightings=words.SIGHTINGS,
    )


async def map_data(request: Request, truck: str) -> Response:
    """The route for its map."""
    shift = await run_in_threadpool(_shift, house_of(request), truck)
    found = route_files.geojson(shift, language_of(request))
    for one in found["features"]:
        if one["geometry"]["type"] == "Point":
            number = one["properties"]["number"]
            one["properties"] |= {"status": _MAP_STATUS[one["properties"]["state"]], "value": number, "href": "#" + one["id"]}
        else:
            one["id"] = "way"
    return Response(msgspec.json.encode(found), media_type="application/geo+json")


_MAP_STATUS = {"waiting": "silent", "emptied": "live", "blocked": "suspect", "broken": "failing"}


def _shift(house: House, truck: str) -> Shift:
    with house.records.read() as connection:
        return route_source.shift_today(connection, truck, house.clock.now(), house.city.zone)


def _kept_pages(here: str, truck: str) -> list[str]:
    """What the phone keeps beside the page itself."""
    return [here, f"{here}/{truck}", f"{here}/{truck}/route", f"{here}/{truck}/route.json", "/api/v1/zones"]


def _rows(shift: Shift, say: Speech) -> list[tuple[ShiftStop, dict[str, str]]]:
    """Each line of the route with what the page says of it; a bin also says what comes on the way to it."""
    rows, before = [], ""
    for one in shift.stops:
        told = ""
        if one.expected is not None:
            told = say("예상 {n}%", n=say.number(one.expected * 100))
        facts = {"due": say.clock(one.due_at), "told": told, "before": before if one.kind == "stop" else ""}
        rows.append((one, facts))
        if one.kind in ("dump", "break"):
            name = say.text(one.name) if one.kind == "dump" else ""
            step = say("{what} {name}, {when}", what=say.text(words.VISITS[one.kind]), name=name, when=say.clock(one.due_at))
            before = f"{before} → {step}" if before else say("먼저") + ": " + step
        elif one.kind == "stop":
            before = ""
    return rows


def _words(say: Speech) -> dict[str, Any]:
    return {
        "on": say("연결됨. 모두 보냈습니다"),
        "waiting": say("{n}건을 보내는 중입니다", n="{n}"),
        "offline": say("통신 없음. 그대로 일하세요"),
        "offline_n": say("통신 없음. {n}건을 휴대전화에 보관했습니다", n="{n}"),
        "later": say("서버가 바쁩니다. 보관했다가 다시 보냅니다"),
        "sign_in": say("다시 로그인하면 보관한 기록을 보냅니다"),
        "no_photo": say("사진을 읽지 못했습니다. 다시 찍어 주세요"),
        "photo": say("사진"),
        "photo_taken": say("사진 1장"),
        "emptied": say.text(words.SIGHTINGS["emptied"]),
        "blocked": say.text(words.SIGHTINGS["blocked"]),
        "broken": say.text(words.SIGHTINGS["broken"]),
        "over": say.text(LEVEL_NAMES[1.1]),
    }
