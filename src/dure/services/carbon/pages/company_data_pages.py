"""Files of activity data: choose one, look at every row, confirm; what was brought, and its undoing."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError, NotFound, TooLarge
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.companies import activity_desk, activity_records, company_desk, hours_file, right_desk
from dure.services.carbon.companies.activity_desk import FILE_BYTES_MAX, Asked
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.pages import company_words
from dure.services.carbon.pages.company_view import BASE, back, show, write
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form, own_form_with_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.services.carbon.companies.activity_rules import Kind
    from dure.services.carbon.companies.company import Company
    from dure.spine.house import House

FILES = "/partners/company-files"
CARRIED_CHARS_MAX = 1_000_000  # of the file between looking and confirming, packed; larger ones come by the API
ROWS_SHOWN = 50
SEES = Depends(require("read", "company"))
ACTS = Depends(require("act", "company"))


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of files."""
    router = APIRouter()
    router.add_api_route(FILES, take, methods=["POST"])
    router.add_api_route(f"{BASE}/{{company}}/data", data, methods=["GET"])
    router.add_api_route(f"{BASE}/{{company}}/data", undo, methods=["POST"])
    router.add_api_route(f"{BASE}/{{company}}/data/{{ident}}", one, methods=["GET"])
    return router


async def data(request: Request, company: str, actor: Actor = SEES) -> Response:
    """The form, and what was brought."""
    return await _page(request, company, actor)


async def _page(request: Request, company: str, actor: Actor, **more: Any) -> Response:
    house = house_of(request)
    after = request.query_params.get("after", "")[:200]

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        found = activity_records.imports_of(connection, mine.id, after=after, limit=50)
        return {"imports": found.items, "following": found.next}

    given: dict[str, Any] = {
        "preview": None,
        "carried": "",
        "kinds": _kinds(house),
        "after": after,
        "shown": ROWS_SHOWN,
        "files": FILES,
    }
    return await show(request, actor, company, "carbon/company_data.html", read, **given | more)


def _kinds(house: House) -> Mapping[str, Kind]:
    return activity_rules(day_of(house.clock.now(), house.city.zone), house.city.folder).kinds


async def one(request: Request, company: str, ident: str, actor: Actor = SEES) -> Response:
    """One file: its rows that stand, and those that were refused."""

    def read(connection: Connection, mine: Company) -> dict[str, Any]:
        found = activity_records.get_import(connection, mine.id, ident[:80])
        rows = activity_records.rows_of(connection, mine.id, activity_records.of_import(connection, found.id)[:500])
        return {"found": found, "rows": rows}

    return await show(request, actor, company, "carbon/company_import.html", read, kinds=_kinds(house_of(request)))


async def undo(request: Request, company: str, actor: Actor = ACTS) -> Response:
    """A file or a row was wrong."""
    fields = await own_form(request)

    def deed(connection: Connection, mine: Company, by: By) -> None:
        if fields.get("row"):
            activity_desk.undo_row(connection, mine, fields["row"][:80], by)
        else:
            activity_desk.undo(connection, mine, fields.get("file", "")[:80], by)

    try:
        await write(request, actor, company, deed)
    except (InputError, NotFound) as error:
        return await _page(request, company, actor, trouble=company_words.why(error, layout_of(request).speech(request)))
    return back(request, company, "/data", "undone")


async def take(request: Request, actor: Actor = ACTS) -> Response:
    """Look at a file, take in the one that was looked at, or bring hours."""
    fields, sent = await own_form_with_file(request, "file", FILE_BYTES_MAX)
    company = fields.get("company", "")[:64]
    try:
        if fields.get("do") == "hours":
            return await _hours(request, actor, company, fields, sent)
        if fields.get("do") == "confirm":
            return await _confirmed(request, actor, company, fields)
        return await _looked(request, actor, company, fields, sent)
    except InputError as error:
        trouble = company_words.why(error, layout_of(request).speech(request))
        if fields.get("do") == "hours":
            return RedirectResponse(f"/{language_of(request)}{BASE}/{company}/hours?why={error.code}", 303)
        return await _page(request, company, actor, trouble=trouble, fields=fields)


async def _looked(request: Request, actor: Actor, company: str, fields: dict[str, str], sent: bytes) -> Response:
    house = house_of(request)
    carried = packed(sent)

    def work() -> Any:
        with house.records.read() as connection:
            mine = company_desk.written_by(connection, actor, company)
            return activity_desk.preview(house, connection, mine, sent, _asked(fields))

    found = await run_in_threadpool(work)
    return await _page(request, company, actor, preview=found, carried=carried, fields=fields)


async def _confirmed(request: Request, actor: Actor, company: str, fields: dict[str, str]) -> Response:
    house = house_of(request)
    sent = unpacked(fields.get("carried", ""))

    def work() -> Any:
        with house.records.read() as connection:
            mine = company_desk.written_by(connection, actor, company)
        by = By(actor.id, house.clock.now())
        return activity_desk.bring(house, mine, sent, _asked(fields), by, rest=fields.get("rest") == "yes")

    done = await run_in_threadpool(work)
    return back(request, company, f"/data/{done.id}", "taken")


async def _hours(request: Request, actor: Actor, company: str, fields: dict[str, str], sent: bytes) -> Response:
    house = house_of(request)
    if not sent:
        raise InputError("import.empty", "The file is empty.")
    found = await run_in_threadpool(hours_file.read_hours, sent, house.city.zone)
    if found.rejected:
        raise InputError("import.rejected_rows", f"Row {found.rejected[0].row}: {found.rejected[0].why.en}")
    role: right_desk.Role = "supply" if fields.get("role") == "supply" else "load"

    def deed(connection: Connection, mine: Company, by: By) -> None:
        right_desk.bring_hours(connection, mine.id, role, fields.get("name", ""), found.wh, by, city="admin" in actor.roles)

    await write(request, actor, company, deed)
    return back(request, company, "/hours", "brought")


def packed(data_: bytes) -> str:
    """A file as text that a form can carry."""
    text = base64.b64encode(zlib.compress(data_, 9)).decode()
    if len(text) > CARRIED_CHARS_MAX:
        raise TooLarge("import.too_large", "The file is too large for the page. Send it in parts, or by the API.")
    return text


def unpacked(text: str) -> bytes:
    """The file again; it is read anew, so that nobody gains by changing it."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(base64.b64decode(text, validate=True), FILE_BYTES_MAX + 1)
    except (binascii.Error, zlib.error, ValueError) as error:
        raise InputError("import.empty", "Nothing was looked at. Choose the file again.") from error
    return found


def _asked(fields: dict[str, str]) -> Asked:
    return Asked(
        name=fields.get("name", "")[:200],
        kind=fields.get("kind", "")[:40],
        unit=fields.get("unit", "")[:20],
        sheet=fields.get("sheet", "")[:100],
    )
