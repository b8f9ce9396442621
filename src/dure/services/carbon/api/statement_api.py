"""Statements: drafts with all that is missing, issue, versions, files, what the records say of them now."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.engines.records.audit import By
from dure.services.carbon.statements import files, seeing, statement_desk, statement_records
from dure.services.carbon.statements.changes import Change
from dure.services.carbon.statements.statement import Question, Statement, canonical, sha256
from dure.services.carbon.statements.statement_desk import Asked
from dure.services.carbon.statements.statement_records import Issued
from dure.web.access import require
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute, Paged, instant, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.spine.house import House

SeesCompany = Annotated[Actor, Depends(require("read", "company"))]
READS, WRITES = (400, 401, 403, 404, 503), (400, 401, 403, 404, 409, 503)


class StatementQuery(Paged):
    """Which statements."""

    subject: str = Field("", max_length=80, description="Only of this subject: city, or company/ID.")


class DraftQuery(BaseModel):
    """Whose statement, of which days, as known when."""

    subject: str = Field(max_length=80, description="city, or company/ID.", examples=["city"])
    first: date = Field(description="First day.", examples=["2025-01-01"])
    after: date = Field(description="The day after the last.", examples=["2026-01-01"])
    as_of: str | None = Field(None, max_length=40, description="As known at this instant, in whole seconds; now, when left out.")


class StatementAsked(DraftQuery):
    """What is to be issued."""

    model_config = ConfigDict(extra="forbid")

    sha256: str = Field("", max_length=64, description="Digest of the draft that was seen: another one is refused.")
    incomplete: bool = Field(default=False, description="Issue although rows count nothing for want of a factor.")
    public: bool = Field(default=False, description="Anybody may see it.")


class Showing(BaseModel):
    """Who may see it."""

    model_config = ConfigDict(extra="forbid")

    public: bool = Field(description="Anybody may see it.")


class DraftTold(msgspec.Struct, frozen=True, kw_only=True):
    """A draft: its digest, whether it can be issued, and all of it."""

    sha256: str
    stops: tuple[str, ...]
    statement: Statement


class StatementTold(msgspec.Struct, frozen=True, kw_only=True):
    """An issued statement: what is kept of it, and all of it."""

    issued: Issued
    statement: Statement


class PublicTold(msgspec.Struct, frozen=True, kw_only=True):
    """An issued statement as anybody sees it."""

    id: str
    subject: str
    first: date
    after: date
    version: int
    sha256: str
    files: dict[str, str]


class CheckTold(msgspec.Struct, frozen=True, kw_only=True):
    """An issued statement drawn up again from the records: whether it is the same, and every row that is not."""

    same: bool
    changes: tuple[Change, ...]


class StatementRoutes:
    """The routes of statements."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[StatementQuery, Query()], actor: SeesCompany) -> Response:
        """Issued statements, newest first: of all for the city, of their own company for a partner."""

        def read(connection: Connection) -> Page[Issued]:
            subject = text(asked.subject, "subject")
            if subject:
                seeing.subject_seen_by(connection, actor, subject)
            own = subject or seeing.subjects_of(connection, actor)
            return statement_records.listing(connection, subject=own, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def draft(self, asked: Annotated[DraftQuery, Query()], actor: SeesCompany) -> Response:
        """What would be issued, with all that is missing. Nothing is kept."""
        question = self._question(asked)

        def work() -> DraftTold:
            self._read(lambda connection: seeing.subject_seen_by(connection, actor, question.subject))
            found = statement_desk.draft(self._house, question)
            stops = tuple(one.code for one in found.stops)
            return DraftTold(sha256=sha256(canonical(found.statement)), stops=stops, statement=found.statement)

        return answer(await run_in_threadpool(work))

    async def issue(self, asked: StatementAsked, actor: SeesCompany) -> Response:
        """Issue a statement with all its files. The same question is the same statement; changed facts give the next version."""
        question = self._question(asked)
        said = Asked(sha256=text(asked.sha256, "sha256"), incomplete=asked.incomplete, public=asked.public)

        def work() -> Issued:
            self._read(lambda connection: seeing.subject_issued_by(connection, actor, question.subject))
            return statement_desk.issue(self._house, question, said, By(actor.id, self._house.clock.now()))

        return answer(await run_in_threadpool(work), 201)

    async def one(self, statement: str, actor: SeesCompany) -> Response:
        """An issued statement."""

        def read(connection: Connection) -> StatementTold:
            issued = seeing.issued_seen_by(connection, actor, text(statement, "statement id"))
            return StatementTold(issued=issued, statement=statement_records.statement(connection, issued.id))

        return answer(await run_in_threadpool(self._read, read))

    async def check(self, statement: str, actor: SeesCompany) -> Response:
        """An issued statement drawn up again from the records as of its instant."""

        def read(connection: Connection) -> CheckTold:
            issued = seeing.issued_seen_by(connection, actor, text(statement, "statement id"))
            found = statement_desk.rederived(self._house, connection, issued.id)
            return CheckTold(same=not found, changes=found)

        return answer(await run_in_threadpool(self._read, read))

    async def file(self, statement: str, name: str, actor: SeesCompany) -> Response:
        """A file of an issued statement, made anew: the bytes whose digest was kept."""

        def read(connection: Connection) -> bytes:
            issued = seeing.issued_seen_by(connection, actor, text(statement, "statement id"))
            return statement_desk.printed(connection, issued.id, text(name, "name"))

        return attachment(statement, name, await run_in_threadpool(self._read, read))

    async def show(self, statement: str, asked: Showing, actor: SeesCompany) -> Response:
        """Let anybody see an issued statement, or no longer."""

        def work() -> Issued:
            with self._house.records.begin() as connection:
                issued = seeing.issued_seen_by(connection, actor, text(statement, "statement id"))
                seeing.subject_issued_by(connection, actor, issued.question.subject)
                by = By(actor.id, self._house.clock.now())
                statement_desk.show(connection, issued.id, by, public=asked.public)
                return statement_records.get(connection, issued.id)

        return answer(await run_in_threadpool(work))

    async def public(self, request: Request, asked: Annotated[Paged, Query()], _: SeesPublicData) -> Response:
        """Statements that anybody may see, newest first."""

        def read(connection: Connection) -> Page[Issued]:
            return statement_records.listing(connection, public=True, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, [_public(one) for one in found.items], found.next or None)

    async def public_file(self, statement: str, name: str, _: SeesPublicData) -> Response:
        """A file of a statement that anybody may see."""

        def read(connection: Connection) -> bytes:
            issued = seeing.public_one(connection, text(statement, "statement id"))
            return statement_desk.printed(connection, issued.id, text(name, "name"))

        return attachment(statement, name, await run_in_threadpool(self._read, read))

    def _question(self, asked: DraftQuery) -> Question:
        as_of = instant(asked.as_of, "as_of") if asked.as_of else statement_desk.latest(self._house)
        return Question(subject=text(asked.subject, "subject"), first=asked.first, after=asked.after, as_of=as_of)

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        with self._house.records.read() as connection:
            return read(connection)


def attachment(statement: str, name: str, content: bytes) -> Response:
    """A file to be kept."""
    headers = {
        "Content-Disposition": f'attachment; filename="{statement}-{name}"',
        "Digest": f"sha-256={sha256(content)}",
    }
    return Response(content, media_type=files.media_type(name), headers=headers)


def _public(one: Issued) -> PublicTold:
    asked = one.question
    return PublicTold(
        id=one.id, subject=asked.subject, first=asked.first, after=asked.after, version=one.version, sha256=one.sha256,
        files=one.files,
    )  # fmt: skip


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk = StatementRoutes(house)

    def get(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any] | None, more: tuple[int, ...] = ()) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *READS, *more))(work)

    get("/statements", desk.listing, "Statements", page_schema(Issued))
    router.post(
        "/statements", summary="Issue a statement", status_code=201, response_class=Response,
        responses=told(schema_of(Issued), *WRITES, status=201, description="Issued."),
    )(desk.issue)  # fmt: skip
    get("/statements/draft", desk.draft, "What would be issued", schema_of(DraftTold))
    get("/statements/{statement}", desk.one, "One statement", schema_of(StatementTold))
    get("/statements/{statement}/check", desk.check, "A statement drawn up again", schema_of(CheckTold))
    get("/statements/{statement}/files/{name}", desk.file, "A file of a statement", None, (409,))
    router.post(
        "/statements/{statement}/public", summary="Who may see a statement", response_class=Response,
        responses=told(schema_of(Issued), *WRITES),
    )(desk.show)  # fmt: skip
    get("/public-statements", desk.public, "Statements anybody may see", page_schema(PublicTold))
    get("/public-statements/{statement}/files/{name}", desk.public_file, "A file of a public statement", None, (409,))
    return router
