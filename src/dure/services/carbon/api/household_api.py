"""Energy at home: a person's own household, and bills that suppliers and meters bring."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.identifiers import identifier
from dure.engines.records.audit import By
from dure.services.carbon.households import household_view
from dure.services.carbon.households.bill_file import billed_unit
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.household_desk import BillAnswer, HouseholdDesk, Joining
from dure.services.carbon.households.household_view import JudgementTold
from dure.services.carbon.households.model import MILLI, Bill, Home, People
from dure.services.carbon.households.periods import month_of, period_of
from dure.services.carbon.model import Refused
from dure.web.access import require
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

Practises = Annotated[Actor, Depends(require("act", "practice"))]
Supplies = Annotated[Actor, Depends(require("act", "company"))]
NUMBER = Field(max_length=40, description="Customer number as on the bill; kept as a keyed digest alone.")
UTILITY = Field(description="electricity, gas or water.")


class PeopleGiven(BaseModel):
    """How many live there since a day."""

    model_config = ConfigDict(extra="forbid")

    since: date
    count: int = Field(ge=1, le=30)


class JoiningGiven(BaseModel):
    """A household as its person says it."""

    model_config = ConfigDict(extra="forbid")

    consent: bool = Field(description="That the city may look at the household's energy.")
    station: str = Field(max_length=64, description="Weather station nearby.")
    since: date = Field(description="Lived in since.")
    until: date | None = Field(None, description="Moved out on.")
    people: list[PeopleGiven] = Field(min_length=1, max_length=40)
    solar_since: date | None = Field(None, description="Panels on the roof since.")
    place: str = Field("", max_length=80, description="Part of the city, in words.")
    area_m2: float | None = Field(None, gt=0, le=2_000, description="Floor area, if they say it.")

    def joining(self) -> Joining:
        """The same as the desk takes it."""
        people = tuple(People(one.since, one.count) for one in sorted(self.people, key=lambda one: one.since))
        home = Home(since=self.since, until=self.until, people=people, solar_since=self.solar_since)
        return Joining(
            station=identifier(self.station, "station"),
            home=home,
            place=text(self.place, "place"),
            area_m2=self.area_m2,
            consent=self.consent,
        )


class NumberGiven(BaseModel):
    """A customer number of the household."""

    model_config = ConfigDict(extra="forbid")

    utility: Utility = UTILITY
    number: str = NUMBER
    unit: str = Field("", max_length=20, description="Unit of its bills: kWh, m3, Nm3 or MJ; the usual one when empty.")


class BillGiven(BaseModel):
    """A month's bill."""

    model_config = ConfigDict(extra="forbid")

    utility: Utility = UTILITY
    month: str = Field(max_length=7, description="As 2026-01.")
    amount: Decimal = Field(max_digits=15, decimal_places=3, description="Use, in `unit`.")
    unit: str = Field("", max_length=20, description="kWh, m3, Nm3 or MJ; the usual one when empty.")
    first: date | None = Field(None, description="First day it covers; that of the month when it is not given.")
    end: date | None = Field(None, description="The day after its last.")
    estimated: bool = Field(default=False, description="The supplier estimated, nobody read the meter.")
    exchanged: bool = Field(default=False, description="The meter was exchanged within it.")
    vacant: bool = Field(default=False, description="Nobody was at home.")

    def bill(self, source: Literal["entered", "partner", "meter"]) -> Bill:
        """The same as the desk takes it."""
        month = month_of(self.month)
        return Bill(
            utility=self.utility,
            month=month.place,
            first=self.first or month.first,
            end=self.end or month.end,
            milli=int(self.amount * MILLI),
            unit=billed_unit(self.unit, self.utility),
            read="estimated" if self.estimated else "actual",
            exchanged=self.exchanged,
            vacant=self.vacant,
            source=source,
        )


class BillsGiven(BaseModel):
    """Bills of one's own household."""

    model_config = ConfigDict(extra="forbid")

    bills: list[BillGiven] = Field(min_length=1, max_length=600)
    replace: bool = Field(default=False, description="Whether they take the place of others of their months.")


class BillsBrought(BaseModel):
    """Bills of one customer number, from a supplier or a smart meter."""

    model_config = ConfigDict(extra="forbid")

    number: str = NUMBER
    source: Literal["partner", "meter"] = Field("partner", description="Who measured.")
    bills: list[BillGiven] = Field(min_length=1, max_length=600)


class HouseholdTold(msgspec.Struct, frozen=True, kw_only=True):
    """One's own household."""

    station: str
    place: str
    area_m2: float | None
    home: Home
    consents: bool
    bound: list[str]
    bills: list[Bill]
    judgements: list[JudgementTold]


class HouseholdRoutes:
    """The routes of energy at home."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = HouseholdDesk(house)

    async def mine(self, actor: Practises) -> Response:
        """One's own household, its bills and what its half-years came to."""
        return answer(await run_in_threadpool(self._read, lambda connection: self._told(connection, actor.id)))

    async def join(self, asked: JoiningGiven, actor: Practises) -> Response:
        """Join with a household, or change it. Consent is asked for each time."""
        joining, by = asked.joining(), self._by(actor)

        def write(connection: Connection) -> HouseholdTold:
            self._desk.join(connection, joining, by)
            return self._told(connection, actor.id)

        return answer(await run_in_threadpool(self._write, write))

    async def leave(self, actor: Practises) -> Response:
        """Take consent back: nothing is judged any more."""
        await run_in_threadpool(self._write, lambda connection: self._desk.leave(connection, self._by(actor)))
        return answer({"consents": False})

    async def bind(self, asked: NumberGiven, actor: Practises) -> Response:
        """Bind a customer number; one serves one household."""
        unit, number = billed_unit(asked.unit, asked.utility), text(asked.number, "number")

        def write(connection: Connection) -> Any:
            return self._desk.bind(connection, asked.utility, number, unit, self._by(actor))

        found = await run_in_threadpool(self._write, write)
        if isinstance(found, Refused):
            raise InputError(found.code, found.reason.en, reason=found.reason)
        return answer({"utility": found.utility, "unit": found.unit})

    async def enter(self, asked: BillsGiven, actor: Practises) -> Response:
        """Enter bills; each stands alone and says what became of it."""
        bills, by = [one.bill("entered") for one in asked.bills], self._by(actor)

        def write(connection: Connection) -> list[BillAnswer]:
            return self._desk.enter(connection, bills, by, replace=asked.replace)

        return answer({"items": await run_in_threadpool(self._write, write)})

    async def bring(self, asked: BillsBrought, actor: Supplies) -> Response:
        """A supplier or a meter brings bills of a customer number whose household consents."""
        bills = [one.bill(asked.source) for one in asked.bills]
        utilities = {one.utility for one in bills}
        if len(utilities) > 1:
            raise InputError("household.utility", "A customer number is of one utility.")
        number, by = text(asked.number, "number"), self._by(actor)

        def write(connection: Connection) -> list[BillAnswer]:
            (utility,) = utilities
            self._desk.require_supplier(connection, utility, actor, by.at)
            return self._desk.bring(connection, utility, number, bills, by)

        return answer({"items": await run_in_threadpool(self._write, write)})

    async def period(self, period: str, actor: Practises) -> Response:
        """One half-year of one's own household."""
        wanted = str(period_of(period))

        def read(connection: Connection) -> list[JudgementTold]:
            return [one for one in self._told(connection, actor.id).judgements if one.period == wanted]

        return answer({"items": await run_in_threadpool(self._read, read)})

    def _told(self, connection: Connection, person: str) -> HouseholdTold:
        found = household_view.mine(connection, person)
        if found is None:
            raise NotFound("household.unknown", "You have not joined with a household.")
        household = found.kept.household
        return HouseholdTold(
            station=household.station,
            place=household.place,
            area_m2=household.area_m2,
            home=household.home,
            consents=found.kept.ended_at is None,
            bound=[one.utility for one in found.meters],
            bills=found.bills,
            judgements=found.judgements,
        )

    def _by(self, actor: Actor) -> By:
        return By(actor.id, self._house.clock.now())

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        with self._house.records.read() as connection:
            return read(connection)

    def _write(self, write: Callable[[Connection], Any]) -> Any:
        with self._house.records.begin() as connection:
            return write(connection)


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk = HouseholdRoutes(house)
    reads, writes = (400, 401, 403, 404, 503), (400, 401, 403, 404, 409, 503)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    def add(verb: str, path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        codes = reads if verb == "GET" else writes
        router.add_api_route(path, work, methods=[verb], summary=summary, response_class=Response, responses=told(schema, *codes))

    said = {"type": "object", "properties": {"consents": {"type": "boolean"}}}
    bound = {"type": "object", "properties": {"utility": {"type": "string"}, "unit": {"type": "string"}}}
    add("GET", "/household", desk.mine, "Your household", schema_of(HouseholdTold))
    add("POST", "/household", desk.join, "Join with your household", schema_of(HouseholdTold))
    add("POST", "/household/leave", desk.leave, "Take consent back", said)
    add("POST", "/household/numbers", desk.bind, "Bind a customer number", bound)
    add("POST", "/household/bills", desk.enter, "Enter bills", items(BillAnswer))
    add("GET", "/household/periods/{period}", desk.period, "A half-year of your household", items(JudgementTold))
    add("POST", "/household-bills", desk.bring, "Bring bills of a customer number", items(BillAnswer))
    return router
