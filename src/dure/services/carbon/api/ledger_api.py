"""Accounts and transfers: balances now and as of an instant, transfers by page, what is taken, and the check of the books."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.services.carbon.ledger import history
from dure.services.carbon.ledger.checking import Checked, check
from dure.services.carbon.ledger.history import Booked, Standing
from dure.services.carbon.ledger.model import AccountKind, Balance
from dure.services.carbon.ledger.posting import balance
from dure.services.carbon.ledger.shapes import ID_CHARS_MAX
from dure.services.carbon.ledger.taken import taken_of
from dure.services.carbon.model import Attribute, Stretch
from dure.web.api.answers import answer, page, schema_of, told
from dure.web.api.permits import SeesLedger
from dure.web.api.queries import AsOf, CheckedRoute, Paged, instant

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

T = TypeVar("T")


class AccountsQuery(Paged):
    """Which accounts."""

    kind: AccountKind | None = Field(None, description="Only accounts of this kind.", examples=["held"])


class AccountQuery(BaseModel):
    """Which account."""

    id: str = Field(max_length=ID_CHARS_MAX, description="Its id.", examples=["held/city"])


class BalanceQuery(AccountQuery, AsOf):
    """Which account, and when."""


class AccountTransfersQuery(AccountQuery, Paged):
    """Which account, and which page."""


class RefQuery(BaseModel):
    """Whose transfers."""

    ref: str = Field(
        max_length=ID_CHARS_MAX, description="Id of a claim, sponsorship or decision.", examples=["clm-0123456789abcdef0123"]
    )


class TransferQuery(BaseModel):
    """Which transfer."""

    id: str = Field(max_length=ID_CHARS_MAX, description="Its id.", examples=["clm-0123456789abcdef0123/award"])


class TakenQuery(BaseModel):
    """Of which source, attribute and time."""

    source: str = Field(max_length=ID_CHARS_MAX, description="What was measured.", examples=["building/bd-namyang-hall"])
    attribute: Attribute = Field(description="What of it is claimed.", examples=["energy_saving"])
    start: str = Field(max_length=40, description="From this instant (RFC 3339).", examples=["2026-11-01T00:00:00Z"])
    end: str = Field(max_length=40, description="Up to this instant, not included.", examples=["2026-12-01T00:00:00Z"])


class BalanceForm(msgspec.Struct, frozen=True):
    """A balance, and what of it may still leave the account."""

    balance: Balance
    available: int


class TakenForm(msgspec.Struct, frozen=True):
    """A stretch and the claim that has it."""

    claim: str
    stretch: Stretch


class CheckForm(msgspec.Struct, frozen=True):
    """What the check found."""

    sound: bool
    checked: Checked


class LedgerRoutes:
    """Routes of the books."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def accounts(self, request: Request, asked: Annotated[AccountsQuery, Query()], _: SeesLedger) -> Response:
        """Accounts with their balances, by id."""
        found = await self._read(lambda c: history.standings(c, kind=asked.kind, after=asked.after or "", limit=asked.limit))
        return page(request, found.items, found.next or None)

    async def account(self, asked: Annotated[BalanceQuery, Query()], _: SeesLedger) -> Response:
        """The balance of an account, now or after all that was booked up to an instant."""
        at = None if asked.as_of is None else instant(asked.as_of, "as_of")
        found = await self._read(lambda c: balance(c, asked.id) if at is None else history.balance_as_of(c, asked.id, at))
        return answer(BalanceForm(found, found.available))

    async def transfers(self, request: Request, asked: Annotated[AccountTransfersQuery, Query()], _: SeesLedger) -> Response:
        """Transfers of an account, newest first, each with the balance it left."""
        found = await self._read(lambda c: history.transfers_of(c, asked.id, after=asked.after or "", limit=asked.limit))
        return page(request, found.items, found.next or None)

    async def of_ref(self, asked: Annotated[RefQuery, Query()], _: SeesLedger) -> Response:
        """All transfers of a claim, sponsorship or decision, in order."""
        return answer({"items": await self._read(lambda c: history.transfers_for(c, asked.ref))})

    async def transfer(self, asked: Annotated[TransferQuery, Query()], _: SeesLedger) -> Response:
        """One transfer."""
        return answer(await self._read(lambda c: history.transfer(c, asked.id)))

    async def taken(self, asked: Annotated[TakenQuery, Query()], _: SeesLedger) -> Response:
        """Which claims have taken an attribute of a source in a time."""
        start, end = instant(asked.start, "start"), instant(asked.end, "end")
        found = await self._read(lambda c: taken_of(c, asked.source, asked.attribute, start, end))
        return answer({"items": [TakenForm(one.claim, one.stretch) for one in found]})

    async def check(self, _: SeesLedger) -> Response:
        """Compute every balance again from the transfers."""
        found = await self._read(check)
        return answer(CheckForm(found.sound, found))

    async def _read(self, ask: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._house.records.read() as connection:
                return ask(connection)

        return await run_in_threadpool(read)


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk = LedgerRoutes(house)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    def add(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.get(path, summary=summary, response_class=Response, responses=told(schema, 400, 401, 403, 404, 503))(work)

    add("/ledger/accounts", desk.accounts, "Accounts of the carbon ledger", items(Standing))
    add("/ledger/account", desk.account, "Balance of an account", schema_of(BalanceForm))
    add("/ledger/account/transfers", desk.transfers, "Transfers of an account", items(Booked))
    add("/ledger/transfers", desk.of_ref, "Transfers of a claim", items(Booked))
    add("/ledger/transfer", desk.transfer, "One transfer", schema_of(Booked))
    add("/ledger/taken", desk.taken, "What claims have taken", items(TakenForm))
    add("/ledger/check", desk.check, "Check of the carbon ledger", schema_of(CheckForm))
    return router
