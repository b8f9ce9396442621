"""Hourly electricity: contracts, hours that were brought, and scope 2 matched hour by hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.companies import figure_desk, right_desk, right_records
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.figure_desk import LOAD, SUPPLY
from dure.services.carbon.model import Refused
from dure.services.carbon.pages import company_words
from dure.services.carbon.pages.company_data_pages import FILES
from dure.services.carbon.pages.company_view import BASE, back, day, number, show, write, year_of
from dure.web.access import require
from dure.web.layout import house_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.companies.company import Company
    from dure.spine.house import House

SEES = Depends(require("read", "company"))
ACTS = Depends(require("act", "company"))


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of hours and contracts."""
    router = APIRouter()
    router.add_api_route(f"{BASE}/{{company}}/hours", hours, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/hours", contract, methods=["POST"])
    return router


async def hours(request: Request, company: str, actor: Actor = SEES) -> Response:
    """Scope 2 three ways, contracts, and hours."""
    return await _page(request, company, actor)


async def _page(request: Request, company: str, actor: Actor, **more: Any) -> Response:
    house, year = house_of(request), year_of(request)
    rules = activity_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        contracts = right_records.contracts_of(connection, company=mine.id)
        sources = sorted({one.source for one in contracts})
        series = right_records.series_of(connection, prefix=f"{LOAD}/{mine.id}/")
        for source in sources:
            series += right_records.series_of(connection, prefix=f"{SUPPLY}/{source}")
        found = figure_desk.year_hourly(house, connection, mine.id, year)
        return {
            "annual": figure_desk.year_footprint(house, connection, mine.id, year),
            "hourly": None if isinstance(found, Refused) else found,
            "refused": found if isinstance(found, Refused) else None,
            "contracts": contracts,
            "series": series,
        }

    why = request.query_params.get("why", "")[:40]
    say = layout_of(request).speech(request)
    told = company_words.WHY.get(why)
    given: dict[str, Any] = {"trouble": say.text(told) if told is not None else why}
    return await show(
        request,
        actor,
        company,
        "carbon/company_hours.html",
        read,
        year=year,
        instruments=rules.instruments,
        files=FILES,
        **given | more,
    )


async def contract(request: Request, company: str, actor: Actor = ACTS) -> Response:
    """Enter a contract, or end one."""
    house, fields = house_of(request), await own_form(request)
    rules = activity_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)

    def deed(connection: Connection, mine: Company, by: By) -> None:
        if fields.get("end_contract"):
            right_desk.end_contract(connection, mine.id, fields["end_contract"][:80], by)
        else:
            right_desk.add_contract(connection, _contract(mine.id, fields), rules, by, house.city.folder)

    try:
        await write(request, actor, company, deed)
    except (InputError, NotFound) as error:
        trouble = company_words.why(error, layout_of(request).speech(request))
        return await _page(request, company, actor, trouble=trouble, fields=fields)
    return back(request, company, "/hours", "kept")


def _contract(company: str, fields: dict[str, str]) -> Contract:
    return Contract(
        company=company,
        kind=fields.get("kind", "")[:40],
        source=fields.get("source", "").strip(),
        start=day(fields, "start"),
        end=day(fields, "end"),
        share_ppm=round(number(fields, "share") * 10_000),
        amount_wh=round(number(fields, "amount_mwh") * 1_000_000),
        note=fields.get("note", "").strip(),
    )
