"""Groups and challenges: joined by a code, shown as sums that tell nobody apart."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor, may
from dure.core.errors import DureError, InputError
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.engines.records.audit import By
from dure.services.carbon.pages import practice_words
from dure.services.carbon.practising import challenge_desk, group_records
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.practising.practice_desk import Setting, setting_of
from dure.web.access import actor_of, require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

HERE = "/carbon/challenges"
PAST = timedelta(days=90)


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The routes of this part."""
    router = APIRouter()
    router.add_api_route(HERE, listing, methods=["GET"])
    router.add_api_route(f"{HERE}/do", do, methods=["POST"])
    router.add_api_route(f"{HERE}/make", make, methods=["POST"])
    router.add_api_route(f"{HERE}/{{challenge_id}}", one, methods=["GET"])
    return router


async def listing(request: Request) -> Response:
    """Challenges, and one's own groups."""
    return await _listing(request)


async def _listing(request: Request, trouble: str = "", status: int = 200) -> Response:
    house, actor = house_of(request), await actor_of(request)
    by = setting_of(house)

    def read() -> dict[str, Any]:
        with house.records.read() as connection:
            mine = group_records.groups_of(connection, actor.id) if may(actor, "act", "practice") else []
            found = group_records.all_challenges(connection, by.at - PAST)
            return {"challenges": found, "groups": mine}

    return await layout_of(request).page(
        request, "carbon/challenges.html", status=status, trouble=trouble, rules=by.rules, **await run_in_threadpool(read)
    )


async def one(request: Request, challenge_id: str) -> Response:
    """How a challenge stands."""
    house, actor = house_of(request), await actor_of(request)
    by = setting_of(house)

    def read() -> dict[str, Any]:
        with house.records.read() as connection:
            found, standings = challenge_desk.standing(connection, challenge_id[:64], by.rules.limits.shown_from)
            return {
                "one": found,
                "standings": standings,
                "sponsors": challenge_desk.sponsors(connection, found.id),
                "groups": group_records.groups_of(connection, actor.id) if may(actor, "act", "practice") else [],
                "entered": {each.id for each in group_records.groups_in(connection, found.id)},
            }

    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "carbon/challenge.html",
        crumbs=[(HERE, say("모임과 도전"))],
        rules=by.rules,
        shown_from=by.rules.limits.shown_from,
        **await run_in_threadpool(read),
    )


async def do(request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """Found, join or leave a group; enter a challenge with it."""
    house, fields = house_of(request), await own_form(request)
    deed = DEEDS.get(fields.get("do", ""))

    def write() -> None:
        if deed is None:
            raise InputError("practice.deed_unknown", "The form asks for nothing that is known here.")
        with house.records.begin() as connection:
            deed(connection, actor.id, fields, setting_of(house))

    try:
        await run_in_threadpool(write)
    except DureError as error:
        return await _listing(request, _why(request, error), 422)
    challenge = fields.get("challenge", "")[:64]
    return RedirectResponse(f"/{language_of(request)}{HERE}" + (f"/{challenge}" if challenge else ""), 303)


async def make(request: Request, actor: Actor = Depends(require("manage", "programme"))) -> Response:  # noqa: B008  # FastAPI's way
    """An officer makes a challenge."""
    house, fields = house_of(request), await own_form(request)
    by = setting_of(house)

    def write() -> Challenge:
        goal = fields.get("goal", "")
        made = Challenge(
            id=fields.get("id", "").strip()[:64],
            title=Text(fields.get("title_ko", "").strip(), fields.get("title_en", "").strip()),
            practices=tuple(name.removeprefix("practice:") for name in fields if name.startswith("practice:")),
            start_at=parse_instant(fields.get("start_on", ""), house.city.zone),
            end_at=parse_instant(fields.get("end_on", ""), house.city.zone),
            goal=int(goal) if goal.isdecimal() and len(goal) < 10 else 0,
        )
        with house.records.begin() as connection:
            return challenge_desk.make(connection, made, by, By(actor.id, by.at))

    try:
        made = await run_in_threadpool(write)
    except DureError as error:
        return await _listing(request, _why(request, error), 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}/{made.id}", 303)


def _why(request: Request, error: DureError) -> str:
    words = practice_words.TROUBLES.get(error.code, Text(error.message, error.message))
    return layout_of(request).speech(request).text(words)


def _found(connection: Connection, person: str, fields: dict[str, str], by: Setting) -> None:
    group_records.make_group(connection, person, fields.get("name", ""), by.at)


def _join(connection: Connection, person: str, fields: dict[str, str], by: Setting) -> None:
    group_records.join(connection, person, fields.get("code", "")[:20], by.at)


def _leave(connection: Connection, person: str, fields: dict[str, str], by: Setting) -> None:
    group_records.leave(connection, person, fields.get("group", "")[:64], by.at)


def _enter(connection: Connection, person: str, fields: dict[str, str], by: Setting) -> None:
    challenge_desk.enter(connection, person, fields.get("challenge", "")[:64], fields.get("group", "")[:64], by)


DEEDS: dict[str, Callable[[Connection, str, dict[str, str], Setting], None]] = {
    "found": _found, "join": _join, "leave": _leave, "enter": _enter,
}  # fmt: skip
