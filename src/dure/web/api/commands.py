"""Commands to assets: ask one, see what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.events import Command
from dure.core.identifiers import identifier
from dure.engines.records import commands
from dure.engines.records.audit import By
from dure.engines.records.tables import canonical
from dure.spine import commanding
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import Commands, SeesDecisions
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House

VALID_S_MAX = 7 * 86_400
ARGUMENT_BYTES_MAX = 65_536


class CommandQuery(Paged):
    """Which commands."""

    asset: str | None = Field(None, max_length=64, description="Only those to this asset.")


class NewCommand(BaseModel):
    """A command to be asked."""

    asset: str = Field(max_length=64, description="The asset that is asked.", examples=["hs-0017"])
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$", description="What it is asked to do.", examples=["report_now"])
    key: str = Field(
        pattern=r"^[A-Za-z0-9_.:-]{1,100}$",
        description="Idempotency key: asked again, it is the same command.",
        examples=["2026-11-24-1"],
    )
    arguments: dict[str, Any] = Field({}, description="The command's own words.")
    valid_s: int = Field(300, ge=1, le=VALID_S_MAX, description="Seconds until it expires.")


class Desk:
    """The routes of commands."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[CommandQuery, Query()], _: SeesDecisions) -> Response:
        """Commands, newest first."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def one(self, command_id: str, _: SeesDecisions) -> Response:
        """One command and its outcome."""
        return answer(await run_in_threadpool(self._get, command_id))

    async def ask(self, wanted: NewCommand, actor: Commands) -> Response:
        """Keep a command, then send it to the asset's devices; asked again before it is answered, it is sent again."""
        now = self._house.clock.now()
        command = Command(
            id=uuid4().hex,
            asset=identifier(wanted.asset, "asset id"),
            name=wanted.name,
            key=wanted.key,
            issued_at=now,
            expires_at=now + timedelta(seconds=wanted.valid_s),
            arguments=_arguments(wanted.arguments),
        )
        kept = await commanding.ask(self._house, command, By(actor.id, now))
        return answer(kept, 202)

    def _listing(self, asked: CommandQuery) -> Page[Command]:
        asset = "" if asked.asset is None else identifier(asked.asset, "asset id")
        with self._house.records.read() as connection:
            return commands.listing(connection, asset=asset, after=text(asked.after, "after"), limit=asked.limit)

    def _get(self, command_id: str) -> Command:
        with self._house.records.read() as connection:
            return commands.get(connection, text(command_id, "command_id"))


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(canonical(given))
    except (OverflowError, UnicodeEncodeError, RecursionError, TypeError, ValueError) as error:
        raise InputError("command.arguments", f"The arguments cannot be kept: {error}.") from error
    if size > ARGUMENT_BYTES_MAX:
        raise InputError("command.arguments", f"The arguments are larger than {ARGUMENT_BYTES_MAX:,} bytes.")
    return given


def routes(house: House) -> APIRouter:
    """Commands."""
    router = APIRouter(prefix="/commands", tags=["commands"], route_class=CheckedRoute)
    desk = Desk(house)
    router.get("", summary="Commands", response_class=Response, responses=told(page_schema(Command), 401, 403, 503))(desk.listing)
    router.get(
        "/{command_id}", summary="One command", response_class=Response, responses=told(schema_of(Command), 401, 403, 404, 503)
    )(desk.one)
    router.post(
        "",
        summary="Ask a command",
        status_code=202,
        response_class=Response,
        responses=told(
            schema_of(Command), 400, 401, 403, 409, 503, status=202, description="Kept, and sent to the asset's devices."
        ),
    )(desk.ask)
    return router
