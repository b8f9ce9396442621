"""How buildings stand, by REST: the ranking, and one building with its place, target and grade."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.comparison_desk import asked, compared, newest
from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.normal_weather import normal_intensity
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.spans import month_of
from dure.services.buildings.comparing.standings import Comparison, Standing
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.sites import registered
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesCityData
from dure.web.api.queries import AsOf, CheckedRoute, instant, text

if TYPE_CHECKING:
    from dure.spine.house import House

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
PROGRAMME_WORD = r"^[A-Za-z0-9-]{1,40}$"


class ComparisonQuery(AsOf):
    """Until when, as known when, with whose factors."""

    last: str | None = Field(
        None,
        pattern=MONTH,
        description="The month the twelve months end with; the newest that is known of nearly all meters.",
        examples=["2026-10"],
    )
    programme: str = Field(PROGRAMME, pattern=PROGRAMME_WORD, description="The programme whose emission factors are taken.")


class RankingQuery(ComparisonQuery):
    """Which page of the ranking."""

    use: str = Field("", max_length=64, description="Only buildings of this use.", examples=["office"])
    limit: int = Field(100, ge=1, le=10_000, description="Most rows.")
    after: int = Field(0, ge=0, le=1_000_000, description="Ranks above this one are left out.")


class StandingForm(msgspec.Struct, frozen=True, kw_only=True):
    """How a building stands, in one vintage of factors. `refused` says by code why a figure is null."""

    building: str
    first: str
    last: str
    programme: str
    as_of: date
    rules_version: str
    figure: str = ""
    kwh_m2: float | None = None
    normal_kwh_m2: float | None = None
    normal_modelled_share: float | None = None
    energy_wh: int | None = None
    energy_wh_by_fuel: dict[str, int] = {}
    area_m2: float | None = None
    co2e_g: int | None = None
    factors: tuple[str, ...] = ()
    comparable: bool = False
    short: tuple[str, ...] = ()
    estimated_share: float | None = None
    filled_share: float | None = None
    rank: int | None = None
    peers_level: str = ""
    peers_n: int | None = None
    percentile: float | None = None
    peers_median_kwh_m2: float | None = None
    legal_kwh_m2: float | None = None
    grade: str = ""
    grade_against: str = ""
    grade_ratio: float | None = None
    provisional: bool = False
    refused: dict[str, str] = {}


def form_of(one: Standing, whole: Comparison) -> StandingForm:
    """A standing as it is answered."""
    frame = {
        "building": one.building, "first": whole.first, "last": whole.last, "programme": whole.vintage.programme,
        "as_of": whole.vintage.as_of, "rules_version": whole.rules_version,
    }  # fmt: skip
    parts = (("eui", one.eui), ("peers", one.place), ("legal", one.legal), ("grade", one.grade))
    refused = {name: part.code for name, part in parts if isinstance(part, Refused)}
    given: dict[str, object] = {"rank": one.rank, "refused": refused}
    if isinstance(one.eui, Eui):
        given |= {
            "figure": one.eui.figure, "kwh_m2": one.eui.kwh_m2, "energy_wh": one.eui.energy_wh,
            "energy_wh_by_fuel": one.eui.by_fuel, "area_m2": one.eui.area_m2, "co2e_g": one.eui.co2e_g,
            "factors": one.eui.factors, "comparable": one.eui.comparable,
            "short": tuple(f"{each.fuel} {each.month}" for each in one.eui.short),
            "estimated_share": one.eui.estimated_share, "filled_share": one.eui.filled_share,
            "provisional": one.eui.provisional,
        }  # fmt: skip
    if isinstance(one.place, Place):
        given |= {
            "peers_level": one.place.level, "peers_n": one.place.others_n, "percentile": one.place.percentile,
            "peers_median_kwh_m2": one.place.median,
        }  # fmt: skip
    if isinstance(one.legal, Legal):
        given["legal_kwh_m2"] = one.legal.kwh_m2
    if isinstance(one.grade, Grade):
        given |= {
            "grade": one.grade.letter, "grade_against": one.grade.against, "grade_ratio": one.grade.ratio,
            "provisional": one.grade.provisional,
        }  # fmt: skip
    return msgspec.convert(frame | given, StandingForm)


class ComparisonRoutes:
    """The routes of comparison."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def ranking(self, request: Request, wanted: Annotated[RankingQuery, Query()], _: SeesCityData) -> Response:
        """Buildings by energy per floor area, the highest first; those that cannot be compared are left out."""
        whole, uses = await run_in_threadpool(self._compared, wanted)
        use = text(wanted.use, "use")
        rows = [one for one in whole.ranked if (one.rank or 0) > wanted.after and (not use or uses.get(one.building) == use)]
        shown = rows[: wanted.limit]
        following = str(shown[-1].rank) if len(rows) > len(shown) and shown else None
        return page(request, [form_of(one, whole) for one in shown], following)

    async def one(self, building: str, wanted: Annotated[ComparisonQuery, Query()], _: SeesCityData) -> Response:
        """One building: intensity, also in normal weather where there is a model, place among peers, legal target, grade."""
        return answer(await run_in_threadpool(self._one, building, wanted))

    def _one(self, building: str, wanted: ComparisonQuery) -> StandingForm:
        whole, _uses = self._compared(wanted)
        found = whole.standings.get(building)
        if found is None:
            raise NotFound("buildings.unknown", "There is no such building. Choose one of the register.")
        form = form_of(found, whole)
        if wanted.as_of is not None or not isinstance(found.eui, Eui):
            return form
        with self._house.records.read() as connection:
            normal = normal_intensity(self._house, connection, registered(connection), found.eui)
        if isinstance(normal, Refused):
            return msgspec.structs.replace(form, refused={**form.refused, "normal": normal.code})
        return msgspec.structs.replace(form, normal_kwh_m2=normal.kwh_m2, normal_modelled_share=normal.modelled_share)

    def _compared(self, wanted: ComparisonQuery) -> tuple[Comparison, dict[str, str]]:
        house = self._house
        as_of = known_at(wanted.as_of)
        question = asked(house, month_of(wanted.last) if wanted.last else "", as_of, wanted.programme)
        with house.records.read() as connection:
            question = question if wanted.last else newest(house, connection, question)
            sites = registered(connection)
            today = day_of(house.clock.now(), house.city.zone)
            whole = compared(house.city.folder, connection, question, today, sites)
            return whole, {one.id: one.use for one in sites.buildings.values()}


def known_at(given: str | None) -> datetime | None:
    """The instant of `as_of`; None: now."""
    return instant(given, "as_of") if given is not None else None


def routes(house: House) -> APIRouter:
    """Comparison."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk = ComparisonRoutes(house)
    router.get(
        "/comparison", summary="Buildings by energy per floor area", response_class=Response,
        responses=told(page_schema(StandingForm), 400, 401, 403, 503),
    )(desk.ranking)  # fmt: skip
    router.get(
        "/{building}/comparison", summary="How a building stands", response_class=Response,
        responses=told(schema_of(StandingForm), 400, 401, 403, 404, 503),
    )(desk.one)  # fmt: skip
    return router
