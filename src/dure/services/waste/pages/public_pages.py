"""For everybody: is my bin full, when will it be emptied, report it, and what became of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from dure.core.errors import InputError, NotFound, RateLimited
from dure.core.geo import distance_m
from dure.core.text import Text
from dure.core.time import day_of
from dure.services.waste import words
from dure.services.waste.pages.bin_rows import BinRow, bin_rows
from dure.services.waste.pages.forms import form_with_photo
from dure.services.waste.pages.naming import Names, names_of
from dure.services.waste.reporting import report_desk, report_records
from dure.services.waste.reporting.answers import ANSWERS, citizen_rules
from dure.services.waste.reporting.report_desk import Said
from dure.services.waste.reporting.reports import KINDS, STATES, WORDS_MAX, Report, number_of, spoken
from dure.web.access import actor_of
from dure.web.errors import headers_of
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import Attempts

if TYPE_CHECKING:
    from dure.core.assets import Asset
    from dure.spine.house import House

HERE = "/waste"
HOUR_S = 3_600.0
NEAR_N = 5
# The map's own shapes: an answer is never told by colour alone.
MAP_STATUS = {
    "room": "live",
    "nearly": "suspect",
    "full": "failing",
    "over": "failing",
    "burning": "failing",
    "unknown": "retired",
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes for everybody."""
    router = APIRouter()
    counter = _Counter()
    router.add_api_route(HERE, find, methods=["GET"])
    router.add_api_route(f"{HERE}/map.json", map_data, methods=["GET"])
    router.add_api_route(f"{HERE}/bins/{{bin_id}}", one, methods=["GET"])
    router.add_api_route(f"{HERE}/stations/{{bin_id}}", elsewhere, methods=["GET"])
    router.add_api_route(f"{HERE}/report", counter.report, methods=["POST"])
    router.add_api_route(f"{HERE}/reports", look_up, methods=["GET"])
    return router


async def find(request: Request) -> Response:
    """Find a bin: by area and by words; the map says the same."""
    house, asked = house_of(request), request.query_params
    zone, words_ = asked.get("zone", "")[:64], asked.get("words", "").strip()[:80]
    rows = await public_rows(request)
    say = layout_of(request).speech(request)
    fitting = [each for each in rows if _fits(each, zone, words_.casefold())]
    return await layout_of(request).page(
        request,
        "waste/find.html",
        rows=sorted(fitting, key=lambda each: say.sort_key(say.text(each.asset.name))),
        total=len(rows),
        zones=sorted(house.city.zones, key=lambda each: say.sort_key(say.text(each.name))),
        zone=zone,
        words_asked=words_,
        stream_name=words.stream,
        map_words={MAP_STATUS[word]: say.text(ANSWERS[word].name) for word in ("unknown", "room", "nearly", "full")},
    )


async def map_data(request: Request) -> Response:
    """What the map shows, as GeoJSON."""
    say = layout_of(request).speech(request)
    features = [_feature(each, say.text(each.asset.name), f"/{say.language}") for each in await public_rows(request)]
    return JSONResponse({"type": "FeatureCollection", "features": [each for each in features if each]})


def _feature(row: BinRow, name: str, prefix: str) -> dict[str, Any] | None:
    if row.asset.place is None:
        return None
    point = row.asset.place.point
    facts = {"id": row.asset.id, "name": name, "status": MAP_STATUS[row.answer.word], "value": None}
    facts["href"] = f"{prefix}{HERE}/bins/{row.asset.id}"
    return {
        "type": "Feature",
        "id": row.asset.id,
        "geometry": {"type": "Point", "coordinates": [point.lon, point.lat]},
        "properties": facts,
    }


async def one(request: Request, bin_id: str) -> Response:
    """One bin, and the form to report it."""
    return await _page(request, bin_id)


async def elsewhere(request: Request, bin_id: str) -> Response:
    """Where lists of all assets lead to."""
    return RedirectResponse(f"/{language_of(request)}{HERE}/bins/{bin_id}", 308)


async def _page(request: Request, bin_id: str, told: dict[str, Any] | None = None, status: int = 200) -> Response:
    house, now = house_of(request), house_of(request).clock.now()
    rows = {each.asset.id: each for each in await public_rows(request)}
    row = rows.get(bin_id)
    if row is None:
        raise NotFound("asset.unknown", f"The bin {bin_id[:80]!r} is not registered, or not public.")
    told = told or {}
    return await layout_of(request).page(
        request,
        "waste/bin_public.html",
        status=status,
        crumbs=[(HERE, layout_of(request).speech(request)("쓰레기통 찾기"))],
        row=row,
        near=_near(row, rows.values()),
        stream_name=words.stream,
        kinds=KINDS,
        words_max=WORDS_MAX,
        fields=told.get("fields", {}),
        trouble=told.get("trouble", ""),
        today=day_of(now, house.city.zone),
    )


class _Counter:
    """Takes reports; so many an hour from one address."""

    def __init__(self) -> None:
        self._attempts: Attempts | None = None

    def take(self, request: Request, house: House) -> None:
        """Count one from this address, or refuse it."""
        now = house.clock.now()
        if self._attempts is None:
            rules = citizen_rules(day_of(now, house.city.zone), house.city.folder)
            self._attempts = Attempts(rules.reports_per_h, HOUR_S, code="report.too_often")
        self._attempts.take(request.client.host if request.client else "", now)

    async def report(self, request: Request) -> Response:
        """Keep a report; its number is on the page it leads to."""
        house, say = house_of(request), layout_of(request).speech(request)
        fields, kept, error = await form_with_photo(request, house)
        bin_id = fields.get("bin", "")[:64]
        if error is not None:
            why = say("사진을 읽지 못했습니다. JPEG, PNG, WebP로 6 MB까지 올릴 수 있습니다.")
            return await _page(request, bin_id, {"fields": fields, "trouble": why}, 422)
        try:
            self.take(request, house)
            said = Said(bin=bin_id, kind=fields.get("kind", ""), words=fields.get("words", ""), photo=kept)
            report = await run_in_threadpool(report_desk.receive, house.records, said, house.clock.now())
        except (InputError, RateLimited) as refused:
            why = say.text(_WHY[refused.code]) if refused.code in _WHY else refused.message
            answer = await _page(request, bin_id, {"fields": fields, "trouble": why}, 429 if refused.retry else 422)
            answer.headers.update(headers_of(refused))
            return answer
        return RedirectResponse(f"/{say.language}{HERE}/reports?number={spoken(report.id)}&told=new", 303)


async def look_up(request: Request) -> Response:
    """What became of a report."""
    house, given = house_of(request), request.query_params.get("number", "").strip()[:40]
    found, names, missing = None, None, False
    if given:
        try:
            found, names = await run_in_threadpool(_report, house, given)
        except NotFound:
            missing = True
    return await layout_of(request).page(
        request,
        "waste/reports_public.html",
        status=404 if missing else 200,
        given=given,
        report=found,
        names=names,
        missing=missing,
        number=spoken(found.id) if found else "",
        kinds=KINDS,
        states=STATES,
        told=request.query_params.get("told", ""),
    )


def _report(house: House, given: str) -> tuple[Report, Names]:
    with house.records.read() as connection:
        report = report_records.get(connection, number_of(given))
        return report, names_of(connection, [report.bin])


async def public_rows(request: Request) -> list[BinRow]:
    """The bins everybody sees."""
    house, now = house_of(request), house_of(request).clock.now()
    await actor_of(request)
    bins = [each for each in (await visible(request)).values() if each.kind == "bin" and each.state == "live"]

    def read() -> list[BinRow]:
        with house.records.read() as connection:
            return bin_rows(house, connection, bins, now)

    return await run_in_threadpool(read)


def _near(row: BinRow, rows: Any) -> list[tuple[BinRow, float]]:
    """The nearest bins with room for the same waste, and how far they are [m]."""
    if row.asset.place is None:
        return []
    here = row.asset.place.point
    found = [
        (each, distance_m(here, each.asset.place.point))
        for each in rows
        if each.asset.id != row.asset.id
        and each.asset.place
        and each.stream == row.stream
        and each.answer.word in ("room", "nearly")
    ]
    return sorted(found, key=lambda pair: pair[1])[:NEAR_N]


def _fits(row: BinRow, zone: str, words_: str) -> bool:
    asset: Asset = row.asset
    spoken_ = f"{asset.name.ko} {asset.name.en} {row.address} {asset.id}".casefold()
    return (not zone or asset.attributes.get("zone") == zone) and (not words_ or words_ in spoken_)


_WHY: dict[str, Text] = {
    "report.kind": Text("무엇을 알리는지 고르세요.", "Choose what you report."),
    "report.words": Text("설명이 너무 길어요.", "The words are too long."),
    "report.too_often": Text("신고가 너무 잦습니다. 잠시 뒤에 다시 하세요.", "Too many reports within an hour. Try later."),
}
