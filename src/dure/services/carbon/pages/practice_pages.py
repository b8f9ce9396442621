"""A citizen's practices, phone first: the catalogue, beginning, proving, the decision and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor, may
from dure.core.errors import DureError, NotFound
from dure.engines.blobs.bus import BusBlobs
from dure.services.carbon.pages import practice_queue_pages, practice_words, wallet_pages
from dure.services.carbon.pages.claim_names import MARKS
from dure.services.carbon.practising import (
    bag_desk,
    budget_desk,
    challenge_desk,
    photo_desk,
    place_desk,
    practice_desk,
    practice_records,
)
from dure.services.carbon.practising.act_told import told
from dure.services.carbon.practising.catalogue import worth
from dure.services.carbon.practising.photo import BYTES_MAX, look
from dure.services.carbon.practising.photo_desk import Sent
from dure.services.carbon.practising.photo_index import PhotoIndex
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.web.access import actor_of, require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form, own_form_with_file

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.practising.acts import Act
    from dure.services.carbon.practising.practice_desk import Setting
    from dure.spine.house import House

HERE, ACTS, SCAN = "/carbon/practices", "/carbon/acts", "/carbon/scan"
PHOTO = "/carbon/proof-photo"  # its own address: it takes a larger form
RECENT = 10


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The routes of this part."""
    router, proofs = APIRouter(), _Photos()
    router.add_api_route(HERE, catalogue, methods=["GET"])
    router.add_api_route(f"{HERE}/{{practice_id}}", practice, methods=["GET"])
    router.add_api_route(f"{ACTS}/{{act_id}}", act, methods=["GET"])
    router.add_api_route(SCAN, scan, methods=["GET"], dependencies=[Depends(require("act", "practice"))])
    router.add_api_route("/carbon/do", do, methods=["POST"])
    router.add_api_route(PHOTO, proofs.prove, methods=["POST"])
    router.include_router(wallet_pages.routes())
    router.include_router(practice_queue_pages.routes())
    return router


async def catalogue(request: Request) -> Response:
    """What one can do, what it is worth, and what became of what one did."""
    return await _catalogue(request)


async def _catalogue(request: Request, trouble: str = "", status: int = 200) -> Response:
    house, actor = house_of(request), await actor_of(request)
    by = setting_of(house)

    def read() -> tuple[list[Any], list[str], list[Act]]:
        with house.records.read() as connection:
            money = budget_desk.all_money(connection, by)
            if not may(actor, "act", "practice"):
                return money, [], []
            recent = practice_records.listing(connection, actor.id, limit=RECENT).items
            return money, practice_records.schemes_of(connection, actor.id), recent

    money, joined, recent = await run_in_threadpool(read)
    rules = by.rules
    return await layout_of(request).page(
        request,
        "carbon/practices.html",
        status=status,
        trouble=trouble,
        rules=rules,
        groups={one: [each for each in rules.practices.values() if each.scheme == one] for one in rules.schemes},
        worths={one.id: worth(one, rules.tier(one)) for one in rules.practices.values()},
        money=money,
        joined=joined,
        recent=[told(one, rules) for one in recent],
        words_of=practice_words,
        marks=MARKS,
        day=practice_words.day_teller(layout_of(request).speech(request)),
    )


async def practice(request: Request, practice_id: str) -> Response:
    """One practice: what is paid for it, how it is proved, and the forms to do so."""
    return await _practice(request, practice_id)


async def _practice(request: Request, practice_id: str, trouble: str = "", status: int = 200) -> Response:
    house, actor = house_of(request), await actor_of(request)
    by = setting_of(house)
    one = by.rules.practice(practice_id[:64])

    def read() -> tuple[bool, list[Act], list[str], str]:
        with house.records.read() as connection:
            if not may(actor, "act", "practice"):
                return False, [], [], ""
            member = practice_records.member(connection, actor.id)
            return (
                one.scheme in practice_records.schemes_of(connection, actor.id),
                practice_records.begun(connection, actor.id, one.id),
                bag_desk.bags_of(connection, actor.id),
                member.code if member else "",
            )

    joined, begun, bags, code = await run_in_threadpool(read)
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "carbon/practice.html",
        status=status,
        crumbs=[(HERE, say("내 실천"))],
        trouble=trouble,
        one=one,
        scheme=by.rules.schemes[one.scheme],
        worth=worth(one, by.rules.tier(one)),
        joined=joined,
        begun=begun[0] if begun else None,
        marks=MARKS,
        bags=bags,
        code=code,
        offered=by.rules.offered(one),
        words_of=practice_words,
    )


async def act(request: Request, act_id: str, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """What became of something one did, and why."""
    house = house_of(request)
    by = setting_of(house)

    def read() -> Act:
        with house.records.read() as connection:
            return practice_records.get(connection, act_id[:64], actor.id)

    found = told(await run_in_threadpool(read), by.rules)
    say = layout_of(request).speech(request)
    crumbs = [(HERE, say("내 실천")), (f"{HERE}/{found.practice}", say.text(found.name))]
    one = by.rules.practices.get(found.practice)
    worth_of = worth(one, by.rules.tier(one)) if one else None
    return await layout_of(request).page(
        request, "carbon/act.html", crumbs=crumbs, act=found, one=one, worth=worth_of, words_of=practice_words
    )


async def scan(request: Request) -> Response:
    """Where a place's code leads: choose what one did there."""
    house, text = house_of(request), request.query_params.get("code", "")[:300]
    by = setting_of(house)

    def read() -> place_desk.Place | None:
        with house.records.read() as connection:
            return place_desk.place_of(connection, text)

    place = await run_in_threadpool(read)
    here = [by.rules.practices[one] for one in place.practices if one in by.rules.practices] if place else []
    return await layout_of(request).page(
        request,
        "carbon/scan.html",
        status=200 if place else 404,
        place=place,
        code=text,
        here=here,
        worths={one.id: worth(one, by.rules.tier(one)) for one in here},
        words_of=practice_words,
    )


async def do(request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """Join, leave, begin, give up, prove by code or bag, register a bag."""
    house, fields = house_of(request), await own_form(request)
    practice_id = fields.get("practice", "")[:64]
    deed = DEEDS.get(fields.get("do", ""))
    if deed is None:
        raise NotFound("practice.deed_unknown", "The form asks for nothing that is known here.")
    secret = await run_in_threadpool(practice_key, house.settings.data)

    def write() -> Act | None:
        with house.records.begin() as connection:
            return deed(connection, actor.id, fields, setting_of(house), secret)

    try:
        found = await run_in_threadpool(write)
    except DureError as error:
        why = trouble_of(request, error)
        return await (_practice(request, practice_id, why, 422) if practice_id else _catalogue(request, why, 422))
    prefix = f"/{language_of(request)}"
    if found is not None and found.state != "started":
        return RedirectResponse(f"{prefix}{ACTS}/{found.id}", 303)
    return RedirectResponse(f"{prefix}{HERE}/{practice_id}" if practice_id else f"{prefix}{HERE}", 303)


def trouble_of(request: Request, error: DureError) -> str:
    """Why it could not be done, in the reader's language; what is no fault of theirs is raised on."""
    words = practice_words.TROUBLES.get(error.code)
    if words is None and error.who not in ("sender", "admin"):
        raise error
    return layout_of(request).speech(request).text(words) if words else error.message


def _join(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> None:
    practice_desk.join(connection, person, fields.get("scheme", "")[:64], by)


def _start(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> Act:
    return practice_desk.start(connection, person, fields.get("practice", ""), by)


def _give_up(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> Act:
    found = practice_records.get(connection, fields.get("act", "")[:64], person)
    return practice_desk.give_up(connection, found, "practice.taken_back", by.at)


def _scan(connection: Connection, person: str, fields: dict[str, str], by: Setting, secret: bytes) -> Act:
    asked = (fields.get("practice", ""), fields.get("code", "")[:300])
    return place_desk.prove(connection, person, asked, by, secret, challenge_desk.stretches)


def _bag(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> None:
    bag_desk.take(connection, person, fields.get("bag", "").strip().lower()[:64], by)


def _weighed(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> Act:
    return bag_desk.prove(connection, person, fields.get("bag", "")[:64], by, challenge_desk.stretches)


def _new_code(connection: Connection, person: str, _: dict[str, str], by: Setting, __: bytes) -> None:
    practice_records.put_member(connection, person, by.at)
    practice_records.change_code(connection, person)


DEEDS: dict[str, Callable[[Connection, str, dict[str, str], Setting, bytes], Act | None]] = {
    "join": _join, "start": _start, "give_up": _give_up, "scan": _scan, "bag": _bag, "weighed": _weighed, "new_code": _new_code,
}  # fmt: skip


class _Photos:
    """Proofs by a photo; it knows all photos that were kept."""

    def __init__(self) -> None:
        self._index = PhotoIndex()

    async def prove(self, request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
        """Read the photo, keep it without what tells of person and phone, decide."""
        house = house_of(request)
        fields, data = await own_form_with_file(request, "photo", BYTES_MAX)
        practice_id = fields.get("practice", "")[:64]
        try:
            seen = await run_in_threadpool(look, data, house.city.zone)
            found = await self._kept_and_proved(house, actor.id, Sent(practice_id, seen, photo_desk.new_blob()))
        except DureError as error:
            return await _practice(request, practice_id, trouble_of(request, error), 422)
        return RedirectResponse(f"/{language_of(request)}{ACTS}/{found.id}", 303)

    async def _kept_and_proved(self, house: House, person: str, sent: Sent) -> Act:
        """The bytes are there before a row speaks of them; of a photo that proves nothing they do not stay."""
        blobs = await BusBlobs.open(house.bus)
        await blobs.put(sent.blob, sent.look.kept)
        wanted = False
        try:
            found = await run_in_threadpool(self._prove, house, person, sent)
            wanted = found.state in ("awarded", "doubtful")
        finally:
            if not wanted:
                await blobs.delete(sent.blob)
        return found

    def _prove(self, house: House, person: str, sent: Sent) -> Act:
        with house.records.begin() as connection:
            return photo_desk.prove(connection, person, sent, setting_of(house), self._index, challenge_desk.stretches)
