"""For everybody: what the city's money and its citizens achieved, by tier, and the districts; each figure unfolds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from dure.core.errors import NotFound
from dure.core.time import day_of
from dure.services.carbon.claiming.methods import all_methods
from dure.services.carbon.governing import board_desk
from dure.services.carbon.governing.public_figure import public_figure
from dure.services.carbon.pages import board_charts, claim_names, figure_paths
from dure.services.carbon.pages.claim_pages import read_records
from dure.services.carbon.pages.explain_pages import AGREES, DIFFERS
from dure.services.carbon.pages.inventory_view import Chosen, chosen, district_rows, features, table_rows
from dure.services.carbon.programmes import programmes
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.services.carbon.governing.board import Board
    from dure.services.carbon.governing.inventory import Row
    from dure.spine.house import House

HERE, EXPLAIN, DISTRICTS = "/carbon", "/carbon/explain", "/carbon/districts"
DESK = "/operations/carbon/inventory"


class Seen(NamedTuple):
    """Who looks: where figures unfold for them, and whether small groups are shown."""

    explain: str
    here: str
    staff: bool


PUBLIC = Seen(EXPLAIN, DISTRICTS, staff=False)
STAFF = Seen("/operations/carbon/explain", DESK, staff=True)


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The board, the districts and what is behind their figures."""
    router = APIRouter()
    anyone = [Depends(require("read", "public_data"))]
    sees = [Depends(require("read", "ledger"))]
    router.add_api_route(HERE, board, methods=["GET"], dependencies=anyone)
    router.add_api_route(EXPLAIN, explained, methods=["GET"], dependencies=anyone)
    router.add_api_route(DISTRICTS, districts, methods=["GET"], dependencies=anyone)
    router.add_api_route(f"{DISTRICTS}/map.json", map_data, methods=["GET"], dependencies=anyone)
    router.add_api_route(DESK, inventory, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{DESK}/map.json", desk_map, methods=["GET"], dependencies=sees)
    return router


async def board(request: Request) -> Response:
    """Money in, won out, tonnes by tier, of a year."""
    house, say = house_of(request), layout_of(request).speech(request)
    year = year_of(house, request.query_params)

    def read(connection: Connection) -> Board:
        return board_desk.board_of(house, connection, year)

    found = await read_records(house, read)
    known = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)
    return await layout_of(request).page(
        request,
        "carbon/board.html",
        board=found,
        years=board_desk.years(house),
        programmes=known,
        names=claim_names,
        rules=board_desk.rules_of(house),
        explain=EXPLAIN,
        tonnes=board_charts.tonnes(found, say),
        money=board_charts.money(found, say),
    )


async def explained(request: Request) -> Response:
    """What is behind a figure of the board, without anything of a person."""
    house, asked = house_of(request), request.query_params.get("figure", "").strip()[:300]
    say = layout_of(request).speech(request)
    found = await run_in_threadpool(public_figure, house, asked)
    return await layout_of(request).page(
        request,
        "carbon/board_explain.html",
        crumbs=[(HERE, say("탄소 현황판"))],
        found=found,
        agrees=AGREES,
        differs=DIFFERS,
        paths=figure_paths,
    )


async def districts(request: Request) -> Response:
    """The inventory for everybody: small groups are hidden."""
    return await _inventory(request, PUBLIC)


async def inventory(request: Request) -> Response:
    """The inventory for staff."""
    return await _inventory(request, STAFF)


async def map_data(request: Request) -> Response:
    """What the map of everybody shows."""
    return await _map(request, PUBLIC)


async def desk_map(request: Request) -> Response:
    """What the map of staff shows."""
    return await _map(request, STAFF)


async def _inventory(request: Request, seen: Seen) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    wanted = chosen(request.query_params, year_of(house, request.query_params))
    rows = await _rows(house, wanted, seen)
    return await layout_of(request).page(
        request,
        "carbon/districts.html",
        crumbs=[] if seen.staff else [(HERE, say("탄소 현황판"))],
        wanted=wanted,
        rows=table_rows(house, rows, wanted),
        districts=district_rows(house, rows, wanted),
        years=board_desk.years(house),
        names=claim_names,
        methods={one.id: one.name for one in all_methods(house.city.folder)},
        rules=board_desk.rules_of(house),
        seen=seen,
        map_url=f"/{say.language}{seen.here}/map.json?year={wanted.year}&tier={wanted.tier}",
    )


async def _map(request: Request, seen: Seen) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    wanted = chosen(request.query_params, year_of(house, request.query_params))
    rows = await _rows(house, wanted, seen)
    told: dict[str, Any] = {"type": "FeatureCollection", "features": features(house, rows, wanted, say)}
    return JSONResponse(told, headers={"Cache-Control": "no-store"})


async def _rows(house: House, wanted: Chosen, seen: Seen) -> list[Row]:
    def read(connection: Connection) -> list[Row]:
        return board_desk.inventory_of(house, connection, wanted.year, whole=seen.staff)

    return await read_records(house, read)


def year_of(house: House, query: Mapping[str, str]) -> int:
    """The year that is asked for; this one when none is.

    Raises
    ------
    NotFound : ``board.year`` when it is none of those that are shown
    """
    asked = query.get("year", "")
    if not asked:
        return board_desk.this_year(house)
    found = next((one for one in board_desk.years(house) if str(one) == asked), None)
    if found is None:
        raise NotFound("board.year", f"The board has no year {asked[:10]!r}.")
    return found
