"""The stream of changes for open pages, as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from dure.core.errors import InputError
from dure.web.api.answers import told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import Boxed, CheckedRoute, OfSeries, box, ids
from dure.web.api.stream import Broadcast, filter_for

if TYPE_CHECKING:
    from dure.spine.house import House

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
DESCRIPTION = (
    "Event `ready` comes first, then `values`: a JSON list of {asset, property, time, value, flag}. A flag that is revised "
    "comes again with its time; where it hides the value from the public, `value` is null. After a break the browser "
    "names the last id it saw (Last-Event-ID) and gets everything that changed since. A comment every 15 s keeps "
    "the line open."
)


class StreamQuery(OfSeries, Boxed):
    """Which changes."""

    after: int | None = Field(
        None, ge=0, le=2**62, description="Begin with all that changed after this event id; 0 for all values."
    )


class Streamed:
    """The route of the stream."""

    def __init__(self, house: House, broadcast: Broadcast) -> None:
        self._house = house
        self._broadcast = broadcast

    async def stream(self, request: Request, asked: Annotated[StreamQuery, Query()], actor: SeesPublicData) -> Response:
        """Changes of newest values from now on."""
        self._broadcast.check_room()
        properties = [self._house.properties[one].id for one in ids(asked.property, "property id")]
        wanted = filter_for(actor, properties, ids(asked.asset, "asset id"), box(asked.bbox))
        after = _last_event_id(request.headers.get("last-event-id"))
        events = self._broadcast.events(wanted, asked.after if after is None else after)
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)


def _last_event_id(text: str | None) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise InputError("stream.last_event_id", "Last-Event-ID is the id of an event of this stream: a whole number.")
    return int(text)


def routes(house: House, broadcast: Broadcast) -> APIRouter:
    """The stream."""
    router = APIRouter(tags=["observations"], route_class=CheckedRoute)
    router.get(
        "/stream",
        summary="Changes as server-sent events",
        description=DESCRIPTION,
        response_class=Response,
        responses=told({"type": "string"}, 429, media_type="text/event-stream"),
    )(Streamed(house, broadcast).stream)
    return router
