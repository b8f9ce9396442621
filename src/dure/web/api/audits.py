"""The audit log, to be read and to be verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.engines.records import audit
from dure.web.api.answers import answer, page, page_schema, schema_of, told
from dure.web.api.permits import SeesAudit
from dure.web.api.queries import CheckedRoute, Paged, text

if TYPE_CHECKING:
    from dure.engines.records.paging import Page
    from dure.spine.house import House


class AuditQuery(Paged):
    """Which entries."""

    actor: str = Field("", max_length=200, description="Only what this person or device did.")
    object: str = Field("", max_length=200, description="Only what was done to this.")


class VerifyQuery(BaseModel):
    """A head of the chain that was noted earlier, elsewhere."""

    n: int | None = Field(None, ge=0, le=2**62, description="Number of the last row at that time.")
    hash: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="Its hash.")


class Verdict(msgspec.Struct, frozen=True):
    """Whether the chain is whole; `broken_at` is the first row changed, removed or added by hand. Note `head` elsewhere."""

    whole: bool
    broken_at: int | None
    head: audit.Head


class Audit:
    """The routes of the audit log."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listing(self, request: Request, asked: Annotated[AuditQuery, Query()], _: SeesAudit) -> Response:
        """Who did what to what, newest first."""
        found = await run_in_threadpool(self._listing, asked)
        return page(request, found.items, found.next or None)

    async def verify(self, asked: Annotated[VerifyQuery, Query()], _: SeesAudit) -> Response:
        """Read the whole chain and check every seal."""
        if (asked.n is None) != (asked.hash is None):
            raise InputError("audit.head", "Give both n and hash of the noted head, or neither.")
        noted = None if asked.n is None or asked.hash is None else audit.Head(asked.n, asked.hash)
        return answer(await run_in_threadpool(self._verify, noted))

    def _listing(self, asked: AuditQuery) -> Page[audit.Entry]:
        with self._house.records.read() as connection:
            return audit.listing(
                connection,
                actor=text(asked.actor, "actor"),
                object_id=text(asked.object, "object"),
                after=text(asked.after, "after"),
                limit=asked.limit,
            )

    def _verify(self, noted: audit.Head | None) -> Verdict:
        with self._house.records.read() as connection:
            broken_at = audit.verify(connection, noted)
            return Verdict(broken_at is None, broken_at, audit.head(connection))


def routes(house: House) -> APIRouter:
    """The audit log."""
    router = APIRouter(prefix="/audit", tags=["operation"], route_class=CheckedRoute)
    log = Audit(house)
    router.get("", summary="Audit log", response_class=Response, responses=told(page_schema(audit.Entry), 401, 403, 503))(
        log.listing
    )
    router.get(
        "/verify", summary="Verify the audit log", response_class=Response, responses=told(schema_of(Verdict), 401, 403, 503)
    )(log.verify)
    return router
