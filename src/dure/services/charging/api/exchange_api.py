"""Exchanges of a site's own meters: who reads the books states that a meter was replaced, and the books follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.identifiers import identifier
from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.services.charging.origin import exchange_records, exchanging, origin_view
from dure.services.charging.origin.exchange_records import Noted
from dure.services.charging.origin.registers import Exchange
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import DoesFieldWork, SeesCityData
from dure.web.api.queries import CheckedRoute, instant

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House

Register = Literal[
    "solar_register", "storage_charge_register", "storage_discharge_register", "grid_import_register", "grid_export_register",
    "site_load_register",
]  # fmt: skip
WH_MAX = 9 * 10**15


class RegisterAt(BaseModel):
    """A register and an instant."""

    model_config = ConfigDict(extra="forbid")

    asset: str = Field(max_length=64, description="The generator, storage or grid meter.", examples=["lot-pv"])
    property: Register = Field(description="Its register.")
    at: str = Field(max_length=40, description="When (RFC 3339).", json_schema_extra={"format": "date-time"})


class Replaced(RegisterAt):
    """A meter was taken off and another put on."""

    last_wh: int = Field(ge=0, le=WH_MAX, description="Last value of the old register [Wh].")
    first_wh: int = Field(ge=0, le=WH_MAX, description="First value of the new one [Wh].")


class ExchangeNoted(msgspec.Struct, frozen=True):
    """The exchange, and how many rows of the books were corrected."""

    exchange: Noted
    rows: int


class Withdrawn(msgspec.Struct, frozen=True):
    """How many rows of the books were corrected."""

    rows: int


class ExchangeRoutes:
    """The routes of exchanges."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, site_id: str, _: SeesCityData) -> Response:
        """Exchanges of a site's meters that were noted, newest first."""

        def read() -> list[Noted]:
            with self._house.records.read() as connection:
                site = origin_view.site_named(connection, identifier(site_id, "site id"))
                return exchange_records.of_assets(connection, {asset for asset, _ in exchange_records.registers_of(site)})

        return answer({"items": await run_in_threadpool(read)})

    async def note(self, site_id: str, asked: Replaced, actor: DoesFieldWork) -> Response:
        """Note that a meter was replaced; the site is booked again from there on."""
        exchange = Exchange(to_us(instant(asked.at, "at")), asked.last_wh, asked.first_wh)
        by = By(actor.id, self._house.clock.now())

        def write() -> ExchangeNoted:
            register = (identifier(asked.asset, "asset"), asked.property)
            found = exchanging.note(self._house, self._site(site_id), register, exchange, by)
            return ExchangeNoted(found.noted, found.rows_n)

        return answer(await run_in_threadpool(write), 201)

    async def withdraw(self, site_id: str, asked: Annotated[RegisterAt, Query()], actor: DoesFieldWork) -> Response:
        """Take back an exchange that never was."""
        at, by = instant(asked.at, "at"), By(actor.id, self._house.clock.now())

        def write() -> Withdrawn:
            register = (identifier(asked.asset, "asset"), asked.property)
            return Withdrawn(exchanging.withdraw(self._house, self._site(site_id), register, at, by))

        return answer(await run_in_threadpool(write))

    def _site(self, site_id: str) -> Site:
        with self._house.records.read() as connection:
            return origin_view.site_named(connection, identifier(site_id, "site id"))


def routes(house: House) -> APIRouter:
    """Routes of exchanges."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk, path = ExchangeRoutes(house), "/sites/{site_id}/exchanges"
    items: dict[str, Any] = {"type": "object", "properties": {"items": {"type": "array", "items": schema_of(Noted)}}}
    acted = (400, 401, 403, 404, 409, 503)
    router.get(path, summary="Exchanges of a site's meters", response_class=Response, responses=told(items, 401, 403, 404, 503))(
        desk.listing
    )
    noted = told(schema_of(ExchangeNoted), *acted, status=201)
    router.post(path, summary="Note an exchange", status_code=201, response_class=Response, responses=noted)(desk.note)
    router.delete(path, summary="Withdraw an exchange", response_class=Response, responses=told(schema_of(Withdrawn), *acted))(
        desk.withdraw
    )
    return router
