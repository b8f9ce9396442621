"""Programmes and their budgets: what the rule grants, what was put in, promised, given and left; fund, freeze, thaw, close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.governing import board_desk, budget_desk, budget_records
from dure.services.carbon.governing.budgets import DEEDS, NOTE_MAX, Asked, returnable
from dure.services.carbon.pages import claim_names, practice_words
from dure.services.carbon.pages.claim_pages import read_records
from dure.services.carbon.practising import budget_desk as practice_budgets
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.programmes import programmes
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.governing.budgets import Done, Standing
    from dure.services.carbon.practising.budget_desk import Money
    from dure.spine.house import House

HERE = "/operations/carbon/programmes"
NONE = Text("")
STATES: dict[str, Word] = {
    "open": Word(Text("받는 중", "Open"), "success", "check", NONE),
    "frozen": Word(Text("동결", "Frozen"), "information", "diamond", NONE),
    "spent": Word(Text("다 씀", "Spent"), "danger", "cross", NONE),
    "unfunded": Word(Text("예산을 넣지 않음", "Not funded"), "warning", "triangle", NONE),
    "unpaid": Word(Text("보상 없음", "No rewards"), "gray", "dash", NONE),
}
DEED_NAMES: dict[str, Text] = {
    "fund": Text("예산을 넣음", "Funded"),
    "freeze": Text("동결함", "Frozen"),
    "thaw": Text("풂", "Thawed"),
    "close": Text("남은 시 예산을 되돌림", "City's rest taken back"),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of programmes."""
    router = APIRouter()
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=[Depends(require("read", "ledger"))])
    router.add_api_route(HERE, move, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """All programmes with their money this year."""
    return await _page(request)


async def move(request: Request, actor: Actor = Depends(require("manage", "programme"))) -> Response:  # noqa: B008  # FastAPI's way
    """Fund, freeze, thaw or close one."""
    house, fields, say = house_of(request), await own_form(request), layout_of(request).speech(request)
    ident, by = fields.get("programme", "")[:60], By(actor.id, house.clock.now())
    deed = next((one for one in DEEDS if one == fields.get("deed")), None)
    won = _whole(fields.get("won", "")) if deed == "fund" else 0
    if deed is None or won is None:
        return await _page(request, (ident, say("금액을 원 단위의 수로 적어 주세요.")), 422)
    asked = Asked(deed, won, fields.get("note", "")[:NOTE_MAX], fields.get("document", "")[:200] if deed == "fund" else "")

    def act() -> None:
        with house.records.begin() as connection:
            budget_desk.move(house, connection, ident, asked, by)

    try:
        await run_in_threadpool(act)
    except (Conflict, InputError) as refused:
        reason = refused.detail.get("reason")
        return await _page(request, (ident, say.text(reason) if isinstance(reason, Text) else refused.message), 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}?done={deed}", 303)


async def _page(request: Request, trouble: tuple[str, str] = ("", ""), status: int = 200) -> Response:
    house, year = house_of(request), board_desk.this_year(house_of(request))

    setting = setting_of(house)

    def read(connection: Connection) -> tuple[dict[str, Standing], list[Done], dict[str, Money]]:
        found = budget_desk.standings(house, connection, year)
        lasts = {
            ident: practice_budgets.money(connection, ident, setting) for ident, one in found.items() if one.state != "unpaid"
        }
        return found, budget_records.listing(connection), lasts

    standings, deeds, lasts = await read_records(house, read)
    known = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)
    values: dict[str, Any] = {"states": STATES, "deed_names": DEED_NAMES, "names": claim_names, "returnable": returnable}
    return await layout_of(request).page(
        request,
        "carbon/programmes.html",
        status=status,
        year=year,
        standings=standings,
        programmes=known,
        deeds=deeds,
        lasts=lasts,
        day=practice_words.day_teller(layout_of(request).speech(request)),
        trouble=trouble,
        done=request.query_params.get("done", "")[:20],
        **values,
    )


def _whole(text: str) -> int | None:
    digits = text.replace(",", "").replace(" ", "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else None  # far beyond any budget
