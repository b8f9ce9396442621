"""Routes of enrolment: many devices by CSV or JSON, and one by its scanned label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.engines.records.audit import By
from dure.services.environment.enrolling.enrolment import Batch, read_batch, read_items
from dure.services.environment.enrolling.enrolment_desk import Enrolled, EnrolmentDesk
from dure.services.environment.enrolling.labels import read_label
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import ManagesDevices
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from dure.services.environment.enrolling.enrolment_rows import Ground
    from dure.spine.house import House

NO_STORE = {"Cache-Control": "no-store"}
CSV = ("text/csv", "text/tab-separated-values", "text/plain")
JSON = "application/json"


class How(BaseModel):
    """How a batch is taken."""

    check: bool = Field(default=False, description="Only say what would become of each row; nothing is kept.")
    update: bool = Field(default=False, description="Rows may change what is already registered; else such a row `differs`.")


class Scanned(BaseModel):
    """A scanned label, and what the label does not say. Fields are those of the batch file."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(
        max_length=1_000, description="The text of the code.", examples=["LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122"]
    )
    device: str = Field("", max_length=64)
    asset: str = Field("", max_length=64)
    name: str = Field("", max_length=200, description="Name of the place, in Korean; needed where it is new.")
    name_en: str = Field("", max_length=200)
    kind: str = Field("", max_length=200, examples=["station"])
    codec: str = Field(
        "", max_length=200, description="How its bytes are read; needed for LoRaWAN.", examples=["milesight-am308"]
    )
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    site: str = Field("", max_length=200)
    height_m: float | None = Field(None)
    elevation_m: float | None = Field(None)
    installed_on: str = Field("", max_length=200, examples=["2026-11-24"])
    installer: str = Field("", max_length=200)
    photo: str = Field("", max_length=200, description="Where its photograph is, as text.")
    properties: list[str] = Field([], max_length=200)


class Many(msgspec.Struct, frozen=True):
    """The JSON form of a batch: objects whose keys are the columns of the file."""

    devices: list[dict[str, Any]]


class Enrolments:
    """The routes of enrolment."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = EnrolmentDesk(house)

    async def batch(self, request: Request, how: Annotated[How, Query()], actor: ManagesDevices) -> Response:
        """Enrol the devices of a list; every row is answered, good rows are not held up by bad ones."""
        media_type = request.headers.get("content-type", "text/csv").partition(";")[0].strip().lower()
        if media_type not in (*CSV, JSON):
            raise InputError("request.media_type", f"Content-Type {media_type[:80]!r} is not read here. Send text/csv or JSON.")
        body = await read_body(request, self._house.settings.request_bytes_max)
        read = _read_json if media_type == JSON else read_batch
        found = await run_in_threadpool(read, body, self._desk.ground())
        enrolled = await self._desk.enrol(found, self._by(actor.id), check=how.check, update=how.update)
        return answer(enrolled, 200 if how.check or enrolled.refused < enrolled.rows else 422, NO_STORE)

    async def label(self, scanned: Scanned, how: Annotated[How, Query()], actor: ManagesDevices) -> Response:
        """Enrol the device of one scanned label."""
        read_label(scanned.label)  # what is no label refuses the request, not a row
        said = {name: value for name, value in scanned.model_dump().items() if value not in ("", None, [])}
        batch = read_items([said], self._desk.ground())
        enrolled = await self._desk.enrol(batch, self._by(actor.id), check=how.check, update=how.update)
        return answer(enrolled, 200 if how.check or not enrolled.refused else 422, NO_STORE)

    def _by(self, actor_id: str) -> By:
        return By(actor_id, self._house.clock.now())


def _read_json(body: bytes, ground: Ground) -> Batch:
    try:
        items = msgspec.json.decode(body, type=Many | list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("enrolment.unreadable", f'No list of devices: {error}. Send {{"devices": [{{…}}, …]}}.') from error
    return read_items(items.devices if isinstance(items, Many) else items, ground)


def routes(house: House) -> APIRouter:
    """Enrolment."""
    router = APIRouter(prefix="/environment/enrolments", tags=["environment"], route_class=CheckedRoute)
    desk = Enrolments(house)
    responses = told(schema_of(Enrolled), 400, 401, 403, 409, 413, 503, description="What became of every row.")
    text = {
        "schema": {"type": "string"},
        "example": '장치 이름,DevEUI,코덱,이름,좌표\nair-1,24e124136b502217,milesight-am308,동탄 1호,"37.2, 127.07"\n',
    }
    many = {
        "schema": schema_of(Many),
        "example": {
            "devices": [
                {"device": "air-101", "name": "동탄 1호", "position": "37.2, 127.07"},
                {"label": "LW:D0:1122334455667788:24E124136B502217:AABB1122", "name": "동탄 2호", "codec": "milesight-am308"},
            ]
        },
    }
    extra: dict[str, Any] = {"requestBody": {"required": True, "content": {"text/csv": text, JSON: many}}}
    router.post("", summary="Enrol many devices", response_class=Response, responses=responses, openapi_extra=extra)(desk.batch)
    router.post("/label", summary="Enrol one device by its label", response_class=Response, responses=responses)(desk.label)
    return router
