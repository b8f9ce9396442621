"""Who may charge. Tokens are named by their digest; the number of a card comes in once and is not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.time import parse_instant
from dure.engines.records.audit import By
from dure.services.charging.tokens import token_csv, token_desk, token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.body import read_body
from dure.web.api.permits import Commands
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

NO_ZERO = r"^[^\x00]*$"
Site = Annotated[str, Field(max_length=64, pattern=NO_ZERO)]


class TokenQuery(Paged):
    """Which tokens."""

    holder: Literal["member", "guest", "staff"] | None = Field(None, description="Only of this kind.")
    group: str = Field("", max_length=20, description="Only of this group.")


class TokenFields(BaseModel):
    """What is known of a token beside its number."""

    label: str = Field("", max_length=120, pattern=NO_ZERO, description="What staff call it; never the number.")
    holder: Literal["member", "guest", "staff"] = Field("member", description="Whose it is.")
    group: str = Field("", max_length=20, pattern=NO_ZERO, description="Tokens of one group may stop each other's transactions.")
    blocked: bool = Field(default=False, description="Refused everywhere.")
    expires_at: str | None = Field(None, description="Good until this instant (RFC 3339).", examples=["2027-01-01T00:00:00Z"])
    concurrent_n: int = Field(1, ge=0, le=1_000, description="Transactions at once; 0: any number.")
    offline: bool = Field(default=True, description="Whether stations may take it while they are not connected.")
    sites: list[Site] = Field([], max_length=1_000, description="Only at these sites; none: everywhere.")


class NewToken(TokenFields):
    """A new token."""

    token: str = Field(min_length=1, max_length=255, pattern=NO_ZERO, description="The card's number; it is used and not kept.")


class TokenRoutes:
    """The routes of tokens."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def tokens(self, request: Request, asked: Annotated[TokenQuery, Query()], _: Commands) -> Response:
        """Tokens, by digest."""

        def read(connection: Connection) -> Any:
            group, after = text(asked.group, "group"), text(asked.after, "after")
            return token_records.listing(connection, holder=asked.holder, group=group, after=after, limit=asked.limit)

        found = await run_in_threadpool(self._read, read)
        return page(request, found.items, found.next or None)

    async def one(self, token_id: str, _: Commands) -> Response:
        """One token."""
        name = text(token_id, "token")
        return answer(await run_in_threadpool(self._read, lambda connection: token_records.get(connection, name)))

    async def add(self, wanted: NewToken, actor: Commands) -> Response:
        """Add a token."""
        key, by = token_key(self._house.settings.data), self._by(actor.id)
        made = Token(digest="", **_fields(wanted))
        return answer(
            await run_in_threadpool(self._write, lambda connection: token_desk.add(connection, wanted.token, made, key, by)), 201
        )

    async def change(self, token_id: str, wanted: TokenFields, actor: Commands) -> Response:
        """Change a token, or block it."""
        name, by, fields = text(token_id, "token"), self._by(actor.id), _fields(wanted)
        return answer(await run_in_threadpool(self._write, lambda connection: token_desk.change(connection, name, fields, by)))

    async def bring(self, request: Request, actor: Commands) -> Response:
        """Take a CSV of tokens: new ones are added, known ones changed; rows that cannot be used come back."""
        body = await read_body(request, token_csv.BYTES_MAX)
        key, by = token_key(self._house.settings.data), self._by(actor.id)
        rows, rejected = await run_in_threadpool(token_csv.read, body, self._house.city.zone)
        added, changed = await run_in_threadpool(self._write, lambda connection: token_desk.bring(connection, rows, key, by))
        return answer({"added": added, "changed": changed, "rejected": rejected})

    def _by(self, actor: str) -> By:
        return By(actor, self._house.clock.now())

    def _read(self, read: Callable[[Connection], Any]) -> Any:
        with self._house.records.read() as connection:
            return read(connection)

    def _write(self, write: Callable[[Connection], Any]) -> Any:
        with self._house.records.begin() as connection:
            return write(connection)


def _fields(wanted: TokenFields) -> dict[str, Any]:
    fields = wanted.model_dump(exclude={"token"})
    fields["sites"] = tuple(wanted.sites)
    fields["expires_at"] = None if wanted.expires_at is None else parse_instant(wanted.expires_at)
    return fields


def routes(house: House) -> APIRouter:
    """Routes of tokens."""
    router = APIRouter(prefix="/charging/tokens", tags=["charging"], route_class=CheckedRoute)
    desk, token, acted = TokenRoutes(house), schema_of(Token), (400, 401, 403, 404, 409, 503)
    report = {
        "type": "object",
        "properties": {
            "added": {"type": "integer"},
            "changed": {"type": "integer"},
            "rejected": {"type": "array", "items": {"type": "object"}},
        },
    }
    router.get("", summary="Tokens", response_class=Response, responses=told(page_schema(Token), 401, 403, 503))(desk.tokens)
    router.post("", summary="Add a token", status_code=201, response_class=Response, responses=told(token, *acted, status=201))(
        desk.add
    )
    router.post(
        "/import",
        summary="Import tokens from CSV",
        response_class=Response,
        responses=told(report, *acted, 413),
        openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )(desk.bring)
    router.get("/{token_id}", summary="One token", response_class=Response, responses=told(token, 401, 403, 404, 503))(desk.one)
    router.put("/{token_id}", summary="Change a token", response_class=Response, responses=told(token, *acted))(desk.change)
    return router
