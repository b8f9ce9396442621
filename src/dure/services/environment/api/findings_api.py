"""Findings, verdicts, indices and rules by REST. Indices of public stations and the rules are for everybody."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import ConfigError, InputError, NotFound
from dure.core.identifiers import identifier
from dure.core.observations import Check, Flag
from dure.core.text import Text
from dure.core.time import day_of, from_us, to_us
from dure.engines.records.audit import By
from dure.services.environment.faults import findings
from dure.services.environment.faults.findings import Finding, Verdict
from dure.services.environment.faults.markings import Marking, mark_and_tell, release_held
from dure.services.environment.pages import rules_book
from dure.services.environment.watches.index_watch import Kept, results_of
from dure.web.api.answers import answer, kept, page, page_schema, schema_of, told
from dure.web.api.permits import ManagesDevices, SeesCityData, SeesPublicData
from dure.web.api.queries import CheckedRoute, OfSeries, Paged, Spanned, ids, instant, span, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.environment.pages.rules_book import Leaf
    from dure.spine.house import House
    from dure.web.api.sight import Sight

VERDICTS_USUAL = timedelta(days=7)
VERDICTS_LONGEST = timedelta(days=400)
VERDICTS_SERIES = 200
INDICES_ASSETS = 1_000


class FindingQuery(Paged):
    """Which findings."""

    state: Literal["open", "acknowledged", "closed"] | None = Field(None, description="Only in this state.")
    asset: str = Field("", max_length=64, description="Only those of this station.", examples=["hs-0001"])


class Settlement(BaseModel):
    """What becomes of a finding."""

    state: Literal["open", "acknowledged", "closed"] = Field(description="Taken over, closed, or handed back (open).")
    note: str = Field("", max_length=2_000, pattern=r"^[^\x00]*$", description="What was done.", examples=["Inlet cleaned."])
    release: bool = Field(default=False, description="The finding was wrong: free the values that it alone held back.")


class NewMarking(BaseModel):
    """Values that a person holds back, or releases after a look at them."""

    asset: str = Field(max_length=64, description="The station.", examples=["hs-0001"])
    property: str = Field(max_length=64, description="Of which property.", examples=["pm10"])
    start: str = Field(description="From, RFC 3339.", examples=["2026-11-25T00:00:00+09:00"])
    end: str = Field(description="Until (not included), RFC 3339.", examples=["2026-11-25T06:00:00+09:00"])
    word: Literal["hold", "release"] = Field(description="Not to be trusted, or good after all.")
    note: str = Field(
        min_length=1, max_length=2_000, pattern=r"^[^\x00]*$", description="Why.", examples=["Painting beside the inlet."]
    )


class Marked(msgspec.Struct, frozen=True):
    """How many values got a new flag."""

    values: int


class VerdictQuery(OfSeries, Spanned):
    """Which verdicts."""

    limit: int = Field(500, ge=1, le=10_000, description="Most rows; for older ones ask with an earlier `end`.")


class IndexQuery(BaseModel):
    """Which indices."""

    name: str = Field("", max_length=64, description="Only this index or grade.", examples=["cai"])
    asset: list[str] = Field([], description="Only these stations, repeated or separated by commas.", examples=[["hs-0001"]])


class RulesQuery(BaseModel):
    """On which day."""

    on: str = Field("", max_length=10, description="As in force on this local day (YYYY-MM-DD); today when it is absent.")


class VerdictForm(msgspec.Struct, frozen=True, kw_only=True):
    """Why a value got its flag: `statistic` against `threshold`, both in the property's unit; `detail` names the neighbours."""

    asset: str
    property: str
    time: datetime
    flag: int
    check: str
    statistic: float | None
    threshold: float | None
    detail: dict[str, Any]


class IndexForm(msgspec.Struct, frozen=True, kw_only=True):
    """The newest result of an index or grade of a station; `at` is the end of the hours it rests on."""

    asset: str
    name: str
    at: datetime
    result: dict[str, Any]


class PackForm(msgspec.Struct, frozen=True, kw_only=True):
    """A rule pack on a day: every row has `id`, `effective_from`, `source` and `mark`. `own` says that the city's file holds."""

    id: str
    version: str
    name: Text
    own: bool
    on: date
    tables: dict[str, list[dict[str, Any]]]


class PackName(msgspec.Struct, frozen=True, kw_only=True):
    """A rule pack and how many of its rows bear which mark today."""

    id: str
    version: str
    name: Text
    own: bool
    marks: dict[str, int]


class FindingRoutes:
    """Findings and verdicts."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[FindingQuery, Query()], _: SeesCityData) -> Response:
        """Findings, newest first."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def one(self, finding_id: str, _: SeesCityData) -> Response:
        """One finding with its evidence."""
        return answer(await run_in_threadpool(self._get, text(finding_id, "finding id")))

    async def settle(self, finding_id: str, wanted: Settlement, actor: ManagesDevices) -> Response:
        """Take a finding over or close it; what it held back is free again when it is closed."""
        by = By(actor.id, self._house.clock.now())
        found = await run_in_threadpool(self._settle, text(finding_id, "finding id"), wanted, by)
        if wanted.release and wanted.state == "closed":
            await release_held(self._house, found, by)
        return answer(found)

    async def mark(self, wanted: NewMarking, actor: ManagesDevices) -> Response:
        """A person holds values back or releases them; who and why is kept with each."""
        start, end = instant(wanted.start, "start"), instant(wanted.end, "end")
        if end <= start:
            raise InputError("time.interval_reversed", "end: it must be after start.")
        marking = Marking(
            asset=identifier(wanted.asset, "asset id"),
            property=identifier(wanted.property, "property id"),
            start_us=to_us(start),
            end_us=to_us(end),
            word=wanted.word,
            note=wanted.note,
        )
        return answer(Marked(await mark_and_tell(self._house, marking, By(actor.id, self._house.clock.now()))))

    async def verdicts(self, request: Request, asked: Annotated[VerdictQuery, Query()], _: SeesCityData) -> Response:
        """Why values got their flags from checks that look at more than one series, newest first."""
        assets, names = ids(asked.asset, "asset ids"), ids(asked.property, "property ids")
        if not assets:
            raise InputError("request.invalid", "asset: name at least one station.")
        keys = [(asset, name) for asset in assets for name in names or self._house.live.of_asset(asset)]
        if len(keys) > VERDICTS_SERIES:
            raise InputError("query.too_many", f"At most {VERDICTS_SERIES} series at once; {len(keys):,} were asked for.")
        when = span(asked.start, asked.end, self._house.clock.now(), usual=VERDICTS_USUAL, longest=VERDICTS_LONGEST)
        found = await run_in_threadpool(self._verdicts, keys, (to_us(when.start), to_us(when.end)), asked.limit)
        return page(request, [_form(one) for one in found], None)

    def _listing(self, asked: FindingQuery) -> Page[Finding]:
        with self._house.records.read() as connection:
            asset, after = text(asked.asset, "asset"), text(asked.after, "after")
            return findings.listing(connection, state=asked.state, asset=asset, after=after, limit=asked.limit)

    def _get(self, finding_id: str) -> Finding:
        with self._house.records.read() as connection:
            return findings.get(connection, finding_id)

    def _settle(self, finding_id: str, wanted: Settlement, by: By) -> Finding:
        with self._house.records.begin() as connection:
            return findings.settle(connection, finding_id, wanted.state, wanted.note.strip(), by)

    def _verdicts(self, keys: list[tuple[str, str]], when_us: tuple[int, int], limit: int) -> list[Verdict]:
        with self._house.records.read() as connection:
            return findings.verdicts_of(connection, keys, *when_us, limit)


class IndexRoutes:
    """Indices and rules, for everybody."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def indices(self, request: Request, asked: Annotated[IndexQuery, Query()], actor: SeesPublicData) -> Response:
        """The newest index and grade of every station one may see."""
        sight: Sight = request.app.state.sight
        wanted = ids(asked.asset, "asset ids", INDICES_ASSETS)
        for asset in wanted:
            await sight.one(actor, asset)
        seen = set(wanted) or set(await sight.of(actor))
        found = await run_in_threadpool(self._results, text(asked.name, "name"), wanted[0] if len(wanted) == 1 else "")
        shown = [IndexForm(asset=one.asset, name=one.name, at=one.at, result=one.result) for one in found if one.asset in seen]
        return page(request, shown, None)

    async def packs(self, request: Request, _: SeesPublicData) -> Response:
        """Every rule pack with its version."""
        on = day_of(self._house.clock.now(), self._house.city.zone)
        return page(request, await run_in_threadpool(self._packs, on), None)

    async def pack(
        self,
        request: Request,
        pack: Annotated[str, Path(max_length=64)],
        asked: Annotated[RulesQuery, Query()],
        _: SeesPublicData,
    ) -> Response:
        """One rule pack as it is or was in force on a day."""
        on = _day(asked.on) or day_of(self._house.clock.now(), self._house.city.zone)
        try:
            leaf = await run_in_threadpool(rules_book.open_pack, pack, self._house.city.folder, on)
        except ConfigError as error:  # the page of operations says what is wrong, and where
            raise NotFound("rules.unknown", f"The rule pack {pack!r} cannot be read now.") from error
        tables = {name: [dict(row) for row in rows] for name, rows in leaf.tables.items()}
        return kept(request, PackForm(id=leaf.id, version=leaf.version, name=leaf.name, own=leaf.own, on=on, tables=tables))

    def _results(self, name: str, asset: str) -> list[Kept]:
        with self._house.records.read() as connection:
            return results_of(connection, name=name, asset=asset)

    def _packs(self, on: date) -> list[PackName]:
        return [_name(one) for one in rules_book.shelf(self._house.city.folder, on).leaves]


def routes(house: House) -> APIRouter:
    """Findings, verdicts, indices, rules."""
    router = APIRouter(prefix="/environment", tags=["environment"], route_class=CheckedRoute)
    desk, open_desk = FindingRoutes(house), IndexRoutes(house)
    one = schema_of(Finding)
    router.get("/findings", summary="Findings", response_class=Response, responses=told(page_schema(Finding), 401, 403, 503))(
        desk.listing
    )
    router.get("/findings/{finding_id}", summary="One finding", response_class=Response, responses=told(one, 401, 403, 404, 503))(
        desk.one
    )
    router.post(
        "/findings/{finding_id}/settle",
        summary="Take over or close a finding",
        response_class=Response,
        responses=told(one, 400, 401, 403, 404, 409, 503),
    )(desk.settle)
    router.get(
        "/verdicts",
        summary="Verdicts of checks",
        response_class=Response,
        responses=told(page_schema(VerdictForm), 401, 403, 503),
    )(desk.verdicts)
    router.post(
        "/markings",
        summary="Hold values back or release them",
        response_class=Response,
        responses=told(schema_of(Marked), 400, 401, 403, 503),
    )(desk.mark)
    _open(router, open_desk)
    return router


def _open(router: APIRouter, desk: IndexRoutes) -> None:
    router.get(
        "/indices", summary="Indices and grades", response_class=Response, responses=told(page_schema(IndexForm), 404, 503)
    )(desk.indices)
    router.get("/rules", summary="Rule packs", response_class=Response, responses=told(page_schema(PackName), 503))(desk.packs)
    router.get("/rules/{pack}", summary="One rule pack", response_class=Response, responses=told(schema_of(PackForm), 404, 503))(
        desk.pack
    )


def _form(one: Verdict) -> VerdictForm:
    known = one.check in {int(each) for each in Check}
    return VerdictForm(
        asset=one.asset,
        property=one.property,
        time=from_us(one.time_us),
        flag=int(Flag(one.flag)),
        check=Check(one.check).name.lower() if known else str(one.check),
        statistic=one.statistic,
        threshold=one.threshold,
        detail=one.detail,
    )


def _name(leaf: Leaf) -> PackName:
    return PackName(id=leaf.id, version=leaf.version, name=leaf.name, own=leaf.own, marks=dict(leaf.marks))


def _day(asked: str) -> date | None:
    if not asked:
        return None
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise InputError("time.unreadable", "on: a day reads YYYY-MM-DD.") from error
