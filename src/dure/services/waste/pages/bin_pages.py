"""Bins for staff: all of them with what is believed, and one with its curve, its story, and what can be asked of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import Interval, day_of, to_us
from dure.engines.records import commands
from dure.engines.records.audit import By
from dure.services.waste import words
from dure.services.waste.devices import command_desk
from dure.services.waste.driving import missed_records, tap_records
from dure.services.waste.pages.alarm_pages import KINDS as ALARM_KINDS
from dure.services.waste.pages.believed import curve
from dure.services.waste.pages.bin_rows import BinRow, bin_or_none, bin_rows
from dure.services.waste.pages.needs import NEEDS, RANK, need_of
from dure.services.waste.pages.paging import page_at
from dure.services.waste.pages.ticket_pages import FAULTS
from dure.services.waste.pages.ticket_pages import STATES as TICKET_STATES
from dure.services.waste.planning import plan_records, plan_words
from dure.services.waste.reporting import report_records
from dure.services.waste.reporting.reports import KINDS, STATES
from dure.services.waste.safety import alarm_records
from dure.services.waste.tickets import ticket_desk
from dure.web.access import require
from dure.web.charts import Band, Chart, Dot, Sign
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.assets import Asset
    from dure.core.events import Command
    from dure.services.waste.driving.missed_records import MissedVisit
    from dure.services.waste.model import Sighting
    from dure.services.waste.pages.believed import Curve
    from dure.services.waste.pages.needs import Need
    from dure.services.waste.planning.verdicts import Verdict
    from dure.services.waste.reporting.reports import Report
    from dure.services.waste.safety.alarms import Alarm
    from dure.services.waste.tickets.tickets import Ticket
    from dure.spine.house import House
    from dure.web.i18n import Speech

LIST = "/operations/waste/bins"
BACK = timedelta(days=7)
MISSED_BACK = timedelta(days=2)
PAGE_ROWS = 30
FILL = "fill_fraction"
COMMANDS: dict[str, Text] = {
    "compact_now": Text("지금 압축하기", "Compact now"),
    "lock_hopper": Text("투입구 잠그기", "Lock the hopper"),
    "unlock_hopper": Text("투입구 풀기", "Unlock the hopper"),
}
OUTCOMES: dict[str, Text] = {
    "pending": Text("기다림", "Waiting"),
    "accepted": Text("받음", "Accepted"),
    "done": Text("마침", "Done"),
    "rejected": Text("거절", "Rejected"),
    "expired": Text("때를 놓침", "Expired"),
}
WHY: dict[str, Text] = {
    "command.locked": Text(
        "화재 경보나 젖은 쓰레기 때문에 압축할 수 없습니다.", "It must not be pressed: a fire alarm or wet waste."
    ),
    "command.unfit": Text("이 통은 그것을 할 수 없습니다.", "This bin cannot do that."),
    "command.no_device": Text("이 통의 장치가 모두 폐기되었습니다.", "Every device of this bin is revoked."),
}
ORDERS = ("need", "risk", "level", "age", "name")


class Told(NamedTuple):
    """Everything the records say of one bin."""

    row: BinRow
    curve: Curve | None
    sightings: Sequence[Sighting]
    tickets: Sequence[Ticket]
    alarms: Sequence[Alarm]
    reports: Sequence[Report]
    verdict: Verdict | None
    commands: Sequence[Command]
    missed: Sequence[MissedVisit]


class Listed(NamedTuple):
    """A bin in the list, and what it most needs a person for."""

    row: BinRow
    need: Need | None


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of bins."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{LIST}/{{bin_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{LIST}/{{bin_id}}", ask, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """All bins, those that need a person first."""
    house, asked = house_of(request), request.query_params
    order = asked.get("order") if asked.get("order") in ORDERS else "need"
    health, words_ = asked.get("health", "")[:40], asked.get("words", "").strip().casefold()[:80]
    need = next((one for one in ("any", *NEEDS) if one == asked.get("need")), "")
    bins = [each for each in (await visible(request)).values() if each.kind == "bin"]
    rows = await run_in_threadpool(_listed, house, bins)
    say = layout_of(request).speech(request)
    fitting = _ordered([each for each in rows if _fits(each, need, health, words_)], order, say)
    return await layout_of(request).page(
        request,
        "waste/bins.html",
        part=page_at(fitting, asked.get("after", ""), PAGE_ROWS),
        total=len(rows),
        chosen={"words": asked.get("words", "").strip()[:80], "need": need, "health": health, "order": order},
        health_word=health_word,
        healths=words.HEALTH,
        needs=NEEDS,
        stream_name=words.stream,
        needing=sum(each.need is not None for each in rows),
        troubled=sum(each.row.outlook.health not in ("healthy", "no_sensor") for each in rows),
        full=sum(each.row.answer.word in ("full", "over") for each in rows),
        silent=sum(each.row.outlook.health == "silent" for each in rows),
    )


async def one(request: Request, bin_id: str) -> Response:
    """One bin."""
    return await _page(request, bin_id)


async def ask(request: Request, bin_id: str, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Ask a compactor for something."""
    house, fields = house_of(request), await own_form(request)
    by = By(actor.id, house.clock.now())
    try:
        await command_desk.ask(house, bin_id, fields.get("name", ""), fields.get("key", "")[:64] or uuid4().hex, by)
    except InputError as error:
        say, why = layout_of(request).speech(request), WHY.get(error.code)
        return await _page(request, bin_id, say.text(why) if why else error.message, 422)
    return RedirectResponse(f"/{language_of(request)}{LIST}/{bin_id}?told=asked", 303)


async def _page(request: Request, bin_id: str, trouble: str = "", status: int = 200) -> Response:
    house, now = house_of(request), house_of(request).clock.now()
    asset = (await visible(request)).get(bin_id)
    if asset is None or asset.kind != "bin":
        raise NotFound("asset.unknown", f"The bin {bin_id[:80]!r} is not registered.")
    told = await run_in_threadpool(_told, house, asset, now)
    chart = await run_in_threadpool(_chart, house, told, now, layout_of(request).speech(request))
    return await layout_of(request).page(
        request,
        "waste/bin.html",
        status=status,
        trouble=trouble,
        told_done=request.query_params.get("told", ""),
        command_key=uuid4().hex,
        command_names=COMMANDS,
        outcomes=OUTCOMES,
        crumbs=[(LIST, layout_of(request).speech(request)("쓰레기통 목록"))],
        asset=asset,
        bin=bin_or_none(asset),
        row=told.row,
        told=told,
        chart_of_level=chart,
        health_word=health_word,
        stream_name=words.stream,
        sighting_names=words.SIGHTINGS,
        faults=FAULTS,
        ticket_states=TICKET_STATES,
        alarm_kinds=ALARM_KINDS,
        report_kinds=KINDS,
        report_states=STATES,
        verdict_words=plan_words.verdict_words,
        counts=tap_records.counts,
        today=day_of(now, house.city.zone),
        photo_name=lambda name: name.rpartition("/")[2],
    )


def _listed(house: House, bins: Sequence[Asset]) -> list[Listed]:
    now = house.clock.now()
    with house.records.read() as connection:
        rows = bin_rows(house, connection, bins, now)
        missed = missed_records.between(connection, Interval(now - MISSED_BACK, now))
    open_ = {one.asset.id for one in rows if one.asset.id in missed and not _emptied_since(one, missed[one.asset.id])}
    return [Listed(one, need_of(one, open_)) for one in rows]


def _emptied_since(row: BinRow, missed: MissedVisit) -> bool:
    return row.known.emptied_at is not None and row.known.emptied_at > missed.planned_at


def _told(house: House, asset: Asset, now: datetime) -> Told:
    with house.records.read() as connection:
        row = bin_rows(house, connection, [asset], now)[0]
        bin_ = bin_or_none(asset)
        head = plan_records.newest(connection, day_of(now, house.city.zone))
        plan = plan_records.get(connection, head.id).plan if head else None
        return Told(
            row=row,
            curve=curve(house, connection, bin_, now) if bin_ else None,
            sightings=tap_records.of_bin(connection, asset.id, limit=50),
            tickets=ticket_desk.listing(connection, bin_id=asset.id, limit=20).items,
            alarms=alarm_records.listing(connection, bin_id=asset.id, limit=20).items,
            reports=report_records.listing(connection, bin_id=asset.id, limit=20).items,
            verdict=next((each for each in plan.verdicts if each.bin == asset.id), None) if plan else None,
            commands=commands.listing(connection, asset=asset.id, limit=10).items,
            missed=missed_records.of_bin(connection, asset.id),
        )


def _chart(house: House, told: Told, now: datetime, say: Speech) -> Chart:
    """A week of levels as sensed, what people saw, and three days ahead with the 80 % band."""
    known = house.properties[FILL]
    start_us = to_us(now - BACK)
    found = house.telemetry.series((told.row.asset.id, FILL), start_us, to_us(now) + 1)
    columns = zip(found.time_us.tolist(), found.value.tolist(), found.flag.tolist(), strict=True)
    dots = [Dot(time_us, None if value != value else value, flag) for time_us, value, flag in columns]  # noqa: PLR0124  # NaN is unlike itself
    points = told.curve.points if told.curve else ()
    bands = [Band(one[0], after[0], min(one[2], after[2]), max(one[3], after[3])) for one, after in pairwise(points)]
    signs = [
        Sign(to_us(each.seen_at), each.level or 0.0, f"{say.text(words.SIGHTINGS[each.kind])} {say.when(each.seen_at)}")
        for each in told.sightings
        if tap_records.counts(each) and to_us(each.seen_at) >= start_us and (each.level is not None or each.kind == "emptied")
    ]
    return Chart(
        title=say.text(known.name),
        unit="1",
        decimals=known.decimals,
        start_us=start_us,
        end_us=points[-1][0] if points else to_us(now),
        dots=dots,
        gap_us=3 * max(known.period_s, 6 * 3_600) * 1_000_000,
        bands=bands,
        ahead=[Dot(one[0], one[1], Flag.GOOD) for one in points],
        limit=1.0,
        signs=signs,
    )


def health_word(health: str) -> Word:
    """The health of a sensor as a badge shows it."""
    name, tone, mark = words.HEALTH[health]
    return Word(name, tone, mark, name)


def _fits(one: Listed, need: str, health: str, words_: str) -> bool:
    row = one.row
    spoken = f"{row.asset.name.ko} {row.asset.name.en} {row.address} {row.asset.id}".casefold()
    needed = not need or (one.need is not None and need in ("any", one.need))
    return needed and (not health or row.outlook.health == health) and (not words_ or words_ in spoken)


def _ordered(rows: list[Listed], order: str | None, say: Speech) -> list[Listed]:
    if order == "name":
        return sorted(rows, key=lambda each: say.sort_key(say.text(each.row.asset.name)))
    if order == "age":
        return sorted(rows, key=lambda each: -(each.row.outlook.age_d if each.row.outlook.age_d is not None else 1e9))
    if order == "need":
        return sorted(rows, key=lambda each: (RANK[each.need] if each.need else len(RANK), -(each.row.outlook.risk or 0.0)))
    name = "level" if order == "level" else "risk"
    return sorted(rows, key=lambda each: -(getattr(each.row.outlook, name) or 0.0))
