"""Public look-up: map, search, a building in plain words, open data. Nobody needs to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.spans import months_between, shifted
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.pages import energy_words
from dure.services.buildings.pages.fuel_charts import energy_months, energy_years
from dure.services.buildings.pages.measure_view import MEASURE_STATES, VERDICTS
from dure.services.buildings.pages.peer_chart import peer_line
from dure.services.buildings.pages.uses import use_names, use_words
from dure.services.buildings.publishing.doing import doing
from dure.services.buildings.publishing.lookup import Entry, Published
from dure.services.buildings.publishing.month_cells import month_cells
from dure.services.buildings.publishing.search import SORTS, Question, find
from dure.services.buildings.publishing.shelf import shelf_of
from dure.web.layout import house_of, language_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.emissions.table import Factor
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/buildings"
PAGE_ROWS = 30
SORT_NAMES: dict[str, Text] = {
    "name": Text("이름 순서", "Name"),
    "eui": Text("면적당 많이 쓰는 순서", "Most per m²"),
    "eui_low": Text("면적당 적게 쓰는 순서", "Least per m²"),
    "energy": Text("많이 쓰는 순서", "Most energy"),
    "carbon": Text("탄소가 많은 순서", "Most carbon"),
    "saved": Text("한 해 전보다 많이 줄인 순서", "Saved most since the year before"),
}
# The map's own shapes by grade: a grade is never told by colour alone.
MAP_STATUS = {"A": "live", "B": "live", "C": "quarantined", "D": "suspect", "E": "failing", "": "retired"}
LEGEND: tuple[tuple[str, Text, str, str], ...] = (
    ("live", Text("A·B 등급", "Grade A or B"), "success", "circle"),
    ("quarantined", Text("C 등급", "Grade C"), "information", "diamond"),
    ("suspect", Text("D 등급", "Grade D"), "warning", "triangle"),
    ("failing", Text("E 등급", "Grade E"), "danger", "cross"),
    ("retired", Text("등급 없음", "No grade"), "gray", "dash"),
)


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes for everybody."""
    router = APIRouter()
    router.add_api_route(HERE, look_up, methods=["GET"])
    router.add_api_route(f"{HERE}/map.json", map_data, methods=["GET"])
    router.add_api_route(f"{HERE}/data", open_data, methods=["GET"])
    router.add_api_route(f"{HERE}/stations/{{building_id}}", elsewhere, methods=["GET"])
    router.add_api_route(f"{HERE}/{{building_id}}", one, methods=["GET"])
    return router


def asked(request: Request, language: str) -> Question:
    """What somebody looks for, from the address; what is too long is cut."""
    given = request.query_params
    sort = given.get("sort", "name")
    return Question(
        words=given.get("words", "").strip()[:80],
        zone=given.get("zone", "")[:64],
        use=given.get("use", "")[:64],
        sort=sort if sort in SORTS else "name",
        language=language,
    )


async def look_up(request: Request) -> Response:
    """Find buildings: by words, area and use; the map says the same."""
    house, say = house_of(request), layout_of(request).speech(request)
    told = await shelf_of(request.app.state, house).published()
    question = asked(request, say.language)
    after = request.query_params.get("after", "")
    place = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0
    found = find(list(told.entries.values()), question, after=place, limit=PAGE_ROWS)
    query = urlencode(_filters(question))
    return await layout_of(request).page(
        request,
        "buildings/public_find.html",
        told=told,
        found=found,
        question=question,
        zones=_zones(told.entries.values(), say),
        uses=_uses(told.entries.values(), house, say),
        sorts=SORT_NAMES,
        legend=LEGEND,
        use_name=use_words(house),
        words_of=energy_words,
        map_url=f"/{say.language}{HERE}/map.json?{query}",
        filters=query,
        newest_total=told.totals[told.years[0]] if told.years else None,
        page_rows=PAGE_ROWS,
    )


def _filters(question: Question) -> dict[str, str]:
    told = {"words": question.words, "zone": question.zone, "use": question.use}
    return {name: value for name, value in told.items() if value}


def _zones(entries: Any, say: Speech) -> list[tuple[str, str]]:
    found = {one.zone: say.text(one.zone_name) for one in entries if one.zone}
    return sorted(found.items(), key=lambda pair: say.sort_key(pair[1]))


def _uses(entries: Any, house: House, say: Speech) -> list[tuple[str, str]]:
    names = use_names(house)
    found = {one.building.use for one in entries}
    return sorted(((use, say.text(names.get(use, Text(use, use)))) for use in found), key=lambda pair: say.sort_key(pair[1]))


async def map_data(request: Request) -> Response:
    """What the map shows, as GeoJSON: the buildings of the same question."""
    house, say = house_of(request), layout_of(request).speech(request)
    told = await shelf_of(request.app.state, house).published()
    entries = find(list(told.entries.values()), asked(request, say.language), limit=len(told.entries) or 1).items
    prefix = f"/{say.language}"
    return JSONResponse({"type": "FeatureCollection", "features": [_feature(one, say, prefix) for one in entries]})


def _feature(one: Entry, say: Speech, prefix: str) -> dict[str, Any]:
    building = one.building
    value = None if one.eui_kwh_m2 is None else round(one.eui_kwh_m2, 1)
    facts = {"id": building.id, "name": say.text(building.name), "status": MAP_STATUS[one.grade], "value": value}
    return {
        "type": "Feature",
        "id": building.id,
        "geometry": {"type": "Point", "coordinates": [building.lon, building.lat]},
        "properties": facts | {"href": f"{prefix}{HERE}/{building.id}"},
    }


async def elsewhere(request: Request, building_id: str) -> Response:
    """Where lists of all assets lead to."""
    return RedirectResponse(f"/{language_of(request)}{HERE}/{building_id}", 308)


async def one(request: Request, building_id: str) -> Response:
    """One building; one that is kept back is told of without any figure of its own."""
    house, say = house_of(request), layout_of(request).speech(request)
    told = await shelf_of(request.app.state, house).published()
    crumbs = [(HERE, say("공공건물 에너지"))]
    if building_id in told.kept_back:
        return await layout_of(request).page(request, "buildings/public_small.html", crumbs=crumbs, told=told)
    entry = told.entries.get(building_id)
    if entry is None:
        raise NotFound("buildings.unknown", f"The building {building_id[:80]!r} is not registered.")

    def read() -> Any:
        with house.records.read() as connection:
            return doing(connection, building_id, told.day)

    return await layout_of(request).page(
        request,
        "buildings/public_building.html",
        crumbs=crumbs,
        told=told,
        entry=entry,
        view=view_of(entry, told, house, say),
        doing=await run_in_threadpool(read),
        states=MEASURE_STATES,
        verdicts=VERDICTS,
        levels=energy_words.LEVELS,
        words_of=energy_words,
        supplies=SUPPLIES,
        peer_line=peer_line,
    )


class View(NamedTuple):
    """What the page of a building shows beside its entry."""

    use: str
    sentence: str
    change: str
    eui: Eui | None
    place: Place | None
    legal: Legal | None
    grade: Grade | None
    months: Any
    years: Any
    factors: Sequence[Factor]


def view_of(entry: Entry, told: Published, house: House, say: Speech) -> View:
    """Charts and sentences of a building."""
    standing, names = entry.standing, use_names(house)
    use = say.text(names.get(entry.building.use, Text(entry.building.use, entry.building.use)))
    place = standing.place if isinstance(standing.place, Place) else None
    last = max(entry.newest.span.last, shifted(told.day.isoformat()[:7], -1))
    shown = months_between(entry.newest.span.first, last)
    years = [one for one in entry.years if one.months_n]
    return View(
        use=use,
        sentence=energy_words.place_words(place, use, say) if place else "",
        change=energy_words.change_words(entry.change, told.rules.change_min, say),
        eui=standing.eui if isinstance(standing.eui, Eui) and standing.eui.comparable else None,
        place=place,
        legal=standing.legal if isinstance(standing.legal, Legal) else None,
        grade=standing.grade if isinstance(standing.grade, Grade) else None,
        months=energy_months(month_cells(entry.rows, shown), say, id_="months", title=say("달마다 쓴 에너지")),
        years=energy_years([*years, entry.newest], say, id_="years", title=say("해마다 쓴 에너지")),
        factors=factor_rows(house, told, entry.newest.factors),
    )


def factor_rows(house: House, told: Published, ids: Sequence[str]) -> list[Factor]:
    """The factor rows of these ids."""
    wanted = set(ids)
    return [row for row in carbon_book(house.city.folder, told.day, told.programme).table.rows if row.id in wanted]


async def open_data(request: Request) -> Response:
    """Open data: what there is, its columns, its licence, and what is not in it."""
    house, say = house_of(request), layout_of(request).speech(request)
    told = await shelf_of(request.app.state, house).published()
    return await layout_of(request).page(
        request,
        "buildings/public_data.html",
        crumbs=[(HERE, say("공공건물 에너지"))],
        told=told,
        years=sorted({*told.years, str(told.day.year)}, reverse=True),
        use_name=use_words(house),
        zone_names={one.id: one.name for one in house.city.zones},
        words_of=energy_words,
    )
