"""Filings and reports by REST: look before, give out, list, fetch again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.buildings.api.comparison_api import PROGRAMME_WORD, known_at
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.filing import filing_desk, filing_records
from dure.services.buildings.filing.checks import Check
from dure.services.buildings.filing.filing_desk import Given
from dure.services.buildings.filing.filing_records import Filing
from dure.services.buildings.filing.question import MEDIA, Question, kind_of
from dure.services.buildings.filing.report_model import Report
from dure.services.buildings.filing.report_pdf import pdf_bytes
from dure.services.buildings.filing.reports import report
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Files, SeesCityData
from dure.web.api.queries import AsOf, CheckedRoute, Paged, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

KIND = Literal["ngms", "unit_target", "grade_sheet", "report"]
PERIOD = r"^\d{4}(-(0[1-9]|1[0-2]))?$"
EXAMPLE_SUBJECT = "portfolio"


class FilingQuery(Paged):
    """Which filings."""

    kind: KIND | None = Field(None, description="Only of this kind.")
    subject: str = Field("", max_length=200, description="Only of this subject.")


class WantedFiling(AsOf):
    """What is to be filed."""

    kind: KIND = Field(description="Which form.", examples=["ngms"])
    subject: str = Field(max_length=200, description="`portfolio`, `body:NAME` or `building:ID`.", examples=[EXAMPLE_SUBJECT])
    period: str = Field(pattern=PERIOD, description="A year; of a report also its last month.", examples=["2025"])
    programme: str = Field(PROGRAMME, pattern=PROGRAMME_WORD, description="Whose emission factors are taken.")
    language: Literal["ko", "en"] = Field("ko", description="In which language.")


class NewFiling(WantedFiling):
    """What is given out."""


class WantedReport(AsOf):
    """A report that is read, not given out."""

    subject: str = Field(max_length=200, description="`portfolio`, `body:NAME` or `building:ID`.", examples=[EXAMPLE_SUBJECT])
    period: str = Field(pattern=PERIOD, description="A year, or the month its twelve months end with.", examples=["2025"])
    programme: str = Field(PROGRAMME, pattern=PROGRAMME_WORD, description="Whose emission factors are taken.")
    language: Literal["ko", "en"] = Field("ko", description="In which language.")


class FilingForm(msgspec.Struct, frozen=True, kw_only=True):
    """A filing that was given out; its file is at ``/filings/{id}/file``."""

    id: str
    kind: str
    subject: str
    period: str
    as_of: datetime
    programme: str
    language: str
    made_at: datetime
    person: str
    sha256: str
    bytes_n: int
    name: str
    grounds: dict[str, str]


class CheckForm(msgspec.Struct, frozen=True, kw_only=True):
    """Something to know before filing; `tone` stop: nothing can be filed."""

    code: str
    tone: str
    words: Text
    count: int
    examples: tuple[str, ...]


def _form(one: Filing) -> FilingForm:
    asked = one.question
    return FilingForm(
        id=one.id, kind=asked.kind, subject=asked.subject, period=asked.period, as_of=asked.as_of, programme=asked.programme,
        language=asked.language, made_at=one.made_at, person=one.person, sha256=one.sha256, bytes_n=one.bytes_n,
        name=asked.name, grounds=one.grounds,
    )  # fmt: skip


def _check(one: Check) -> CheckForm:
    return CheckForm(code=one.code, tone=one.tone, words=one.words, count=one.count, examples=one.examples)


class GivenRoutes:
    """The routes of filings."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[FilingQuery, Query()], _: SeesCityData) -> Response:
        """Filings that were given out, newest first."""

        def read() -> Page[Filing]:
            kind = kind_of(asked.kind) if asked.kind else None
            with self._house.records.read() as connection:
                return filing_records.listing(
                    connection, kind=kind, subject=text(asked.subject, "subject"), after=text(asked.after, "after"),
                    limit=min(asked.limit, 200),
                )  # fmt: skip

        found = await run_in_threadpool(read)
        return page(request, [_form(one) for one in found.items], found.next or None)

    async def checks(self, request: Request, asked: Annotated[WantedFiling, Query()], _: SeesCityData) -> Response:
        """What to know before filing: missing months, provisional factors, estimates."""
        question = self._question(asked)
        _dossier, found = await run_in_threadpool(filing_desk.looked_at, self._house, question)
        return page(request, [_check(one) for one in found], None)

    async def give_out(self, asked: NewFiling, actor: Files) -> Response:
        """Make a filing and keep it. The same question with the same `as_of` gives the same bytes."""
        by = By(actor.id, self._house.clock.now())
        given = await run_in_threadpool(filing_desk.given_out, self._house, self._question(asked), by)
        return answer(_form(given.filing), 201)

    async def one(self, filing: str, _: SeesCityData) -> Response:
        """One filing that was given out."""

        def read() -> Filing:
            with self._house.records.read() as connection:
                return filing_records.get(connection, filing)

        return answer(_form(await run_in_threadpool(read)))

    async def file(self, filing: str, _: SeesCityData) -> Response:
        """Its file, made anew: the same bytes, or a refusal that says what changed."""

        def read() -> Given:
            with self._house.records.read() as connection:
                return filing_desk.printed_again(self._house.city, connection, filing)

        return attachment(await run_in_threadpool(read))

    async def report(self, asked: Annotated[WantedReport, Query()], _: SeesCityData) -> Response:
        """A report as data, with the id of every figure."""
        return answer(await run_in_threadpool(self._report, asked))

    async def report_pdf(self, asked: Annotated[WantedReport, Query()], _: SeesCityData) -> Response:
        """The same report as PDF, not kept as a filing."""
        made = await run_in_threadpool(lambda: pdf_bytes(self._report(asked)))
        return Response(made, media_type=MEDIA["pdf"], headers={"Content-Disposition": 'inline; filename="report.pdf"'})

    def _report(self, asked: WantedReport) -> Report:
        wanted = WantedFiling(kind="report", **asked.model_dump())
        dossier, _found = filing_desk.looked_at(self._house, self._question(wanted))
        return report(dossier)

    def _question(self, asked: WantedFiling) -> Question:
        return Question(
            kind=kind_of(asked.kind), subject=text(asked.subject, "subject"), period=asked.period,
            as_of=known_at(asked.as_of) or filing_desk.latest(self._house), programme=asked.programme, language=asked.language,
        )  # fmt: skip


def attachment(given: Given) -> Response:
    """The file of a filing."""
    headers = {
        "Content-Disposition": f'attachment; filename="{given.name}"',
        "Digest": f"sha-256={given.filing.sha256}",
    }
    return Response(given.content, media_type=given.media_type, headers=headers)


def routes(house: House) -> APIRouter:
    """Filings and reports."""
    router = APIRouter(prefix="/buildings", tags=["buildings"], route_class=CheckedRoute)
    desk = GivenRoutes(house)
    one = schema_of(FilingForm)
    router.get(
        "/filings", summary="Filings given out", response_class=Response,
        responses=told(page_schema(FilingForm), 400, 401, 403, 503),
    )(desk.listing)  # fmt: skip
    router.post(
        "/filings", summary="Give out a filing", status_code=201, response_class=Response,
        responses=told(one, 400, 401, 403, 503, status=201, description="Given out."),
    )(desk.give_out)  # fmt: skip
    router.get(
        "/filings/checks", summary="What to know before filing", response_class=Response,
        responses=told(page_schema(CheckForm), 400, 401, 403, 503),
    )(desk.checks)  # fmt: skip
    router.get("/filings/{filing}", summary="One filing", response_class=Response, responses=told(one, 401, 403, 404, 503))(
        desk.one
    )
    router.get(
        "/filings/{filing}/file", summary="The file of a filing", response_class=Response,
        responses=told(None, 401, 403, 404, 409, 503),
    )(desk.file)  # fmt: skip
    router.get(
        "/report", summary="A report as data", response_class=Response,
        responses=told(schema_of(Report), 400, 401, 403, 503),
    )(desk.report)  # fmt: skip
    router.get(
        "/report.pdf", summary="A report as PDF", response_class=Response, responses=told(None, 400, 401, 403, 503),
    )(desk.report_pdf)  # fmt: skip
    return router
