"""All claims by filter, and each claim: what, how much, why, and where it stands."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, get_args

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import day_interval, day_of
from dure.engines.records import decisions
from dure.services.carbon.claiming import claim_records, methods
from dure.services.carbon.claiming.claim_records import Wanted
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.claiming.verifying import REASONS
from dure.services.carbon.ledger import history
from dure.services.carbon.model import State, Tier
from dure.services.carbon.pages import claim_names, ledger_words
from dure.services.carbon.programmes import programmes
from dure.services.carbon.transparency import proof_desk
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from dure.core.text import Text
    from dure.engines.records.paging import Page
    from dure.services.carbon.claiming.claim_records import Kept
    from dure.services.carbon.ledger.history import Booked
    from dure.services.carbon.model import Claim
    from dure.services.carbon.transparency.log_records import Leaf
    from dure.spine.house import House

CLAIMS = "/operations/carbon/claims"
LEDGER = "/operations/carbon/ledger"
PAGE_ROWS = 50
T = TypeVar("T")
_YEAR = re.compile(r"[1-8]\d{3}")


class Standing(NamedTuple):
    """Where a claim stands: what is kept of it, what happened to it, its transfers, its entries of the log."""

    kept: Kept
    deeds: list[claim_records.Deed]
    reasons: tuple[str, ...]
    booked: list[Booked]
    sealed: list[Leaf]

    @property
    def sealed_itself(self) -> bool:
        """Whether the claim has its place in the log, so that its proof can be handed out."""
        return any(one.id == f"claim/{self.kept.claim.id}" for one in self.sealed)


def routes() -> APIRouter:
    """The pages of claims."""
    router = APIRouter()
    sees = [Depends(require("read", "ledger"))]
    router.add_api_route(CLAIMS, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{CLAIMS}/{{claim_id}}", one, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """All claims, newest first, by programme, tier, state, method and year."""
    house, query = house_of(request), request.query_params
    wanted, after = wanted_of(house, query), query.get("after", "")[:200]

    def read(connection: Connection) -> tuple[Page[Claim], dict[str, Text]]:
        page = claim_records.listing(connection, wanted, after=after, limit=PAGE_ROWS)
        return page, names_of(house, connection, page.items)

    found, called = await read_records(house, read)
    names = ("programme", "tier", "state", "method", "year")
    return await layout_of(request).page(
        request,
        "carbon/claims.html",
        found=found.items,
        called=called,
        following=found.next,
        after=after,
        chosen={name: query.get(name, "")[:60] for name in names},
        **known_words(house),
    )


async def one(request: Request, claim_id: str) -> Response:
    """One claim: what, how much, why, and where it stands."""
    house, say = house_of(request), layout_of(request).speech(request)

    found = await read_records(house, lambda connection: standing(connection, claim_id))
    kept = found.kept
    told = await run_in_threadpool(explain, house, f"carbon/claim/{claim_id}")
    return await layout_of(request).page(
        request,
        "carbon/claim.html",
        crumbs=[(CLAIMS, say("청구"))],
        kept=kept,
        claim=kept.claim,
        deeds=found.deeds,
        reasons_told=found.reasons,
        booked=found.booked,
        sealed=found.sealed,
        sealed_itself=found.sealed_itself,
        words=ledger_words,
        ledger=LEDGER,
        told=told,
        method=methods.method_of(kept.claim.method, house.city.folder),
        waterfall=[step for step in told.steps if step.shows],
        reasons=REASONS,
        done=request.query_params.get("done", "")[:20],
        **known_words(house),
    )


def standing(connection: Connection, ident: str) -> Standing:
    """A claim with all that the books and the log have of it; NotFound ``claim.unknown``."""
    return Standing(
        claim_records.get(connection, ident),
        claim_records.deeds_of(connection, ident),
        decisions.get(connection, ident).reasons,
        history.transfers_for(connection, ident),
        proof_desk.entries_of(connection, ident),
    )


def wanted_of(house: House, query: Mapping[str, str]) -> Wanted:
    """The claims a query asks for; what cannot be read asks for nothing."""
    tier: Tier | None = next((each for each in get_args(Tier) if each == query.get("tier")), None)
    state: State | None = next((each for each in get_args(State) if each == query.get("state")), None)
    year, zone = query.get("year", ""), house.city.zone
    start = end = None
    if _YEAR.fullmatch(year):
        start, end = (day_interval(date(each, 1, 1), zone).start for each in (int(year), int(year) + 1))
    return Wanted(
        programme=query.get("programme", "")[:60],
        method=query.get("method", "")[:60],
        tier=tier,
        states=(state,) if state else (),
        start=start,
        end=end,
    )


def known_words(house: House) -> dict[str, Any]:
    """What every page of claims names."""
    folder, today = house.city.folder, day_of(house.clock.now(), house.city.zone)
    rows = methods.all_methods(folder)
    return {
        "names": claim_names,
        "programmes": programmes(today, folder),
        "methods": {each.ref: each for each in rows},
        "codes": claim_names.CODES,
    }


async def read_records(house: House, ask: Callable[[Connection], T]) -> T:
    """What a reader of the records finds, off the loop."""

    def read() -> T:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)
