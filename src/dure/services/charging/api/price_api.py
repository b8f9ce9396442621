"""What sites and drivers pay, by date: tariffs by the hour, lists of prices, the factor in use; a check of a city's own file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import ConfigError, DureError, NotFound
from dure.core.rules import parse_pack
from dure.core.text import Text
from dure.core.time import day_of, from_us, to_us
from dure.services.charging.pricing.factors import Factor, factor_on
from dure.services.charging.pricing.prices import DiscountRow, EnergyRow, FeeRow, PriceBook, price_book
from dure.services.charging.pricing.site_prices import SitePrices, site_prices
from dure.services.charging.pricing.tariffs import TariffBook, tariff_book
from dure.services.charging.rules import Basis
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import Commands, SeesCityData, SeesPublicData
from dure.web.api.queries import CheckedRoute, instant, text

if TYPE_CHECKING:
    from dure.spine.house import House

FILE_MAX = 1_000_000
HOUR_S = 3_600
LAST_YEAR = 2_200  # no rule is written for what lies behind it


class OnDay(BaseModel):
    """As of which day."""

    day: date | None = Field(None, description="As in force on this local day; today when left out.", examples=["2026-11-24"])


class HoursQuery(BaseModel):
    """Which hours."""

    start: str | None = Field(None, max_length=40, description="From this instant (RFC 3339); now when left out.")
    hours: int = Field(24, ge=1, le=24 * 31, description="How many hours.")


class CheckQuery(BaseModel):
    """Which kind of file."""

    kind: Literal["prices", "tariffs"] = Field(description="What the file is.")


class TariffHour(msgspec.Struct, frozen=True):
    """An hour and what a site pays and is paid in it [won/kWh]."""

    start: datetime
    buy_won_kwh: float
    export_won_kwh: float


class TariffForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a site pays, hour by hour."""

    tariff: str
    basic_won_kw: float
    demand_won_kw: float
    hours: tuple[TariffHour, ...]
    provisional: bool
    bases: tuple[Basis, ...]


class PriceForm(msgspec.Struct, frozen=True, kw_only=True):
    """A list of prices as in force on a day."""

    id: str
    name: Text
    day: date
    energy: tuple[EnergyRow, ...]
    fees: tuple[FeeRow, ...]
    discounts: tuple[DiscountRow, ...]
    rounding: str


class Names(msgspec.Struct, frozen=True):
    """Lists by id, with their names."""

    items: dict[str, Text]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a file can be used, and if not, why: a code and a sentence."""

    usable: bool
    code: str = ""
    why: str = ""


class PriceRoutes:
    """The routes of prices."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def prices(self, asked: Annotated[OnDay, Query()], _: SeesPublicData) -> Response:
        """Lists of prices in force."""
        with _dated():
            return answer(Names(dict(price_book(self._house.city.folder).names(self._day(asked)))))

    async def price(self, price_id: str, asked: Annotated[OnDay, Query()], _: SeesPublicData) -> Response:
        """One list of prices with every row in force, where it comes from and how sure it is."""
        book = price_book(self._house.city.folder)
        day, name = self._day(asked), text(price_id, "price id")
        with _dated():
            if name not in book.names(day):
                raise NotFound("price.missing", f"There is no list of prices {name[:80]!r} in force on {day}.")
            found = book.listed(name, day)
        fields = {field: getattr(found, field) for field in ("id", "name", "day", "energy", "fees", "discounts", "rounding")}
        return answer(PriceForm(**fields))

    async def tariffs(self, asked: Annotated[OnDay, Query()], _: SeesCityData) -> Response:
        """Tariffs in force."""
        with _dated():
            return answer(Names(dict(self._tariffs().names(self._day(asked)))))

    async def tariff(self, tariff_id: str, asked: Annotated[HoursQuery, Query()], _: SeesCityData) -> Response:
        """What a site pays for energy, hour by hour."""
        name, book = text(tariff_id, "tariff id"), self._tariffs()
        at = instant(asked.start, "start") if asked.start else self._house.clock.now()
        start_us = to_us(at) // (HOUR_S * 1_000_000) * HOUR_S * 1_000_000
        with _dated():
            if at.year > LAST_YEAR or name not in book.names(day_of(at, book.zone)):
                raise NotFound("tariff.missing", f"There is no tariff {name[:80]!r} in force then.")
            found = await run_in_threadpool(site_prices, book, name, from_us(start_us), asked.hours, HOUR_S)
        return answer(_hours(name, found, start_us))

    async def factor(self, asked: Annotated[OnDay, Query()], _: SeesPublicData) -> Response:
        """The emission factor of the grid in use."""
        with _dated():
            return answer(factor_on(self._day(asked), folder=self._house.city.folder))

    async def check(self, request: Request, asked: Annotated[CheckQuery, Query()], _: Commands) -> Response:
        """Whether a file of prices or tariffs can be used, before it is put into the city's folder."""
        body = await read_body(request, FILE_MAX)
        return answer(await run_in_threadpool(self._checked, body, asked.kind))

    def _checked(self, body: bytes, kind: str) -> Checked:
        try:
            words = tomllib.loads(body.decode("utf-8-sig"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            return Checked(usable=False, code="rules.unreadable", why=f"{error}. Correct the TOML there.")
        try:
            pack = parse_pack(words, kind, f"{kind}.toml")
            if kind == "prices":
                PriceBook(pack).listed("", self._day(None))
            else:
                TariffBook(pack, self._house.city.zone, self._house.city.country).day("", self._day(None))
        except DureError as error:
            return Checked(usable=False, code=error.code, why=error.message)
        return Checked(usable=True)

    def _tariffs(self) -> TariffBook:
        return tariff_book(self._house.city.folder, self._house.city.zone, self._house.city.country)

    def _day(self, asked: OnDay | None) -> date:
        return (asked.day if asked else None) or day_of(self._house.clock.now(), self._house.city.zone)


@contextmanager
def _dated() -> Iterator[None]:
    """A day before all rules is no fault of the city's files, but of the question."""
    try:
        yield
    except ConfigError as error:
        if error.code != "rules.not_in_force":
            raise
        raise NotFound("price.undated", f"Nothing is known of that day: {error.message}") from error


def _hours(tariff: str, found: SitePrices, start_us: int) -> TariffForm:
    pairs = zip(found.buy_won_kwh.tolist(), found.export_won_kwh.tolist(), strict=True)
    return TariffForm(
        tariff=tariff,
        basic_won_kw=found.basic_won_kw,
        demand_won_kw=found.demand_won_kw,
        hours=tuple(TariffHour(from_us(start_us + one * HOUR_S * 1_000_000), *pair) for one, pair in enumerate(pairs)),
        provisional=found.provisional,
        bases=found.bases,
    )


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk = PriceRoutes(house)
    seen = (401, 403, 404, 503)
    listed: tuple[tuple[str, str, dict[str, Any], Any, tuple[int, ...]], ...] = (
        ("/prices", "Lists of prices", schema_of(Names), desk.prices, (503,)),
        ("/prices/{price_id}", "One list of prices", schema_of(PriceForm), desk.price, (404, 503)),
        ("/factor", "The emission factor in use", schema_of(Factor), desk.factor, (503,)),
        ("/tariffs", "Tariffs of sites", schema_of(Names), desk.tariffs, seen),
        ("/tariffs/{tariff_id}", "A tariff hour by hour", schema_of(TariffForm), desk.tariff, seen),
    )
    for path, summary, schema, read, refusals in listed:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *refusals))(read)
    checked = told(schema_of(Checked), 400, 401, 403, 413, 503)
    router.post("/prices/check", summary="Check a file of prices", response_class=Response, responses=checked)(desk.check)
    return router
