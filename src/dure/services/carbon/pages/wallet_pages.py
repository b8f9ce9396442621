"""A citizen's wallet: what is in it and why, having it paid, one's data, leaving and being erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import DureError, InputError
from dure.core.text import Text
from dure.services.carbon.pages import practice_words
from dure.services.carbon.practising import bag_desk, elsewhere_records, erasing, practice_records, wallet_desk
from dure.services.carbon.practising.practice_desk import Setting, setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.reasons import REASONS
from dure.services.carbon.practising.signing import compared, comparing_key
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.services.carbon.practising.wallet_desk import Wallet

HERE = "/carbon/wallet"
NUMBER_MAX = 40


def routes() -> APIRouter:
    """The pages of wallets."""
    router = APIRouter()
    router.add_api_route(HERE, wallet, methods=["GET"])
    router.add_api_route(f"{HERE}/data.json", data, methods=["GET"])
    router.add_api_route(f"{HERE}/do", do, methods=["POST"])
    return router


async def wallet(request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """What is in it and why."""
    return await _wallet(request, actor)


async def _wallet(request: Request, actor: Actor, trouble: str = "", status: int = 200) -> Response:
    house = house_of(request)
    by = setting_of(house)

    def read() -> tuple[Wallet, list[str], list[str], list[str]]:
        with house.records.read() as connection:
            return (
                wallet_desk.wallet(connection, actor.id),
                practice_records.schemes_of(connection, actor.id),
                bag_desk.bags_of(connection, actor.id),
                elsewhere_records.consents_of(connection, actor.id),
            )

    found, joined, bags, consents = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "carbon/wallet.html",
        status=status,
        trouble=trouble,
        done=request.query_params.get("done", "")[:20],
        wallet=found,
        joined=joined,
        bags=bags,
        consents=consents,
        rules=by.rules,
        reasons=REASONS,
        words_of=practice_words,
    )


async def data(request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """All that is kept of oneself, as a file."""
    house = house_of(request)

    def read() -> dict[str, Any]:
        with house.records.read() as connection:
            return erasing.export(connection, actor.id)

    body = msgspec.json.format(msgspec.json.encode(await run_in_threadpool(read)), indent=2)
    headers = {"Content-Disposition": 'attachment; filename="my-practices.json"'}
    return Response(body, media_type="application/json", headers=headers)


async def do(request: Request, actor: Actor = Depends(require("act", "practice"))) -> Response:  # noqa: B008  # FastAPI's way
    """Have money paid, leave, be compared or not, be erased."""
    house, fields = house_of(request), await own_form(request)
    name = fields.get("do", "")
    deed = DEEDS.get(name)
    secret = await run_in_threadpool(practice_key, house.settings.data)

    def write() -> None:
        if deed is None:
            raise InputError("practice.deed_unknown", "The form asks for nothing that is known here.")
        with house.records.begin() as connection:
            deed(connection, actor.id, fields, setting_of(house), secret)

    try:
        await run_in_threadpool(write)
    except DureError as error:
        words = practice_words.TROUBLES.get(error.code, Text(error.message, error.message))
        return await _wallet(request, actor, layout_of(request).speech(request).text(words), 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}?done={name}", 303)


def _pay_out(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> None:
    text = fields.get("won", "").replace(",", "").strip()
    wallet_desk.ask(connection, person, int(text) if text.isdecimal() and len(text) < 12 else 0, by)


def _leave(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> None:
    erasing.leave(connection, person, fields.get("scheme", "")[:64], by)


def _erase(connection: Connection, person: str, fields: dict[str, str], by: Setting, _: bytes) -> None:
    erasing.erase(connection, person, by, waive=fields.get("waive") == "yes")


def _consent(connection: Connection, person: str, fields: dict[str, str], by: Setting, secret: bytes) -> None:
    other, number = fields.get("other", ""), fields.get("number", "").strip()
    if other not in by.rules.elsewhere or not 4 <= len(number) <= NUMBER_MAX:
        raise InputError("id.malformed", "Write your number in the other scheme.")
    digest = compared(comparing_key(secret, other), number)
    elsewhere_records.consent(connection, person, other, digest, by.at)


def _revoke(connection: Connection, person: str, fields: dict[str, str], _: Setting, __: bytes) -> None:
    elsewhere_records.revoke(connection, person, fields.get("other", "")[:64])


DEEDS: dict[str, Callable[[Connection, str, dict[str, str], Setting, bytes], None]] = {
    "payout": _pay_out, "leave": _leave, "erase": _erase, "consent": _consent, "revoke": _revoke,
}  # fmt: skip
