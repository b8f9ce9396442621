"""Sponsoring: offers and what became of them, money paid in, what it achieved, and where more would do most."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.engines.records.audit import By
from dure.services.carbon.api.company_forms import NO_ZERO, ActsForCompany, SeesCompany
from dure.services.carbon.api.company_routing import READS, WRITES
from dure.services.carbon.companies import company_desk, funding_desk, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.achieving import Achieved
from dure.services.carbon.companies.fundable import Fundable, fundable
from dure.services.carbon.companies.sponsor_records import Held, Result, Step
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship, TargetKind
from dure.services.carbon.companies.suggesting import Suggestion, Wish
from dure.web.access import require
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

ManagesProgramme = Annotated[Actor, Depends(require("manage", "programme"))]
Instant = Annotated[str, Field(description="An instant (RFC 3339).", examples=["2026-12-01T00:00:00Z"])]


class MilestoneForm(BaseModel):
    """Won that are due once so much is reached: grams, or a number of claims."""

    won: int = Field(gt=0, le=10**12, description="What is paid.")
    grams: int = Field(0, ge=0, le=10**15, description="Verified grams to reach.")
    claims: int = Field(0, ge=0, le=10**9, description="Awarded claims to reach.")


class NewSponsorship(BaseModel):
    """An offer."""

    title_ko: str = Field(max_length=200, pattern=NO_ZERO, description="What is funded, in Korean.")
    title_en: str = Field("", max_length=200, pattern=NO_ZERO, description="The same in English.")
    target_kind: TargetKind = Field(description="What `target` names.")
    target: str = Field(
        max_length=200, pattern=NO_ZERO, description="A programme, a district, a challenge, or the beginning of a source."
    )
    start: Instant
    end: Instant
    budget_won: int = Field(gt=0, le=10**13, description="Put into escrow.")
    programme: str = Field(max_length=60, pattern=NO_ZERO, description="Whose budget gets what is released.")
    tier: Literal["A", "B", "C"] = Field("A", description="Of the claims that count.")
    won_per_tonne: int = Field(0, ge=0, le=10**12, description="Paid for each verified tonne.")
    milestones: list[MilestoneForm] = Field([], max_length=20, description="Paid instead of tonnes.")
    transfers: bool = Field(default=False, description="Whether the grams become the company's by contract.")
    contract: str = Field("", max_length=200, pattern=NO_ZERO, description="That contract.")

    def sponsorship(self, ident: str, company: str) -> Sponsorship:
        """The same, as a noun."""
        words = self.model_dump(exclude={"title_ko", "title_en", "start", "end", "milestones"})
        return Sponsorship(
            id=ident,
            company=company,
            title=Text(self.title_ko, self.title_en),
            start=parse_instant(self.start),
            end=parse_instant(self.end),
            milestones=tuple(Milestone(**one.model_dump()) for one in self.milestones),
            **words,
        )


class Money(BaseModel):
    """Money that has arrived at the city."""

    won: int = Field(gt=0, le=10**12, description="How much.")
    receipt: str = Field(max_length=60, pattern=NO_ZERO, description="Number of the receipt; the same twice is one.")


class WishQuery(BaseModel):
    """What a company wants."""

    model_config = ConfigDict(extra="forbid")

    theme: str = Field("", max_length=40, description="`energy`, `transport`, `waste`, `citizens`; empty: any.")
    district: str = Field("", max_length=64, description="A district; empty: any.")
    won_per_tonne_max: int = Field(0, ge=0, le=10**12, description="Most won for a verified tonne; 0: any.")


class SponsorshipTold(msgspec.Struct, frozen=True, kw_only=True):
    """A sponsorship with its steps and the results that count."""

    held: Held
    steps: tuple[Step, ...]
    results: tuple[Result, ...]


class SponsoringRoutes:
    """The routes of sponsoring."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def pay_in(self, company: str, wanted: Money, actor: ManagesProgramme) -> Response:
        """Note money of a company that has arrived at the city."""

        def write(connection: Connection) -> Any:
            sponsoring_desk.pay_in(
                connection, text(company, "company"), wanted.won, text(wanted.receipt, "receipt"), self._by(actor)
            )
            return {"available_won": funding_desk.available_won(connection, company)}

        return answer(await run_in_threadpool(self._write, write), 201)

    async def listing(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """Sponsorships of a company, newest first."""

        def read(connection: Connection) -> Any:
            return sponsor_records.listing(connection, company=company_desk.seen_by(connection, actor, company).id)

        return page(request, await run_in_threadpool(self._read, read), None)

    async def offer(self, company: str, wanted: NewSponsorship, actor: ActsForCompany) -> Response:
        """Offer a sponsorship: the money is reserved until the city decides."""

        def write(connection: Connection) -> Any:
            mine = company_desk.written_by(connection, actor, company)
            ident = funding_desk.new_id(connection, mine.id)
            return funding_desk.offer(self._house, connection, wanted.sponsorship(ident, mine.id), self._by(actor))

        return answer(await run_in_threadpool(self._write, write), 201)

    async def one(self, ident: str, actor: SeesCompany) -> Response:
        """One sponsorship: how it came so far, and which claims count for it."""

        def read(connection: Connection) -> Any:
            held = sponsor_records.get(connection, text(ident, "sponsorship"))
            company_desk.seen_by(connection, actor, held.sponsorship.company)
            return SponsorshipTold(
                held=held,
                steps=tuple(sponsor_records.steps_of(connection, ident)),
                results=tuple(sponsor_records.results_of(connection, sponsorship=ident)),
            )

        return answer(await run_in_threadpool(self._read, read))

    async def accept(self, ident: str, actor: ManagesProgramme) -> Response:
        """The city accepts: the money is in escrow."""
        deed = sponsoring_desk.accept
        return answer(
            await run_in_threadpool(self._write, lambda connection: deed(connection, text(ident, "id"), self._by(actor)))
        )

    async def decline(self, ident: str, actor: ManagesProgramme) -> Response:
        """The city declines: the money is free again."""
        deed = sponsoring_desk.turn_down
        by = self._by(actor)
        return answer(
            await run_in_threadpool(self._write, lambda connection: deed(connection, text(ident, "id"), "declined", by))
        )

    async def withdraw(self, ident: str, actor: ActsForCompany) -> Response:
        """The company takes its offer back: the money is free again."""

        def write(connection: Connection) -> Any:
            held = sponsor_records.get(connection, text(ident, "sponsorship"))
            company_desk.written_by(connection, actor, held.sponsorship.company)
            return sponsoring_desk.turn_down(connection, ident, "withdrawn", self._by(actor))

        return answer(await run_in_threadpool(self._write, write))

    async def achieved(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """What the company's money achieved, by sponsorship and tier."""

        def read(connection: Connection) -> Any:
            return funding_desk.achieved_by(connection, company_desk.seen_by(connection, actor, company).id)

        return page(request, await run_in_threadpool(self._read, read), None)

    async def fundable(self, request: Request, company: str, actor: SeesCompany) -> Response:
        """What can be sponsored: programmes, districts, running challenges, and assets by what they measured."""

        def read(connection: Connection) -> Any:
            company_desk.seen_by(connection, actor, company)
            return fundable(self._house, connection)

        return page(request, await run_in_threadpool(self._read, read), None)

    async def suggestions(
        self, request: Request, company: str, asked: Annotated[WishQuery, Query()], actor: SeesCompany
    ) -> Response:
        """Where its money would do most of what it wants, with reasons, by what was achieved in the last year."""

        def read(connection: Connection) -> Any:
            company_desk.seen_by(connection, actor, company)
            wish = Wish(
                theme=text(asked.theme, "theme"), district=text(asked.district, "district"),
                won_per_tonne_max=asked.won_per_tonne_max,
            )  # fmt: skip
            return funding_desk.suggested(self._house, connection, wish, timedelta(days=365))

        return page(request, await run_in_threadpool(self._read, read), None)

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
    desk, held = SponsoringRoutes(house), schema_of(Held)
    money = {"type": "object", "properties": {"available_won": {"type": "integer"}}}
    company, one = "/companies/{company}", "/sponsorships/{ident}"

    def get(path: str, route: Any, summary: str, schema: dict[str, Any]) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *READS))(route)

    def post(path: str, route: Any, summary: str, schema: dict[str, Any], status: int = 200) -> None:
        responses = told(schema, *WRITES, status=status)
        router.post(path, summary=summary, status_code=status, response_class=Response, responses=responses)(route)

    post(f"{company}/money", desk.pay_in, "Note money that arrived", money, 201)
    get(f"{company}/sponsorships", desk.listing, "Sponsorships of a company", page_schema(Held))
    post(f"{company}/sponsorships", desk.offer, "Offer a sponsorship", held, 201)
    get(one, desk.one, "One sponsorship", schema_of(SponsorshipTold))
    post(f"{one}/accept", desk.accept, "Accept an offer", held)
    post(f"{one}/decline", desk.decline, "Decline an offer", held)
    post(f"{one}/withdraw", desk.withdraw, "Take an offer back", held)
    get(f"{company}/achieved", desk.achieved, "What the money achieved", page_schema(Achieved))
    get(f"{company}/fundable", desk.fundable, "What can be sponsored", page_schema(Fundable))
    get(f"{company}/suggestions", desk.suggestions, "Where money would do most", page_schema(Suggestion))
    return router
