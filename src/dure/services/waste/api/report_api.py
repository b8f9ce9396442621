"""Citizens' reports by REST: send one, look one up by its number; staff see all and answer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.waste.reporting import report_desk, report_records
from dure.services.waste.reporting.answers import citizen_rules
from dure.services.waste.reporting.report_desk import Said
from dure.services.waste.reporting.reports import WORDS_MAX, Report, ReportKind, ReportState, number_of
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesCityData, SeesPublicData
from dure.web.api.queries import CheckedRoute, Paged, text
from dure.web.security import Attempts

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

HOUR_S = 3_600.0


class NewReport(BaseModel):
    """What is reported of a bin."""

    bin: str = Field(max_length=64, description="The bin.", examples=["bin-001"])
    kind: Literal["full", "overflow", "broken", "fire", "other"] = Field(description="What is wrong with it.")
    words: str = Field("", max_length=WORDS_MAX, description="In one's own words; no names or telephone numbers.")


class ReportQuery(Paged):
    """Which reports."""

    state: Literal["open", "planned", "done", "refused"] | None = Field(None, description="Only in this state.")
    bin: str = Field("", max_length=64, description="Only of this bin.")


class Answering(BaseModel):
    """How a report is answered."""

    state: Literal["done", "refused"] = Field(description="Done with, or not taken up.")
    note: str = Field("", max_length=report_desk.NOTE_MAX, description="What the citizen reads.")


class ReportForm(msgspec.Struct, frozen=True, kw_only=True):
    """A report as everybody with its number sees it."""

    number: str
    bin: str
    kind: ReportKind
    state: ReportState
    received_at: datetime
    changed_at: datetime
    answer: str


class ReportRoutes:
    """The routes of reports."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._attempts: Attempts | None = None

    async def send(self, request: Request, wanted: NewReport, _: SeesPublicData) -> Response:
        """Report a bin. The number in the answer is the only way back to it."""
        now = self._house.clock.now()
        if self._attempts is None:
            rules = citizen_rules(day_of(now, self._house.city.zone), self._house.city.folder)
            self._attempts = Attempts(rules.reports_per_h, HOUR_S, code="report.too_often")
        self._attempts.take(request.client.host if request.client else "", now)
        said = Said(bin=text(wanted.bin, "bin"), kind=wanted.kind, words=wanted.words)
        return answer(_form(await run_in_threadpool(report_desk.receive, self._house.records, said, now)), 201)

    async def one(self, number: str, _: SeesPublicData) -> Response:
        """What became of a report."""
        return answer(_form(await run_in_threadpool(self._get, number_of(number[:40]))))

    async def listing(self, request: Request, asked: Annotated[ReportQuery, Query()], _: SeesCityData) -> Response:
        """Reports, newest first, with their words."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def settle(self, number: str, wanted: Answering, actor: Commands) -> Response:
        """Answer a report."""
        by = By(actor.id, self._house.clock.now())
        return answer(_form(await run_in_threadpool(self._settle, number_of(number[:40]), wanted, by)))

    def _get(self, number: str) -> Report:
        with self._house.records.read() as connection:
            return report_records.get(connection, number)

    def _listing(self, asked: ReportQuery) -> Page[Report]:
        states: tuple[Any, ...] = (asked.state,) if asked.state else ()
        with self._house.records.read() as connection:
            return report_records.listing(
                connection, states=states, bin_id=text(asked.bin, "bin"), after=text(asked.after, "after"), limit=asked.limit
            )

    def _settle(self, number: str, wanted: Answering, by: By) -> Report:
        with self._house.records.begin() as connection:
            return report_desk.settle(connection, number, wanted.state, wanted.note, by)


def _form(one: Report) -> ReportForm:
    return ReportForm(
        number=one.id, bin=one.bin, kind=one.kind, state=one.state, received_at=one.received_at, changed_at=one.changed_at,
        answer=str(one.facts.get("answer", "")),
    )  # fmt: skip


def routes(house: House) -> APIRouter:
    """Reports."""
    router = APIRouter(prefix="/waste/reports", tags=["waste"], route_class=CheckedRoute)
    desk = ReportRoutes(house)
    one = schema_of(ReportForm)
    router.post(
        "", summary="Report a bin", status_code=201, response_class=Response,
        responses=told(one, 400, 404, 429, 503, status=201, description="Kept."),
    )(desk.send)  # fmt: skip
    router.get("", summary="Reports", response_class=Response, responses=told(page_schema(Report), 401, 403, 503))(desk.listing)
    router.get("/{number}", summary="One report", response_class=Response, responses=told(one, 404, 503))(desk.one)
    router.post(
        "/{number}/settle", summary="Answer a report", response_class=Response, responses=told(one, 400, 401, 403, 404, 409, 503)
    )(desk.settle)  # fmt: skip
    return router
