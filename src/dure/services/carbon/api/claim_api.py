"""Claims and the verification queue; methods, events that wait, weighings; explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.identifiers import identifier
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records, intake_records, methods, verifying, weighing_desk
from dure.services.carbon.claiming.claim_records import Deed, Wanted
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.claiming.explanation import FIGURE_CHARS_MAX, Explanation
from dure.services.carbon.claiming.intake_records import Looked
from dure.services.carbon.claiming.methods import Method
from dure.services.carbon.claiming.verifying import BATCH_MAX, LINKS_MAX, NOTE_MAX, Outcome, Said, Verdict
from dure.services.carbon.claiming.weighing import Material, Weighing
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.model import Claim, State, Tier
from dure.web.access import require
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import DoesFieldWork
from dure.web.api.queries import CheckedRoute, Paged, instant, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"
SeesLedger = Annotated[Actor, Depends(require("read", "ledger"))]
SeesQueue = Annotated[Actor, Depends(require("read", "verification"))]
Verifies = Annotated[Actor, Depends(require("act", "verification"))]


class ClaimQuery(Paged):
    """Which claims."""

    programme: str = Field("", max_length=60, description="Only of this programme.")
    holder: str = Field("", max_length=120, description="Only of this holder, for example city.")
    tier: Tier | None = Field(None, description="Only of this tier.")
    state: State | None = Field(None, description="Only in this state.")
    method: str = Field("", max_length=60, description="Only by this method, as id@version.")
    event: str = Field("", max_length=200, description="Only those that rest on this event.")
    start: str | None = Field(None, description="Only what begins at this instant or later (RFC 3339).")
    end: str | None = Field(None, description="Only what begins before this instant (RFC 3339).")


class IntakeQuery(Paged):
    """Which events."""

    state: Literal["parked", "taken", "replaced"] = Field("parked", description="What became of them.")


class FigureQuery(BaseModel):
    """Which figure."""

    figure: str = Field(
        max_length=FIGURE_CHARS_MAX,
        description="Its id, as docs/en/carbon-claims.md lists them.",
        examples=["carbon/claim/clm-0"],
    )


class Deciding(BaseModel):
    """What a person says about claims."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict = Field(description="award, refuse or withdraw.")
    reason: str = Field("", max_length=60, pattern=NO_ZERO, description="Why not; a code of docs/en/carbon-claims.md.")
    note: str = Field("", max_length=NOTE_MAX, pattern=NO_ZERO, description="In words.")
    links: list[str] = Field([], max_length=LINKS_MAX, description="Documents or photos it points to.")

    def said(self) -> Said:
        """The same as the desk takes it."""
        return Said(verdict=self.verdict, reason=self.reason, note=self.note, links=tuple(self.links))


class DecidingMany(Deciding):
    """The same about many at once."""

    claims: list[str] = Field(min_length=1, max_length=BATCH_MAX, description="Ids of the claims.")


class BagGiven(BaseModel):
    """A bag that is handed out."""

    model_config = ConfigDict(extra="forbid")

    bag: str = Field(max_length=64, description="What its QR code says.")


class WeighingAsked(BaseModel):
    """A bag on a scale."""

    model_config = ConfigDict(extra="forbid")

    bag: str = Field(max_length=64, description="What its QR code says.")
    scale: str = Field(max_length=64, description="Asset id of the scale.")
    material: Material = Field(description="What is in it.")
    weighed_at: str = Field(max_length=40, description="When the scale told its mass (RFC 3339).")


class ClaimTold(msgspec.Struct, frozen=True, kw_only=True):
    """A claim with its arithmetic and all that became of it."""

    claim: Claim
    working: Working | None
    deeds: list[Deed]


class ClaimRoutes:
    """The routes of claims."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def claims(self, request: Request, asked: Annotated[ClaimQuery, Query()], _: SeesLedger) -> Response:
        """Claims, newest first. Tiers are never to be summed."""
        wanted = Wanted(
            programme=text(asked.programme, "programme"),
            holder=text(asked.holder, "holder"),
            tier=asked.tier,
            states=(asked.state,) if asked.state else (),
            method=text(asked.method, "method"),
            event=text(asked.event, "event"),
            start=instant(asked.start, "start") if asked.start else None,
            end=instant(asked.end, "end") if asked.end else None,
        )

        def read(connection: Connection) -> Page[Claim]:
            return claim_records.listing(connection, wanted, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def claim(self, claim_id: str, _: SeesLedger) -> Response:
        """One claim: what, how much, by which arithmetic, and what became of it."""
        ident = text(claim_id, "claim id")

        def read(connection: Connection) -> ClaimTold:
            kept = claim_records.get(connection, ident)
            deeds = claim_records.deeds_of(connection, ident)
            return ClaimTold(claim=kept.claim, working=kept.working, deeds=deeds)

        return answer(await run_in_threadpool(self._read, read))

    async def decide(self, claim_id: str, asked: Deciding, actor: Verifies) -> Response:
        """A person awards, refuses or withdraws a claim."""
        ident, said = text(claim_id, "claim id"), verifying.checked(asked.said())
        state = await run_in_threadpool(verifying.decide_one, self._house, ident, said, self._by(actor))
        return answer(Outcome(claim=ident, state=state))

    async def decide_many(self, asked: DecidingMany, actor: Verifies) -> Response:
        """The same about many; each stands alone, and one that cannot be decided says why."""
        ids = [text(one, "claim id") for one in asked.claims]
        return answer({"items": await run_in_threadpool(verifying.decide, self._house, ids, asked.said(), self._by(actor))})

    async def intake(self, request: Request, asked: Annotated[IntakeQuery, Query()], _: SeesQueue) -> Response:
        """Events of the services: those that wait and what they lack, or those that were taken or replaced."""

        def read(connection: Connection) -> Page[Looked]:
            return intake_records.listing(connection, states=(asked.state,), after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def methods(self, _: SeesLedger) -> Response:
        """All methods with their arithmetic, of every day."""
        return answer({"items": list(methods.all_methods(self._house.city.folder))})

    async def explain(self, asked: Annotated[FigureQuery, Query()], _: SeesLedger) -> Response:
        """A figure of the carbon service, worked out again and held against what is booked."""
        return answer(await run_in_threadpool(explain, self._house, asked.figure))

    async def give_bag(self, asked: BagGiven, actor: DoesFieldWork) -> Response:
        """Hand out a bag with a QR code; its grams are the city's."""
        bag, by = identifier(asked.bag, "bag"), self._by(actor)
        new = await run_in_threadpool(self._write, lambda connection: weighing_desk.give_bag(connection, bag, by))
        return answer({"bag": bag, "new": new})

    async def weigh(self, asked: WeighingAsked, actor: DoesFieldWork) -> Response:
        """Keep what a scale said of a bag; its reading must be on the books of readings already."""
        wanted = (identifier(asked.bag, "bag"), identifier(asked.scale, "scale"), asked.material)
        at = instant(asked.weighed_at, "weighed_at")
        return answer(await run_in_threadpool(weighing_desk.weigh, self._house, wanted, at, self._by(actor)))

    async def undo_weighing(self, weighing_id: str, actor: DoesFieldWork) -> Response:
        """Take a weighing back: its claim is withdrawn by correcting transfers."""
        ident, by = text(weighing_id, "weighing id"), self._by(actor)
        return answer(await run_in_threadpool(self._write, lambda connection: weighing_desk.undo(connection, ident, by)))

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
    desk = ClaimRoutes(house)
    reads, writes = (400, 401, 403, 404, 503), (400, 401, 403, 404, 409, 503)

    def get(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *reads))(work)

    def post(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.post(path, summary=summary, response_class=Response, responses=told(schema, *writes))(work)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    get("/claims", desk.claims, "Claims", page_schema(Claim))
    get("/claims/{claim_id}", desk.claim, "One claim", schema_of(ClaimTold))
    post("/claims/{claim_id}/decision", desk.decide, "Decide about a claim", schema_of(Outcome))
    post("/decisions", desk.decide_many, "Decide about many claims", items(Outcome))
    get("/intake", desk.intake, "Events that wait", page_schema(Looked))
    get("/methods", desk.methods, "Methods", items(Method))
    get("/explain", desk.explain, "Where a figure of the carbon service comes from", schema_of(Explanation))
    bag = {"type": "object", "properties": {"bag": {"type": "string"}, "new": {"type": "boolean"}}}
    post("/bags", desk.give_bag, "Hand out a bag", bag)
    post("/weighings", desk.weigh, "Weigh a bag", schema_of(Weighing))
    post("/weighings/{weighing_id}/undo", desk.undo_weighing, "Take a weighing back", schema_of(Weighing))
    return router
