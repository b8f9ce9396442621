"""Imports of bills, interval files, Green Button feeds and parcel months: looked at first, then confirmed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.engines.records.audit import By
from dure.protocols.green_button import BYTES_MAX
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.intervals import import_records
from dure.services.buildings.intervals.import_desk import Done, ImportDesk, Preview
from dure.services.buildings.intervals.import_files import Asked, FileKind
from dure.services.buildings.intervals.import_records import Import
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import ManagesDevices, SeesCityData
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

UPLOAD_BYTES_MAX = BYTES_MAX  # unpacked; as it comes, the house's limit of a request holds
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file: CSV (UTF-8, UTF-16, CP949), XLSX, Green Button XML or ZIP, or XML of data.go.kr 15054212.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class How(BaseModel):
    """How a file is to be read; what is left out is found out, or the answer says that it is needed."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=200, description="Name of the file, for the list of imports.")
    kind: FileKind | None = Field(None, description="What it is; found out when absent.")
    fuel: Fuel | None = Field(None, description="Fuel of a file that has no such column.")
    unit: str = Field("", max_length=20, description="Unit of a file that states none.", examples=["kWh"])
    meter: str = Field("", max_length=64, description="Meter (id or number) of a file that names none.")
    stamp: Literal["start", "end"] = Field("start", description="Whether the time of an interval is its begin or its end.")
    sheet: str = Field("", max_length=100, description="Sheet of a workbook; the first when absent.")

    def asked(self) -> Asked:
        """The same, for the importers."""
        for name in ("name", "unit", "meter", "sheet"):
            text(getattr(self, name), name)
        return Asked(
            name=self.name, kind=self.kind or "", fuel=self.fuel or "", unit=self.unit, meter=self.meter, stamp=self.stamp,
            sheet=self.sheet,
        )  # fmt: skip


class HowConfirmed(How):
    """The same, and which rows are taken."""

    take: Literal["all", "accepted"] = Field("all", description="all: refuse a file with rejected rows; accepted: take the rest.")


class ImportQuery(Paged):
    """Which imports."""

    kind: Literal["bills", "intervals", "green_button", "weather", "parcels"] | None = Field(
        None, description="Only of this kind."
    )


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was taken in."""

    id: str
    kind: str
    name: str
    sha256: str
    person: str
    imported_at: datetime
    accepted_n: int
    rejected_n: int
    booked: bool
    report: dict[str, Any] | None = None


class Imports:
    """The routes of imports."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = ImportDesk(house)

    async def preview(self, request: Request, asked: Annotated[How, Query()], _: ManagesDevices) -> Response:
        """What the file holds: rows that can be taken, every row that cannot and why. Nothing is written."""
        return answer(await self._desk.preview(await _body(request), asked.asked()))

    async def confirm(self, request: Request, asked: Annotated[HowConfirmed, Query()], actor: ManagesDevices) -> Response:
        """Take the file in, whole or without the rejected rows. The same file again adds nothing; one cut off is completed."""
        by = By(actor.id, self._house.clock.now())
        done = await self._desk.confirm(await _body(request), asked.asked(), asked.take, by)
        return answer(done, 201 if done.state == "taken" else 200)

    async def listing(self, request: Request, asked: Annotated[ImportQuery, Query()], _: SeesCityData) -> Response:
        """Files that were taken in, newest first."""

        def read() -> Page[Import]:
            with self._house.records.read() as connection:
                return import_records.listing(
                    connection, kind=asked.kind or "", after=text(asked.after, "after"), limit=asked.limit
                )

        found = await run_in_threadpool(read)
        return page(request, [_row(one) for one in found.items], found.next or None)

    async def one(self, import_id: str, _: SeesCityData) -> Response:
        """One of them with its report: every row that was rejected, and the spans of its intervals."""

        def read() -> Import:
            with self._house.records.read() as connection:
                return import_records.get(connection, identifier(import_id, "import id"))

        found = await run_in_threadpool(read)
        return answer(msgspec.structs.replace(_row(found), report=found.report))


async def _body(request: Request) -> bytes:
    body = await read_body(request, UPLOAD_BYTES_MAX)
    if not body.strip():
        raise InputError("import.empty", "The file is empty.")
    return body


def _row(one: Import) -> ImportRow:
    return ImportRow(
        id=one.id, kind=one.kind, name=one.name, sha256=one.sha256, person=one.person, imported_at=one.imported_at,
        accepted_n=one.accepted_n, rejected_n=one.rejected_n, booked=bool(one.report.get("booked")),
    )  # fmt: skip


def routes(house: House) -> APIRouter:
    """Imports."""
    router = APIRouter(prefix="/buildings/imports", tags=["buildings"], route_class=CheckedRoute)
    desk = Imports(house)
    refusals = (400, 401, 403, 409, 413, 503)
    router.post(
        "/preview",
        summary="Look at a file before it is taken in",
        response_class=Response,
        responses=told(schema_of(Preview), *refusals),
        openapi_extra=_FILE,
    )(desk.preview)
    taken = told(schema_of(Done), *refusals, status=201, description="Taken in.")
    taken[200] = {"description": "Known already, or completed.", "content": taken[201]["content"]}
    router.post(
        "",
        summary="Take a file in",
        status_code=201,
        response_class=Response,
        responses=taken,
        openapi_extra=_FILE,
    )(desk.confirm)
    listed, one = told(page_schema(ImportRow), 401, 403, 503), told(schema_of(ImportRow), 401, 403, 404, 503)
    router.get("", summary="Imports", response_class=Response, responses=listed)(desk.listing)
    router.get("/{import_id}", summary="One import", response_class=Response, responses=one)(desk.one)
    return router
