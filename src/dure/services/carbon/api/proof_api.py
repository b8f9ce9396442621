"""Heads, proofs and bundles of the log, for anyone: nothing in it is personal.

Checkpoint, tiles and entry bundles stand as C2SP tlog-tiles has them, so that programs nobody here wrote can follow the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import Actor
from dure.core.time import day_of
from dure.services.carbon.claiming import claim_bundle
from dure.services.carbon.transparency import log_records, open_log, proof_desk, witness_desk, witness_records
from dure.services.carbon.transparency.dure_verify import checks
from dure.services.carbon.transparency.log_rules import log_rules
from dure.web.access import require
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import SeesPublicData
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.spine.house import House

T = TypeVar("T")
ManagesProgrammes = Annotated[Actor, Depends(require("manage", "programme"))]
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"
JSON = "application/json"
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
SOON = {"Cache-Control": "public, max-age=2"}
PAGE_MAX = 1_000


class Sizes(BaseModel):
    """Two checkpoints."""

    first: int = Field(ge=0, description="Entries of the earlier checkpoint.", examples=[120])
    second: int = Field(ge=0, description="Entries of the later one.", examples=[480])


class Places(BaseModel):
    """Which entries."""

    start: int = Field(0, ge=0, description="From this place on.", examples=[0])
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Most entries.", examples=[100])


class Days(BaseModel):
    """Which daily checkpoints."""

    before: str = Field("", max_length=10, description="Only days before this local day.", examples=["2026-11-24"])
    limit: int = Field(100, ge=1, le=PAGE_MAX, description="Most days.", examples=[30])


class Shown(BaseModel):
    """A checkpoint somebody was shown."""

    model_config = ConfigDict(extra="forbid")

    note: str = Field(max_length=100_000, description="The signed note.")


class Cosigned(BaseModel):
    """A witness's signature."""

    model_config = ConfigDict(extra="forbid")

    size: int = Field(ge=0, description="Entries of the checkpoint that was signed.")
    line: str = Field(max_length=1_000, description="The signature line of C2SP tlog-cosignature.")


class NewWitness(BaseModel):
    """A witness to take signatures of."""

    model_config = ConfigDict(extra="forbid")

    vkey: str = Field(max_length=500, description="Its key: name+id+base64, kind 4.")
    label: str = Field(max_length=100, description="Who it is.")


class EntryForm(msgspec.Struct, frozen=True):
    """An entry: its place and its canonical JSON."""

    place: int
    leaf: str


class DayForm(msgspec.Struct, frozen=True):
    """A daily checkpoint."""

    day: str
    size: int
    root: str
    note: str


class CheckForm(msgspec.Struct, frozen=True):
    """One check: name, yes or no, why."""

    name: str
    ok: bool
    why: str


class Checked(msgspec.Struct, frozen=True):
    """Whether all checks of a file say yes, and each of them."""

    holds: bool
    checks: list[CheckForm]


class Confronted(msgspec.Struct, frozen=True):
    """Whether a checkpoint is of this log as it stands; otherwise the code of what is wrong."""

    agrees: bool
    code: str
    why: str


class KeysForm(msgspec.Struct, frozen=True):
    """The log's name, its keys (the last one signs now), and its witnesses."""

    origin: str
    keys: list[log_records.KeyRow]
    witnesses: list[witness_records.Witness]
    own_witness_key: str


class LogRoutes:
    """Routes of the log."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def checkpoint(self, _: SeesPublicData) -> Response:
        """The newest checkpoint with all its signatures, a C2SP signed note."""
        note = await self._read(lambda c: str(proof_desk.note_of(c, proof_desk.head_of(c))))
        return Response(note, headers=SOON, media_type=TEXT)

    async def daily(self, asked: Annotated[Days, Query()], _: SeesPublicData) -> Response:
        """Checkpoints published day by day, the newest first."""
        rows = await self._read(lambda c: log_records.published(c, asked.limit, asked.before))
        return answer({"items": [DayForm(day.day, head.size, head.root, head.note) for day, head in rows]})

    async def of_day(self, day: str, _: SeesPublicData) -> Response:
        """The checkpoint of a local day, as the file that is archived."""
        head = await self._read(lambda c: open_log.of_day(c, day))
        headers = {"Content-Disposition": f'attachment; filename="checkpoint-{head.size}.txt"'}
        return Response(head.note, headers=headers, media_type=TEXT)

    async def tile(self, level: str, path: str, _: SeesPublicData) -> Response:
        """A tile of hashes, or with the level `entries` a bundle of entries, as C2SP tlog-tiles says."""
        content = await self._read(lambda c: open_log.tile(c, level, path))
        return Response(content, headers=FOR_EVER, media_type=BYTES)

    async def entries(self, asked: Annotated[Places, Query()], _: SeesPublicData) -> Response:
        """Entries in the order of their places: the log as open data."""
        rows = await self._read(lambda c: log_records.leaves(c, asked.start, asked.start + asked.limit))
        return answer({"items": [EntryForm(one.place, one.leaf) for one in rows]})

    async def bundle(self, kind: str, ident: str, _: SeesPublicData) -> Response:
        """An entry with its proof: the file that `dure_verify.py` checks offline."""
        content = await self._read(lambda c: claim_bundle.bundle_of(c, f"{kind}/{ident}"))
        headers = {"Content-Disposition": 'attachment; filename="bundle.json"'}
        return Response(content, headers=headers, media_type=JSON)

    async def consistency(self, asked: Annotated[Sizes, Query()], _: SeesPublicData) -> Response:
        """The proof that one checkpoint is the beginning of another: the file that `dure_verify.py` checks offline."""
        content = await self._read(lambda c: proof_desk.consistency_of(c, asked.first, asked.second))
        headers = {"Content-Disposition": 'attachment; filename="consistency.json"'}
        return Response(content, headers=headers, media_type=JSON)

    async def keys(self, _: SeesPublicData) -> Response:
        """The log's name, keys and witnesses."""

        def read(connection: Connection) -> KeysForm:
            state = log_records.state(connection)
            own = witness_desk.own_witness_key(connection, self._house.settings.data)
            return KeysForm(
                "" if state is None else state.origin,
                log_records.signing_keys(connection),
                witness_records.listed(connection),
                "" if own is None else own.text(),
            )

        return answer(await self._read(read))

    async def verifier(self, _: SeesPublicData) -> Response:
        """The one-file verifier, standard library only."""
        headers = {"Content-Disposition": 'attachment; filename="dure_verify.py"'}
        return Response(open_log.verifier(), headers=headers, media_type="text/x-python; charset=utf-8")

    async def check(self, request: Request, _: SeesPublicData) -> Response:
        """Check a bundle, or a proof of growth, as the one-file verifier does; who does not trust us runs that instead."""
        content = await request.body()
        found = await run_in_threadpool(lambda: [CheckForm(*one) for one in checks(content)])
        return answer(Checked(all(one.ok for one in found), found))

    async def confront(self, asked: Shown, _: SeesPublicData) -> Response:
        """Hold a checkpoint somebody was shown against the log; one that we signed and that does not fit is an alarm."""
        refused = await run_in_threadpool(open_log.confront, self._house.records, asked.note, self._house.clock.now())
        if refused is None:
            return answer(Confronted(agrees=True, code="", why=""))
        return answer(Confronted(agrees=False, code=refused.code, why=refused.reason.en or refused.reason.ko))

    async def cosign(self, asked: Cosigned, _: SeesPublicData) -> Response:
        """Take a witness's signature of a checkpoint: its key is its credential."""
        now = self._house.clock.now()
        ahead = log_rules(day_of(now, self._house.city.zone), self._house.city.folder).ahead
        return answer(await self._write(lambda c: witness_desk.take_cosignature(c, asked.size, asked.line, now, ahead)))

    async def witness(self, asked: NewWitness, actor: ManagesProgrammes) -> Response:
        """Take a witness's signatures from now on."""
        now = self._house.clock.now()
        return answer(await self._write(lambda c: open_log.add_witness(c, asked.vkey, asked.label, actor.id, now)))

    async def _read(self, ask: Callable[[Connection], T]) -> T:
        def read() -> T:
            with self._house.records.read() as connection:
                return ask(connection)

        return await run_in_threadpool(read)

    async def _write(self, do: Callable[[Connection], T]) -> T:
        def write() -> T:
            with self._house.records.begin() as connection:
                return do(connection)

        return await run_in_threadpool(write)


def routes(house: House) -> APIRouter:
    """Routes of the log."""
    router = APIRouter(prefix="/carbon/log", tags=["carbon"], route_class=CheckedRoute)
    desk = LogRoutes(house)

    def items(type_: Any) -> dict[str, Any]:
        return {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": schema_of(type_)}}}

    def add(path: str, work: Callable[..., Any], summary: str, content: tuple[str, dict[str, Any]]) -> None:
        responses = told(content[1], 400, 404, 503, media_type=content[0])
        router.get(path, summary=summary, response_class=Response, responses=responses)(work)

    text, blob = {"type": "string"}, {"type": "string", "format": "binary"}
    add("/checkpoint", desk.checkpoint, "Newest checkpoint of the log", ("text/plain", text))
    add("/checkpoints", desk.daily, "Daily checkpoints", (JSON, items(DayForm)))
    add("/checkpoints/{day}", desk.of_day, "Checkpoint of a day", ("text/plain", text))
    add("/tile/{level}/{path:path}", desk.tile, "Tile of the log", (BYTES, blob))
    add("/entries", desk.entries, "Entries of the log", (JSON, items(EntryForm)))
    add("/bundles/{kind}/{ident:path}", desk.bundle, "Entry with its proof", (JSON, {"type": "object"}))
    add("/consistency", desk.consistency, "Proof that the log only grew", (JSON, {"type": "object"}))
    add("/keys", desk.keys, "Keys and witnesses of the log", (JSON, schema_of(KeysForm)))
    add("/verifier", desk.verifier, "The one-file verifier", ("text/x-python", text))

    def post(path: str, work: Callable[..., Any], summary: str, type_: Any, body: dict[str, Any] | None = None) -> None:
        responses = told(schema_of(type_), 400, 401, 403, 404, 409, 413, 503)
        router.post(path, summary=summary, response_class=Response, responses=responses, openapi_extra=body)(work)

    file = {"requestBody": {"required": True, "content": {JSON: {"schema": {"type": "object"}}}}}
    post("/check", desk.check, "Check a bundle", Checked, file)
    post("/confrontations", desk.confront, "Hold a checkpoint against the log", Confronted)
    post("/cosignatures", desk.cosign, "Give a witness's signature", witness_records.Cosignature)
    post("/witnesses", desk.witness, "Add a witness", witness_records.Witness)
    return router
