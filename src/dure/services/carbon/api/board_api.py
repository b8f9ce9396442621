"""Open data of the city's board and districts, and the budgets of programmes. Nobody needs to sign in to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import NotFound
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.governing import board_desk, budget_desk
from dure.services.carbon.governing.board import Board, Month, Sealed
from dure.services.carbon.governing.budgets import DOCUMENT_MAX, NOTE_MAX, Asked, Done
from dure.services.carbon.governing.open_board import (
    BOARD_COLUMNS,
    INVENTORY_COLUMNS,
    board_rows,
    csv_text,
    inventory_geojson,
    inventory_rows,
)
from dure.services.carbon.model import Tier
from dure.services.carbon.programmes import programmes
from dure.web.access import house_of, require
from dure.web.api.answers import GEOJSON, answer, kept, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute
from dure.web.api.register import GEOJSON_SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.services.carbon.governing.inventory import Row
    from dure.spine.house import House

SeesProgrammes = Annotated[Actor, Depends(require("read", "programme"))]
ManagesProgrammes = Annotated[Actor, Depends(require("manage", "programme"))]


class YearQuery(BaseModel):
    """Which year."""

    year: int = Field(0, ge=0, le=9999, description="A local calendar year; without it, this one.")


class CsvYearQuery(YearQuery):
    """Which year, and for which program."""

    bom: bool = Field(default=False, description="Begin with a byte order mark, for spreadsheet programs that need one.")


class Moving(BaseModel):
    """What is done with a programme's money."""

    model_config = ConfigDict(extra="forbid")

    deed: Literal["fund", "freeze", "thaw", "close"] = Field(description="fund, freeze, thaw or close.")
    won: int = Field(0, ge=0, le=10**15, description="To fund, in won.")
    note: str = Field("", max_length=NOTE_MAX, pattern=r"^[^\x00]*$", description="Why, in words.")
    document: str = Field(
        "", max_length=DOCUMENT_MAX, pattern=r"^[^\x00]*$", description="Of a funding, its document: the same twice is one."
    )


class ProgrammeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A programme and its money this year [KRW]. `given_won` is null where it rests on too few persons to be told."""

    id: str
    name: Text
    tier: Tier
    state: str
    rule_won: int
    funded_won: int
    sponsored_won: int
    promised_won: int
    given_won: int | None
    left_won: int
    person_year_won: int


class RowTold(msgspec.Struct, frozen=True, kw_only=True):
    """A programme on the board. `hidden`: it rests on too few persons; then its figures are 0 and in no sum."""

    programme: str
    tier: Tier
    claims: int
    grams: int
    given_won: int
    won_per_tonne: int | None
    hidden: bool


class BoardTold(msgspec.Struct, frozen=True, kw_only=True):
    """The board of a year: won in and out, grams by tier (never summed), by programme and month, under its licence."""

    year: int
    made_at: str
    licence: dict[str, str]
    in_city_won: int
    in_companies_won: int
    released_won: int
    out_won: int
    company_won: int
    escrow_won: int
    budget_won: int
    sponsored_won_per_tonne: int | None
    grams_a: int
    grams_b: int
    programmes: list[RowTold]
    months: list[Month]
    checkpoint: Sealed | None


class BoardRoutes:
    """The routes of the board, the districts and programmes."""

    async def board(self, request: Request, asked: Annotated[YearQuery, Query()], _: SeesPublicData) -> Response:
        """The board of a year."""
        house, found = await _board(request, asked.year)
        return kept(request, _told(house, found))

    async def board_csv(self, request: Request, asked: Annotated[CsvYearQuery, Query()], _: SeesPublicData) -> Response:
        """The board of a year, a row for each figure."""
        house, found = await _board(request, asked.year)
        return _csv(csv_text(board_rows(found, _licence(house)["name"]), BOARD_COLUMNS), "carbon-board", asked)

    async def inventory(self, request: Request, asked: Annotated[YearQuery, Query()], _: SeesPublicData) -> Response:
        """Districts by service and tier."""
        house, year, rows = await _rows(request, asked.year)
        items = inventory_rows(rows, house.city.zones, year, _licence(house)["name"])
        return kept(request, {"year": year, "licence": _licence(house), "items": items})

    async def inventory_csv(self, request: Request, asked: Annotated[CsvYearQuery, Query()], _: SeesPublicData) -> Response:
        """Districts by service and tier as CSV."""
        house, year, rows = await _rows(request, asked.year)
        told_rows = inventory_rows(rows, house.city.zones, year, _licence(house)["name"])
        return _csv(csv_text(told_rows, INVENTORY_COLUMNS), "carbon-inventory", asked)

    async def inventory_geojson(self, request: Request, asked: Annotated[YearQuery, Query()], _: SeesPublicData) -> Response:
        """Districts with their grams by tier."""
        house, year, rows = await _rows(request, asked.year)
        return kept(request, inventory_geojson(rows, house.city.zones, year, _licence(house)), media_type=GEOJSON)

    async def programmes(self, request: Request, _: SeesProgrammes) -> Response:
        """Programmes with their money this year."""
        house, found = await _board(request, 0)
        hidden = set(found.hidden)

        def read(connection: Connection) -> list[ProgrammeTold]:
            standings = budget_desk.standings(house, connection, board_desk.this_year(house))
            rows = programmes(house.clock.now().astimezone(house.city.zone).date(), house.city.folder)
            return [
                ProgrammeTold(
                    id=ident, name=rows[ident].name, tier=rows[ident].tier, state=one.state, rule_won=one.rule_won,
                    funded_won=one.funded_won, sponsored_won=one.sponsored_won, promised_won=one.promised_won,
                    given_won=None if ident in hidden else one.given_won, left_won=one.left_won,
                    person_year_won=rows[ident].person_year_won,
                )
                for ident, one in standings.items()
            ]  # fmt: skip

        return answer({"items": await _read(house, read)})

    async def move(self, request: Request, programme: str, asked: Moving, actor: ManagesProgrammes) -> Response:
        """Fund, freeze, thaw or close a programme of this year."""
        house = house_of(request)

        def act() -> Done:
            with house.records.begin() as connection:
                wanted = Asked(asked.deed, asked.won, asked.note, asked.document)
                return budget_desk.move(house, connection, programme, wanted, By(actor.id, house.clock.now()))

        return answer(await run_in_threadpool(act), 201)


async def _board(request: Request, year: int) -> tuple[House, Board]:
    house = house_of(request)
    wanted = _year(house, year)
    return house, await _read(house, lambda connection: board_desk.board_of(house, connection, wanted))


async def _rows(request: Request, year: int) -> tuple[House, int, list[Row]]:
    house = house_of(request)
    wanted = _year(house, year)
    rows: list[Row] = await _read(house, lambda connection: board_desk.inventory_of(house, connection, wanted, whole=False))
    return house, wanted, rows


async def _read(house: House, ask: Callable[[Connection], Any]) -> Any:
    def read() -> Any:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)


def _year(house: House, year: int) -> int:
    if year and year not in board_desk.years(house):
        raise NotFound("board.year", f"The board has no year {year}.")
    return year or board_desk.this_year(house)


def _licence(house: House) -> dict[str, str]:
    row = board_desk.rules_of(house).licence
    return {"id": str(row.value), "name": row.name.en, "url": row.url}


def _csv(text: str, name: str, asked: CsvYearQuery) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response((("\ufeff" if asked.bom else "") + text).encode(), media_type="text/csv; charset=utf-8", headers=headers)


def _told(house: House, one: Board) -> BoardTold:
    return BoardTold(
        year=one.year, made_at=one.made_at.isoformat(), licence=_licence(house), in_city_won=one.in_city_won,
        in_companies_won=one.in_companies_won, released_won=one.released_won, out_won=one.out_won,
        company_won=one.company_won, escrow_won=one.escrow_won, budget_won=one.budget_won,
        sponsored_won_per_tonne=one.sponsored_won_per_tonne, grams_a=one.grams("A"), grams_b=one.grams("B"),
        programmes=[
            RowTold(
                programme=row.programme, tier=row.tier, claims=row.claims, grams=row.grams, given_won=row.given_won,
                won_per_tonne=row.won_per_tonne, hidden=row.hidden,
            )
            for row in one.programmes
        ],
        months=list(one.months), checkpoint=one.sealed,
    )  # fmt: skip


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of the board."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk, add = BoardRoutes(), router.add_api_route
    plain: dict[str, Any] = {"methods": ["GET"], "response_class": Response}
    csv = told({"type": "string"}, 404, 503, media_type="text/csv")
    add("/board", desk.board, summary="The public board", responses=told(schema_of(BoardTold), 404, 503), **plain)
    add("/board.csv", desk.board_csv, summary="The public board as CSV", responses=csv, **plain)
    add("/inventory", desk.inventory, summary="Districts by service and tier", responses=told(_INVENTORY, 404, 503), **plain)
    add("/inventory.csv", desk.inventory_csv, summary="Districts as CSV", responses=csv, **plain)
    areas = told(GEOJSON_SCHEMA, 404, 503, media_type=GEOJSON)
    add("/inventory.geojson", desk.inventory_geojson, summary="Districts as GeoJSON", responses=areas, **plain)
    listed = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": schema_of(ProgrammeTold)}},
    }
    add("/programmes", desk.programmes, summary="Programmes and their budgets", responses=told(listed, 503), **plain)
    done = told(schema_of(Done), 401, 403, 404, 409, status=201, description="Done.")
    add(
        "/programmes/{programme}/deeds", desk.move, methods=["POST"], response_class=Response, status_code=201,
        summary="Fund, freeze, thaw or close a programme", responses=done,
    )  # fmt: skip
    return router


_INVENTORY = {
    "type": "object",
    "required": ["year", "licence", "items"],
    "properties": {
        "year": {"type": "integer"},
        "licence": {"type": "object"},
        "items": {"type": "array", "items": {"type": "object"}},
    },
}
