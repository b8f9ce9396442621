"""Companies: profile, people, customer numbers, files of activity data, contracts, hours, targets and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.api import company_forms as forms
from dure.services.carbon.api.company_forms import ActsForCompany, SeesCompany
from dure.services.carbon.api.company_routing import add_routes
from dure.services.carbon.companies import (
    activity_desk,
    activity_records,
    company_desk,
    company_records,
    figure_desk,
    hours_file,
    right_desk,
    right_records,
)
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.company_desk import OVERSEERS, refuse
from dure.services.carbon.model import Refused
from dure.web.api.answers import answer, page
from dure.web.api.body import read_body
from dure.web.api.queries import instant, text

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from dure.core.access import Actor
    from dure.spine.house import House


class CompanyRoutes:
    """The routes of companies."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def companies(self, request: Request, asked: Annotated[forms.CompanyQuery, Query()], actor: SeesCompany) -> Response:
        """Companies, by id: all of them for the city, one's own for a partner."""

        def read(connection: Connection) -> Any:
            if actor.roles & OVERSEERS:
                found = company_records.listing(connection, after=text(asked.after, "after"), limit=asked.limit)
                return found.items, found.next
            mine = company_records.company_of(connection, actor.id)
            return [company_records.get(connection, mine)] if mine else [], None

        items, following = await run_in_threadpool(self._read, read)
        return page(request, items, following or None)

    async def found(self, wanted: forms.NewCompany, actor: ActsForCompany) -> Response:
        """Enter a company; a partner speaks for it from then on."""
        person = "" if actor.roles & OVERSEERS else actor.id
        made = await run_in_threadpool(
            self._write, lambda connection: company_desk.found(connection, wanted.company(wanted.id), person, self._by(actor))
        )
        return answer(made, 201)

    async def one(self, company: str, actor: SeesCompany) -> Response:
        """One company's profile."""
        return answer(await run_in_threadpool(self._read, lambda connection: company_desk.seen_by(connection, actor, company)))

    async def change(self, company: str, wanted: forms.CompanyFields, actor: ActsForCompany) -> Response:
        """Another profile; earlier ones stay for questions of their time."""

        def write(connection: Connection, mine: Company) -> Company:
            return company_desk.change(connection, wanted.company(mine.id), self._by(actor))

        return answer(await self._of(company, actor, write))

    async def meters(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """Its customer numbers."""

        def read(connection: Connection) -> Any:
            return company_records.meters_of(connection, company_desk.seen_by(connection, actor, company).id)

        return page(request, await run_in_threadpool(self._read, read), None)

    async def bind(self, company: str, wanted: forms.NewMeter, actor: ActsForCompany) -> Response:
        """Enter a customer number; one of another company is refused, and the attempt recorded."""

        def write(connection: Connection, mine: Company) -> Any:
            return company_desk.bind_meter(connection, mine, wanted.kind, wanted.number, wanted.site, self._by(actor))

        found = await self._of(company, actor, write)
        if isinstance(found, Refused):
            raise forms.conflict(found)
        return answer(found, 201)

    async def release(self, company: str, meter: str, actor: ActsForCompany) -> Response:
        """The number is the company's no longer."""

        def write(connection: Connection, mine: Company) -> None:
            company_desk.release_meter(connection, mine.id, text(meter, "meter"), self._by(actor))

        await self._of(company, actor, write)
        return Response(status_code=204)

    async def join(self, company: str, wanted: forms.Person, actor: ActsForCompany) -> Response:
        """Let a person speak for the company."""

        def write(connection: Connection, mine: Company) -> list[str]:
            company_desk.add_person(connection, mine.id, wanted.person, self._by(actor))
            return company_records.people_of(connection, mine.id)

        return answer({"people": await self._of(company, actor, write)}, 201)

    async def leave(self, company: str, person: str, actor: ActsForCompany) -> Response:
        """Let them speak for it no longer."""

        def write(connection: Connection, mine: Company) -> None:
            company_desk.take_person(connection, mine.id, text(person, "person"), self._by(actor))

        await self._of(company, actor, write)
        return Response(status_code=204)

    async def look(
        self, request: Request, company: str, asked: Annotated[forms.FileQuery, Query()], actor: ActsForCompany
    ) -> Response:
        """Look at a file: what would be kept, every row that would not, and what is to be known. Nothing is written."""
        data = await read_body(request, activity_desk.FILE_BYTES_MAX)

        def read(connection: Connection) -> Any:
            mine = company_desk.written_by(connection, actor, company)
            return activity_desk.preview(self._house, connection, mine, data, asked.asked())

        return answer(await run_in_threadpool(self._read, read))

    async def bring(
        self, request: Request, company: str, asked: Annotated[forms.BringQuery, Query()], actor: ActsForCompany
    ) -> Response:
        """Take a file in, whole; with `rest` the rows that can be."""
        data = await read_body(request, activity_desk.FILE_BYTES_MAX)
        mine = await run_in_threadpool(self._read, lambda connection: company_desk.written_by(connection, actor, company))
        by = self._by(actor)
        done = await run_in_threadpool(lambda: activity_desk.bring(self._house, mine, data, asked.asked(), by, rest=asked.rest))
        return answer(done, 201)

    async def imports(
        self, request: Request, company: str, asked: Annotated[forms.CompanyQuery, Query()], actor: SeesCompany
    ) -> Response:
        """Files that were brought, newest first."""

        def read(connection: Connection) -> Any:
            mine = company_desk.seen_by(connection, actor, company)
            return activity_records.imports_of(connection, mine.id, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def undo(self, company: str, ident: str, actor: ActsForCompany) -> Response:
        """A file was wrong: its rows end, and may be brought again."""

        def write(connection: Connection, mine: Company) -> int:
            return activity_desk.undo(connection, mine, text(ident, "import"), self._by(actor))

        return answer({"undone": await self._of(company, actor, write)})

    async def activities(
        self, request: Request, company: str, asked: Annotated[forms.CompanyQuery, Query()], actor: SeesCompany
    ) -> Response:
        """Rows that stand, by id."""

        def read(connection: Connection) -> Any:
            mine = company_desk.seen_by(connection, actor, company)
            return activity_records.listing(connection, mine.id, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def undo_row(self, company: str, ident: str, actor: ActsForCompany) -> Response:
        """A row was wrong: it ends."""

        def write(connection: Connection, mine: Company) -> None:
            activity_desk.undo_row(connection, mine, text(ident, "activity"), self._by(actor))

        await self._of(company, actor, write)
        return Response(status_code=204)

    async def footprint(self, company: str, asked: Annotated[forms.YearQuery, Query()], actor: SeesCompany) -> Response:
        """Emissions of a reporting year, row by row and summed; now or as known at an instant."""

        def read(connection: Connection) -> Any:
            mine, year, at = self._year(connection, actor, company, asked)
            return figure_desk.year_footprint(self._house, connection, mine.id, year, at, asked.gwp)

        return answer(await run_in_threadpool(self._read, read))

    async def hourly(self, company: str, asked: Annotated[forms.YearQuery, Query()], actor: SeesCompany) -> Response:
        """Scope 2 matched hour by hour."""

        def read(connection: Connection) -> Any:
            mine, year, at = self._year(connection, actor, company, asked)
            return figure_desk.year_hourly(self._house, connection, mine.id, year, at)

        found = await run_in_threadpool(self._read, read)
        if isinstance(found, Refused):
            raise refuse(found)
        return answer(found)

    async def bridge(self, company: str, asked: Annotated[forms.YearQuery, Query()], actor: SeesCompany) -> Response:
        """Why the year differs from the one before: activity, factor, weather, floor area."""

        def read(connection: Connection) -> Any:
            mine, year, at = self._year(connection, actor, company, asked)
            return figure_desk.year_bridge(self._house, connection, mine.id, year, at)

        return answer(forms.bridge_form(await run_in_threadpool(self._read, read)))

    async def contracts(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """Contracts that stand."""

        def read(connection: Connection) -> Any:
            return right_records.contracts_of(connection, company=company_desk.seen_by(connection, actor, company).id)

        return page(request, await run_in_threadpool(self._read, read), None)

    async def add_contract(self, company: str, wanted: forms.NewContract, actor: ActsForCompany) -> Response:
        """Enter a contract; never more than all of a source is given out over all companies."""
        rules = activity_rules(day_of(self._house.clock.now(), self._house.city.zone), self._house.city.folder)

        def write(connection: Connection, mine: Company) -> Any:
            return right_desk.add_contract(connection, wanted.contract(mine.id), rules, self._by(actor), self._house.city.folder)

        return answer(await self._of(company, actor, write), 201)

    async def end_contract(self, company: str, ident: str, actor: ActsForCompany) -> Response:
        """A contract was wrong: what it gave is free."""

        def write(connection: Connection, mine: Company) -> None:
            right_desk.end_contract(connection, mine.id, text(ident, "contract"), self._by(actor))

        await self._of(company, actor, write)
        return Response(status_code=204)

    async def hours(
        self,
        request: Request,
        company: str,
        role: Literal["load", "supply"],
        asked: Annotated[forms.HoursQuery, Query()],
        actor: ActsForCompany,
    ) -> Response:
        """Bring hours of a meter (load) or of a source (supply), whole or not at all."""
        data = await read_body(request, activity_desk.FILE_BYTES_MAX)
        found = await run_in_threadpool(hours_file.read_hours, data, self._house.city.zone, asked.unit, asked.sheet)
        if found.rejected:
            first = found.rejected[0]
            raise InputError("import.rejected_rows", f"Row {first.row}: {first.why.en}", rejected=found.rejected[:100])

        def write(connection: Connection, mine: Company) -> int:
            by, city = self._by(actor), bool(actor.roles & OVERSEERS)
            return right_desk.bring_hours(connection, mine.id, role, text(asked.name, "name"), found.wh, by, city=city)

        days = await self._of(company, actor, write)
        return answer({"hours": len(found.wh), "days": days, "notices": found.notices}, 201)

    async def targets(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """Targets with their line, and the years that are known."""

        def read(connection: Connection) -> Any:
            mine = company_desk.seen_by(connection, actor, company)
            return [forms.target_form(*one) for one in figure_desk.target_standings(self._house, connection, mine.id)]

        return page(request, await run_in_threadpool(self._read, read), None)

    async def add_target(self, company: str, wanted: forms.NewTarget, actor: ActsForCompany) -> Response:
        """Enter a target."""

        def write(connection: Connection, mine: Company) -> Any:
            return right_desk.add_target(connection, wanted.target(mine.id), self._by(actor))

        return answer(await self._of(company, actor, write), 201)

    async def end_target(self, company: str, ident: str, actor: ActsForCompany) -> Response:
        """A target holds no longer."""

        def write(connection: Connection, mine: Company) -> None:
            right_desk.end_target(connection, mine.id, text(ident, "target"), self._by(actor))

        await self._of(company, actor, write)
        return Response(status_code=204)

    def _year(
        self, connection: Connection, actor: Actor, company: str, asked: forms.YearQuery
    ) -> tuple[Company, int, datetime | None]:
        at = None if asked.as_of is None else instant(asked.as_of, "as_of")
        if at is not None and at > self._house.clock.now():
            raise InputError("company.as_of", "as_of lies in the future.")
        return company_desk.seen_by(connection, actor, company), asked.year, at

    async def _of(self, company: str, actor: Actor, write: Callable[[Connection, Company], Any]) -> Any:
        """A change of a company by who may write it."""

        def written(connection: Connection) -> Any:
            return write(connection, company_desk.written_by(connection, actor, company))

        return await run_in_threadpool(self._write, written)

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
    return add_routes(CompanyRoutes(house))
