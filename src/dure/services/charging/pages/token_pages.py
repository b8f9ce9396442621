"""Who may charge: cards by their label, never by their number."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.engines.records.audit import By
from dure.services.charging.pages import desk_words
from dure.services.charging.tokens import token_csv, token_desk, token_records
from dure.services.charging.tokens.token_desk import Imported
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import HOLDERS, Holder, Token
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form, own_form_with_file

if TYPE_CHECKING:
    from dure.spine.house import House

LIST = "/operations/charging/tokens"
FORM = "/operations/charging/token"
IMPORT = "/operations/charging/token-import"
PAGE_ROWS = 50
REJECTED_SHOWN = 20


class Told(msgspec.Struct, frozen=True):
    """What the page says of the last thing done."""

    trouble: str = ""
    fields: dict[str, str] = {}  # msgspec copies an empty default for every instance
    brought: Imported | None = None


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of tokens."""
    router = APIRouter()
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    router.add_api_route(FORM, act, methods=["POST"])
    router.add_api_route(IMPORT, bring, methods=["POST"])
    return router


async def listing(request: Request) -> Response:
    """All tokens, and the forms to add them."""
    return await _page(request, Told())


async def _page(request: Request, told: Told, status: int = 200) -> Response:
    house, asked = house_of(request), request.query_params
    holder = next((one for one in HOLDERS if one == asked.get("holder")), None)
    group, after = asked.get("group", "")[:20], asked.get("after", "")[:64]
    now = house.clock.now()

    def read() -> tuple[Any, dict[str, int]]:
        with house.records.read() as connection:
            found = token_records.listing(connection, holder=holder, group=group, after=after, limit=PAGE_ROWS)
            return found, token_records.counts(connection)

    found, counts = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "charging/tokens.html",
        status=status,
        tokens=found.items,
        following=found.next,
        after=after,
        holder=holder or "",
        group=group,
        counts=counts,
        words=desk_words,
        told=told,
        rejected=told.brought.rejected[:REJECTED_SHOWN] if told.brought else [],
        done=asked.get("told", ""),
        columns=", ".join(token_csv.COLUMNS),
        over=lambda token: token.expires_at is not None and token.expires_at <= now,
    )


async def act(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Add a token, block it or take it again."""
    fields = await own_form(request)
    house, say = house_of(request), layout_of(request).speech(request)
    by, do = By(actor.id, house.clock.now()), fields.get("do", "")
    try:
        await run_in_threadpool(_done, house, fields, do, by)
    except InputError as error:
        reason = desk_words.TOKEN_WHY.get(error.code)
        shown = {name: value for name, value in fields.items() if name != "token"}
        return await _page(request, Told(say.text(reason) if reason else error.message, shown), 422)
    return RedirectResponse(f"/{language_of(request)}{LIST}?told={do}", 303)


def _done(house: House, fields: dict[str, str], do: str, by: By) -> None:
    with house.records.begin() as connection:
        if do in {"block", "unblock"}:
            token_desk.block(connection, fields.get("digest", ""), by, blocked=do == "block")
        elif do == "add":
            text = fields.get("token", "")
            if text.strip() and text.strip().casefold() in fields.get("label", "").casefold():
                raise InputError("token.label", "The label holds the card's number.")
            token_desk.add(connection, text, _token(house, fields), token_key(house.settings.data), by)
        else:
            raise InputError("token.fields", "Nothing was asked for.")


def _token(house: House, fields: dict[str, str]) -> Token:
    holder: Holder = next((one for one in HOLDERS if one == fields.get("holder")), "member")
    concurrent, last = fields.get("concurrent", "") or "1", fields.get("expires_on", "")
    if not concurrent.isdecimal():
        raise InputError("token.fields", "A number of transactions is a whole number.")
    until: datetime | None = None
    if last:
        try:
            day = date.fromisoformat(last)
        except ValueError:
            raise InputError("token.fields", "The last day is no day.") from None
        until = datetime.combine(day + timedelta(days=1), time(), house.city.zone).astimezone(UTC)
    return Token(
        digest="",
        label=fields.get("label", "").strip(),
        holder=holder,
        group=fields.get("group", "").strip(),
        expires_at=until,
        concurrent_n=int(concurrent),
        offline=fields.get("offline") == "yes",
    )


async def bring(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Take a CSV of tokens."""
    house, say = house_of(request), layout_of(request).speech(request)
    _, data = await own_form_with_file(request, "file", token_csv.BYTES_MAX)
    by = By(actor.id, house.clock.now())

    def take() -> Imported:
        rows, rejected = token_csv.read(data, house.city.zone)
        with house.records.begin() as connection:
            added, changed = token_desk.bring(connection, rows, token_key(house.settings.data), by)
        return Imported(added, changed, rejected)

    try:
        found = await run_in_threadpool(take)
    except InputError as error:
        reason = desk_words.TOKEN_WHY.get(error.code)
        return await _page(request, Told(say.text(reason) if reason else error.message), 422)
    return await _page(request, Told(brought=found))
