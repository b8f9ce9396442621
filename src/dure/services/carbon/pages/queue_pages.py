"""The verification queue, and events that wait; claims and explanations stand in their own modules."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, get_args

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records, intake_records, verifying
from dure.services.carbon.claiming.claim_records import Wanted
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.claiming.verifying import REASONS, Outcome, Said, Verdict
from dure.services.carbon.pages import claim_names, claim_pages, explain_pages
from dure.services.carbon.pages.claim_pages import CLAIMS, known_words, read_records
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.services.carbon.claiming.claim_records import Kept
    from dure.spine.house import House

QUEUE, EVENTS = "/operations/carbon/queue", "/operations/carbon/events"
DECIDE = "/operations/carbon/decision"
PAGE_ROWS = 40


class Queued(NamedTuple):
    """A claim of the queue: what it is called, since when it waits and how long it still may."""

    kept: Kept
    name: Text
    waits_d: int
    left_d: int | None


class Told(NamedTuple):
    """What the queue says of what was just done."""

    outcomes: Sequence[Outcome] = ()
    trouble: str = ""


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The pages of this part."""
    router = APIRouter()
    verifies = [Depends(require("read", "verification"))]
    router.add_api_route(QUEUE, queue, methods=["GET"], dependencies=verifies)
    router.add_api_route(EVENTS, waiting, methods=["GET"], dependencies=verifies)
    router.add_api_route(DECIDE, decide, methods=["POST"])
    router.include_router(claim_pages.routes())
    router.include_router(explain_pages.routes())
    return router


async def queue(request: Request) -> Response:
    """What waits for a person's word, longest first."""
    return await _queue(request)


async def _queue(request: Request, told: Told = Told(), status: int = 200) -> Response:  # noqa: B008  # it is a value
    house, query = house_of(request), request.query_params
    now = house.clock.now()
    wanted = Wanted(states=("reserved",), programme=query.get("programme", "")[:60], method=query.get("method", "")[:60])

    def read(connection: Connection) -> tuple[list[Queued], dict[str, int], dict[tuple[str, str], tuple[int, int]]]:
        kept = claim_records.oldest(connection, wanted)
        called = names_of(house, connection, [each.claim for each in kept])
        found = [Queued(each, called[each.claim.id], (now - each.claim.made_at).days, _left(each, now)) for each in kept]
        return found, intake_records.counts(connection), claim_records.counts(connection)

    found, parked, counts = await read_records(house, read)
    return await layout_of(request).page(
        request,
        "carbon/queue.html",
        status=status,
        found=found,
        shown=PAGE_ROWS,
        parked=parked,
        counts=counts,
        told=told,
        chosen={"programme": wanted.programme, "method": wanted.method},
        reasons=REASONS,
        **known_words(house),
    )


async def waiting(request: Request) -> Response:
    """Events that were parked, with the code of what they lack."""
    house, after = house_of(request), request.query_params.get("after", "")[:200]

    def read(connection: Connection) -> tuple[Page[intake_records.Looked], dict[str, int]]:
        return intake_records.listing(connection, after=after, limit=PAGE_ROWS), intake_records.counts(connection)

    found, counts = await read_records(house, read)
    return await layout_of(request).page(
        request, "carbon/events.html", found=found.items, following=found.next, after=after, counts=counts, names=claim_names
    )


async def decide(request: Request, actor: Actor = Depends(require("act", "verification"))) -> Response:  # noqa: B008  # FastAPI's way
    """Say yes or no to the claims that were ticked."""
    house = house_of(request)
    fields = await own_form(request)
    ids = [name.removeprefix("claim:") for name in fields if name.startswith("claim:")]
    verdict: Verdict | None = next((each for each in get_args(Verdict) if each == fields.get("do")), None)
    say, by = layout_of(request).speech(request), By(actor.id, house.clock.now())
    links = tuple(fields.get("links", "").split())
    said = Said(verdict=verdict or "refuse", reason=fields.get("reason", ""), note=fields.get("note", ""), links=links)
    try:
        outcomes = await run_in_threadpool(verifying.decide, house, ids, said, by)
    except InputError as refused:
        why = WHY.get(refused.code)
        return await _queue(request, Told(trouble=say.text(why) if why else refused.message), 422)
    if len(ids) == 1 and not outcomes[0].code and fields.get("back") == "claim":
        return RedirectResponse(f"/{language_of(request)}{CLAIMS}/{ids[0]}?done={verdict}", 303)
    return await _queue(request, Told(outcomes))


def _left(kept: Kept, now: datetime) -> int | None:
    """Whole days until the reservation runs out."""
    return None if kept.expires_at is None else max(0, (kept.expires_at - now) // timedelta(days=1))


WHY: dict[str, Text] = {
    "verification.batch": Text("청구를 하나 이상 고르세요.", "Tick at least one claim."),
    "verification.reason": Text("거절하거나 취소하는 까닭을 고르세요.", "Choose why it is refused or withdrawn."),
    "verification.note": Text("그 밖의 까닭은 메모에 적어 주세요.", "Another reason needs a note."),
    "verification.links": Text(
        "링크는 다섯 개까지이며 https:// 또는 /로 시작합니다.", "At most five links, each beginning with https:// or with /."
    ),
}
