"""Charging sessions by REST: the list, one with its samples and cost, its receipts, what its driver asks for, and settling."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import parse_instant
from dure.engines.records.audit import By
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.pricing import PricedSession
from dure.services.charging.pricing.receipt import Receipt, faults_of
from dure.services.charging.pricing.settle_watch import settle_now
from dure.services.charging.sessions import session_desk, session_records
from dure.services.charging.sessions.model import Session, without_token
from dure.services.charging.sessions.session_desk import Sample, Wished
from dure.services.charging.sessions.session_records import Asked
from dure.services.charging.sessions.wish_records import Wish
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, DoesFieldWork, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, Spanned, instant, text

if TYPE_CHECKING:
    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"


class SessionQuery(Paged, Spanned):
    """Which sessions: those that were there at some instant of the span."""

    state: Literal["running", "ended", "settled"] | None = Field(None, description="Only in this state.")
    site: str = Field("", max_length=64, description="Only at this site.")
    charger: str = Field("", max_length=64, description="Only at this charger.")
    evse: str = Field("", max_length=64, description="Only at this EVSE.")
    trust: Literal["measured", "estimated", "disputed"] | None = Field(None, description="Only of this trust.")


class WishForm(BaseModel):
    """What a driver asks for."""

    need_wh: int | None = Field(None, description="Energy until departure [Wh].", examples=[20_000])
    departs_at: str | None = Field(None, max_length=40, description="Departure (RFC 3339).", examples=["2026-11-24T09:00:00Z"])
    target_soc: float | None = Field(None, description="State of charge at which it is stopped, 0 to 1.", examples=[0.8])

    def wished(self) -> Wished:
        """As the desk takes it."""
        departs: datetime | None = parse_instant(self.departs_at) if self.departs_at else None
        return Wished(need_wh=self.need_wh, departs_at=departs, target_soc=self.target_soc)


class Settling(BaseModel):
    """Why a person settles it."""

    note: str = Field(min_length=1, max_length=1_000, pattern=NO_ZERO, description="What was found.")


class SessionForm(msgspec.Struct, frozen=True, kw_only=True):
    """One session with its samples and cost so far."""

    session: Session
    samples: tuple[Sample, ...]
    cost: PricedSession | None
    no_cost: str
    stop: str


class SealedReceipt(msgspec.Struct, frozen=True):
    """A receipt and the digest of its text."""

    receipt: Receipt
    sha256: str


class Receipts(msgspec.Struct, frozen=True):
    """All receipts of a session, first to last, and what is wrong with their chain: nothing, usually."""

    items: tuple[SealedReceipt, ...]
    faults: tuple[str, ...]


class SessionRoutes:
    """The routes of sessions."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def sessions(self, request: Request, asked: Annotated[SessionQuery, Query()], _: SeesCityData) -> Response:
        """Sessions, newest first."""
        wanted = Asked(
            states=(asked.state,) if asked.state else (),
            site=text(asked.site, "site"),
            charger=text(asked.charger, "charger"),
            evse=text(asked.evse, "evse"),
            trust=asked.trust,
            since=instant(asked.start, "start") if asked.start else None,
            until=instant(asked.end, "end") if asked.end else None,
        )
        after = text(asked.after, "after")

        def read() -> Any:
            with self._house.records.read() as connection:
                return session_records.listing(connection, wanted, after=after, limit=asked.limit)

        found = await run_in_threadpool(read)
        return page(request, [without_token(one) for one in found.items], found.next or None)

    async def session(self, session_id: str, _: SeesCityData) -> Response:
        """One session with its samples, and what it costs so far."""
        ident = text(session_id, "session id")
        found = await run_in_threadpool(session_desk.told, self._house, ident)
        form = SessionForm(
            session=without_token(found.session), samples=found.samples, cost=found.cost, no_cost=found.no_cost, stop=found.stop
        )
        return answer(form)

    async def receipts(self, session_id: str, _: SeesCityData) -> Response:
        """Its receipts with their seals, checked."""
        ident = text(session_id, "session id")

        def read() -> Receipts:
            with self._house.records.read() as connection:
                session_records.get(connection, ident)
                found = settlement_records.of_session(connection, ident)
            items = tuple(SealedReceipt(one.receipt, one.sha256) for one in found)
            return Receipts(items, faults_of([(one.text, one.sha256) for one in found]))

        return answer(await run_in_threadpool(read))

    async def wish(self, session_id: str, wanted: WishForm, actor: DoesFieldWork) -> Response:
        """Keep what its driver asks for."""
        ident, by = text(session_id, "session id"), self._by(actor.id)
        return answer(without_token(await run_in_threadpool(session_desk.wish, self._house, ident, wanted.wished(), by)))

    async def wish_at(self, evse_id: str, wanted: WishForm, actor: DoesFieldWork) -> Response:
        """Keep what a driver asks for at a place to charge."""
        evse, by = text(evse_id, "EVSE id"), self._by(actor.id)
        return answer(await run_in_threadpool(session_desk.wish_at, self._house, evse, wanted.wished(), by))

    async def settle(self, session_id: str, wanted: Settling, actor: Commands) -> Response:
        """A person settles a session that waits for one."""
        ident, by = text(session_id, "session id"), self._by(actor.id)
        return answer(await run_in_threadpool(settle_now, self._house, ident, wanted.note, by))

    def _by(self, actor: str) -> By:
        return By(actor, self._house.clock.now())


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter(prefix="/charging", tags=["charging"], route_class=CheckedRoute)
    desk, one = SessionRoutes(house), "/sessions/{session_id}"
    seen, acted = (401, 403, 404, 503), (400, 401, 403, 404, 409, 503)
    for path, summary, schema, read in (
        ("/sessions", "Charging sessions, newest first", page_schema(Session), desk.sessions),
        (one, "One charging session", schema_of(SessionForm), desk.session),
        (f"{one}/receipts", "Receipts of a session", schema_of(Receipts), desk.receipts),
    ):
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *seen))(read)
    for path, summary, schema, act in (
        (f"{one}/wish", "What its driver asks for", schema_of(Session), desk.wish),
        ("/evses/{evse_id}/wish", "What a driver asks for at a place to charge", schema_of(Wish), desk.wish_at),
        (f"{one}/settlement", "Settle a session", schema_of(Receipt), desk.settle),
    ):
        router.post(path, summary=summary, response_class=Response, responses=told(schema, *acted))(act)
    return router
