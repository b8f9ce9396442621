"""Meters and their figures, for energy managers and caretakers: what comes in, is missing, was corrected; and imports."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import from_us, parse_instant, to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings import sites
from dure.services.buildings.api.series_api import meter_named, newest_us
from dure.services.buildings.intervals import exchange_records, interval_books
from dure.services.buildings.intervals.interval_books import GRID_US, QUALITIES
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.derived_months import physical_of
from dure.services.buildings.months.touched_records import months_between
from dure.services.buildings.pages import import_pages, meter_words
from dure.services.buildings.reads.model import Exchange
from dure.web.access import require
from dure.web.charts import Chart, Dot
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.services.buildings.intervals.exchange_records import Noted
    from dure.services.buildings.intervals.interval_books import Intervals
    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.month_use import MonthUse
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House
    from dure.web.i18n import Speech

LIST = "/operations/buildings/meters"
FORM = "/operations/buildings/meters/exchange"
PAGE_ROWS = 50
LATE, SILENT = timedelta(hours=3), timedelta(days=2)
ROWS_SHOWN = 48
FLAG_OF = (Flag.GOOD, Flag.SUSPECT, Flag.SUSPECT, Flag.FAIL)


class Row(NamedTuple):
    """A meter in the list."""

    meter: Meter
    name: Text
    building: Text
    state: str
    newest: datetime | None
    month: MonthUse | None


class Hour(NamedTuple):
    """An hour in the table; `amount` None where it is missing."""

    at: datetime
    amount: float | None
    quality: str
    entries: int
    known_at: datetime | None


class Gap(NamedTuple):
    """Hours nothing is known of."""

    start: datetime
    end: datetime
    hours: int


def routes(house: House) -> APIRouter:
    """Routes of meters and of imports."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(FORM, note, methods=["POST"])
    router.add_api_route(f"{LIST}/{{meter_id}}", one, methods=["GET"], dependencies=sees)
    router.include_router(import_pages.routes(house))
    return router


async def listing(request: Request) -> Response:
    """All meters, those that need somebody first."""
    house, asked = house_of(request), request.query_params
    fuel, building = asked.get("fuel", ""), asked.get("building", "")[:64]
    found, known = await run_in_threadpool(_rows, house, fuel, building)
    after = asked.get("after", "")
    begin = int(after) if after.isascii() and after.isdigit() and len(after) < 7 else 0
    rows = found[begin : begin + PAGE_ROWS]
    return await layout_of(request).page(
        request,
        "buildings/meters.html",
        rows=rows,
        total=len(found),
        counts={state: sum(row.state == state for row in found) for state in meter_words.FRESH},
        following=str(begin + PAGE_ROWS) if begin + PAGE_ROWS < len(found) else "",
        after=after if begin else "",
        fuel=fuel,
        building=building,
        supplies=SUPPLIES,
        buildings=[(one.id, one.name) for one in sorted(known.buildings.values(), key=lambda each: each.id)],
        rejected=known.rejected,
        words=meter_words,
    )


def _rows(house: House, fuel: str, building: str) -> tuple[list[Row], Sites]:
    now = house.clock.now()
    today = now.astimezone(house.city.zone).date()
    last = f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    with house.records.read() as connection:
        found = sites.registered(connection)
        wanted = [one for one in found.meters.values() if fuel in ("", one.fuel) and building in ("", one.building)]
        names = assets.find(connection, [one.id for one in wanted])
        months = {one.meter: one for one in month_records.find(connection, last, last)}
    rows = []
    for one in wanted:
        newest = newest_us(house, one)
        state = _state(one, newest, now, billed=one.id in months and months[one.id].source == "bills")
        name = names[one.id].name if one.id in names else Text(one.id, one.id)
        at = None if newest is None else from_us(newest)
        rows.append(Row(one, name, found.buildings[one.building].name, state, at, months.get(one.id)))
    order = list(meter_words.FRESH)
    first = {"silent": 0, "late": 1}
    return sorted(rows, key=lambda row: (first.get(row.state, 2 + order.index(row.state)), row.meter.id)), found


def _state(meter: Meter, newest: int | None, now: datetime, *, billed: bool) -> str:
    if meter.formula:
        return "formula"
    if newest is None:
        return "billed" if billed else "silent"
    age = now - from_us(newest)
    return "fresh" if age <= LATE else "late" if age <= SILENT else "billed" if billed else "silent"


async def one(request: Request, meter_id: str) -> Response:
    """One meter."""
    return await _page(request, meter_id)


async def _page(request: Request, meter_id: str, trouble: str = "", status: int = 200) -> Response:
    house = house_of(request)
    asked, now = request.query_params, house.clock.now()
    reach = asked.get("reach", "7d") if asked.get("reach") in meter_words.REACHES else "7d"
    until = _until(asked.get("until", ""), now, house)

    def read() -> tuple[Meter, Text, Text, list[MonthUse], list[Noted], str]:
        with house.records.read() as connection:
            meter = meter_named(connection, meter_id)
            found = assets.find(connection, [meter.id, meter.building])
            today = now.astimezone(house.city.zone).date()
            first = months_between(date(today.year - 1, today.month, 1), today)[0]
            months = month_records.find(connection, first, "9999-12", meters=[meter.id])
            refused = physical_of(sites.registered(connection).meters)[1].get(meter.id) if meter.formula else None
            why = "" if refused is None else layout_of(request).speech(request).text(refused.why)
            building = found[meter.building].name if meter.building in found else Text(meter.building)
            return meter, found[meter.id].name, building, months, exchange_records.of_meter(connection, meter.id), why

    meter, name, building, months, exchanges, refused = await run_in_threadpool(read)
    start = until - timedelta(days=meter_words.REACHES[reach][1])
    span = (to_us(start) // GRID_US * GRID_US, to_us(until))
    rows = await run_in_threadpool(interval_books.read, house.telemetry, meter.id, meter.supply.use, span)
    say = layout_of(request).speech(request)
    newest = newest_us(house, meter)
    return await layout_of(request).page(
        request,
        "buildings/meter.html",
        status=status,
        crumbs=[(LIST, say.text(Text("계량기", "Meters")))],
        meter=meter,
        name=name,
        building=building,
        months=list(reversed(months)),
        exchanges=exchanges,
        refused=refused,
        newest=None if newest is None else from_us(newest),
        graph=_chart(meter, name, rows, span, say) if len(rows) else None,
        hours=list(reversed(_hours(rows, span)))[:ROWS_SHOWN],
        gaps=_gaps(rows, (span[0], min(span[1], to_us(now)))) if newest is not None else [],
        revised=[hour for hour in _hours(rows, span) if hour.entries > 1][-ROWS_SHOWN:],
        register=house.live.get(meter.id, meter.supply.register or ""),
        totals=_totals(rows),
        reach=reach,
        until=until,
        earlier=(until - timedelta(days=meter_words.REACHES[reach][1])).isoformat(),
        later=(until + timedelta(days=meter_words.REACHES[reach][1])).isoformat() if until < now else "",
        words=meter_words,
        shown=meter_words.SHOWN[meter.supply.book],
        trouble=trouble,
        told=asked.get("told", ""),
    )


def _until(given: str, now: datetime, house: House) -> datetime:
    """The end of the chart: a local midnight; tomorrow's, when nothing usable is asked."""
    try:
        at = parse_instant(given, house.city.zone) if given else now
    except InputError:
        at = now
    at = min(max(at, now - timedelta(days=4_000)), now)
    day = at.astimezone(house.city.zone).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=house.city.zone)


def _chart(meter: Meter, name: Text, rows: Intervals, span: tuple[int, int], say: Speech) -> Chart:
    dots = [
        Dot(start + GRID_US // 2, amount / meter_words.PER_SHOWN, FLAG_OF[quality])
        for start, amount, quality in zip(rows.start_us.tolist(), rows.amount.tolist(), rows.quality.tolist(), strict=True)
    ]
    return Chart(
        title=say.text(name), unit=meter_words.SHOWN[meter.supply.book], decimals=1, start_us=span[0], end_us=span[1], dots=dots,
        gap_us=GRID_US,
    )  # fmt: skip


def _hours(rows: Intervals, span: tuple[int, int]) -> list[Hour]:
    columns = (rows.start_us, rows.amount, rows.quality, rows.entries, rows.result_us)
    return [
        Hour(from_us(start), amount / meter_words.PER_SHOWN, QUALITIES[quality].value, entries, from_us(known))
        for start, amount, quality, entries, known in zip(*(column.tolist() for column in columns), strict=True)
        if span[0] <= start < span[1]
    ]


def _gaps(rows: Intervals, span: tuple[int, int]) -> list[Gap]:
    """Runs of hours in a span without an amount."""
    found: list[Gap] = []
    at = span[0]
    for start in [*rows.start_us.tolist(), span[1] // GRID_US * GRID_US]:
        if start > at:
            found.append(Gap(from_us(at), from_us(start), (start - at) // GRID_US))
        at = max(at, start + GRID_US)
    return found[-ROWS_SHOWN:]


def _totals(rows: Intervals) -> dict[str, float]:
    return {
        quality.value: float(rows.amount[rows.quality == place].sum()) / meter_words.PER_SHOWN
        for place, quality in enumerate(QUALITIES)
    }


async def note(request: Request, actor: Actor = Depends(require("act", "field_work"))) -> Response:  # noqa: B008  # FastAPI's way
    """Note that a meter was exchanged."""
    house, say = house_of(request), layout_of(request).speech(request)
    fields = await own_form(request)
    meter_id = fields.get("meter", "")

    def write() -> None:
        exchange = _exchange(fields, house)
        with house.records.begin() as connection:
            meter = meter_named(connection, meter_id)
            if not meter.supply.register:
                raise InputError("exchange.no_register", f"{meter.id} is no meter with a register that counts on.")
            exchange_records.note(connection, meter.id, exchange, By(actor.id, house.clock.now()))

    try:
        await run_in_threadpool(write)
    except NotFound:
        raise
    except InputError as error:
        return await _page(
            request, meter_id, say("교체를 적지 못했습니다. 시각과 지침을 확인해 주세요.") + f" ({error.code})", 422
        )
    return RedirectResponse(f"/{language_of(request)}{LIST}/{meter_id}?told=exchange", 303)


def _exchange(fields: dict[str, Any], house: House) -> Exchange:
    """The exchange a form states; registers are entered in the unit that is shown."""
    at = parse_instant(fields.get("at", ""), house.city.zone)
    return Exchange(at, *(_register(fields.get(name, "")) for name in ("last", "first")))


def _register(given: str) -> int | None:
    words = given.strip().replace(",", "")
    if not words:
        return None
    try:
        value = float(words)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e12:
        raise InputError("exchange.value", "A register is a number of 0 or more.")
    return round(value * meter_words.PER_SHOWN)
