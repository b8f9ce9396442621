"""The way of a file into the house: choose it, look at every row, confirm. What was brought is listed with its report."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.core.time import from_us
from dure.engines.blobs.bus import BusBlobs
from dure.engines.records.audit import By
from dure.protocols.green_button import BYTES_MAX
from dure.services.buildings.intervals import import_records
from dure.services.buildings.intervals.import_desk import ImportDesk
from dure.services.buildings.intervals.import_files import Asked
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.pages import meter_words
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form_with_file

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.services.buildings.intervals.import_desk import Preview, Take
    from dure.services.buildings.intervals.import_records import Import
    from dure.spine.house import House

LIST = "/operations/buildings/imports"
UPLOADS = "buildings/uploads"
PAGE_ROWS = 50
FIELDS = ("name", "kind", "fuel", "unit", "meter", "stamp", "sheet")
KINDS = ("bills", "intervals", "green_button", "parcels")
WHY: dict[str, Text] = {
    "import.empty": Text("파일이 비어 있습니다.", "The file is empty."),
    "import.fuel_needed": Text(
        "이 파일에는 에너지원이 없습니다. 전기인지 도시가스인지 골라 주세요.",
        "The file does not say its fuel. Choose electricity or city gas.",
    ),
    "import.meter_unknown": Text("그런 계량기가 없습니다. 번호를 확인해 주세요.", "There is no such meter. Check its number."),
    "import.nothing": Text("가져올 수 있는 줄이 하나도 없습니다.", "Nothing of the file can be taken."),
    "import.rejected_rows": Text(
        "가져올 수 없는 줄이 있습니다. 파일을 고치거나 나머지만 가져와 주세요.",
        "Some rows cannot be taken. Correct the file, or take the others only.",
    ),
    "interval.unit": Text("파일에 단위가 없습니다. 단위를 골라 주세요.", "The file states no unit. Choose it."),
    "xml.too_large": Text("파일이 너무 큽니다. 나누어 올려 주세요.", "The file is too large. Send it in parts."),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of imports."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(LIST, act, methods=["POST"])
    router.add_api_route(f"{LIST}/{{import_id}}", one, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """The form, and what was brought."""
    return await _page(request, {})


async def _page(  # what a wizard's step shows
    request: Request,
    fields: dict[str, str],
    *,
    preview: Preview | None = None,
    upload: str = "",
    trouble: str = "",
    status: int = 200,
) -> Response:
    house, asked = house_of(request), request.query_params
    after = asked.get("after", "")[:200] if preview is None else ""

    def read() -> Page[Import]:
        with house.records.read() as connection:
            return import_records.listing(connection, after=after, limit=PAGE_ROWS)

    found = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "buildings/imports.html",
        status=status,
        found=found.items,
        following=found.next,
        after=after,
        fields={name: fields.get(name, "") for name in FIELDS},
        preview=preview,
        upload=upload,
        trouble=trouble,
        kinds=KINDS,
        supplies=SUPPLIES,
        words=meter_words,
        from_us=from_us,
    )


async def one(request: Request, import_id: str) -> Response:
    """One import and its report."""
    house, say = house_of(request), layout_of(request).speech(request)

    def read() -> Import:
        with house.records.read() as connection:
            return import_records.get(connection, import_id[:80])

    found = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "buildings/import.html",
        crumbs=[(LIST, say.text(Text("가져오기", "Imports")))],
        found=found,
        told=request.query_params.get("told", ""),
        words=meter_words,
        from_us=from_us,
    )


async def act(request: Request, actor: Actor = Depends(require("manage", "device"))) -> Response:  # noqa: B008  # FastAPI's way
    """Look at a file, or take in the one that was looked at."""
    house = house_of(request)
    fields, data = await own_form_with_file(request, "file", BYTES_MAX)
    blobs = await BusBlobs.open(house.bus)
    upload = fields.get("upload", "")
    try:
        asked = _asked(fields)
        if fields.get("do") == "confirm":
            take: Take = "accepted" if fields.get("take") == "accepted" else "all"
            return await _confirmed(request, blobs, upload, (asked, take), actor)
        found = await ImportDesk(house).preview(data, asked)  # an empty file is refused there
        upload = await _upload(house, blobs, data)
        return await _page(request, fields, preview=found, upload=upload)
    except InputError as error:
        say = layout_of(request).speech(request)
        why = WHY.get(error.code)
        words = say.text(why) if why is not None else say("파일을 읽지 못했습니다: {why}", why=error.message)
        return await _page(request, fields, trouble=f"{words} ({error.code})", status=422)


async def _confirmed(request: Request, blobs: BusBlobs, upload: str, how: tuple[Asked, Take], actor: Actor) -> Response:
    house = house_of(request)
    if not upload.startswith(f"{UPLOADS}/"):
        raise NotFound("import.unknown", "Nothing was looked at. Choose the file again.")
    data = await blobs.get(upload)
    done = await ImportDesk(house).confirm(data, *how, By(actor.id, house.clock.now()))
    await blobs.delete(upload)
    return RedirectResponse(f"/{language_of(request)}{LIST}/{done.id}?told={done.state}", 303)


async def _upload(house: House, blobs: BusBlobs, data: bytes) -> str:
    """Keep the bytes until they are confirmed; those of earlier days, which nobody confirmed, are dropped."""
    today = f"{UPLOADS}/{house.clock.now():%Y-%m-%d}"
    for name in await blobs.names(f"{UPLOADS}/"):
        if not name.startswith(today):
            await blobs.delete(name)
    name = f"{today}/{hashlib.sha256(data).hexdigest()}"
    await blobs.put(name, data)
    return name


def _asked(fields: dict[str, str]) -> Asked:
    kind, fuel, stamp = fields.get("kind", ""), fields.get("fuel", ""), fields.get("stamp", "start")
    if kind not in ("", *KINDS) or fuel not in ("", *SUPPLIES) or stamp not in ("start", "end"):
        raise InputError("import.choice", "The form holds a choice that is none.")
    return Asked(
        name=fields.get("name", "")[:200],
        kind=kind,  # type: ignore[arg-type]  # one of them, as checked above
        fuel=fuel,  # type: ignore[arg-type]  # as above
        unit=fields.get("unit", "")[:20],
        meter=fields.get("meter", "")[:64],
        stamp=stamp,  # type: ignore[arg-type]  # as above
        sheet=fields.get("sheet", "")[:100],
    )
