"""A company's profile, data, footprint and targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.companies import company_desk, company_records, figure_desk
from dure.services.carbon.companies.company import Boundary, Company, Site, written_number
from dure.services.carbon.companies.company_desk import OVERSEERS, refuse
from dure.services.carbon.companies.figure_desk import scope_g
from dure.services.carbon.model import Refused
from dure.services.carbon.pages import (
    claim_names,
    company_data_pages,
    company_hour_pages,
    company_target_pages,
    company_words,
    explain_pages,
    figure_paths,
)
from dure.services.carbon.pages.company_view import BASE, back, number, show, write, year_of
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

SEES = Depends(require("read", "company"))
ACTS = Depends(require("act", "company"))
PAGE_ROWS = 100


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter()
    router.add_api_route(BASE, listing, methods=["GET"])
    router.add_api_route(BASE, found, methods=["POST"])
    for part in (company_data_pages, company_hour_pages, company_target_pages):
        router.include_router(part.routes(house))
    router.add_api_route(f"{BASE}/{{company}}", overview, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/profile", profile, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/profile", change, methods=["POST"])
    router.add_api_route(f"{BASE}/{{company}}/explain", explained, methods=["GET"])
    return router


async def listing(request: Request, actor: Actor = SEES) -> Response:
    """All companies for the city; a partner comes to their own, or enters it."""
    return await _listing(request, actor, "", {})


async def _listing(request: Request, actor: Actor, trouble: str, fields: dict[str, str]) -> Response:
    house = house_of(request)

    def read() -> tuple[list[Company], str | None, str | None]:
        with house.records.read() as connection:
            mine = company_records.company_of(connection, actor.id)
            if not actor.roles & OVERSEERS:
                return [], None, mine
            found_ = company_records.listing(connection, after=request.query_params.get("after", "")[:64], limit=PAGE_ROWS)
            return found_.items, found_.next, mine

    companies, following, mine = await run_in_threadpool(read)
    if mine and not actor.roles & OVERSEERS:
        return RedirectResponse(f"/{language_of(request)}{BASE}/{mine}", 303)
    return await layout_of(request).page(
        request,
        "carbon/companies.html",
        status=422 if trouble else 200,
        companies=companies,
        following=following,
        base=BASE,
        trouble=trouble,
        fields=fields,
        oversees=bool(actor.roles & OVERSEERS),
        written_number=written_number,
    )


async def found(request: Request, actor: Actor = ACTS) -> Response:
    """Enter a company."""
    house, fields = house_of(request), await own_form(request)
    made = Company(
        id=fields.get("id", "").strip(),
        name=Text(fields.get("name_ko", "").strip(), fields.get("name_en", "").strip()),
        business_number=fields.get("business_number", ""),
    )
    person = "" if actor.roles & OVERSEERS else actor.id

    def work() -> Company:
        with house.records.begin() as connection:
            return company_desk.found(connection, made, person, By(actor.id, house.clock.now()))

    try:
        await run_in_threadpool(work)
    except InputError as error:
        return await _listing(request, actor, company_words.why(error, layout_of(request).speech(request)), fields)
    return back(request, made.id, "/profile", "found")


async def overview(request: Request, company: str, actor: Actor = SEES) -> Response:
    """Emissions of a year at a glance, each with its explanation."""
    house, year = house_of(request), year_of(request)

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        one = figure_desk.year_footprint(house, connection, mine.id, year)
        hourly = figure_desk.year_hourly(house, connection, mine.id, year)
        return {
            "found": one,
            "scopes": {name: scope_g(one, name) for name in company_words.SCOPES},
            "hourly": None if isinstance(hourly, Refused) or not hourly.figures.load_wh else hourly.figures,
            "kinds": figure_desk.sources(house, one.as_of).rules.kinds,
            "provisional": sum(line.provisional for line in one.lines),
        }

    return await show(request, actor, company, "carbon/company.html", read, year=year)


async def profile(request: Request, company: str, actor: Actor = SEES) -> Response:
    """Who the company is, its sites, its customer numbers, its people."""
    return await _profile(request, company, actor, "")


async def _profile(request: Request, company: str, actor: Actor, trouble: str) -> Response:
    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        return {
            "meters": company_records.meters_of(connection, mine.id),
            "people": company_records.people_of(connection, mine.id),
            "number": written_number(mine.business_number),
            "zones": house_of(request).city.zones,
        }

    return await show(request, actor, company, "carbon/company_profile.html", read, trouble=trouble)


async def change(request: Request, company: str, actor: Actor = ACTS) -> Response:
    """Change the profile, its sites, its customer numbers or its people."""
    fields = await own_form(request)

    def deed(connection: Connection, mine: Company, by: By) -> Refused | None:
        return _changed(connection, mine, fields, by)

    say = layout_of(request).speech(request)
    try:
        refused = await write(request, actor, company, deed)
    except (InputError, NotFound) as error:
        return await _profile(request, company, actor, company_words.why(error, say))
    if refused is not None:  # kept with its audit: the transaction has ended well
        return await _profile(request, company, actor, company_words.why(refuse(refused), say))
    return back(request, company, "/profile", "kept")


def _changed(connection: Connection, mine: Company, fields: dict[str, str], by: By) -> Refused | None:
    do = fields.get("do", "")
    if do == "meter":
        kind = fields.get("kind", "")
        kept = company_desk.bind_meter(
            connection,
            mine,
            kind if kind in company_words.METERED else "electricity",
            fields.get("number", ""),
            fields.get("site", ""),
            by,
        )
        return kept if isinstance(kept, Refused) else None
    if do == "release":
        company_desk.release_meter(connection, mine.id, fields.get("meter", "")[:80], by)
    elif do == "person":
        company_desk.add_person(connection, mine.id, fields.get("person", "").strip()[:64], by)
    elif do == "leave":
        company_desk.take_person(connection, mine.id, fields.get("person", "")[:64], by)
    elif do in {"site", "site_off"}:
        company_desk.change(connection, _with_site(mine, fields, off=do == "site_off"), by)
    else:
        company_desk.change(connection, _named(mine, fields), by)
    return None


def _named(mine: Company, fields: dict[str, str]) -> Company:
    boundary: Boundary = next(
        (one for one in ("financial_control", "equity_share") if one == fields.get("boundary")), "operational_control"
    )
    return msgspec.structs.replace(
        mine,
        name=Text(fields.get("name_ko", "").strip(), fields.get("name_en", "").strip()),
        boundary=boundary,
        year_starts=fields.get("year_starts", "").strip() or "01-01",
        output_unit=fields.get("output_unit", "").strip()[:40],
    )


def _with_site(mine: Company, fields: dict[str, str], *, off: bool) -> Company:
    ident = fields.get("site", "").strip()[:64]
    others = tuple(one for one in mine.sites if one.id != ident)
    if off:
        return msgspec.structs.replace(mine, sites=others)
    number(fields, "floor_area_m2")  # refuses what is none
    site = Site(
        id=ident,
        name=Text(fields.get("site_ko", "").strip(), fields.get("site_en", "").strip()),
        address=fields.get("address", "").strip(),
        floor_area_m2=fields.get("floor_area_m2", "").replace(",", "").strip(),
        district=fields.get("district", "").strip(),
        heat_supplier=fields.get("heat_supplier", "").strip(),
        heat_branch=fields.get("heat_branch", "").strip(),
    )
    return msgspec.structs.replace(mine, sites=(*others, site))


async def explained(request: Request, company: str, actor: Actor = SEES) -> Response:
    """A figure of the company, unfolded to its rows; others' figures do not exist here."""
    house = house_of(request)
    asked = request.query_params.get("figure", "").strip()[:300]

    def work() -> Any:
        with house.records.read() as connection:
            company_desk.seen_by(connection, actor, company)
        if not asked:
            return None
        if not asked.startswith(f"carbon/company/{company}/"):
            raise NotFound("figure.unknown", f"{asked[:80]!r} names no figure of this company.")
        return explain(house, asked)

    told, trouble = None, None
    try:
        told = await run_in_threadpool(work)
    except NotFound as error:
        trouble = error
    return await layout_of(request).page(
        request,
        "carbon/explain.html",
        status=404 if trouble else 200,
        asked=asked,
        found=told,
        trouble=trouble,
        waterfall=[step for step in told.steps if step.shows] if told else [],
        agrees=explain_pages.AGREES,
        differs=explain_pages.DIFFERS,
        names=claim_names,
        paths=figure_paths,
        here=f"{BASE}/{company}/explain",
    )
