"""The filing desk: choose what, see what to know before, give out, and fetch earlier filings again.

Comparison, targets and reports have files of their own beside this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.buildings.api.given_api import attachment
from dure.services.buildings.comparing.targets import PORTFOLIO
from dure.services.buildings.factors.carbon import PROGRAMME, Programme
from dure.services.buildings.filing import filing_desk, filing_records
from dure.services.buildings.filing.filing_rules import filing_rules
from dure.services.buildings.filing.question import KINDS, Question, checked, kind_of
from dure.services.buildings.pages import comparison_pages, report_pages, target_pages
from dure.services.buildings.rules import load_pack
from dure.services.buildings.sites import Sites, registered
from dure.web.access import require
from dure.web.api.queries import instant
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from dure.engines.records.paging import Page
    from dure.services.buildings.filing.checks import Check
    from dure.services.buildings.filing.filing_records import Filing
    from dure.services.buildings.filing.filing_rules import Form
    from dure.spine.house import House

HERE = "/operations/buildings/filings"
PAGE_ROWS = 30
YEARS_SHOWN = 6
REPORT = Text("에너지 보고서 (PDF)", "Energy report (PDF)")
WHY: dict[str, Text] = {
    "filing.subject": Text("무엇을 신고할지 골라 주세요.", "Choose whose filing it is."),
    "filing.period": Text(
        "기간은 해(2025), 보고서는 마지막 달(2025-10)도 됩니다.", "A year (2025), or of a report its last month (2025-10)."
    ),
    "filing.as_of": Text("적어도 1분 전의 시각을 적어 주세요.", "Give an instant at least a minute ago."),
    "filing.nothing": Text("이 기간에 신고할 사용량이 하나도 없습니다.", "There is no use to file in this period."),
    "time.unreadable": Text(
        "시각을 읽을 수 없습니다. 2026-03-01T00:00:00Z처럼 적어 주세요.", "The instant reads like 2026-03-01T00:00:00Z."
    ),
    "time.naive": Text("시각에 시간대를 붙여 주세요(Z 또는 +09:00).", "Give the instant with its offset (Z or +09:00)."),
}


class Chosen(NamedTuple):
    """What the form holds."""

    kind: str = "ngms"
    subject: str = PORTFOLIO
    period: str = ""
    programme: str = PROGRAMME
    language: str = "ko"
    as_of: str = ""


class Looked(NamedTuple):
    """What was found of a question; what is given out then is asked of the same instant."""

    checks: list[Check]
    buildings: int
    meters: int
    as_of: str


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter()
    reads = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, desk, methods=["GET"], dependencies=reads)
    router.add_api_route(HERE, give_out, methods=["POST"])
    router.add_api_route(HERE + "/{filing}/file", file, methods=["GET"], dependencies=reads)
    for part in (comparison_pages, target_pages, report_pages):
        router.include_router(part.routes(house))
    return router


async def desk(request: Request) -> Response:
    """The form; what to know before, once something is chosen; earlier filings."""
    house, query = house_of(request), request.query_params
    usual = Chosen(period=str(_today(house).year - 1), language=language_of(request))
    chosen = Chosen(*(query.get(name, getattr(usual, name))[:200] for name in Chosen._fields))
    if "kind" not in query:
        return await _page(request, chosen)
    try:
        question = _question(house, chosen)
        dossier, found = await run_in_threadpool(filing_desk.looked_at, house, question)
    except InputError as error:
        return await _page(request, chosen, trouble=error, status=422)
    looked = Looked(found, len(dossier.chosen), len({one.meter for one in dossier.uses}), question.as_of.isoformat())
    return await _page(request, chosen, looked=looked)


async def give_out(request: Request, actor: Actor = Depends(require("act", "filing"))) -> Response:  # noqa: B008  # FastAPI's way
    """Make a filing and keep it."""
    house, fields = house_of(request), await own_form(request)
    chosen = Chosen(*(fields.get(name, "")[:200] for name in Chosen._fields))
    try:
        question = _question(house, chosen)
        given = await run_in_threadpool(filing_desk.given_out, house, question, By(actor.id, house.clock.now()))
    except InputError as error:
        return await _page(request, chosen, trouble=error, status=422)
    return RedirectResponse(f"/{language_of(request)}{HERE}?made={given.filing.id}#earlier", 303)


async def file(request: Request, filing: str) -> Response:
    """The file of an earlier filing, made anew."""
    house = house_of(request)

    def read() -> filing_desk.Given:
        with house.records.read() as connection:
            return filing_desk.printed_again(house.city, connection, filing)

    return attachment(await run_in_threadpool(read))


async def _page(
    request: Request, chosen: Chosen, *, looked: Looked | None = None, trouble: InputError | None = None, status: int = 200
) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    after = request.query_params.get("after", "")[:200]

    def read() -> tuple[Page[Filing], Sites]:
        with house.records.read() as connection:
            return filing_records.listing(connection, after=after, limit=PAGE_ROWS), registered(connection)

    earlier, sites = await run_in_threadpool(read)
    today = _today(house)
    names = subject_names(sites)
    return await layout_of(request).page(
        request,
        "buildings/filings.html",
        status=status,
        chosen=chosen,
        looked=looked,
        trouble=(say.text(WHY[trouble.code]) if trouble.code in WHY else trouble.message) if trouble else "",
        earlier=earlier.items,
        following=earlier.next,
        after=after,
        kinds=kind_names(house, today),
        forms=filing_rules(today, house.city.folder).forms,
        due_year=today.year,
        subjects=names,
        subject_name=lambda subject: say.text(names.get(subject, Text(subject, subject))),
        programmes=programmes(house, today),
        years=[str(today.year - back) for back in range(YEARS_SHOWN)],
        made=request.query_params.get("made", "")[:64],
    )


def kind_names(house: House, today: date) -> dict[str, Text]:
    """What can be filed."""
    forms: Mapping[str, Form] = filing_rules(today, house.city.folder).forms
    return {kind: forms[kind].name if kind in forms else REPORT for kind in KINDS}


def subject_names(sites: Sites) -> dict[str, Text]:
    """Whose filings there can be: all, each body, each building."""
    found = {PORTFOLIO: Text("모든 공공건물", "All public buildings")}
    found |= {f"body:{body}": Text(body, body) for body in sorted({one.body for one in sites.buildings.values() if one.body})}
    buildings = sorted(sites.buildings.values(), key=lambda one: one.name.ko)
    return found | {f"building:{one.id}": one.name for one in buildings}


def programmes(house: House, today: date) -> list[str]:
    """Whose emission factors there are."""
    return [one.id for one in load_pack("factors", house.city.folder).rows("programmes", Programme, today)]


def _question(house: House, chosen: Chosen) -> Question:
    latest = filing_desk.latest(house)
    question = Question(
        kind=kind_of(chosen.kind),
        subject=chosen.subject,
        period=chosen.period,
        as_of=instant(chosen.as_of, "as_of") if chosen.as_of else latest,
        programme=chosen.programme,
        language="en" if chosen.language == "en" else "ko",
    )
    return checked(question, latest)


def _today(house: House) -> date:
    return day_of(house.clock.now(), house.city.zone)
