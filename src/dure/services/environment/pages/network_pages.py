"""Pages of network health: are my stations right? Findings first, then stations, then the limits the network learned."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError
from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import US_PER_S, day_of, format_instant, from_us, to_us
from dure.engines.records.audit import By
from dure.services.environment.faults import findings as records
from dure.services.environment.faults.diagnosis_rules import diagnosis_rules_on, held_by
from dure.services.environment.faults.markings import release_held
from dure.services.environment.pages import network_health as health
from dure.services.environment.pages.finding_words import STATES, FindingWords, effect
from dure.services.environment.pages.network_health import Came, Day, Limit
from dure.web import history
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.scene import visible
from dure.web.security import own_form
from dure.web.standing import ORDER, counts, standings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from dure.core.assets import Asset
    from dure.core.observations import Check
    from dure.services.environment.faults.findings import Finding, Verdict
    from dure.spine.house import House
    from dure.web.history import Past
    from dure.web.standing import Standing
    from dure.web.words import Word

HERE = "/operations/environment/network"
KEPT_S = 30
ROWS = 100
FINDINGS_ROWS = 50
VERDICTS_ROWS = 20
VERDICTS_BACK = timedelta(days=7)
EXPORT_ROWS = 10_000
SETTLED = ("acknowledged", "closed")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
PARTS: dict[str, Text] = {
    "good": Text("정상", "good"),
    "suspect": Text("의심", "suspect"),
    "failed": Text("불량", "failed"),
    "waiting": Text("평가 전", "not evaluated"),
    "missing": Text("안 옴", "missing"),
}


class Measured(NamedTuple):
    """What is costly to read, and when it was read."""

    day: Day
    limits: list[Limit]


class Asked(NamedTuple):
    """What the page was asked for."""

    zone: str
    status: str
    property: str
    page: int


class Past7(NamedTuple):
    """What is known around a finding."""

    verdicts: list[Verdict]
    neighbours: list[tuple[str, float | None, int]]
    others: list[Finding]
    past: Past | None


class NetworkDesk:
    """The pages; what is costly to read is kept half a minute."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._kept: Measured | None = None
        self._reading = asyncio.Lock()

    async def page(self, request: Request) -> Response:
        """First what needs a person, then every station, the worst first, then the limits."""
        house, say = self._house, layout_of(request).speech(request)
        now, asked = house.clock.now(), _asked(request)
        assets = {name: one for name, one in (await visible(request)).items() if health.is_station(one)}
        measured = await self._measured()
        found = await run_in_threadpool(health.open_findings, house)
        everywhere = standings(assets.values(), house.live, house.properties, to_us(now))
        rows = health.stations(_fitting(everywhere, asked), measured.day, found, asked.property)
        whole = Came()
        for one in rows:
            whole = whole.and_(one.came)
        held = self._held(now)
        zones = {str(one.attributes.get("zone", "")) for one in assets.values()}
        return await layout_of(request).page(
            request,
            "environment/network.html",
            findings=sorted(found, key=lambda one: (-int(held.get(one.kind, (Flag.GOOD,))[0]), one.found_at))[:FINDINGS_ROWS],
            findings_n=len(found),
            rows=rows[asked.page * ROWS : (asked.page + 1) * ROWS],
            rows_n=len(rows),
            page_rows=ROWS,
            whole=whole,
            counts=counts(everywhere),
            limits=measured.limits,
            asked=asked,
            statuses=[one for one in ORDER if one != "retired"],
            zones=sorted((one for one in house.city.zones if one.id in zones), key=lambda one: say.sort_key(say.text(one.name))),
            choices=measured.day.counted,
            zone_name=_zone_name(house, say.language == "en"),
            **_common(request, assets, held, now),
        )

    async def finding(self, request: Request, finding_id: str) -> Response:
        """One finding: what it means, what to do first, what it rests on, and what else was wrong there."""
        house, now = self._house, self._house.clock.now()
        one = await run_in_threadpool(self._get, finding_id)
        assets = await visible(request)
        around = await run_in_threadpool(self._around, one, now)
        known = house.properties.get(one.property)
        say = layout_of(request).speech(request)
        return await layout_of(request).page(
            request,
            "environment/finding.html",
            crumbs=[(HERE, say("측정망 상태"))],
            one=one,
            known=known,
            asset=assets.get(one.asset),
            around=around,
            chart_of=history.chart_of,
            told=request.query_params.get("told", ""),
            unit_of=lambda name: house.properties[name].unit if name in house.properties else "",
            decimals_of=lambda name: house.properties[name].decimals if name in house.properties else 2,
            **_common(request, assets, self._held(now), now),
        )

    async def settle(
        self,
        request: Request,
        finding_id: str,
        actor: Actor = Depends(require("manage", "device")),  # noqa: B008  # FastAPI's way
    ) -> Response:
        """A person takes it over or closes it."""
        fields = await own_form(request)
        state = fields.get("state", "")
        if state not in SETTLED:
            raise InputError("form.unreadable", "A finding is taken over or closed, nothing else.")
        told = state
        try:
            by = By(actor.id, self._house.clock.now())
            found = await run_in_threadpool(self._settle, finding_id, state, fields.get("note", "").strip(), by)
            if state == "closed" and fields.get("release") == "yes":
                await release_held(self._house, found, by)
        except Conflict:
            told = "before"
        return RedirectResponse(f"/{language_of(request)}{HERE}/{finding_id}?told={told}", 303)

    async def export(self, request: Request) -> Response:
        """All findings, newest first, for a spreadsheet."""
        assets, say = await visible(request), layout_of(request).speech(request)
        found = await run_in_threadpool(self._listing)
        words = FindingWords(say, self._house.properties, _name_of(assets, say.language == "en"))
        body = csv_of(found, assets, words)
        headers = {"Content-Disposition": 'attachment; filename="findings.csv"'}
        return Response(body.encode("utf-8-sig"), headers=headers, media_type="text/csv; charset=utf-8")

    async def _measured(self) -> Measured:
        now_us = to_us(self._house.clock.now())
        async with self._reading:
            kept = self._kept
            if kept is None or not 0 <= now_us - kept.day.now_us < KEPT_S * US_PER_S:
                kept = self._kept = await run_in_threadpool(self._measure, now_us)
        return kept

    def _measure(self, now_us: int) -> Measured:
        house = self._house
        return Measured(health.day(house, now_us), health.limits(house, day_of(from_us(now_us), house.city.zone)))

    def _held(self, now: datetime) -> Mapping[str, tuple[Flag, Check]]:
        return held_by(diagnosis_rules_on(day_of(now, self._house.city.zone), self._house.city.folder))

    def _get(self, finding_id: str) -> Finding:
        with self._house.records.read() as connection:
            return records.get(connection, finding_id)

    def _settle(self, finding_id: str, state: str, note: str, by: By) -> Finding:
        with self._house.records.begin() as connection:
            return records.settle(connection, finding_id, "closed" if state == "closed" else "acknowledged", note, by)

    def _listing(self) -> list[Finding]:
        with self._house.records.read() as connection:
            return records.listing(connection, limit=EXPORT_ROWS).items

    def _around(self, one: Finding, now: datetime) -> Past7:
        """Verdicts of the series up to now, or up to a day after the finding was closed; what the neighbours said then."""
        house = self._house
        until = now if one.closed_at is None else min(now, one.closed_at + timedelta(days=1))
        names = [one.property] if one.property else sorted(house.live.of_asset(one.asset))
        with house.records.read() as connection:
            start_us, end_us = to_us(until - VERDICTS_BACK), to_us(until) + 1
            keys = [(one.asset, name) for name in names]
            verdicts = records.verdicts_of(connection, keys, start_us, end_us, VERDICTS_ROWS)
            others = records.listing(connection, asset=one.asset, limit=VERDICTS_ROWS).items
        past = None
        known = house.properties.get(one.property)
        if known is not None:
            reach = history.REACHES["7d"]
            past = history.of_series(house.telemetry, (one.asset, known), reach, until, everything=True)
        neighbours = self._said_by_neighbours(verdicts[0]) if verdicts else []
        return Past7(verdicts, neighbours, [each for each in others if each.id != one.id], past if past and past.dots else None)

    def _said_by_neighbours(self, verdict: Verdict) -> list[tuple[str, float | None, int]]:
        """What each neighbour had said last when a verdict was made: station, value (None where it was silent), time [µs]."""
        known = self._house.properties.get(verdict.property)
        back_us = 2 * (known.period_s if known else 600) * US_PER_S
        found = []
        for name in verdict.detail.get("neighbours", []):
            read = self._house.telemetry.series((name, verdict.property), verdict.time_us - back_us, verdict.time_us + 1)
            usable = [row for row in range(len(read.value)) if read.value[row] == read.value[row]]
            last = usable[-1] if usable else None
            found.append(
                (name, None if last is None else float(read.value[last]), 0 if last is None else int(read.time_us[last]))
            )
        return found


def routes(house: House) -> APIRouter:
    """Routes of network health."""
    router, desk = APIRouter(), NetworkDesk(house)
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, desk.page, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/export.csv", desk.export, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{finding_id}}", desk.finding, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{finding_id}}/settle", desk.settle, methods=["POST"])
    return router


def csv_of(found: Sequence[Finding], assets: Mapping[str, Asset], words: FindingWords) -> str:
    """Findings as CSV; a text that a spreadsheet would take for a formula gets an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    heads = ("id", "asset", "name_ko", "name_en", "property", "kind", "state", "found_at", "seen_at", "closed_at", "by", "note")
    writer.writerow((*heads, "says", "evidence"))
    for one in found:
        name = assets[one.asset].name if one.asset in assets else Text("")
        times = [format_instant(at) if at else "" for at in (one.found_at, one.seen_at, one.closed_at)]
        row = (one.id, one.asset, name.ko, name.en, one.property, one.kind, one.state, *times, one.by, one.note)
        writer.writerow(_plain(cell) for cell in (*row, words.sentence(one), msgspec.json.encode(one.evidence).decode()))
    return out.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _asked(request: Request) -> Asked:
    query = request.query_params
    number = query.get("page", "")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
    return Asked(query.get("zone", "")[:64], query.get("status", "")[:32], query.get("property", "")[:64], page)


def _fitting(found: Sequence[Standing], asked: Asked) -> list[Standing]:
    return [
        one
        for one in found
        if asked.zone in ("", one.asset.attributes.get("zone"))
        and asked.status in ("", one.status)
        and (not asked.property or asked.property in one.values)
    ]


def _common(
    request: Request, assets: Mapping[str, Asset], held: Mapping[str, tuple[Flag, Check]], now: datetime
) -> dict[str, Any]:
    """Words and names both pages need."""
    say, house = layout_of(request).speech(request), house_of(request)

    def effect_of(kind: str) -> Word:
        return effect(kind, held)

    def ago(at: datetime) -> timedelta:
        return max(now - at, timedelta(0))

    name_of = _name_of(assets, say.language == "en")
    return {
        "assets": assets,
        "name_of": name_of,
        "told_in": FindingWords(say, house.properties, name_of),
        "states": STATES,
        "parts": PARTS,
        "effect_of": effect_of,
        "ago": ago,
    }


def _name_of(assets: Mapping[str, Asset], english: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for templates
    def name(asset_id: str) -> str:
        return assets[asset_id].name("en" if english else "ko") if asset_id in assets else asset_id

    return name


def _zone_name(house: House, english: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for templates
    def name(asset: Asset) -> str:
        zone = house.city.zone_by_id(str(asset.attributes.get("zone", "")))
        return zone.name("en" if english else "ko") if zone else "–"

    return name
