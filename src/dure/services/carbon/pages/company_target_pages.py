"""Targets of a company: the line to each goal and where it stands, and why the last year changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.emissions.conversion import Refused as NoFactor
from dure.engines.records.audit import By
from dure.services.carbon.companies import figure_desk, right_desk
from dure.services.carbon.companies.targets import COVERS, Measure, Target
from dure.services.carbon.pages import company_words
from dure.services.carbon.pages.company_view import BASE, back, number, show, write, year_of
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
    """Routes of targets."""
    router = APIRouter()
    router.add_api_route(f"{BASE}/{{company}}/targets", targets, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/targets", change, methods=["POST"])
    return router


async def targets(request: Request, company: str, actor: Actor = SEES) -> Response:
    """Every target with its years, and the bridge of the year."""
    return await _page(request, company, actor)


async def _page(request: Request, company: str, actor: Actor, **more: Any) -> Response:
    house, year = house_of(request), year_of(request)

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        bridge = figure_desk.year_bridge(house, connection, mine.id, year)
        return {
            "targets": figure_desk.target_standings(house, connection, mine.id),
            "bridge": None if isinstance(bridge, NoFactor) else bridge,
        }

    return await show(request, actor, company, "carbon/company_targets.html", read, year=year, **more)


async def change(request: Request, company: str, actor: Actor = ACTS) -> Response:
    """Enter a target, or end one."""
    fields = await own_form(request)

    def deed(connection: Connection, mine: Company, by: By) -> None:
        if fields.get("end_target"):
            right_desk.end_target(connection, mine.id, fields["end_target"][:80], by)
        else:
            right_desk.add_target(connection, _target(mine.id, fields), by)

    try:
        await write(request, actor, company, deed)
    except (InputError, NotFound) as error:
        trouble = company_words.why(error, layout_of(request).speech(request))
        return await _page(request, company, actor, trouble=trouble, fields=fields)
    return back(request, company, "/targets", "kept")


def _target(company: str, fields: dict[str, str]) -> Target:
    measure: Measure = "per_m2" if fields.get("measure") == "per_m2" else "absolute"
    return Target(
        id="",
        company=company,
        covers=next((one for one in COVERS if one == fields.get("covers")), "scope12-market"),
        measure=measure,
        base_year=int(number(fields, "base_year")),
        base_g=round(number(fields, "base_t") * 1_000_000),
        base_per=(fields.get("base_per", "").replace(",", "").strip() or "1") if measure == "per_m2" else "1",
        year=int(number(fields, "year")),
        cut_ppm=round(number(fields, "cut") * 10_000),
    )
