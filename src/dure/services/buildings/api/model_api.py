"""Models, weather, measures and savings by REST."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.engines.records.audit import By
from dure.services.buildings.baselines import measure_records, model_desk
from dure.services.buildings.baselines.bridge_desk import bridge_between
from dure.services.buildings.baselines.bridging import Bridged
from dure.services.buildings.baselines.looking import Looked
from dure.services.buildings.baselines.measure_desk import MeasureDesk
from dure.services.buildings.baselines.measure_saving import MeasureSaving
from dure.services.buildings.baselines.measures import NOTE_MAX, STATES, WORKS, Measure, Wanted
from dure.services.buildings.baselines.normal_saving import normal_saving
from dure.services.buildings.baselines.refit_watch import spare_folder
from dure.services.buildings.baselines.saving_desk import saving_of
from dure.services.buildings.baselines.weather_desk import WeatherDesk, WeatherImport
from dure.services.buildings.modelling.compiling import spare_cache
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import Commands, SeesCityData
from dure.web.api.queries import CheckedRoute, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

DAY = r"^\d{4}-\d{2}-\d{2}$"
MONTHS = r"^\d{4}-\d{2}\.\.\d{4}-\d{2}$"
PLAIN = r"^[^\x00]*$"
Ident = Annotated[str, Path(max_length=120, pattern=PLAIN)]
WEATHER_BYTES_MAX = 20_000_000


class DaysQuery(BaseModel):
    """Which local days."""

    start: str = Field(pattern=DAY, description="First local day.", examples=["2026-01-01"])
    end: str = Field(pattern=DAY, description="Day after the last.", examples=["2026-02-01"])


class ExpectedQuery(DaysQuery):
    """Which local days, by which model."""

    kind: Literal["hourly", "daily", "billing"] | None = Field(None, description="Kind of model; the daily one when left out.")


class KindQuery(BaseModel):
    """Which model."""

    kind: Literal["hourly", "daily", "billing"] | None = Field(None, description="Kind of model; the daily one when left out.")


class WeatherQuery(BaseModel):
    """Whose weather a file is."""

    station: str = Field(max_length=64, pattern=PLAIN, description="Asset that observed it.", examples=["hs-0001"])
    name: str = Field("", max_length=200, pattern=PLAIN, description="Name of the file.")
    sheet: str = Field("", max_length=80, pattern=PLAIN, description="Sheet of a workbook; the first when left out.")
    dry_run: bool = Field(False, description="Only look at it; keep nothing.")  # noqa: FBT003  # pydantic's way to state a default


class MeasuresQuery(BaseModel):
    """Which measures."""

    building: str = Field("", max_length=64, pattern=PLAIN, description="Only of this building.")
    state: Literal["planned", "running", "ended", "withdrawn"] | None = Field(None, description="Only in this state.")


class SavingQuery(BaseModel):
    """Of which days a saving is told."""

    start: str | None = Field(None, pattern=DAY, description="First local day; the day the measure began when left out.")
    until: str | None = Field(None, pattern=DAY, description="Day after the last; today when left out.")
    as_of: str | None = Field(None, max_length=40, description="With readings and bills as known at this instant (RFC 3339).")


class BridgeQuery(BaseModel):
    """Which two periods."""

    before: str = Field(
        pattern=r"^\d{4}-\d{2}\.\.\d{4}-\d{2}$", description="First and last month.", examples=["2025-01..2025-06"]
    )
    after: str = Field(pattern=MONTHS, description="Likewise, as long.", examples=["2026-01..2026-06"])
    building: str = Field("", max_length=64, pattern=PLAIN, description="Only this building; all when left out.")
    as_of: str | None = Field(None, max_length=40, description="As it was known at this instant (RFC 3339).")


class NewMeasure(BaseModel):
    """A measure, and the baseline to be frozen for it."""

    building: str = Field(max_length=64, pattern=PLAIN, examples=["hs-school-1"])
    name_ko: str = Field(min_length=1, max_length=200, pattern=PLAIN, examples=["조명 교체"])
    name_en: str = Field("", max_length=200, pattern=PLAIN)
    work: str = Field(max_length=40, pattern=PLAIN, description=f"One of {', '.join(WORKS)}.", examples=["led"])
    meters: list[str] = Field(max_length=50, description="Meters of the building it acts on.", examples=[["hs-school-1-power"]])
    begins_on: str = Field(pattern=DAY, description="First local day it saves.")
    baseline_start: str = Field(pattern=DAY, description="First local day of the baseline.")
    baseline_end: str = Field(pattern=DAY, description="Day after its last.")
    kind: Literal["auto", "hourly", "daily", "billing"] = Field("auto", description="How meters are judged.")
    static: str = Field("", max_length=NOTE_MAX, pattern=PLAIN, description="What was the same all through the baseline.")
    note: str = Field("", max_length=NOTE_MAX, pattern=PLAIN)
    retrospective: bool = Field(False, description="It has begun already: told, and credited nowhere.")  # noqa: FBT003  # as above

    def wanted(self) -> Wanted:
        """As the desk takes it."""
        return Wanted(
            building=self.building,
            name=Text(self.name_ko.strip(), self.name_en.strip()),
            work=self.work,
            meters=tuple(self.meters),
            begins_on=_day(self.begins_on),
            baseline_start=_day(self.baseline_start),
            baseline_end=_day(self.baseline_end),
            kind=self.kind,
            static=self.static.strip(),
            note=self.note.strip(),
            late=self.retrospective,
        )


class Ending(BaseModel):
    """When a measure ends, and why."""

    on: str = Field(pattern=DAY, description="First local day that no longer counts.")
    why: str = Field("", max_length=NOTE_MAX, pattern=PLAIN)


class Withdrawal(BaseModel):
    """Why a measure is withdrawn."""

    why: str = Field("", max_length=NOTE_MAX, pattern=PLAIN)


class SavingKept(msgspec.Struct, frozen=True, kw_only=True):
    """A saving as it was told when its month closed."""

    until: date
    decision: str
    saving: dict[str, Any]


class ModelForm(msgspec.Struct, frozen=True, kw_only=True):
    """A model with all that is needed to predict again."""

    judged: model_desk.Judged
    model: dict[str, Any] | None
    goodness: dict[str, float] | None
    sources: list[dict[str, Any]]


class ModelRoutes:
    """The routes of models, weather, measures and savings."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def models(self, request: Request, meter: Ident, _: SeesCityData) -> Response:
        """The models of a meter as they stand, with the limits they are judged by."""
        house = self._house
        return page(request, await self._read(lambda connection: model_desk.models_of(house, connection, meter)), None)

    async def model(self, meter: Ident, kind: Literal["hourly", "daily", "billing"], _: SeesCityData) -> Response:
        """One model, complete enough to predict again."""

        def read(connection: Connection) -> ModelForm:
            model_desk.meter_and_building(connection, meter)
            one = model_desk.standing(connection, meter, kind)
            fit = one.fit
            return ModelForm(
                judged=model_desk.judged(one, self._house), model=fit.model, goodness=fit.goodness, sources=fit.sources
            )

        return answer(await self._read(read))

    async def expected(self, meter: Ident, asked: Annotated[ExpectedQuery, Query()], _: SeesCityData) -> Response:
        """What a model expects of local days, beside what was measured and how warm it was."""
        days, kind, house = (_day(asked.start), _day(asked.end)), asked.kind, self._house
        return answer(await self._read(lambda connection: model_desk.expected(house, connection, meter, days, kind)))

    async def normal(self, meter: Ident, asked: Annotated[KindQuery, Query()], _: SeesCityData) -> Response:
        """Use of a normal year by the model of a meter."""
        house, kind = self._house, asked.kind
        return answer(await self._read(lambda connection: model_desk.normal_year(house, connection, meter, kind)))

    async def weather(self, building: Ident, asked: Annotated[DaysQuery, Query()], _: SeesCityData) -> Response:
        """Where a building's air temperature is from, and its degree days by month."""
        house, days = self._house, (_day(asked.start), _day(asked.end))
        return answer(await self._read(lambda connection: model_desk.weather_of(house, connection, building, days)))

    async def import_weather(self, request: Request, asked: Annotated[WeatherQuery, Query()], actor: Commands) -> Response:
        """Hourly air temperature of a file becomes observations of a station; every row that cannot be used is named."""
        body = await read_body(request, WEATHER_BYTES_MAX)
        desk = WeatherDesk(self._house)
        if asked.dry_run:
            return answer(await desk.preview(asked.station, body, asked.sheet))
        by = By(actor.id, self._house.clock.now())
        return answer(await desk.keep(asked.station, body, by, asked.name, asked.sheet))

    async def measures(self, request: Request, asked: Annotated[MeasuresQuery, Query()], _: SeesCityData) -> Response:
        """Measures, those that begin last first."""
        states = (asked.state,) if asked.state else STATES

        def read(connection: Connection) -> list[Measure]:
            return measure_records.listing(connection, building=asked.building, states=states)

        return page(request, await self._read(read), None)

    async def measure(self, measure: Ident, _: SeesCityData) -> Response:
        """One measure with its frozen baselines."""
        return answer(await self._read(lambda connection: measure_records.get(connection, measure)))

    async def preview(self, wanted: NewMeasure, _: SeesCityData) -> Response:
        """What would be frozen: each meter's model, how good it is, and the smallest saving a year could show."""
        asked = wanted.wanted()
        return answer({"items": await run_in_threadpool(MeasureDesk(self._house).preview, asked), "next": None})

    async def freeze(self, wanted: NewMeasure, actor: Commands) -> Response:
        """Freeze the baseline of a measure. It is never changed afterwards."""
        by = By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(MeasureDesk(self._house).freeze, wanted.wanted(), by), 201)

    async def end(self, measure: Ident, wanted: Ending, actor: Commands) -> Response:
        """End a measure: savings are told up to that day."""
        by = By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(MeasureDesk(self._house).end, measure, _day(wanted.on), wanted.why, by))

    async def withdraw(self, measure: Ident, wanted: Withdrawal, actor: Commands) -> Response:
        """Withdraw a measure of which no saving was verified."""
        by = By(actor.id, self._house.clock.now())
        return answer(await run_in_threadpool(MeasureDesk(self._house).withdraw, measure, wanted.why, by))

    async def saving(self, measure: Ident, asked: Annotated[SavingQuery, Query()], _: SeesCityData) -> Response:
        """What a measure saved until now or a day: a preview, kept nowhere."""
        house = self._house

        def read(connection: Connection) -> MeasureSaving:
            one = measure_records.get(connection, measure)
            until = _day(asked.until) if asked.until else one.reports_until(day_of(house.clock.now(), house.city.zone))
            start = _day(asked.start) if asked.start else one.begins_on
            as_of = instant(asked.as_of, "as_of") if asked.as_of else None
            found = saving_of(house, connection, one, (start, until), as_of=as_of)
            return msgspec.structs.replace(found, normal=normal_saving(house, connection, one, until))

        return answer(await self._read(read))

    async def savings(self, request: Request, measure: Ident, _: SeesCityData) -> Response:
        """What was told when each month closed."""

        def read(connection: Connection) -> list[SavingKept]:
            measure_records.get(connection, measure)
            rows = measure_records.savings_of(connection, measure)
            return [SavingKept(until=until, decision=decision, saving=saving) for until, saving, decision in rows]

        return page(request, await self._read(read), None)

    async def bridge(self, asked: Annotated[BridgeQuery, Query()], _: SeesCityData) -> Response:
        """Why emissions changed from one period to another: activity, factor, weather, floor area, in whole grams."""
        periods = (_months(asked.before), _months(asked.after))
        as_of = instant(asked.as_of, "as_of") if asked.as_of else None

        def read(connection: Connection) -> Bridged | Refused:
            return bridge_between(self._house, connection, periods, building=asked.building, as_of=as_of)

        found = await self._read(read)
        if isinstance(found, Refused):
            raise NotFound(found.code, found.why.en)
        return answer(found)

    async def _read(self, question: Callable[[Connection], Any]) -> Any:
        def read() -> Any:
            with self._house.records.read() as connection:
                return question(connection)

        return await run_in_threadpool(read)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("time.unreadable", f"{text[:40]!r} is no day: it reads YYYY-MM-DD.") from error


def _months(text: str) -> tuple[str, str]:
    first, _, last = text.partition("..")
    return first, last


def routes(house: House) -> APIRouter:
    """Models, weather, measures, savings, bridge."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk = ModelRoutes(house)
    spare_cache(spare_folder(house))
    _model_routes(router, desk)
    _measure_routes(router, desk)
    return router


def _model_routes(router: APIRouter, desk: ModelRoutes) -> None:
    seen = (400, 401, 403, 404, 503)
    kinds: tuple[tuple[str, Any, Any, str], ...] = (
        ("/meters/{meter}/models", desk.models, page_schema(model_desk.Judged), "Models of a meter"),
        ("/meters/{meter}/models/{kind}", desk.model, schema_of(ModelForm), "One model"),
        ("/meters/{meter}/expected", desk.expected, schema_of(model_desk.Expected), "Expected and measured use"),
        ("/meters/{meter}/normal-year", desk.normal, schema_of(model_desk.NormalYear), "Use of a normal year"),
        ("/bridge", desk.bridge, schema_of(Bridged), "Why emissions changed"),
        ("/{building}/weather", desk.weather, schema_of(model_desk.WeatherTold), "Weather of a building"),
    )
    for path, work, schema, summary in kinds:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *seen))(work)
    media = {
        "text/csv": {"schema": {"type": "string"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    }
    router.post(
        "/weather",
        summary="Import weather of a station",
        response_class=Response,
        responses=told(schema_of(WeatherImport), 400, 401, 403, 404, 413, 503),
        openapi_extra={"requestBody": {"required": True, "content": media}},
    )(desk.import_weather)


def _measure_routes(router: APIRouter, desk: ModelRoutes) -> None:
    one, seen = schema_of(Measure), (400, 401, 403, 404, 409, 503)
    router.get("/measures", summary="Measures", response_class=Response, responses=told(page_schema(Measure), 401, 403, 503))(
        desk.measures
    )
    router.post(
        "/measures/preview",
        summary="Look at a baseline",
        response_class=Response,
        responses=told(page_schema(Looked), *seen),
    )(desk.preview)
    router.post(
        "/measures",
        summary="Freeze a measure's baseline",
        status_code=201,
        response_class=Response,
        responses=told(one, *seen, status=201, description="Frozen."),
    )(desk.freeze)
    router.get("/measures/{measure}", summary="One measure", response_class=Response, responses=told(one, 401, 403, 404, 503))(
        desk.measure
    )
    acts: tuple[tuple[str, Any, str], ...] = (
        ("end", desk.end, "End a measure"),
        ("withdraw", desk.withdraw, "Withdraw a measure"),
    )
    for path, work, summary in acts:
        router.post(f"/measures/{{measure}}/{path}", summary=summary, response_class=Response, responses=told(one, *seen))(work)
    router.get(
        "/measures/{measure}/saving",
        summary="What a measure saved",
        response_class=Response,
        responses=told(schema_of(MeasureSaving), *seen),
    )(desk.saving)
    router.get(
        "/measures/{measure}/savings",
        summary="Savings as they were told",
        response_class=Response,
        responses=told(page_schema(SavingKept), 401, 403, 404, 503),
    )(desk.savings)
