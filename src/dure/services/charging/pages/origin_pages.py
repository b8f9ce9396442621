"""The origin ledger: sites of a month, a day of a site, its month for the parties of direct supply, the check of its chain."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.time import Interval, day_interval, day_of
from dure.services.charging import sites
from dure.services.charging.origin import origin_records, origin_view
from dure.services.charging.origin.day_telling import told_of
from dure.services.charging.origin.model import ORIGINS
from dure.services.charging.origin.origin_desk import STEP
from dure.services.charging.pages import origin_explain
from dure.services.charging.pages import origin_words as words
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.between import between_sessions
from dure.services.charging.sessions.session_rules import session_rules
from dure.web.access import require
from dure.web.bar_charts import BarChart, Series, Stack
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dure.services.charging.model import Site
    from dure.services.charging.origin.day_telling import DayTold
    from dure.services.charging.origin.origin_view import Flow, IntervalTold
    from dure.services.charging.origin.split import Split
    from dure.services.charging.sessions.between import Between
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/charging/origin"
T = TypeVar("T")
HOUR = timedelta(hours=1)
LOOK_BACK = timedelta(days=7)  # the session before the first one of a day is looked for so far back


class SiteRow(NamedTuple):
    """A site of the list: its month, and until when it is booked."""

    site: Site
    charged: dict[str, int]
    until: datetime | None
    rows: int

    @property
    def total_wh(self) -> int:
        """All that vehicles got."""
        return sum(self.charged.values())

    @property
    def renewable_share(self) -> float | None:
        """From PV, directly or through storage; None when nothing was charged."""
        return (self.charged["pv"] + self.charged["ess_pv"]) / self.total_wh if self.total_wh else None


class SiteDay(NamedTuple):
    """All of a site's day."""

    site: Site
    intervals: list[IntervalTold]
    sessions: list[tuple[Session, Split | None]]
    between: list[Between]
    told: DayTold | None
    head: str


class Register(NamedTuple):
    """A register of the day beside its account [Wh]."""

    account: words.Account
    measured_wh: int
    booked_wh: int


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of origins."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{site_id}}", one_day, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{site_id}}/month", one_month, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{site_id}}/check", check, methods=["GET"], dependencies=sees)
    router.include_router(origin_explain.routes())
    return router


async def listing(request: Request) -> Response:
    """All sites in a month."""
    house, say = house_of(request), layout_of(request).speech(request)
    month = request.query_params.get("month", "") or _this_month(house)
    span = origin_view.month_interval(month, house.city.zone)

    def read(connection: Connection) -> list[SiteRow]:
        found = []
        for site in sites.registered(connection).sites.values():
            stands = origin_records.state(connection, site.id)
            until = None if stands.last_start_at is None else stands.last_start_at + STEP
            found.append(SiteRow(site, origin_view.charged(connection, site.id, span), until, stands.seq))
        return found

    rows = await _read(house, read)
    rows.sort(key=lambda row: (-row.total_wh, say.sort_key(say.text(row.site.name))))
    whole = {one: sum(row.charged[one] for row in rows) for one in ORIGINS}
    return await layout_of(request).page(
        request, "charging/origin.html", rows=rows, whole=whole, month=month, names=words.ORIGIN_NAMES, here=HERE
    )


async def one_day(request: Request, site_id: str) -> Response:
    """A day of a site: where vehicles' energy came from, the balance, sessions, and every interval."""
    house, say = house_of(request), layout_of(request).speech(request)
    today = day_of(house.clock.now(), house.city.zone)
    day = _day(request.query_params.get("day", "")) or today
    span = day_interval(day, house.city.zone)

    def read(connection: Connection) -> SiteDay:
        site = origin_view.site_named(connection, site_id)
        found = session_records.overlapping(connection, site_id, span.start, span.end)
        splits = origin_records.splits_of(connection, [one.id for one in found])
        lately = session_records.overlapping(connection, site_id, span.start - LOOK_BACK, span.end)
        jitter_wh = session_rules(day, house.city.folder).registers.jitter_wh
        return SiteDay(
            site,
            origin_view.intervals(connection, site_id, span),
            [(one, splits.get(one.id)) for one in found],
            [one for one in between_sessions(lately, jitter_wh) if one.end > span.start],
            told_of(connection, site_id, day),
            origin_records.state(connection, site_id).head,
        )

    found = await _read(house, read)
    flows = _whole(found.intervals)
    return await layout_of(request).page(
        request,
        "charging/origin_day.html",
        crumbs=[(HERE, say("전력 출처 장부"))],
        found=found,
        day=day,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1) if day < today else None,
        charged={one: sum(wh for (_, sink, origin), wh in flows.items() if sink == "ev" and origin == one) for one in ORIGINS},
        matrix={
            source: {sink: sum(wh for key, wh in flows.items() if key[:2] == (source, sink)) for sink in words.SINKS}
            for source in words.SOURCES
        },
        registers=_registers(found.intervals, flows),
        chart=_chart(found.intervals, span, say),
        words=words,
        here=HERE,
    )


async def one_month(request: Request, site_id: str) -> Response:
    """A month of a site as generator, station and city account for direct supply; certificates to download."""
    house, say = house_of(request), layout_of(request).speech(request)
    month = request.query_params.get("month", "") or _this_month(house)
    span = origin_view.month_interval(month, house.city.zone)
    site, supply = await _read(
        house,
        lambda connection: (origin_view.site_named(connection, site_id), origin_view.supply_of(connection, site_id, span)),
    )
    return await layout_of(request).page(
        request,
        "charging/origin_month.html",
        crumbs=[(HERE, say("전력 출처 장부")), (f"{HERE}/{site_id}", say.text(site.name))],
        site=site,
        supply=supply,
        month=month,
        words=words,
        here=HERE,
    )


async def check(request: Request, site_id: str) -> Response:
    """The chain of a site, checked now."""
    house, say = house_of(request), layout_of(request).speech(request)
    site, found = await _read(
        house,
        lambda connection: (origin_view.site_named(connection, site_id), origin_view.checked(connection, site_id)),
    )
    return await layout_of(request).page(
        request,
        "charging/origin_check.html",
        crumbs=[(HERE, say("전력 출처 장부")), (f"{HERE}/{site_id}", say.text(site.name))],
        site=site,
        found=found,
        words=words,
        here=HERE,
    )


async def _read(house: House, ask: Callable[[Connection], T]) -> T:
    def read() -> T:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)


def _this_month(house: House) -> str:
    return f"{house.clock.now().astimezone(house.city.zone):%Y-%m}"


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("query.day", "A day reads like 2026-11-24.") from error


def _whole(found: Sequence[IntervalTold]) -> dict[tuple[str, str, str], int]:
    whole: dict[tuple[str, str, str], int] = {}
    for interval in found:
        for flow in interval.flows:
            key = (flow.source, flow.sink, flow.origin)
            whole[key] = whole.get(key, 0) + flow.wh
    return whole


def _registers(found: Sequence[IntervalTold], flows: dict[tuple[str, str, str], int]) -> list[Register]:
    told = []
    for account in words.ACCOUNTS:
        measured = sum(interval.measured.get(name, 0) for interval in found for name in account.measured)
        booked = sum(
            wh
            for (source, sink, _), wh in flows.items()
            if (source in account.sources and sink not in {"loss", "ess_grid"}) or sink in account.sinks
        )
        if measured or booked:
            told.append(Register(account, measured, booked))
    return told


def _chart(found: Sequence[IntervalTold], span: Interval, say: Speech) -> BarChart:
    """What vehicles got in each hour, by origin [kWh]."""
    hours: list[list[IntervalTold]] = [[] for _ in range(round(span.duration / HOUR))]
    for interval in found:
        hours[int((interval.start - span.start) / HOUR)].append(interval)
    stacks = []
    for number, intervals in enumerate(hours):
        at = span.start + number * HOUR
        flows = [flow for interval in intervals for flow in interval.flows if flow.sink == "ev"]
        stacks.append(
            Stack(
                label=f"{at.astimezone(say.zone).hour}",
                name=say("{clock}부터 한 시간", clock=say.clock(at)),
                parts=[_kwh(flows, one) if intervals else None for one in ORIGINS],
                unsure=sum(flow.wh for one in intervals if one.estimated for flow in one.flows if flow.sink == "ev") / 1_000,
            )
        )
    series = [Series(f"from-{one}", say.text(words.ORIGIN_NAMES[one]), words.ORIGIN_PATTERNS[one]) for one in ORIGINS]
    return BarChart(
        id="hours", title=say("시간마다 차량이 받은 전력의 출처"), unit="kWh", decimals=1, series=series, stacks=stacks
    )


def _kwh(flows: Sequence[Flow], origin: str) -> float:
    return sum(flow.wh for flow in flows if flow.origin == origin) / 1_000
