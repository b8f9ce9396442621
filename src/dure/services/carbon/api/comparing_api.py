"""Whom other schemes paid, as hashes: the key both hash their members' numbers by, and the lists another scheme hands over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.practising import elsewhere_records
from dure.services.carbon.practising.elsewhere_records import Held
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.signing import comparing_key
from dure.web.access import require
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.queries import CheckedRoute, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

HASHES_MOST = 10_000
ManagesProgrammes = Annotated[Actor, Depends(require("manage", "programme"))]


class OtherTold(msgspec.Struct, frozen=True, kw_only=True):
    """Another scheme: which deeds it pays for too, and what of its lists is here."""

    id: str
    name: Text
    deeds: tuple[str, ...]
    held: Held


class KeyTold(msgspec.Struct, frozen=True, kw_only=True):
    """The key of a scheme: HMAC-SHA-256 of a member's number, letters and digits alone in upper case, by these bytes (hex)."""

    scheme: str
    key: str


class BroughtTold(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a list: how many hashes, and how many of them were new."""

    scheme: str
    of: int
    new: int


class Brought(BaseModel):
    """Whom a scheme paid in ``[start_at, end_at)``."""

    model_config = ConfigDict(extra="forbid")
    start_at: str = Field(max_length=40, description="RFC 3339.", examples=["2025-12-31T15:00:00Z"])
    end_at: str = Field(max_length=40, description="RFC 3339.", examples=["2026-06-30T15:00:00Z"])
    hashes: list[str] = Field(min_length=1, max_length=HASHES_MOST, description="64 lower-case hex digits each.")


class ComparingRoutes:
    """The routes of comparing."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, _: ManagesProgrammes) -> Response:
        """Other schemes, and what of their lists is here."""
        rules = setting_of(self._house).rules

        def read() -> dict[str, Held]:
            with self._house.records.read() as connection:
                return {one: elsewhere_records.held(connection, one) for one in rules.elsewhere}

        found = await run_in_threadpool(read)
        items = [OtherTold(id=one.id, name=one.name, deeds=one.deeds, held=found[one.id]) for one in rules.elsewhere.values()]
        return answer({"items": items})

    async def key(self, scheme: str, actor: ManagesProgrammes) -> Response:
        """The key to hand to a scheme; that it was asked for is audited."""
        ident = self._known(scheme)

        def work() -> str:
            key = comparing_key(practice_key(self._house.settings.data), ident).hex()
            with self._house.records.begin() as connection:
                audit.append(connection, self._by(actor), "manage", "programme", ident, {"comparing": "key told"})
            return key

        return answer(KeyTold(scheme=ident, key=await run_in_threadpool(work)))

    async def bring(self, scheme: str, asked: Brought, actor: ManagesProgrammes) -> Response:
        """Take in whom a scheme paid; the same list twice adds nothing."""
        ident, by = self._known(scheme), self._by(actor)
        span = (parse_instant(asked.start_at), parse_instant(asked.end_at))

        def write(connection: Connection) -> int:
            new = elsewhere_records.bring(connection, ident, asked.hashes, span, by.at)
            audit.append(connection, by, "manage", "programme", ident, {"comparing": {"of": len(asked.hashes), "new": new}})
            return new

        def work() -> int:
            with self._house.records.begin() as connection:
                return write(connection)

        return answer(BroughtTold(scheme=ident, of=len(asked.hashes), new=await run_in_threadpool(work)))

    def _known(self, scheme: str) -> str:
        ident = text(scheme, "scheme")
        if ident not in setting_of(self._house).rules.elsewhere:
            raise NotFound("practice.other_unknown", f"No scheme {ident[:60]!r} stands in [[elsewhere]] of practices.toml today.")
        return ident

    def _by(self, actor: Actor) -> By:
        return By(actor.id, self._house.clock.now())


def routes(house: House) -> APIRouter:
    """The routes of this part."""
    router = APIRouter(prefix="/carbon", tags=["carbon"], route_class=CheckedRoute)
    desk = ComparingRoutes(house)
    reads, writes = (400, 401, 403, 503), (400, 401, 403, 404, 409, 503)
    items: dict[str, Any] = {"type": "array", "items": schema_of(OtherTold)}
    listed = {"type": "object", "required": ["items"], "properties": {"items": items}}

    def post(path: str, work: Callable[..., Any], summary: str, schema: dict[str, Any]) -> None:
        router.post(path, summary=summary, response_class=Response, responses=told(schema, *writes))(work)

    summary = "Other schemes that are compared with"
    router.get("/elsewhere", summary=summary, response_class=Response, responses=told(listed, *reads))(desk.listing)
    post("/elsewhere/{scheme}/key", desk.key, "The key of a scheme", schema_of(KeyTold))
    post("/elsewhere/{scheme}/paid", desk.bring, "Whom a scheme paid", schema_of(BroughtTold))
    return router
