"""What came but could not be used: look at it, replay it when the cause is mended, or drop it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import Conflict
from dure.engines.records import audit, parked
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import ActsOnParked, SeesParked
from dure.web.api.queries import CheckedRoute, Paged, text
from dure.web.api.readings import Receipt, receipt

if TYPE_CHECKING:
    from dure.core.access import Actor
    from dure.engines.records.paging import Page
    from dure.spine.house import House


class ParkedQuery(Paged):
    """Which of them."""

    state: Literal["parked", "replayed", "dropped"] = Field("parked", description="Waiting, or settled in which way.")
    device: str = Field("", max_length=200, description="Only what this device sent.")


class ParkedForm(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits, with what was sent as text."""

    id: str
    received_at: datetime
    way: str
    device: str
    code: str
    why: str
    content: str
    state: str
    settled_at: datetime | None


class Parking:
    """The routes of what is parked."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[ParkedQuery, Query()], _: SeesParked) -> Response:
        """What is parked, newest first."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, [_form(one) for one in found.items], found.next or None)

    async def counts(self, _: SeesParked) -> Response:
        """How many wait, by code."""
        return answer({"counts": await run_in_threadpool(self._counts)})

    async def replay(self, parked_id: str, actor: ActsOnParked) -> Response:
        """Send it through the intake again; it is settled only when it was kept."""
        item = await run_in_threadpool(self._waiting, parked_id)
        kept = await self._house.intake.replay(item)
        await run_in_threadpool(self._note_replay, item, actor, kept.accepted)
        return answer(receipt(kept.accepted, kept.rejected, kept.seq))

    async def drop(self, parked_id: str, actor: ActsOnParked) -> Response:
        """Give it up; the audit log says who did."""
        await run_in_threadpool(self._drop, parked_id, actor)
        return Response(status_code=204)

    def _listing(self, asked: ParkedQuery) -> Page[parked.Parked]:
        with self._house.records.read() as connection:
            device, after = text(asked.device, "device"), text(asked.after, "after")
            return parked.listing(connection, state=asked.state, device=device, after=after, limit=asked.limit)

    def _counts(self) -> dict[str, int]:
        with self._house.records.read() as connection:
            return parked.counts(connection)

    def _waiting(self, parked_id: str) -> parked.Parked:
        with self._house.records.read() as connection:
            item = parked.get(connection, parked_id)
        if item.state != "parked":
            raise Conflict("parked.settled", f"It was {item.state} before.")
        return item

    def _note_replay(self, item: parked.Parked, actor: Actor, accepted: int) -> None:
        by = audit.By(actor.id, self._house.clock.now())
        with self._house.records.begin() as connection:
            audit.append(connection, by, "act", "parked", item.id, {"replayed": {"code": item.code, "accepted": accepted}})

    def _drop(self, parked_id: str, actor: Actor) -> None:
        now = self._house.clock.now()
        with self._house.records.begin() as connection:
            known = parked.get(connection, parked_id)
            if not parked.settle(connection, [parked_id], "dropped", now):
                raise Conflict("parked.settled", f"It was {known.state} before.")
            audit.append(
                connection, audit.By(actor.id, now), "act", "parked", parked_id, {"state": "dropped", "code": known.code}
            )


def _form(one: parked.Parked) -> ParkedForm:
    return ParkedForm(**msgspec.structs.asdict(one) | {"content": one.content.decode("utf-8", "backslashreplace")})


def routes(house: House) -> APIRouter:
    """What is parked."""
    router = APIRouter(prefix="/parked", tags=["operation"], route_class=CheckedRoute)
    parking = Parking(house)
    counts = {"type": "object", "properties": {"counts": {"type": "object", "additionalProperties": {"type": "integer"}}}}
    router.get("", summary="Parked readings", response_class=Response, responses=told(page_schema(ParkedForm), 401, 403, 503))(
        parking.listing
    )
    router.get("/counts", summary="Parked by code", response_class=Response, responses=told(counts, 401, 403, 503))(
        parking.counts
    )
    router.post(
        "/{parked_id}/replay",
        summary="Replay a parked reading",
        response_class=Response,
        responses=told(schema_of(Receipt), 401, 403, 404, 409, 503),
    )(parking.replay)
    router.delete(
        "/{parked_id}",
        summary="Drop a parked reading",
        status_code=204,
        response_class=Response,
        responses=told(None, 401, 403, 404, 409, 503, status=204),
    )(parking.drop)
    return router
