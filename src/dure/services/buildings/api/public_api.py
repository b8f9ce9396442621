"""The public look-up and open data by REST: what the pages say, for programs. Nobody needs to sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.buildings.publishing.open_data import (
    MONTH_COLUMNS,
    YEAR_COLUMNS,
    csv_text,
    geojson,
    month_row,
    month_rows,
    year_rows,
)
from dure.services.buildings.publishing.search import Question, find
from dure.services.buildings.publishing.shelf import shelf_of
from dure.web.access import house_of
from dure.web.api.answers import GEOJSON, answer, kept, next_link, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute, text
from dure.web.api.register import GEOJSON_SCHEMA

if TYPE_CHECKING:
    from dure.services.buildings.publishing.anonymity import Total
    from dure.services.buildings.publishing.figures import Figures
    from dure.services.buildings.publishing.lookup import Entry, Published
    from dure.spine.house import House

YEAR = r"^(19|20)\d{2}$"
BuildingId = Annotated[str, Path(max_length=64, description="Asset id of a building.")]
Sort = Literal["name", "eui", "eui_low", "carbon", "energy", "saved"]


class FindQuery(BaseModel):
    """Which buildings, in which order."""

    words: str | None = Field(None, max_length=80, description="Words of a name, area or body; Korean first consonants too.")
    zone: str | None = Field(None, max_length=64, description="Only of this zone.")
    use: str | None = Field(None, max_length=64, description="Only of this use.")
    sort: Sort = Field("name", description="`eui` puts the highest use per m2 first, `eui_low` the lowest.")
    language: Literal["ko", "en"] = Field("ko", description="Whose order of names.")
    limit: int = Field(100, ge=1, le=1_000, description="Most rows on one page.")
    after: str | None = Field(None, pattern=r"^\d{1,8}$", description="The position that `next` of the page before named.")


class YearQuery(BaseModel):
    """Which calendar year."""

    year: str = Field(pattern=YEAR, description="Calendar year of the city.", examples=["2025"])


class GrainQuery(YearQuery):
    """Which calendar year, by year or by month and fuel."""

    grain: Literal["year", "month"] = Field("year", description="A row for a building's year, or for its month and fuel.")


class CsvQuery(GrainQuery):
    """Which rows, and for which program."""

    bom: bool = Field(default=False, description="Begin with a byte order mark, for spreadsheet programs that need one.")


class SpanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A span of months in figures. `energy_kwh` is final energy; `co2e_t` null when a factor is missing."""

    first: str
    last: str
    months_known: int
    whole: bool
    energy_kwh: float
    co2e_t: float | None
    provisional: bool
    measured: float
    estimated: float
    substituted: float
    filled: float


class BuildingForm(msgspec.Struct, frozen=True, kw_only=True):
    """A building that is shown by itself. `change` is of energy against the twelve months before [1]."""

    id: str
    name: Text
    use: str
    zone: str
    lon: float
    lat: float
    area_m2: float | None
    newest: SpanForm
    eui_kwh_m2: float | None
    change: float | None
    grade: str | None
    programme: str
    factors_as_of: str


class WholeForm(BuildingForm, frozen=True, kw_only=True):
    """A building with its calendar years, and every month and fuel."""

    years: list[SpanForm]
    months: list[dict[str, Any]]


class GroupForm(msgspec.Struct, frozen=True, kw_only=True):
    """Several small buildings together. What must not be told apart is null; `use` or `zone` empty: of several."""

    use: str
    zone: str
    buildings_n: int
    energy_kwh: float
    by_fuel_kwh: dict[str, float]
    co2e_t: float | None
    area_m2: float | None
    provisional: bool


class TotalForm(msgspec.Struct, frozen=True, kw_only=True):
    """All that is published of a year, added up."""

    shown_n: int
    grouped_n: int
    energy_kwh: float
    co2e_t: float | None


class GroupsForm(msgspec.Struct, frozen=True, kw_only=True):
    """Groups of small buildings in a year; `kept_back_n` are not shown by themselves, `unspoken_n` of them are in no sum."""

    year: str
    kept_back_n: int
    unspoken_n: int
    groups: list[GroupForm]
    total: TotalForm | None


class PublicRoutes:
    """The routes of the look-up."""

    async def listing(self, request: Request, asked: Annotated[FindQuery, Query()], _: SeesPublicData) -> Response:
        """Buildings that are shown by themselves; words, zone and use narrow the list."""
        shown = await _published(request)
        question = Question(text(asked.words, "words"), asked.zone or "", asked.use or "", asked.sort, asked.language)
        found = find(list(shown.entries.values()), question, after=int(asked.after or 0), limit=asked.limit)
        after = found.following or None
        body = {"items": [_building(one, shown) for one in found.items], "total": found.total, "next": after}
        return answer(body, headers=next_link(request, after))

    async def one(self, request: Request, building: BuildingId, _: SeesPublicData) -> Response:
        """One building with its years and months."""
        shown = await _published(request)
        if building in shown.kept_back:
            raise NotFound("buildings.kept_back", f"{building} is small or used by few: it is only in sums of groups.")
        found = shown.entries.get(building)
        if found is None:
            raise NotFound("buildings.unknown", f"The building {building[:80]!r} is not registered.")
        base = msgspec.structs.asdict(_building(found, shown))
        years = [_span(one) for one in found.years if one.months_n]
        return kept(request, WholeForm(**base, years=years, months=[dict(month_row(row, shown)) for row in found.rows]))

    async def groups(self, request: Request, asked: Annotated[YearQuery, Query()], _: SeesPublicData) -> Response:
        """Sums of small buildings, and the total of the city."""
        shown = await _published(request)
        groups = [
            GroupForm(
                use=one.block.use,
                zone=one.block.zone,
                buildings_n=one.n,
                energy_kwh=one.energy_wh / 1_000,
                by_fuel_kwh={fuel: wh / 1_000 for fuel, wh in one.by_fuel.items()},
                co2e_t=_tonnes(one.co2e_g),
                area_m2=one.area_m2,
                provisional=one.provisional,
            )
            for one in shown.groups.get(asked.year, ())
            if one.energy_wh is not None
        ]
        unspoken, total = len(shown.parted.unspoken), _total(shown.totals.get(asked.year))
        body = GroupsForm(
            year=asked.year, kept_back_n=len(shown.kept_back), unspoken_n=unspoken, groups=groups, total=total
        )  # fmt: skip
        return kept(request, body)

    async def csv(self, request: Request, asked: Annotated[CsvQuery, Query()], _: SeesPublicData) -> Response:
        """A year as CSV."""
        shown = await _published(request)
        body = ("\ufeff" if asked.bom else "") + await run_in_threadpool(_csv, shown, asked.year, asked.grain)
        name = f"public-buildings-{asked.year}-{asked.grain}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body.encode(), media_type="text/csv; charset=utf-8", headers=headers)

    async def json(self, request: Request, asked: Annotated[GrainQuery, Query()], _: SeesPublicData) -> Response:
        """A year as JSON, with its licence."""
        shown = await _published(request)
        rows = await run_in_threadpool(month_rows if asked.grain == "month" else year_rows, shown, asked.year)
        licence = {"name": shown.rules.licence.name, "url": shown.rules.licence.url}
        return kept(request, {"year": asked.year, "grain": asked.grain, "licence": licence, "rows": rows})

    async def geojson(self, request: Request, asked: Annotated[YearQuery, Query()], _: SeesPublicData) -> Response:
        """A year as GeoJSON, one feature for each building."""
        return kept(request, await run_in_threadpool(geojson, await _published(request), asked.year), media_type=GEOJSON)


def _csv(shown: Published, year: str, grain: str) -> str:
    if grain == "month":
        return csv_text(month_rows(shown, year), MONTH_COLUMNS)
    return csv_text(year_rows(shown, year), YEAR_COLUMNS)


async def _published(request: Request) -> Published:
    return await shelf_of(request.app.state, house_of(request)).published()


def _building(one: Entry, shown: Published) -> BuildingForm:
    building = one.building
    return BuildingForm(
        id=building.id,
        name=building.name,
        use=building.use,
        zone=one.zone,
        lon=building.lon,
        lat=building.lat,
        area_m2=building.area_m2 or None,
        newest=_span(one.newest),
        eui_kwh_m2=None if one.eui_kwh_m2 is None else round(one.eui_kwh_m2, 3),
        change=None if one.change is None else round(one.change, 4),
        grade=one.grade or None,
        programme=shown.programme,
        factors_as_of=shown.day.isoformat(),
    )


def _span(one: Figures) -> SpanForm:
    shares = {name: round(getattr(one.shares, name), 4) for name in ("measured", "estimated", "substituted", "filled")}
    return SpanForm(
        first=one.span.first,
        last=one.span.last,
        months_known=one.months_n,
        whole=one.whole,
        energy_kwh=one.energy_kwh,
        co2e_t=None if one.refused else one.co2e_t,
        provisional=one.provisional,
        **shares,
    )


def _tonnes(grams: int | None) -> float | None:
    return None if grams is None else grams / 1e6


def _total(one: Total | None) -> TotalForm | None:
    if one is None:
        return None
    return TotalForm(
        shown_n=one.shown_n, grouped_n=one.grouped_n, energy_kwh=one.energy_wh / 1_000, co2e_t=_tonnes(one.co2e_g)
    )  # fmt: skip


_LISTED = {
    "type": "object",
    "required": ["items", "total", "next"],
    "properties": {
        "items": {"type": "array", "items": schema_of(BuildingForm)},
        "total": {"type": "integer", "description": "How many fit."},
        "next": {"type": ["string", "null"], "description": "Pass it as `after` to get the next page; null at the end."},
    },
}
_ROWS = {
    "type": "object",
    "required": ["year", "grain", "licence", "rows"],
    "properties": {
        "year": {"type": "string"},
        "grain": {"type": "string"},
        "licence": {"type": "object"},
        "rows": {"type": "array", "items": {"type": "object"}},
    },
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Look-up and open data."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk = PublicRoutes()
    add = router.add_api_route
    unchanged: dict[int | str, dict[str, Any]] = {304: {"description": "Unchanged since the ETag the caller named."}}
    plain: dict[str, Any] = {"methods": ["GET"], "response_class": Response}
    add("/public", desk.listing, summary="Find public buildings", responses=told(_LISTED, 503), **plain)
    add(
        "/public/{building}",
        desk.one,
        summary="A public building with its months",
        responses=told(schema_of(WholeForm), 404, 503) | unchanged,
        **plain,
    )
    add(
        "/public-groups",
        desk.groups,
        summary="Groups of small buildings, and the total",
        responses=told(schema_of(GroupsForm), 503) | unchanged,
        **plain,
    )
    csv = told({"type": "string"}, 503, media_type="text/csv")
    add("/public-data.csv", desk.csv, summary="Open data of a year as CSV", responses=csv, **plain)
    add("/public-data.json", desk.json, summary="Open data of a year as JSON", responses=told(_ROWS, 503) | unchanged, **plain)
    places = told(GEOJSON_SCHEMA, 503, media_type=GEOJSON) | unchanged
    add("/public-data.geojson", desk.geojson, summary="Open data of a year as GeoJSON", responses=places, **plain)
    return router
