"""The origin of every Wh: intervals, balances, certificates, direct supply, the check of the chain, and splits of sessions."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import NotFound
from dure.core.identifiers import identifier
from dure.core.time import format_instant
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.charging.origin import origin_view
from dure.services.charging.origin.certificates import Certificate, csv_of
from dure.services.charging.origin.chain import Verified
from dure.services.charging.origin.direct_supply import DirectSupply
from dure.services.charging.origin.explaining import explain
from dure.services.charging.origin.figure_ids import CHARS_MAX
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.origin.origin_view import Balanced, IntervalTold
from dure.services.charging.origin.split import Split, booked
from dure.services.charging.sessions.session_records import overlapping
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import DoesFieldWork, SeesCityData
from dure.web.api.queries import CheckedRoute, Spanned, instant, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.services.charging.model import Site
    from dure.spine.house import House

T = TypeVar("T")
USUAL, LONGEST = timedelta(days=1), timedelta(days=31)
YEAR = timedelta(days=400)


class MonthOf(BaseModel):
    """Which month."""

    month: str = Field(max_length=7, description="A local month.", examples=["2026-11"])


class CertificateQuery(MonthOf):
    """Which month, and in which form."""

    format: Literal["json", "csv"] = Field("json", description="json or csv.")


class FigureQuery(BaseModel):
    """Which figure."""

    figure: str = Field(
        max_length=CHARS_MAX, description="Its id, as docs/en/api.md lists them.", examples=["charging/session/cs-01/origin"]
    )


class BookAgain(BaseModel):
    """From when on a site is booked again."""

    model_config = ConfigDict(extra="forbid")

    since: str = Field(max_length=40, description="From this instant (RFC 3339).", json_schema_extra={"format": "date-time"})


class BookedAgain(msgspec.Struct, frozen=True):
    """How many rows were added, and until when the site is booked."""

    rows: int
    until: datetime | None


class ExplanationForm(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure comes from. `step` is a tree: each part has the form of the whole."""

    figure: str
    agrees: bool
    step: dict[str, Any]
    versions: dict[str, str]


class OriginRoutes:
    """Routes of the ledger."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def intervals(self, site_id: str, asked: Annotated[Spanned, Query()], _: SeesCityData) -> Response:
        """Intervals of a site as booked, with what was measured, who was served by what, and the digest of each."""
        interval = span(asked.start, asked.end, self._house.clock.now(), usual=USUAL, longest=LONGEST)
        return answer({"items": await self._read(site_id, lambda c, site: origin_view.intervals(c, site.id, interval))})

    async def balance(self, site_id: str, asked: Annotated[Spanned, Query()], _: SeesCityData) -> Response:
        """A span of a site in one balance: registers, flows between accounts, what vehicles got by origin."""
        interval = span(asked.start, asked.end, self._house.clock.now(), usual=USUAL, longest=YEAR)
        return answer(await self._read(site_id, lambda c, site: origin_view.balanced(c, site.id, interval)))

    async def certificates(self, site_id: str, asked: Annotated[CertificateQuery, Query()], _: SeesCityData) -> Response:
        """What a site's generators and storage gave in a month, interval by interval, in the fields of EnergyTag."""
        interval = origin_view.month_interval(asked.month, self._house.city.zone)
        found = await self._read(site_id, lambda c, site: origin_view.certificates_of(c, site, interval))
        if asked.format == "json":
            return answer({"items": found})
        name = f"certificates-{site_id}-{asked.month}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(csv_of(found), headers=headers, media_type="text/csv; charset=utf-8")

    async def supply(self, site_id: str, asked: Annotated[MonthOf, Query()], _: SeesCityData) -> Response:
        """What a site's generators supplied in a month without the power market."""
        interval = origin_view.month_interval(asked.month, self._house.city.zone)
        return answer(await self._read(site_id, lambda c, site: origin_view.supply_of(c, site.id, interval)))

    async def verify(self, site_id: str, _: SeesCityData) -> Response:
        """Check the whole chain of a site, and allocate every interval again."""
        return answer(await self._read(site_id, lambda c, site: origin_view.checked(c, site.id)))

    async def split(self, session_id: str, _: SeesCityData) -> Response:
        """What a session got by origin, as booked so far."""

        def read() -> Split | None:
            with self._house.records.read() as connection:
                return booked(connection, identifier(session_id, "session id"))

        found = await run_in_threadpool(read)
        if found is None:
            raise NotFound("origin.not_booked", f"Nothing is booked of the session {session_id[:80]!r} yet.")
        return answer(found)

    async def book(self, site_id: str, asked: BookAgain, actor: DoesFieldWork) -> Response:
        """Book a site again from an instant on: what its registers say otherwise by now becomes correcting rows."""
        site = await self._read(site_id, lambda _, found: found)
        since, by = instant(asked.since, "since"), By(actor.id, self._house.clock.now())

        def write() -> BookedAgain:
            found = OriginDesk(self._house, overlapping).book(site, since=since)
            with self._house.records.begin() as connection:
                detail = {"origin": {"since": format_instant(since), "rows": len(found.rows)}}
                audit.append(connection, by, "act", "field_work", site.id, detail)
            return BookedAgain(len(found.rows), found.until)

        return answer(await run_in_threadpool(write))

    async def explain(self, asked: Annotated[FigureQuery, Query()], _: SeesCityData) -> Response:
        """A figure of the ledger with the reads it rests on, run again and held against what is kept."""
        return answer(await run_in_threadpool(explain, self._house, asked.figure, overlapping))

    async def _read(self, site_id: str, ask: Callable[[Connection, Site], T]) -> T:
        def read() -> T:
            with self._house.records.read() as connection:
                return ask(connection, origin_view.site_named(connection, identifier(site_id, "site id")))

        return await run_in_threadpool(read)


def routes(house: House) -> APIRouter:
    """Routes of origins."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk = OriginRoutes(house)
    refusals = (400, 401, 403, 404, 503)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    def add(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *refusals))(work)

    add("/sites/{site_id}/origin", desk.intervals, "Intervals of the origin ledger", items(IntervalTold))
    add("/sites/{site_id}/origin/balance", desk.balance, "Balance of a site", schema_of(Balanced))
    add("/sites/{site_id}/origin/direct-supply", desk.supply, "Direct supply of a month", schema_of(DirectSupply))
    add("/sites/{site_id}/origin/verification", desk.verify, "Check of a site's chain", schema_of(Verified))
    add("/sessions/{session_id}/origin", desk.split, "Origin of a session", schema_of(Split))
    add("/explain", desk.explain, "Where a figure of the ledger comes from", schema_of(ExplanationForm))
    listed = told(items(Certificate), *refusals)
    listed[200]["content"]["text/csv"] = {"schema": {"type": "string"}}
    path = "/sites/{site_id}/origin"
    again = told(schema_of(BookedAgain), 400, 401, 403, 404, 409, 503)
    router.post(path, summary="Book a site again", response_class=Response, responses=again)(desk.book)
    path = "/sites/{site_id}/origin/certificates"
    router.get(path, summary="Certificates of a month", response_class=Response, responses=listed)(desk.certificates)
    return router
