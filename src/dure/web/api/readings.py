"""The way in for devices and gateways: many readings in one request, answered when they are kept for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.protocols.readings import parse
from dure.web.access import demand
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import OfDevice
from dure.web.api.queries import refuse_unknown

if TYPE_CHECKING:
    from dure.protocols.readings import Parsed
    from dure.spine.house import House
    from dure.web.api.allowance import Allowance
    from dure.web.api.credentials import Credentials

INLINE_BYTES_MAX = 65_536  # larger bodies are parsed beside the event loop
REJECTED_SHOWN_MAX = 1_000
CONTENT_CHARS_MAX = 200
STORED_WAIT_S = 2.0
MEDIA_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "text/csv",
    "application/csv",
    "text/tab-separated-values",
)


class Refusal(msgspec.Struct, frozen=True):
    """One row that could not become an observation: where, a stable code, why, and the beginning of what was sent.

    `row` counts from 1 in what was sent, 0 is the whole of it; where one element brought several readings, or others
    before it could not be read, `content` is the surer guide.
    """

    row: int
    code: str
    why: str
    content: str


class Receipt(msgspec.Struct, frozen=True):
    """What became of a request. `accepted` rows are on the bus, acknowledged after its fsync; `parked` ones are kept aside."""

    accepted: int
    parked: int
    rejected: list[Refusal]
    seq: int
    stored: bool | None = None


class Readings:
    """The route on which devices post."""

    def __init__(self, house: House, credentials: Credentials, allowance: Allowance) -> None:
        self._house = house
        self._credentials = credentials
        self._allowance = allowance

    async def post(self, request: Request) -> Response:
        """Keep the readings of a request."""
        refuse_unknown(request, ("wait",))
        wait = request.query_params.get("wait", "acknowledged")
        if wait not in ("acknowledged", "stored"):
            raise InputError("query.wait", "wait is 'acknowledged' (the default) or 'stored'.")
        device = await self._credentials.device(request)
        demand(Actor(device.id, device=True), "write", "city_data")
        media_type = _media_type(request)
        received_at = self._house.clock.now()
        body = await read_body(request, self._house.settings.request_bytes_max)
        parsed = await _parse(body, media_type)
        self._allowance.take(device.id, len(parsed.readings) + len(parsed.rejected))
        if not parsed.readings and not parsed.rejected:
            raise InputError("request.empty", "The request holds no reading.")
        kept = await self._house.intake.accept(device.id, parsed.readings, parsed.rejected, way="http", received_at=received_at)
        unread = len(parsed.rejected)
        refused = [*kept.rejected[:unread], *(msgspec.structs.replace(one, row=one.row + 1) for one in kept.rejected[unread:])]
        stored = await self._stored(kept.seq) if wait == "stored" and kept.accepted else None
        return answer(receipt(kept.accepted, refused, kept.seq, stored), 202 if kept.accepted else 422)

    async def _stored(self, seq: int) -> bool:
        recorder = self._house.recorder
        return recorder is not None and await recorder.wait_for(seq, STORED_WAIT_S)


def receipt(accepted: int, rejected: list[Rejected], seq: int, stored: bool | None = None) -> Receipt:
    """The answer to a sender; of very many rejected rows the first are named."""
    named = [Refusal(one.row, one.code, one.why, one.content[:CONTENT_CHARS_MAX]) for one in rejected[:REJECTED_SHOWN_MAX]]
    return Receipt(accepted, len(rejected), named, seq, stored)


def _media_type(request: Request) -> str:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in MEDIA_TYPES:
        raise InputError("request.media_type", f"Content-Type {kind[:80]!r} is not read here. Send JSON, NDJSON or CSV.")
    return kind


async def _parse(body: bytes, media_type: str) -> Parsed:
    if len(body) <= INLINE_BYTES_MAX:
        return parse(body, media_type)
    return await run_in_threadpool(parse, body, media_type)


def routes(house: House, credentials: Credentials, allowance: Allowance) -> APIRouter:
    """A plain route for speed, and its twin that only describes it in the OpenAPI document."""
    router = APIRouter(tags=["ways in"])
    post = Readings(house, credentials, allowance).post
    router.add_route("/readings", post, methods=["POST"], include_in_schema=False)
    router.post(
        "/readings",
        summary="Send readings",
        description="Answered when the bus has acknowledged them. Repeats of (asset, property, time) are kept once.",
        status_code=202,
        response_class=Response,
        responses=_told(),
        openapi_extra=_REQUEST,
        dependencies=[OfDevice],
    )(post)
    return router


def _told() -> dict[int | str, dict[str, Any]]:
    responses = told(schema_of(Receipt), 401, 403, 413, 429, 503, status=202, description="Kept for good.")
    unusable = responses[422]["content"]
    responses[422] = {
        "description": "Nothing of it can be used; every row is named and parked.",
        "content": {**unusable, "application/json": {"schema": schema_of(Receipt)}},
    }
    return responses


_READING: dict[str, Any] = {
    "type": "object",
    "required": ["property", "value"],
    "properties": {
        "property": {"type": "string", "examples": ["air_temperature"]},
        "value": {"type": ["number", "null"]},
        "time": {"type": "string", "format": "date-time"},
        "asset": {"type": "string"},
        "unit": {"type": "string", "description": "UCUM code when it is not the property's own."},
    },
}
_EXAMPLE = {"readings": [{"property": "air_temperature", "value": 21.3, "time": "2026-11-24T09:00:00+09:00"}]}
_REQUEST: dict[str, Any] = {
    "parameters": [
        {
            "name": "wait",
            "in": "query",
            "description": "'stored' waits up to 2 s until the rows can be queried; `stored` in the answer says if so.",
            "schema": {"type": "string", "enum": ["acknowledged", "stored"], "default": "acknowledged"},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "anyOf": [
                        {
                            "type": "object",
                            "required": ["readings"],
                            "properties": {"readings": {"type": "array", "items": _READING}},
                        },
                        {"type": "array", "items": _READING},
                        _READING,
                    ]
                },
                "example": _EXAMPLE,
            },
            "application/x-ndjson": {"schema": {"type": "string"}, "example": '{"property":"air_temperature","value":21.3}\n'},
            "text/csv": {"schema": {"type": "string"}, "example": "time,air_temperature\n2026-11-24T00:00:00Z,21.3\n"},
        },
    },
}
