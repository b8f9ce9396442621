"""Meters: their intervals, months, exchanges; months and balances of buildings."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError, NotFound
from dure.core.identifiers import identifier
from dure.core.time import format_instant, from_us, to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings import sites
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.intervals import exchange_records, interval_books
from dure.services.buildings.intervals.exchange_records import Noted
from dure.services.buildings.intervals.interval_books import QUALITIES
from dure.services.buildings.intervals.interval_forms import ATOM, csv_of, feed_of
from dure.services.buildings.months import month_records
from dure.services.buildings.months.derived_months import Balance, balances, physical_of
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.reads.model import Exchange
from dure.services.buildings.rules import Choice, load_pack
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import DoesFieldWork, SeesCityData
from dure.web.api.queries import AsOf, CheckedRoute, Paged, Spanned, instant, instant_us, span, text

if TYPE_CHECKING:
    from dure.services.buildings.model import Meter
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

USUAL, LONGEST = timedelta(days=7), timedelta(days=800)
MONTHS_MAX = 1_200
_MONTH = re.compile(r"(19|20)\d\d-(0[1-9]|1[0-2])")
_CSV = "text/csv; charset=utf-8"


class IntervalQuery(Spanned, AsOf):
    """Which intervals, and in which form."""

    format: Literal["json", "csv", "green_button"] | None = Field(
        None, description="json, csv or green_button; by the Accept header (application/atom+xml, text/csv) when absent."
    )


class MonthQuery(AsOf):
    """Which months."""

    first: str | None = Field(None, max_length=7, description="From this month on; a year before `last`.", examples=["2026-01"])
    last: str | None = Field(None, max_length=7, description="To this month; the one that runs.", examples=["2026-12"])


class MeterQuery(Paged):
    """Which meters."""

    building: str | None = Field(None, max_length=64, description="Only those of this building.")
    fuel: Fuel | None = Field(None, description="Only those of this fuel.")


class ExchangeNoted(BaseModel):
    """A physical meter was taken off and another put on."""

    model_config = ConfigDict(extra="forbid")

    at: str = Field(max_length=40, description="When (RFC 3339).", json_schema_extra={"format": "date-time"})
    last: int | None = Field(None, ge=0, le=10**16, description="Last value of the old register, in the meter's book unit.")
    first: int | None = Field(None, ge=0, le=10**16, description="First value of the new register.")


class ExchangeAt(BaseModel):
    """Which exchange."""

    at: str = Field(max_length=40, description="When it was (RFC 3339).", json_schema_extra={"format": "date-time"})


class MeterRow(msgspec.Struct, frozen=True, kw_only=True):
    """A meter. `newest` is the end of its newest interval or read; `formula_refused` is why its sum cannot be made, or ""."""

    id: str
    building: str
    fuel: str
    book: str
    part: str
    number: str
    formula: dict[str, int]
    formula_refused: str
    newest: datetime | None


class IntervalRow(msgspec.Struct, frozen=True):
    """An hour: its begin, amount in the book's unit, quality, how many entries it is made of, when the newest became known."""

    start: str
    amount: int
    quality: str
    entries: int
    known_at: str


class IntervalList(msgspec.Struct, frozen=True):
    """Intervals of a meter."""

    meter: str
    property: str
    unit: str
    items: list[IntervalRow]


class Series:
    """The routes of meters and their figures."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def meters(self, request: Request, asked: Annotated[MeterQuery, Query()], _: SeesCityData) -> Response:
        """Meters, with what each counts and when it was last heard of."""
        found = await run_in_threadpool(self._sites)
        refused = physical_of(found.meters)[1]
        after = text(asked.after, "after")
        wanted = [
            one
            for name, one in sorted(found.meters.items())
            if name > after and asked.building in (None, one.building) and asked.fuel in (None, one.fuel)
        ]
        part = wanted[: asked.limit]
        following = part[-1].id if len(part) < len(wanted) else None
        return page(request, [self._meter_row(one, refused[one.id].code if one.id in refused else "") for one in part], following)

    async def intervals(
        self, request: Request, meter_id: str, asked: Annotated[IntervalQuery, Query()], _: SeesCityData
    ) -> Response:
        """Intervals of a meter, hour by hour, as known now or at an instant; as JSON, CSV or Green Button XML."""
        meter = await run_in_threadpool(self._meter, meter_id)
        house = self._house
        interval = span(asked.start, asked.end, house.clock.now(), usual=USUAL, longest=LONGEST)
        as_of_us = instant_us(asked.as_of, "as_of")
        ends = (to_us(interval.start), to_us(interval.end))
        rows = await run_in_threadpool(interval_books.read, house.telemetry, meter.id, meter.supply.use, ends, as_of_us=as_of_us)
        form = asked.format or _form_of(request.headers.get("accept", ""))
        if form == "csv":
            return Response(csv_of(meter, rows), headers=_as_file(f"{meter.id}.csv"), media_type=_CSV)
        if form == "green_button":
            name = await run_in_threadpool(self._name, meter.id)
            body = await run_in_threadpool(feed_of, meter, name, rows, house.clock.now())
            return Response(body, headers=_as_file(f"{meter.id}.xml"), media_type=ATOM)
        return answer(_listed(meter, rows))

    async def meter_months(self, meter_id: str, asked: Annotated[MonthQuery, Query()], _: SeesCityData) -> Response:
        """Months of a meter, as known now or at an instant."""
        meter = await run_in_threadpool(self._meter, meter_id)
        return await self._months(asked, meters=[meter.id])

    async def building_months(self, building_id: str, asked: Annotated[MonthQuery, Query()], _: SeesCityData) -> Response:
        """Months of all meters of a building, sub-meters and formulas among them; `part` says which count."""
        building = await run_in_threadpool(self._building, building_id)
        return await self._months(asked, buildings=[building])

    async def building_balances(self, building_id: str, asked: Annotated[MonthQuery, Query()], _: SeesCityData) -> Response:
        """What main meters show beyond their sub-meters, month by month."""
        building = await run_in_threadpool(self._building, building_id)
        first, last, as_of = self._span(asked)

        def read() -> list[Balance]:
            with self._house.records.read() as connection:
                rows = month_records.find(connection, first, last, buildings=[building], as_of=as_of)
                found = sites.registered(connection)
            own = [row for row in rows if row.meter not in found.meters or not found.meters[row.meter].formula]
            return balances(own, *balance_limits(self._house, date(int(last[:4]), int(last[5:]), 1)))

        return answer({"items": await run_in_threadpool(read)})

    async def exchanges(self, meter_id: str, _: SeesCityData) -> Response:
        """Exchanges of the physical meter that were noted."""

        def read() -> list[Noted]:
            with self._house.records.read() as connection:
                return exchange_records.of_meter(connection, meter.id)

        meter = await run_in_threadpool(self._meter, meter_id)
        return answer({"items": await run_in_threadpool(read)})

    async def note_exchange(self, meter_id: str, noted: ExchangeNoted, actor: DoesFieldWork) -> Response:
        """Note that a physical meter was taken off and another put on; its reads are derived again from there."""
        at, by = instant(noted.at, "at"), By(actor.id, self._house.clock.now())

        def write() -> Noted:
            with self._house.records.begin() as connection:
                return exchange_records.note(connection, meter.id, Exchange(at, noted.last, noted.first), by)

        meter = await run_in_threadpool(self._meter, meter_id)
        if not meter.supply.register:
            raise InputError("exchange.no_register", f"{meter.id} is no meter with a register that counts on.")
        return answer(await run_in_threadpool(write), 201)

    async def withdraw_exchange(self, meter_id: str, asked: Annotated[ExchangeAt, Query()], actor: DoesFieldWork) -> Response:
        """Take back an exchange that never was."""
        at, by = instant(asked.at, "at"), By(actor.id, self._house.clock.now())

        def write() -> None:
            with self._house.records.begin() as connection:
                exchange_records.withdraw(connection, meter.id, at, by)

        meter = await run_in_threadpool(self._meter, meter_id)
        await run_in_threadpool(write)
        return answer({"withdrawn": format_instant(at)})

    async def _months(self, asked: MonthQuery, **which: Any) -> Response:
        first, last, as_of = self._span(asked)

        def read() -> list[MonthUse]:
            with self._house.records.read() as connection:
                return month_records.find(connection, first, last, as_of=as_of, **which)

        return answer({"items": await run_in_threadpool(read)})

    def _span(self, asked: MonthQuery) -> tuple[str, str, datetime | None]:
        house = self._house
        last = _month(asked.last, "last") or f"{house.clock.now().astimezone(house.city.zone):%Y-%m}"
        first = _month(asked.first, "first") or f"{int(last[:4]) - 1:04}{last[4:]}"
        if (int(last[:4]) - int(first[:4])) * 12 > MONTHS_MAX or first > last:
            raise InputError("query.months", f"Name a first month that is not after the last, at most {MONTHS_MAX} apart.")
        return first, last, None if asked.as_of is None else instant(asked.as_of, "as_of")

    def _sites(self) -> Sites:
        with self._house.records.read() as connection:
            return sites.registered(connection)

    def _meter(self, meter_id: str) -> Meter:
        with self._house.records.read() as connection:
            return meter_named(connection, meter_id)

    def _building(self, building_id: str) -> str:
        with self._house.records.read() as connection:
            asset = assets.get(connection, identifier(building_id, "building id"))
        if asset.kind != "building":
            raise NotFound("buildings.unknown", f"{building_id[:80]!r} is no building.")
        return asset.id

    def _name(self, meter_id: str) -> Any:
        with self._house.records.read() as connection:
            return assets.get(connection, meter_id).name

    def _meter_row(self, one: Meter, refused: str) -> MeterRow:
        newest = newest_us(self._house, one)
        return MeterRow(
            id=one.id, building=one.building, fuel=one.fuel, book=one.supply.book, part=one.part, number=one.number,
            formula=dict(one.formula), formula_refused=refused, newest=None if newest is None else from_us(newest),
        )  # fmt: skip


def meter_named(connection: Any, meter_id: str) -> Meter:
    """The registered meter of that id; refused with ``meter.unknown``."""
    found = assets.find(connection, [identifier(meter_id, "meter id")]).get(meter_id)
    if found is None or found.kind != "meter" or found.state == "retired":
        raise NotFound("meter.unknown", f"There is no meter {meter_id[:80]!r}.")
    return sites.meter_of(found)


def newest_us(house: House, meter: Meter) -> int | None:
    """The instant a meter was last heard of: its newest read, or the end of its newest interval."""
    use, register = (house.live.get(meter.id, name or "") for name in (meter.supply.use, meter.supply.register))
    ends = [use.time_us + interval_books.GRID_US] if use is not None else []
    return max([*ends, *([register.time_us] if register is not None else [])], default=None)


def balance_limits(house: House, on: date) -> tuple[Fraction, Fraction]:
    """How much more than the main sub-meters may say, and how much may be unmetered [1]; rules/months.toml."""
    pack = load_pack("months", house.city.folder)
    over, unmetered = (pack.row("balance", name, Choice, on).value for name in ("over_share", "unmetered_share"))
    return Fraction(str(over)), Fraction(str(unmetered))


def _month(given: str | None, name: str) -> str:
    if given is None:
        return ""
    if not _MONTH.fullmatch(given):
        raise InputError("query.month", f"{name} is a month, like 2026-05.")
    return given


def _form_of(accept: str) -> str:
    for part in accept.split(","):
        kind = part.partition(";")[0].strip().lower()
        if kind in (ATOM, "application/xml"):
            return "green_button"
        if kind == "text/csv":
            return "csv"
        if kind in ("application/json", "*/*"):
            return "json"
    return "json"


def _as_file(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}


def _listed(meter: Meter, rows: interval_books.Intervals) -> IntervalList:
    columns = (rows.start_us, rows.amount, rows.quality, rows.entries, rows.result_us)
    items = [
        IntervalRow(format_instant(from_us(start)), amount, QUALITIES[quality].value, entries, format_instant(from_us(known)))
        for start, amount, quality, entries, known in zip(*(one.tolist() for one in columns), strict=True)
    ]
    return IntervalList(meter.id, meter.supply.use, meter.supply.book, items)


def routes(house: House) -> APIRouter:
    """Meters, intervals, months, balances, exchanges."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk = Series(house)
    refusals = (400, 401, 403, 404, 503)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    listed = told(page_schema(MeterRow), 401, 403, 503)
    router.get("/meters", summary="Meters", response_class=Response, responses=listed)(desk.meters)
    hours = told(schema_of(IntervalList), *refusals)
    hours[200]["content"] |= {form: {"schema": {"type": "string"}} for form in ("text/csv", ATOM)}
    router.get("/meters/{meter_id}/intervals", summary="Intervals of a meter", response_class=Response, responses=hours)(
        desk.intervals
    )
    months, residuals, noted = (told(items(one), *refusals) for one in (MonthUse, Balance, Noted))
    router.get("/meters/{meter_id}/months", summary="Months of a meter", response_class=Response, responses=months)(
        desk.meter_months
    )
    router.get("/{building_id}/months", summary="Months of a building", response_class=Response, responses=months)(
        desk.building_months
    )
    router.get("/{building_id}/balances", summary="Main less sub-meters", response_class=Response, responses=residuals)(
        desk.building_balances
    )
    path = "/meters/{meter_id}/exchanges"
    router.get(path, summary="Exchanges of a meter", response_class=Response, responses=noted)(desk.exchanges)
    one = told(schema_of(Noted), *refusals, status=201, description="Noted.")
    router.post(path, summary="Note an exchange", status_code=201, response_class=Response, responses=one)(desk.note_exchange)
    gone = told({"type": "object", "properties": {"withdrawn": {"type": "string"}}}, *refusals)
    router.delete(path, summary="Withdraw an exchange", response_class=Response, responses=gone)(desk.withdraw_exchange)
    return router
