"""Why a value or a decision is what it is: what came, from whom, which check decided, by which ranges and versions."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure import __version__
from dure.core.errors import DureError, InputError, NotFound
from dure.core.observations import Flag
from dure.core.time import from_us
from dure.engines.bus import packing
from dure.engines.records import decisions
from dure.spine import rows
from dure.web.access import demand
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import SeesCityData
from dure.web.api.queries import CheckedRoute, ObservationId, observation_id
from dure.web.api.values import Row, check_name, row_of

if TYPE_CHECKING:
    from dure.core.events import Decision
    from dure.core.observations import Observation
    from dure.engines.bus.client import Message
    from dure.spine.house import House

CONTENT_CHARS_MAX = 20_000
_LAYOUT = dict.fromkeys(map(ord, "\t\n\r"))  # what a text may hold besides what prints


class RawMessage(msgspec.Struct, frozen=True):
    """The message of the bus that brought a value; `content` is what the device itself sent, where it is kept."""

    seq: int
    subject: str
    way: str
    device: str
    received_at: datetime
    content: str


class ObservationStory(msgspec.Struct, frozen=True, kw_only=True):
    """Why one observation has its value and flag. `message_gone` says why the message is not shown."""

    id: str
    observation: Row
    flag: str
    check: str
    reasons: list[str]
    property: dict[str, Any]
    devices: list[str]
    message: RawMessage | None
    message_gone: str | None
    versions: dict[str, str]


class DecisionStory(msgspec.Struct, frozen=True, kw_only=True):
    """Why something was decided: the inputs it saw, the result, the reasons, the versions."""

    id: str
    kind: str
    decided_at: datetime
    inputs: dict[str, Any]
    result: dict[str, Any]
    reasons: tuple[str, ...]
    versions: dict[str, str]


async def explain_observation(house: House, asked: ObservationId) -> ObservationStory:
    """The story of one observation."""
    kept = await run_in_threadpool(house.telemetry.observation, (asked.asset, asked.property), asked.time_us)
    if kept is None:
        raise NotFound("observation.unknown", f"There is no observation {asked}.")
    known = house.properties.get(kept.property)
    message, gone = await _message(house, kept)
    entry = house.directory.asset_of(message.device) if message is not None else None
    return ObservationStory(
        id=str(asked),
        observation=row_of(kept),
        flag=Flag(int(kept.flag)).name.lower(),
        check=check_name(int(kept.check)),
        reasons=await run_in_threadpool(_reasons, house, kept),
        property={} if known is None else msgspec.to_builtins(known),
        devices=[message.device] if message is not None and entry is not None else [],
        message=message,
        message_gone=gone,
        versions={"dure": __version__},
    )


def explain_decision(house: House, decision_id: str) -> DecisionStory:
    """The story of one decision."""
    with house.records.read() as connection:
        found: Decision = decisions.get(connection, decision_id)
    return DecisionStory(**msgspec.structs.asdict(found))


def _reasons(house: House, kept: Observation) -> list[str]:
    """The check in words, with the limit it compared with; then what the service that owns the property says of it."""
    own = [one for one in house.services if any(known.id == kept.property for known in one.properties())]
    return [*_check_reasons(house, kept), *(reason for one in own for reason in one.reasons(house, kept))]


def _check_reasons(house: House, kept: Observation) -> list[str]:
    known = house.properties.get(kept.property)
    check = check_name(int(kept.check))
    if known is None or kept.value is None or not check.startswith(("below", "above")):
        return [] if check == "none" else [check]
    low = known.fail_min if check.endswith("possible") else known.suspect_min
    high = known.fail_max if check.endswith("possible") else known.suspect_max
    limit = low if check.startswith("below") else high
    if limit is None:  # the range was taken away since
        return [check]
    return [f"{check}: {kept.value:g} {known.unit} against {limit:g} {known.unit}"]


async def _message(house: House, kept: Observation) -> tuple[RawMessage | None, str | None]:
    """The message that brought an observation, or why it is not there."""
    if not kept.seq:
        return None, "observation.no_message"
    try:
        found = await house.bus.message(kept.seq)
    except DureError as error:
        return None, error.code
    try:
        return _opened(house, found, kept), None
    except InputError as error:
        return None, error.code


def _opened(house: House, message: Message, kept: Observation) -> RawMessage:
    form, _, rest = message.subject.partition(".")
    device = rest.rsplit(".", 1)[-1]
    way, received_us, content = "mqtt", message.time_us, message.payload
    if form == "rows":
        unpacked = rows.decode(message.payload)
        way, received_us, content = unpacked.way, unpacked.received_us, unpacked.origin
    elif form == "pack":
        device, received_us, content = "", message.time_us, b""
        for one in packing.unpack(message.payload):
            if house.directory.may_write(one.device, kept.asset) and kept.property.encode() in one.payload:
                device, received_us, content = one.device, one.received_us, one.payload
                break
    return RawMessage(message.seq, message.subject, way, device, from_us(received_us), _shown(content))


def _shown(content: bytes) -> str:
    """The device's bytes as text, or as hexadecimal where they are none; few binary payloads happen to be UTF-8."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.hex()
    if not text.translate(_LAYOUT).isprintable():
        text = content.hex()
    return text[:CONTENT_CHARS_MAX]


class Explanations:
    """The route that explains."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def explain(self, explained_id: str, actor: SeesCityData) -> Response:
        """Why an observation (``asset:property:time``) or a decision (its id) is what it is."""
        if ":" in explained_id:
            return answer(await explain_observation(self._house, observation_id(explained_id)))
        demand(actor, "read", "decision")
        return answer(await run_in_threadpool(explain_decision, self._house, explained_id))


def routes(house: House) -> APIRouter:
    """Why."""
    router = APIRouter(tags=["observations"], route_class=CheckedRoute)
    schema = {"anyOf": [schema_of(ObservationStory), schema_of(DecisionStory)]}
    router.get(
        "/explain/{explained_id}",
        summary="Why a value or a decision is what it is",
        response_class=Response,
        responses=told(schema, 401, 403, 404, 503),
    )(Explanations(house).explain)
    return router
