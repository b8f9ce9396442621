"""Practices, proofs, decisions and wallets; partners' proofs; budgets and how long they last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.governing import budget_desk as programme_budgets
from dure.services.carbon.governing.budgets import Asked as MoneyAsked
from dure.services.carbon.practising import (
    bag_desk,
    budget_desk,
    challenge_desk,
    erasing,
    group_records,
    partner_desk,
    place_desk,
    practice_desk,
    practice_records,
    wallet_desk,
)
from dure.services.carbon.practising.act_told import ActTold
from dure.services.carbon.practising.act_told import told as act_told
from dure.services.carbon.practising.budget_desk import Money
from dure.services.carbon.practising.catalogue import ProofKind, Worth, worth
from dure.services.carbon.practising.challenge import Standings
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.practising.partner_desk import Signed, Told
from dure.services.carbon.practising.practice_desk import Setting, setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.wallet_desk import Payout, Wallet
from dure.web.access import require
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.services.carbon.practising.acts import Act
    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"
SeesProgrammes = Annotated[Actor, Depends(require("read", "programme"))]
ManagesProgrammes = Annotated[Actor, Depends(require("manage", "programme"))]
Acts = Annotated[Actor, Depends(require("act", "practice"))]
Verifies = Annotated[Actor, Depends(require("act", "verification"))]
MANY = 200


class PracticeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A practice of the catalogue: what is paid, how it is proved, what a tonne of it costs and how sure that is."""

    id: str
    name: Text
    scheme: str
    programme: str
    deed: str
    won_per_unit: int
    unit: str
    proofs: tuple[ProofKind, ...]
    offered: bool
    worth: Worth
    source: str
    mark: str


class ChallengeTold(msgspec.Struct, frozen=True, kw_only=True):
    """A challenge and how it stands; nobody is shown by it."""

    challenge: Challenge
    standings: Standings


class Asked(BaseModel):
    """What all bodies have in common: nothing that is not known."""

    model_config = ConfigDict(extra="forbid")


class Beginning(Asked):
    """What somebody begins."""

    practice: str = Field(max_length=64, description="Id of the practice.", examples=["tumbler"])


class Scanned(Asked):
    """A code that was scanned at a place."""

    practice: str = Field(max_length=64, description="Id of the practice.", examples=["tumbler"])
    code: str = Field(max_length=300, pattern=NO_ZERO, description="What the code says, or the address it leads to.")


class Bag(Asked):
    """A bag of recyclables."""

    bag: str = Field(max_length=64, description="What its QR code says.")


class Wanted(Asked):
    """Money somebody wants paid."""

    won: int = Field(ge=1, le=10**9, description="How much [KRW].")


class Erasing(Asked):
    """Having everything erased."""

    waive: bool = Field(default=False, description="Give up what is in the wallet.")


class Deciding(Asked):
    """What a person says about a doubtful proof, or about a payout."""

    reason: str = Field("", max_length=60, pattern=NO_ZERO, description="Empty: yes. Else a code of docs/en/errors.md.")
    note: str = Field("", max_length=500, pattern=NO_ZERO, description="In words, for the person.")


class Paying(Asked):
    """Whether an officer has paid."""

    paid: bool = Field(description="True: it was paid; false: it is refused, and the money is in the wallet again.")


class Funding(Asked):
    """Money the city puts into a programme."""

    won: int = Field(ge=1, le=10**15, description="How much [KRW], at most what the rule leaves this year.")
    document: str = Field(min_length=1, max_length=60, pattern=NO_ZERO, description="Its document: the same twice is one.")


class PracticeRoutes:
    """The routes of practices."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def catalogue(self, _: SeesProgrammes) -> Response:
        """All practices of today with their worth; those of other cities to compare."""
        rules = setting_of(self._house).rules
        items = [
            PracticeTold(
                id=one.id, name=one.name, scheme=one.scheme, programme=one.programme, deed=one.deed,
                won_per_unit=one.won_per_unit, unit=one.unit, proofs=one.proofs, offered=rules.offered(one),
                worth=worth(one, rules.tier(one)), source=one.source, mark=one.mark,
            )
            for one in rules.practices.values()
        ]  # fmt: skip
        return answer({"items": items})

    async def budgets(self, _: SeesProgrammes) -> Response:
        """Money left, and the day it is expected to be gone."""
        by = setting_of(self._house)
        return answer({"items": await run_in_threadpool(self._read, lambda connection: budget_desk.all_money(connection, by))})

    async def fund(self, programme: str, asked: Funding, actor: ManagesProgrammes) -> Response:
        """Put money into a programme."""
        ident, by = text(programme, "programme"), setting_of(self._house)

        def write(connection: Connection) -> Money:
            wanted = MoneyAsked("fund", asked.won, document=asked.document)
            programme_budgets.move(self._house, connection, ident, wanted, By(actor.id, by.at))
            return budget_desk.money(connection, ident, by)

        return answer(await run_in_threadpool(self._write, write))

    async def join(self, scheme: str, actor: Acts) -> Response:
        """Take part in a scheme."""
        ident, by = text(scheme, "scheme"), setting_of(self._house)
        await run_in_threadpool(self._write, lambda connection: practice_desk.join(connection, actor.id, ident, by))
        return answer({"scheme": ident, "joined": True})

    async def leave(self, scheme: str, actor: Acts) -> Response:
        """Leave a scheme: what waits is given up, what was paid stays."""
        ident, by = text(scheme, "scheme"), setting_of(self._house)
        count = await run_in_threadpool(self._write, lambda connection: erasing.leave(connection, actor.id, ident, by))
        return answer({"scheme": ident, "joined": False, "given_up": count})

    async def acts(self, request: Request, asked: Annotated[Paged, Query()], actor: Acts) -> Response:
        """What one has done oneself, newest first."""
        rules = setting_of(self._house).rules

        def read(connection: Connection) -> Page[Act]:
            return practice_records.listing(connection, actor.id, after=text(asked.after, "after"), limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, [act_told(one, rules) for one in found.items], found.next or None)

    async def act(self, act_id: str, actor: Acts) -> Response:
        """One of them."""
        ident = text(act_id, "act id")
        return await self._act(lambda connection, _: practice_records.get(connection, ident, actor.id), read=True)

    async def start(self, asked: Beginning, actor: Acts) -> Response:
        """Begin something, to prove it later."""
        practice = text(asked.practice, "practice")
        return await self._act(lambda connection, by: practice_desk.start(connection, actor.id, practice, by))

    async def scan(self, asked: Scanned, actor: Acts) -> Response:
        """Prove something by the code a place shows now."""
        given = (text(asked.practice, "practice"), text(asked.code, "code"))
        secret = await run_in_threadpool(practice_key, self._house.settings.data)
        more = challenge_desk.stretches
        return await self._act(lambda connection, by: place_desk.prove(connection, actor.id, given, by, secret, more))

    async def weighed(self, asked: Bag, actor: Acts) -> Response:
        """Prove that recyclables were handed in, by the weighing of one's own bag."""
        bag, more = text(asked.bag, "bag"), challenge_desk.stretches
        return await self._act(lambda connection, by: bag_desk.prove(connection, actor.id, bag, by, more))

    async def take_bag(self, asked: Bag, actor: Acts) -> Response:
        """A bag is one's own: what is weighed in it counts by itself."""
        bag, by = text(asked.bag, "bag"), setting_of(self._house)
        new = await run_in_threadpool(self._write, lambda connection: bag_desk.take(connection, actor.id, bag, by))
        return answer({"bag": bag, "new": new})

    async def decide(self, act_id: str, asked: Deciding, actor: Verifies) -> Response:
        """A person says yes or no to a doubtful proof."""
        ident, reason, note = text(act_id, "act id"), text(asked.reason, "reason"), asked.note
        return await self._act(lambda connection, by: practice_desk.decide(connection, ident, reason, By(actor.id, by.at), note))

    async def wallet(self, actor: Acts) -> Response:
        """One's own wallet: what is in it, what is reserved, and why."""
        return answer(await run_in_threadpool(self._read, lambda connection: wallet_desk.wallet(connection, actor.id)))

    async def pay_out(self, asked: Wanted, actor: Acts) -> Response:
        """Ask for money of the wallet."""
        by = setting_of(self._house)
        return answer(
            await run_in_threadpool(self._write, lambda connection: wallet_desk.ask(connection, actor.id, asked.won, by))
        )

    async def settle(self, payout_id: str, asked: Paying, actor: ManagesProgrammes) -> Response:
        """An officer has paid, or refuses to."""
        ident, by = text(payout_id, "payout id"), By(actor.id, self._house.clock.now())
        state: wallet_desk.PayoutState = "paid" if asked.paid else "refused"
        return answer(await run_in_threadpool(self._write, lambda connection: wallet_desk.settle(connection, ident, state, by)))

    async def data(self, actor: Acts) -> Response:
        """All that is kept of oneself."""
        return answer(await run_in_threadpool(self._read, lambda connection: erasing.export(connection, actor.id)))

    async def erase(self, asked: Erasing, actor: Acts) -> Response:
        """Have all that leads to oneself erased; what is on the books stays, in the name of nobody."""
        by = setting_of(self._house)

        def write(connection: Connection) -> None:
            erasing.erase(connection, actor.id, by, waive=asked.waive)

        await run_in_threadpool(self._write, write)
        return answer({"erased": True})

    async def partner_proof(
        self,
        request: Request,
        _: SeesPublicData,
        x_dure_partner: Annotated[str, Header(max_length=64, description="Id of the partner.")],
        x_dure_time: Annotated[str, Header(max_length=40, description="When it is sent (RFC 3339).")],
        x_dure_nonce: Annotated[str, Header(max_length=64, description="16 to 64 letters and digits, used once.")],
        x_dure_signature: Annotated[str, Header(max_length=64, description="HMAC-SHA-256, hex; see docs/en/api.md.")],
    ) -> Response:
        """A partner proves what somebody did. The same reference told again in the same words is answered alike."""
        signed = Signed(x_dure_partner, x_dure_time, x_dure_nonce, x_dure_signature, await request.body())
        secret = await run_in_threadpool(practice_key, self._house.settings.data)
        return await self._act(lambda connection, by: _partner(connection, signed, by, secret))

    async def challenges(self, _: SeesProgrammes) -> Response:
        """Challenges that run or come."""
        now = self._house.clock.now()
        return answer({"items": await run_in_threadpool(self._read, lambda c: group_records.all_challenges(c, now)[:MANY])})

    async def challenge(self, challenge_id: str, _: SeesProgrammes) -> Response:
        """How a challenge stands: sums and averages of enough people only."""
        ident, least = text(challenge_id, "challenge id"), setting_of(self._house).rules.limits.shown_from
        found = await run_in_threadpool(self._read, lambda c: challenge_desk.standing(c, ident, least))
        return answer(ChallengeTold(challenge=found[0], standings=found[1]))

    async def _act(self, deed: Callable[[Connection, Setting], Act], *, read: bool = False) -> Response:
        by = setting_of(self._house)
        found = await run_in_threadpool(self._read if read else self._write, lambda connection: deed(connection, by))
        return answer(act_told(found, by.rules))

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        with self._house.records.read() as connection:
            return read(connection)

    def _write(self, write: Callable[[Connection], Any]) -> Any:
        with self._house.records.begin() as connection:
            return write(connection)


def _partner(connection: Connection, signed: Signed, by: Setting, secret: bytes) -> Act:
    partner = partner_desk.checked(connection, signed, by, secret)
    try:
        said = msgspec.json.decode(signed.body, type=Told)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("practice.unreadable", f"The proof cannot be read: {error}.") from error
    return partner_desk.prove(connection, partner, said, by, challenge_desk.stretches)


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk = PracticeRoutes(house)
    reads, writes = (400, 401, 403, 404, 503), (400, 401, 403, 404, 409, 503)

    def get(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, *reads))(work)

    def post(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any], **more: Any) -> None:
        router.post(path, summary=summary, response_class=Response, responses=told(schema, *writes), **more)(work)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    act, thing = schema_of(ActTold), {"type": "object"}
    body = {"required": True, "content": {"application/json": {"schema": schema_of(Told)}}}
    get("/practices", desk.catalogue, "Practices and their worth", items(PracticeTold))
    get("/budgets", desk.budgets, "Money left, and how long it lasts", items(Money))
    post("/budgets/{programme}", desk.fund, "Put money into a programme", schema_of(Money))
    post("/memberships/{scheme}", desk.join, "Take part in a scheme", thing)
    post("/memberships/{scheme}/leave", desk.leave, "Leave a scheme", thing)
    get("/acts", desk.acts, "What one has done", page_schema(ActTold))
    post("/acts", desk.start, "Begin a practice", act)
    post("/acts/scan", desk.scan, "Prove a practice by a place's code", act)
    post("/acts/weighing", desk.weighed, "Prove a practice by a weighing", act)
    get("/acts/{act_id}", desk.act, "What became of a practice", act)
    post("/acts/{act_id}/decision", desk.decide, "Decide about a doubtful proof", act)
    post("/own-bags", desk.take_bag, "Register one's own bag", thing)
    get("/wallet", desk.wallet, "One's wallet", schema_of(Wallet))
    post("/payouts", desk.pay_out, "Ask for money", schema_of(Payout))
    post("/payouts/{payout_id}/decision", desk.settle, "Say that a payout was paid", schema_of(Payout))
    get("/my-data", desk.data, "All that is kept of oneself", thing)
    post("/erasure", desk.erase, "Have everything erased", thing)
    post("/partner-proofs", desk.partner_proof, "A partner's signed proof", act, openapi_extra={"requestBody": body})
    get("/challenges", desk.challenges, "Challenges", items(Challenge))
    get("/challenges/{challenge_id}", desk.challenge, "How a challenge stands", schema_of(ChallengeTold))
    return router
