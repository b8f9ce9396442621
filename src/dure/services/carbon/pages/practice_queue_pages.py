"""For officers: doubtful proofs, money of programmes, payouts, partners, and places with their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import segno
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import DureError, InputError, NotFound
from dure.core.text import Text
from dure.engines.blobs.bus import BusBlobs
from dure.engines.records.audit import By
from dure.services.carbon.governing import budget_desk as programme_budgets
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.pages import practice_words
from dure.services.carbon.practising import (
    budget_desk,
    partner_desk,
    photo_index,
    place_desk,
    practice_desk,
    practice_records,
    wallet_desk,
)
from dure.services.carbon.practising.act_told import told
from dure.services.carbon.practising.partner_desk import Partner
from dure.services.carbon.practising.place_desk import Place
from dure.services.carbon.practising.practice_desk import Setting, setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.reasons import REASONS, SAID_NO
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.engines.records.paging import Page
    from dure.services.carbon.practising.acts import Act

HERE, MONEY = "/operations/carbon/practices", "/operations/carbon/practices/money"
ROWS = 40
SCAN = "/carbon/scan"


def routes() -> APIRouter:
    """The pages of officers."""
    router = APIRouter()
    sees, manages = [Depends(require("read", "verification"))], [Depends(require("manage", "programme"))]
    router.add_api_route(HERE, queue, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/photos/{{act_id}}", photo, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/decision", decide, methods=["POST"])
    router.add_api_route(MONEY, money, methods=["GET"], dependencies=manages)
    router.add_api_route(f"{HERE}/do", do, methods=["POST"])
    router.add_api_route(f"{HERE}/places/{{place_id}}", place, methods=["GET"], dependencies=manages)
    return router


async def queue(request: Request) -> Response:
    """Proofs that wait for a person's word."""
    return await _queue(request)


async def _queue(request: Request, trouble: str = "", status: int = 200) -> Response:
    house, after = house_of(request), request.query_params.get("after", "")[:200]
    by = setting_of(house)

    def read() -> tuple[Page[Act], dict[str, str], list[Any]]:
        with house.records.read() as connection:
            found = practice_records.waiting(connection, after=after, limit=ROWS)
            photos = {one.id: photo_index.blob_of(connection, one.id) for one in found.items if one.proof == "photo"}
            return found, photos, budget_desk.all_money(connection, by)

    found, photos, programmes = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "carbon/practice_queue.html",
        status=status,
        trouble=trouble,
        done=request.query_params.get("done", "")[:20],
        rows=[(one, told(one, by.rules)) for one in found.items],
        photos=photos,
        following=found.next,
        after=after,
        money=programmes,
        rules=by.rules,
        said_no={code: REASONS[code].says for code in SAID_NO},
        words_of=practice_words,
    )


async def photo(request: Request, act_id: str) -> Response:
    """A photo somebody has to look at; no copy of it is kept by the browser."""
    house = house_of(request)

    def read() -> str:
        with house.records.read() as connection:
            return photo_index.blob_of(connection, act_id[:64])

    blob = await run_in_threadpool(read)
    if not blob:
        raise NotFound("photo.unknown", "There is no such photo.")
    blobs = await BusBlobs.open(house.bus)
    return Response(await blobs.get(blob), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


async def decide(request: Request, actor: Actor = Depends(require("act", "verification"))) -> Response:  # noqa: B008  # FastAPI's way
    """Say yes or no to a proof."""
    house, fields = house_of(request), await own_form(request)
    code = "" if fields.get("do") == "award" else fields.get("reason", "") or "?"
    by = By(actor.id, house.clock.now())

    def write() -> None:
        with house.records.begin() as connection:
            practice_desk.decide(connection, fields.get("act", "")[:64], code, by, fields.get("note", ""))

    try:
        await run_in_threadpool(write)
    except DureError as error:
        return await _queue(request, _why(request, error), 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}?done={'award' if not code else 'refuse'}", 303)


async def money(request: Request) -> Response:
    """Budgets and how long they last; payouts that wait; partners and places."""
    return await _money(request)


async def _money(request: Request, trouble: str = "", key: str = "", status: int = 200) -> Response:
    house = house_of(request)
    by = setting_of(house)

    def read() -> dict[str, Any]:
        with house.records.read() as connection:
            return {
                "money": budget_desk.all_money(connection, by),
                "payouts": wallet_desk.asked(connection),
                "partners": partner_desk.listing(connection),
                "places": place_desk.listing(connection),
            }

    return await layout_of(request).page(
        request,
        "carbon/practice_money.html",
        status=status,
        trouble=trouble,
        key=key,
        done=request.query_params.get("done", "")[:20],
        rules=by.rules,
        words_of=practice_words,
        day=practice_words.day_teller(layout_of(request).speech(request)),
        **await run_in_threadpool(read),
    )


async def do(request: Request, actor: Actor = Depends(require("manage", "programme"))) -> Response:  # noqa: B008  # FastAPI's way
    """Fund, settle a payout, register partners and places."""
    house, fields = house_of(request), await own_form(request)
    secret = await run_in_threadpool(practice_key, house.settings.data)
    deed = DEEDS.get(fields.get("do", ""))

    def write() -> str:
        if deed is None:
            raise InputError("practice.deed_unknown", "The form asks for nothing that is known here.")
        by = setting_of(house)
        with house.records.begin() as connection:
            return deed(connection, fields, by, By(actor.id, by.at), secret)

    try:
        key = await run_in_threadpool(write)
    except DureError as error:
        return await _money(request, _why(request, error), status=422)
    if key:  # shown this once, and never in an address
        return await _money(request, key=key)
    return RedirectResponse(f"/{language_of(request)}{MONEY}?done={fields.get('do', '')}", 303)


async def place(request: Request, place_id: str) -> Response:
    """The code of a place, for the screen that stands there; it changes by itself."""
    house = house_of(request)
    secret = await run_in_threadpool(practice_key, house.settings.data)

    def read() -> Place:
        with house.records.read() as connection:
            return place_desk.get(connection, place_id[:64])

    one = await run_in_threadpool(read)
    say = layout_of(request).speech(request)
    base = house.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    address = f"{base}/{say.language}{SCAN}?code={place_desk.shown(one, secret, house.clock.now())}"
    code = segno.make(address, error="m", micro=False)
    svg = code.svg_inline(scale=8, border=4, omitsize=False, title=say.text(one.name), svgclass="qr", lineclass="qr-line")
    return await layout_of(request).page(request, "carbon/place_code.html", place=one, svg=svg, address=address)


def _why(request: Request, error: DureError) -> str:
    reason = error.detail.get("reason")
    words = reason if isinstance(reason, Text) else practice_words.TROUBLES.get(error.code, Text(error.message, error.message))
    return layout_of(request).speech(request).text(words)


def _number(text: str) -> int:
    plain = text.replace(",", "").strip()
    return int(plain) if plain.isdecimal() and len(plain) < 15 else 0


def _fund(connection: Connection, fields: dict[str, str], rules: Setting, by: By, _: bytes) -> str:
    asked = Asked("fund", _number(fields.get("won", "")), document=fields.get("document", "")[:200])
    if not asked.document.strip():
        raise InputError("budget.document", "Write the number of the document.")
    day = programme_budgets.Setting(rules.zone, rules.at, rules.folder)
    programme_budgets.moved(connection, day, fields.get("programme", "")[:60], asked, by)
    return ""


def _settle(connection: Connection, fields: dict[str, str], _: Setting, by: By, __: bytes) -> str:
    wallet_desk.settle(connection, fields.get("payout", ""), "paid" if fields.get("say") == "paid" else "refused", by)
    return ""


def _partner(connection: Connection, fields: dict[str, str], rules: Setting, by: By, secret: bytes) -> str:
    practices = partner_desk.known_practices(_chosen(fields), rules)
    name = Text(fields.get("name", "").strip()[:80] or fields.get("id", ""))
    one = Partner(id=fields.get("id", "").strip(), name=name, practices=practices)
    return partner_desk.put(connection, one, by, secret)


def _new_key(connection: Connection, fields: dict[str, str], _: Setting, by: By, secret: bytes) -> str:
    return partner_desk.change_key(connection, fields.get("id", ""), by, secret)


def _end_partner(connection: Connection, fields: dict[str, str], _: Setting, by: By, __: bytes) -> str:
    partner_desk.end(connection, fields.get("id", ""), by)
    return ""


def _place(connection: Connection, fields: dict[str, str], rules: Setting, by: By, _: bytes) -> str:
    one = Place(
        id=fields.get("id", "").strip(), name=Text(fields.get("name", "").strip()[:80]), practices=_chosen(fields),
        turn_s=_number(fields.get("turn_s", "60")),
    )  # fmt: skip
    place_desk.put(connection, one, rules, by)
    return ""


def _end_place(connection: Connection, fields: dict[str, str], _: Setting, by: By, __: bytes) -> str:
    place_desk.end(connection, fields.get("id", ""), by)
    return ""


def _chosen(fields: dict[str, str]) -> tuple[str, ...]:
    return tuple(name.removeprefix("practice:") for name in fields if name.startswith("practice:"))


DEEDS: dict[str, Callable[[Connection, dict[str, str], Setting, By, bytes], str]] = {
    "fund": _fund, "settle": _settle, "partner": _partner, "new_key": _new_key, "end_partner": _end_partner, "place": _place,
    "end_place": _end_place,
}  # fmt: skip
