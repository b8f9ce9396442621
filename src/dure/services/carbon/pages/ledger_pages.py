"""Accounts, balances and transfers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar, get_args

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import parse_instant
from dure.services.carbon.ledger import history
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.ledger.model import AccountKind
from dure.services.carbon.ledger.posting import balance
from dure.services.carbon.ledger.refusals import ATTRIBUTE_NAMES
from dure.services.carbon.ledger.taken import taken_by
from dure.services.carbon.pages import ledger_words as words
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.services.carbon.ledger.history import Booked
    from dure.services.carbon.ledger.taken import Taken
    from dure.spine.house import House

HERE = "/operations/carbon/ledger"
PAGE_ROWS = 50
KINDS: tuple[AccountKind, ...] = get_args(AccountKind)
T = TypeVar("T")


class OneTransfer(NamedTuple):
    """A transfer with what belongs to it: transfers of the same claim, what that claim has taken, and corrections."""

    booked: Booked
    together: list[Booked]
    taken: list[Taken]
    corrections: list[Booked]


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of the books."""
    router = APIRouter()
    sees = [Depends(require("read", "ledger"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/account", account, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/transfer", one, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/check", checked, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """Kinds of account with their sums, and accounts of one kind."""
    query = request.query_params
    kind = next((each for each in KINDS if each == query.get("kind")), None)
    after = query.get("after", "")[:200]
    kinds, found = await _read(
        request,
        lambda connection: (
            history.kinds(connection),
            history.standings(connection, kind=kind, after=after, limit=PAGE_ROWS),
        ),
    )
    return await layout_of(request).page(
        request, "carbon/ledger.html", kinds=kinds, found=found, kind=kind or "", after=after, words=words, here=HERE
    )


async def account(request: Request) -> Response:
    """One account: its balance, now or at an instant, and its transfers."""
    house, say, query = house_of(request), layout_of(request).speech(request), request.query_params
    ident, after, when = query.get("id", "")[:200], query.get("after", "")[:40], query.get("at", "")[:40]
    at = parse_instant(when, house.city.zone) if when else None
    stands, then, found = await _read(
        request,
        lambda connection: (
            balance(connection, ident),
            None if at is None else history.balance_as_of(connection, ident, at),
            history.transfers_of(connection, ident, after=after, limit=PAGE_ROWS),
        ),
    )
    return await layout_of(request).page(
        request,
        "carbon/ledger_account.html",
        crumbs=[(HERE, say("탄소 장부"))],
        ident=ident,
        kind=ident.partition("/")[0],
        stands=stands,
        then=then,
        at=at,
        when=when,
        found=found,
        after=after,
        words=words,
        here=HERE,
    )


async def one(request: Request) -> Response:
    """One transfer, with its claim."""
    say, ident = layout_of(request).speech(request), request.query_params.get("id", "")[:200]

    def ask(connection: Connection) -> OneTransfer:
        booked = history.transfer(connection, ident)
        ref = booked.transfer.ref
        return OneTransfer(
            booked,
            history.transfers_for(connection, ref) if ref else [booked],
            taken_by(connection, ref) if ref else [],
            history.corrections_of(connection, ident),
        )

    return await layout_of(request).page(
        request,
        "carbon/ledger_transfer.html",
        crumbs=[(HERE, say("탄소 장부"))],
        found=await _read(request, ask),
        attributes=ATTRIBUTE_NAMES,
        words=words,
        here=HERE,
    )


async def checked(request: Request) -> Response:
    """The whole ledger, checked now."""
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "carbon/ledger_check.html",
        crumbs=[(HERE, say("탄소 장부"))],
        found=await _read(request, check),
        words=words,
        here=HERE,
    )


async def _read(request: Request, ask: Callable[[Connection], T]) -> T:
    house = house_of(request)

    def read() -> T:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)
