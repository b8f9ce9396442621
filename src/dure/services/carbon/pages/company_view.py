"""What all pages of a company have in common: whose it is, who looks, which year."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.companies import company_desk, company_records
from dure.services.carbon.companies.company import FIRST_YEAR, Company
from dure.services.carbon.companies.company_desk import OVERSEERS
from dure.services.carbon.companies.targets import LAST_YEAR
from dure.services.carbon.pages import company_words
from dure.web.layout import house_of, language_of, layout_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.access import Actor

T = TypeVar("T")
BASE = "/partners/companies"
TABS: tuple[tuple[str, Text], ...] = (
    ("", Text("한눈에", "Overview")),
    ("/data", Text("활동자료", "Activity data")),
    ("/hours", Text("시간 단위 전기", "Hourly electricity")),
    ("/targets", Text("목표", "Targets")),
    ("/sponsoring", Text("후원", "Sponsoring")),
    ("/profile", Text("회사 정보", "Profile")),
)


async def show(  # a page's template with what it reads, and what was said of the last form
    request: Request,
    actor: Actor,
    company: str,
    template: str,
    read: Callable[[Connection, Company], Mapping[str, Any]],
    **more: Any,
) -> Response:
    """A page of a company, for who may see it."""
    house = house_of(request)

    def work() -> tuple[Company, Mapping[str, Any], bool]:
        with house.records.read() as connection:
            mine = company_desk.seen_by(connection, actor, company)
            writes = "admin" in actor.roles or company_records.company_of(connection, actor.id) == company
            return mine, read(connection, mine), writes

    mine, found, writes = await run_in_threadpool(work)
    say = layout_of(request).speech(request)
    given = {"trouble": "", "told": request.query_params.get("told", "")[:40], "fields": {}} | dict(found) | more
    return await layout_of(request).page(
        request,
        template,
        status=422 if given["trouble"] else 200,
        crumbs=[(BASE, say.text(Text("회사", "Companies"))), (f"{BASE}/{company}", say.text(mine.name))],
        company=mine,
        base=f"{BASE}/{company}",
        tabs=TABS,
        writes=writes,
        oversees=bool(actor.roles & OVERSEERS),
        words=company_words,
        **given,
    )


async def write(request: Request, actor: Actor, company: str, deed: Callable[[Connection, Company, By], T]) -> T:
    """A change of a company, in one transaction, by who may write it."""
    house = house_of(request)

    def work() -> T:
        with house.records.begin() as connection:
            mine = company_desk.written_by(connection, actor, company)
            return deed(connection, mine, By(actor.id, house.clock.now()))

    return await run_in_threadpool(work)


def back(request: Request, company: str, tab: str, told: str) -> Response:
    """To a page of the company, which says what was done."""
    return RedirectResponse(f"/{language_of(request)}{BASE}/{company}{tab}?told={told}", 303)


def year_of(request: Request) -> int:
    """The reporting year asked for; the last whole one otherwise."""
    house = house_of(request)
    text = request.query_params.get("year", "")
    asked = int(text) if text.isdecimal() and len(text) == 4 else day_of(house.clock.now(), house.city.zone).year
    return min(max(asked, FIRST_YEAR), LAST_YEAR)


def number(fields: Mapping[str, str], name: str) -> Fraction:
    """A number of a form, exact; empty is 0."""
    text = fields.get(name, "").replace(",", "").strip() or "0"
    try:
        return Fraction(text[:40])
    except (ValueError, ZeroDivisionError) as error:
        raise InputError("form.number", f"{name}: write a number.") from error


def day(fields: Mapping[str, str], name: str) -> date:
    """A day of a form."""
    try:
        return date.fromisoformat(fields.get(name, ""))
    except ValueError as error:
        raise InputError("form.date", f"{name}: write a day like 2026-11-24.") from error
