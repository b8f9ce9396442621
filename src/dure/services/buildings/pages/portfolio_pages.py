"""The portfolio and a building, for energy managers, officers and caretakers: first what needs somebody, then how it stands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import to_us
from dure.services.buildings.baselines.bridge_desk import bridge_between
from dure.services.buildings.baselines.bridging import Bridged
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.finding.findings import NAMES as FINDINGS
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.pages import energy_words, needs
from dure.services.buildings.pages.fuel_charts import energy_months, profile_chart
from dure.services.buildings.pages.measure_view import MEASURE_STATES, VERDICTS
from dure.services.buildings.pages.public_pages import LEGEND, MAP_STATUS
from dure.services.buildings.pages.uses import use_names, use_words
from dure.services.buildings.publishing.doing import doing
from dure.services.buildings.publishing.figures import figures
from dure.services.buildings.publishing.load_shape import Shape, shape
from dure.services.buildings.publishing.month_cells import month_cells
from dure.services.buildings.publishing.shelf import Shelved, shelf_of
from dure.services.buildings.publishing.spans import Span
from dure.web.access import require
from dure.web.bar_charts import HeatMap
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.buildings.comparing.standings import Standing
    from dure.services.buildings.model import Building, Meter
    from dure.services.buildings.publishing.staff_view import Row
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/buildings"
SITES = f"{HERE}/sites"
EFFECTS: dict[str, Text] = {
    "activity_g": Text("쓰임이 달라져서", "Use"),
    "weather_g": Text("날씨가 달라져서", "Weather"),
    "factor_g": Text("배출계수가 달라져서", "Factors"),
    "area_g": Text("면적이 달라져서", "Floor area"),
}
NEEDS_SHOWN, RANKS_SHOWN = 6, 12
WEEK_US = 7 * 24 * 3_600_000_000


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the portfolio."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, overview, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/map.json", map_data, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{SITES}/{{building_id}}", one, methods=["GET"], dependencies=sees)
    return router


async def overview(request: Request) -> Response:
    """The whole portfolio."""
    house, say = house_of(request), layout_of(request).speech(request)
    shelved = await shelf_of(request.app.state, house).settled()
    rules, this_month = shelved.published.rules, shelved.published.day.isoformat()[:7]
    staff = shelved.staff

    def read() -> list[needs.Ticket]:
        with house.records.read() as connection:
            return needs.tickets(connection)

    tickets = await run_in_threadpool(read)
    silent = needs.silent(shelved.sites, house.live.all(), house.clock.now(), rules)
    late = needs.late(shelved.rows, this_month, rules)
    return await layout_of(request).page(
        request,
        "buildings/portfolio.html",
        shelved=shelved,
        staff=staff,
        chart_of_months=energy_months(staff.cells, say, id_="months", title=say("달마다 쓴 에너지")),
        ranks_shown=RANKS_SHOWN,
        thin=sorted((row for row in staff.rows if not row.newest.whole), key=lambda row: row.newest.complete_n)[:RANKS_SHOWN],
        tickets=tickets,
        findings=FINDINGS,
        late=late,
        silent=silent,
        needs_shown=NEEDS_SHOWN,
        supplies=SUPPLIES,
        use_name=use_words(house),
        words_of=energy_words,
        legend=LEGEND,
        sites_url=SITES,
    )


async def map_data(request: Request) -> Response:
    """All buildings with their grades, as GeoJSON."""
    house, say = house_of(request), layout_of(request).speech(request)
    rows = (await shelf_of(request.app.state, house).settled()).staff.rows
    return JSONResponse({"type": "FeatureCollection", "features": [_feature(row, say) for row in rows]})


def _feature(row: Row, say: Speech) -> dict[str, Any]:
    building = row.building
    value = None if row.eui is None else round(row.eui.kwh_m2, 1)
    facts = {"id": building.id, "name": say.text(building.name), "status": MAP_STATUS[row.grade], "value": value}
    return {
        "type": "Feature",
        "id": building.id,
        "geometry": {"type": "Point", "coordinates": [building.lon, building.lat]},
        "properties": facts | {"href": f"/{say.language}{SITES}/{building.id}"},
    }


async def one(request: Request, building_id: str) -> Response:
    """A building for who looks after it."""
    house, say = house_of(request), layout_of(request).speech(request)
    shelved = await shelf_of(request.app.state, house).settled()
    row = shelved.staff.row(building_id)
    if row is None:
        raise NotFound("buildings.unknown", f"The building {building_id[:80]!r} is not registered.")
    meters = shelved.sites.meters_of(building_id)
    told = await run_in_threadpool(_told, house, row, needs.main_electricity(meters), shelved)
    listed = shelved.rows.get(building_id, [])
    months = months_between(shelved.staff.span.first, shelved.published.day.isoformat()[:7])
    standing = row.standing
    return await layout_of(request).page(
        request,
        "buildings/portfolio_site.html",
        crumbs=[(HERE, say("공공건물 현황"))],
        row=row,
        shelved=shelved,
        use=say.text(use_words(house)(row.building.use)),
        place=standing.place if isinstance(standing.place, Place) else None,
        place_sentence=_place(standing, house, row.building, say),
        grade=standing.grade if isinstance(standing.grade, Grade) else None,
        ranked_n=len(shelved.staff.comparison.ranked),
        chart_of_months=energy_months(month_cells(listed, months), say, id_="months", title=say("달마다 쓴 에너지")),
        month_rows=[figures(listed, Span(month, month), 0.0) for month in reversed(months)],
        shape=told.shape and _charts(told.shape, say),
        shape_meter=needs.main_electricity(meters),
        meters=meters,
        newest_us=_newest(house, meters),
        tickets=told.tickets,
        doing=told.doing,
        bridge=told.bridge,
        effects=EFFECTS,
        unmodelled={each.subject for each in told.bridge.told if each.code == "bridge.no_model"} if told.bridge else set(),
        states=MEASURE_STATES,
        verdicts=VERDICTS,
        findings=FINDINGS,
        supplies=SUPPLIES,
        words_of=energy_words,
        public=building_id not in shelved.published.kept_back,
    )


class Told(NamedTuple):
    """What the engines say of one building."""

    tickets: Sequence[needs.Ticket]
    doing: Any
    shape: Shape | None
    bridge: Bridged | None


def _told(house: House, row: Row, meter: Meter | None, shelved: Shelved) -> Told:
    """Read the engines. Blocks."""
    found, building, span = None, row.building.id, shelved.staff.span
    if meter is not None:
        end_us = to_us(house.clock.now())
        span_us = (end_us - shelved.published.rules.profile_weeks * WEEK_US, end_us)
        intervals = interval_books.read(house.telemetry, meter.id, meter.supply.use, span_us)
        found = shape(intervals, house.city.zone) if len(intervals) else None
    with house.records.read() as connection:
        changed = None
        if row.change is not None:
            periods = ((span.before.first, span.before.last), (span.first, span.last))
            changed = bridge_between(house, connection, periods, building=building)
        return Told(
            tickets=needs.tickets(connection, building),
            doing=doing(connection, building, shelved.published.day),
            shape=found,
            bridge=changed if isinstance(changed, Bridged) and building in changed.buildings else None,
        )


def _place(standing: Standing, house: House, building: Building, say: Speech) -> str:
    if not isinstance(standing.place, Place):
        return ""
    return energy_words.place_words(standing.place, say.text(use_names(house)[building.use]), say)


def _charts(found: Shape, say: Speech) -> tuple[Any, Any]:
    """The heat map and the load profile, in kW."""
    names = say.locale.days["stand-alone"]["abbreviated"]
    days = [str(names[number]) for number in range(7)]  # Monday first
    hours = [str(hour) for hour in range(24)]
    values = [_known_kw(row) for row in found.week.tolist()]
    heat = HeatMap(id="week", title=say("한 주의 모양"), unit="kW", rows=days, columns=hours, values=values, decimals=1)
    lines = {say("월~금"): _known_kw(found.working.tolist()), say("토·일"): _known_kw(found.weekend.tolist())}
    return heat, profile_chart(lines, say, id_="day", title=say("하루의 모양"), unit="kW")


def _known_kw(values: Sequence[float]) -> list[float | None]:
    return [None if math.isnan(value) else value / 1_000 for value in values]


def _newest(house: House, meters: Sequence[Meter]) -> dict[str, int]:
    """When each meter last sent a value [us]."""
    wanted = {one.id for one in meters}
    found: dict[str, int] = {}
    for value in house.live.all():
        if value.asset in wanted:
            found[value.asset] = max(found.get(value.asset, 0), value.time_us)
    return found
