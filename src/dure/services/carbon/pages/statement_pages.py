"""Statements: look at a draft with all that is missing, issue it, versions and files; the public list."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, DureError, InputError, NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.api.statement_api import attachment
from dure.services.carbon.companies import company_records
from dure.services.carbon.pages import explain_pages, figure_paths
from dure.services.carbon.statements import files, seeing, statement_desk, statement_records
from dure.services.carbon.statements.drawing_up import CITY, DrawnUp
from dure.services.carbon.statements.statement import Question, canonical, sha256
from dure.services.carbon.statements.statement_desk import Asked
from dure.services.carbon.statements.statement_figure import statement_figure
from dure.services.carbon.statements.units import written
from dure.services.carbon.statements.words import GROUPS
from dure.web.access import require
from dure.web.api.queries import instant
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.services.carbon.statements.statement_records import Issued
    from dure.spine.house import House

BASE, PUBLIC = "/partners/statements", "/carbon/statements"
SEES = Depends(require("read", "company"))
ANYBODY = Depends(require("read", "public_data"))
PAGE_ROWS = 30
WHY: dict[str, Text] = {
    "statement.subject": Text("누구의 보고서인지 골라 주세요.", "Choose whose statement it is."),
    "statement.period": Text(
        "기간을 확인해 주세요. 끝이 시작보다 앞서거나 너무 깁니다.", "Check the period: it ends before it begins, or is too long."
    ),
    "statement.as_of": Text(
        "기준 시각은 조금 전까지의, 초 단위 시각입니다.", "Give an instant of a little while ago, in whole seconds."
    ),
    "statement.incomplete": Text(
        "계수가 없어 세지 못한 자료가 있습니다. 그대로 내려면 그렇다고 표시해 주세요.",
        "Rows count nothing for want of a factor. Tick that you issue it all the same.",
    ),
    "statement.nothing": Text("이 기간에 보고할 자료가 없습니다.", "There is nothing to state of this period."),
    "statement.period_open": Text("기간이 아직 끝나지 않았습니다.", "The period is not over yet."),
    "statement.differs": Text(
        "다시 계산하니 살펴본 것과 다릅니다. 다시 살펴보세요.", "Worked out again it is not what was looked at. Look at it again."
    ),
    "statement.unchanged": Text("지난 판과 달라진 것이 없습니다.", "Nothing has changed since the last version."),
    "statement.raced": Text(
        "방금 다른 사람이 냈습니다. 먼저 살펴보세요.", "Somebody else issued one just now. Look at it first."
    ),
    "statement.ledger_differs": Text("청구와 장부가 달라 낼 수 없습니다.", "Claims and ledger differ: it cannot be issued."),
}


class Chosen(NamedTuple):
    """What the form holds; `last` is the last day."""

    subject: str = ""
    first: str = ""
    last: str = ""
    as_of: str = ""


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The routes of this part."""
    router = APIRouter()
    router.add_api_route(BASE, desk, methods=["GET"])
    router.add_api_route(BASE, issue, methods=["POST"])
    router.add_api_route(f"{BASE}/{{statement}}", one, methods=["GET"])
    router.add_api_route(f"{BASE}/{{statement}}/rows/{{row}}", row_explained, methods=["GET"])
    router.add_api_route(f"{BASE}/{{statement}}/public", show, methods=["POST"])
    router.add_api_route(f"{BASE}/{{statement}}/files/{{name}}", file, methods=["GET"])
    router.add_api_route(PUBLIC, public, methods=["GET"], dependencies=[ANYBODY])
    router.add_api_route(f"{PUBLIC}/{{statement}}/files/{{name}}", public_file, methods=["GET"], dependencies=[ANYBODY])
    return router


async def desk(request: Request, actor: Actor = SEES) -> Response:
    """The form; a draft with what is missing, once something is chosen; what was issued."""
    house, query = house_of(request), request.query_params
    chosen = Chosen(*(query.get(name, "")[:80].strip() for name in Chosen._fields))
    if not chosen.subject:
        return await _desk(request, actor, chosen)
    try:
        question = _question(house, chosen)
        await _read(house, lambda connection: seeing.subject_seen_by(connection, actor, question.subject))
        found = await run_in_threadpool(statement_desk.draft, house, question)
    except InputError as error:
        return await _desk(request, actor, chosen, trouble=error)
    return await _desk(request, actor, chosen, found=found)


async def issue(request: Request, actor: Actor = SEES) -> Response:
    """Issue what was looked at."""
    house, fields = house_of(request), await own_form(request)
    chosen = Chosen(*(fields.get(name, "")[:80].strip() for name in Chosen._fields))
    said = Asked(sha256=fields.get("sha256", "")[:64], incomplete="incomplete" in fields, public="public" in fields)

    def work(question: Question) -> Issued:
        with house.records.read() as connection:
            seeing.subject_issued_by(connection, actor, question.subject)
        return statement_desk.issue(house, question, said, By(actor.id, house.clock.now()))

    try:
        made = await run_in_threadpool(work, _question(house, chosen))
    except (InputError, Conflict) as error:
        return await _desk(request, actor, chosen, trouble=error)
    return RedirectResponse(f"/{language_of(request)}{BASE}/{made.id}?done=issued", 303)


async def one(request: Request, statement: str, actor: Actor = SEES) -> Response:
    """An issued statement: its rows, gaps, versions, files, and what the records give now."""
    house = house_of(request)

    def read(connection: Connection) -> dict[str, Any]:
        issued = seeing.issued_seen_by(connection, actor, statement)
        return {
            "issued": issued,
            "said": statement_records.statement(connection, issued.id),
            "versions": statement_records.listing(connection, subject=issued.question.subject, limit=PAGE_ROWS).items,
            "changed": statement_desk.rederived(house, connection, issued.id) if "again" in request.query_params else None,
            "issues": _issues(connection, actor, issued.question.subject),
        }

    found = await _read(house, read)
    names = files.NAMES
    return await layout_of(request).page(
        request, "carbon/statement.html", base=BASE, names=names, done=request.query_params.get("done", "")[:20],
        **found, **_words(),
    )  # fmt: skip


async def row_explained(request: Request, statement: str, row: str, actor: Actor = SEES) -> Response:
    """A row of a statement of one's own, worked out again: partners do not see the ledger's page of explanations."""
    house = house_of(request)

    def read(connection: Connection) -> Any:
        issued = seeing.issued_seen_by(connection, actor, statement)
        return statement_figure(house, connection, (issued.id, row))

    found = await _read(house, read)
    return await layout_of(request).page(
        request, "carbon/statement_row.html", found=found, base=BASE, statement=statement, agrees=explain_pages.AGREES,
        differs=explain_pages.DIFFERS, shown=written(found.amount, found.unit), again=written(found.again, found.unit),
        written=written, paths=figure_paths,
    )  # fmt: skip


async def show(request: Request, statement: str, actor: Actor = SEES) -> Response:
    """Let anybody see it, or no longer."""
    house, fields = house_of(request), await own_form(request)

    def work() -> None:
        with house.records.begin() as connection:
            issued = seeing.issued_seen_by(connection, actor, statement)
            seeing.subject_issued_by(connection, actor, issued.question.subject)
            statement_desk.show(connection, issued.id, By(actor.id, house.clock.now()), public=fields.get("public") == "yes")

    await run_in_threadpool(work)
    return RedirectResponse(f"/{language_of(request)}{BASE}/{statement}?done=shown", 303)


async def file(request: Request, statement: str, name: str, actor: Actor = SEES) -> Response:
    """A file of it, made anew."""

    def read(connection: Connection) -> bytes:
        issued = seeing.issued_seen_by(connection, actor, statement)
        return statement_desk.printed(connection, issued.id, name)

    return attachment(statement, name, await _read(house_of(request), read))


async def public(request: Request) -> Response:
    """Statements that anybody may see."""
    after = request.query_params.get("after", "")[:200]

    def read(connection: Connection) -> tuple[Page[Issued], dict[str, Text]]:
        found = statement_records.listing(connection, public=True, after=after, limit=PAGE_ROWS)
        return found, _subject_names(connection, found.items, house_of(request))

    found, subjects = await _read(house_of(request), read)
    return await layout_of(request).page(
        request, "carbon/statements_public.html", found=found.items, following=found.next, after=after, here=PUBLIC,
        subjects=subjects, names=files.NAMES, day=timedelta(days=1),
    )  # fmt: skip


async def public_file(request: Request, statement: str, name: str) -> Response:
    """A file of one of these."""

    def read(connection: Connection) -> bytes:
        return statement_desk.printed(connection, seeing.public_one(connection, statement).id, name)

    return attachment(statement, name, await _read(house_of(request), read))


async def _desk(
    request: Request, actor: Actor, chosen: Chosen, *, found: DrawnUp | None = None, trouble: DureError | None = None
) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    after = request.query_params.get("after", "")[:200]

    def read(connection: Connection) -> dict[str, Any]:
        earlier = statement_records.listing(
            connection, subject=seeing.subjects_of(connection, actor), after=after, limit=PAGE_ROWS
        )
        return {
            "earlier": earlier.items,
            "following": earlier.next,
            "subjects": _subjects(connection, actor, house) | _subject_names(connection, earlier.items, house),
            "issues": bool(found) and _issues(connection, actor, chosen.subject),
        }

    words = await _read(house, read)
    year = day_of(house.clock.now(), house.city.zone).year - 1
    why = ""
    if trouble is not None:
        why = say.text(WHY[trouble.code]) if trouble.code in WHY else trouble.message
    return await layout_of(request).page(
        request, "carbon/statements.html", status=422 if trouble else 200, chosen=chosen, found=found, trouble=why, base=BASE,
        after=after,
        usual=Chosen(first=f"{year}-01-01", last=f"{year}-12-31"), day=timedelta(days=1),
        sha256=sha256(canonical(found.statement)) if found else "", **words, **_words(),
    )  # fmt: skip


def _words() -> dict[str, Any]:
    return {"groups": GROUPS, "written": written}


def _issues(connection: Connection, actor: Actor, subject: str) -> bool:
    """Whether they may issue for the subject."""
    try:
        seeing.subject_issued_by(connection, actor, subject)
    except DureError:
        return False
    return True


def _subjects(connection: Connection, actor: Actor, house: House) -> dict[str, Text]:
    """Whose statements may be looked at."""
    if seeing.subjects_of(connection, actor):
        mine = company_records.company_of(connection, actor.id)
        return {} if mine is None else {f"company/{mine}": company_records.get(connection, mine).name}
    found = {CITY: house.city.name}
    return found | {f"company/{one.id}": one.name for one in company_records.listing(connection, limit=200).items}


def _subject_names(connection: Connection, issued: list[Issued], house: House) -> dict[str, Text]:
    found: dict[str, Text] = {}
    for each in issued:
        company = each.question.company
        try:
            found[each.question.subject] = company_records.get(connection, company).name if company else house.city.name
        except NotFound:
            found[each.question.subject] = Text(each.question.subject)
    return found


def _question(house: House, chosen: Chosen) -> Question:
    try:
        first, last = date.fromisoformat(chosen.first), date.fromisoformat(chosen.last)
        after = last + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise InputError("statement.period", "Days are written like 2025-12-31.") from error
    as_of = instant(chosen.as_of, "as_of") if chosen.as_of else statement_desk.latest(house)
    return Question(subject=chosen.subject, first=first, after=after, as_of=as_of)


async def _read(house: House, ask: Callable[[Connection], Any]) -> Any:
    def read() -> Any:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)
