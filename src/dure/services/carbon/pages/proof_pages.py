"""The transparency log for anyone: its heads and growth, one entry, the check of a bundle, how to do it without us, witnesses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.services.carbon.pages import claim_names, entry_view
from dure.services.carbon.pages import proof_words as words
from dure.services.carbon.transparency import alarms, canonical, log_records, open_log, proof_desk, witness_desk, witness_records
from dure.services.carbon.transparency.dure_verify import Check, checks
from dure.web.access import actor_of, require
from dure.web.bar_charts import BarChart, Series, Stack
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form, own_form_with_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from dure.services.carbon.pages.entry_view import EntryTold
    from dure.services.carbon.transparency.alarms import Alarm
    from dure.services.carbon.transparency.log_records import Day, Head, KeyRow, Leaf
    from dure.services.carbon.transparency.witness_records import Cosignature, Witness
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/carbon/log"
DAYS_SHOWN = 31
ENTRIES_SHOWN = 20
FILE_BYTES_MAX = 60_000
T = TypeVar("T")


class Standing(NamedTuple):
    """How the log stands."""

    head: Head | None
    note: str
    origin: str
    waiting: int
    published: list[tuple[Day, Head]]
    keys: list[KeyRow]
    witnesses: list[Witness]
    cosigned: list[Cosignature]
    own_key: str
    alarms: list[Alarm]
    newest: list[log_records.Leaf]


class Checked(NamedTuple):
    """A file that was checked: each check, or why it cannot be."""

    checks: list[Check]
    refusal: str = ""
    agrees: bool | None = None

    @property
    def holds(self) -> bool:
        """Whether all say yes."""
        return bool(self.checks) and all(one.ok for one in self.checks)


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of the log."""
    router = APIRouter()
    anyone = [Depends(require("read", "public_data"))]
    router.add_api_route(HERE, overview, methods=["GET"], dependencies=anyone)
    router.add_api_route(f"{HERE}/check", check, methods=["GET", "POST"], dependencies=anyone)
    router.add_api_route(f"{HERE}/how", how, methods=["GET"], dependencies=anyone)
    router.add_api_route(f"{HERE}/days/{{day}}", one_day, methods=["GET"], dependencies=anyone)
    router.add_api_route(f"{HERE}/entries/{{kind}}/{{ident:path}}", one_entry, methods=["GET"], dependencies=anyone)
    router.add_api_route(f"{HERE}/witnesses", witness, methods=["POST"])
    return router


async def overview(request: Request) -> Response:
    """The newest checkpoint, how the log grew, its keys and witnesses."""
    return await _overview(request, "", 200)


async def _overview(request: Request, refusal: str, status: int) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    found = await _read(house, lambda connection: _standing(connection, house))
    return await layout_of(request).page(
        request,
        "carbon/log.html",
        status=status,
        found=found,
        chart=_chart(found.published, say),
        words=words,
        labels={one.vkey: one.label for one in found.witnesses},
        refusal=refusal,
        here=HERE,
    )


def _standing(connection: Connection, house: House) -> Standing:
    head, state = log_records.head(connection), log_records.state(connection)
    size = 0 if state is None else state.size
    own = witness_desk.own_witness_key(connection, house.settings.data)
    return Standing(
        head,
        "" if head is None else str(proof_desk.note_of(connection, head)),
        "" if state is None else state.origin,
        log_records.waiting_n(connection),
        log_records.published(connection, DAYS_SHOWN),
        log_records.signing_keys(connection),
        witness_records.listed(connection),
        witness_records.newest(connection, ENTRIES_SHOWN),
        "" if own is None else own.text(),
        alarms.listed(connection),
        log_records.leaves(connection, max(0, size - ENTRIES_SHOWN), size)[::-1],
    )


def _chart(published: Sequence[tuple[Day, Head]], say: Speech) -> BarChart | None:
    """Entries at each day's checkpoint; None before the second."""
    if len(published) < 2:
        return None
    stacks = [Stack(day.day[5:], day.day, (float(head.size),)) for day, head in reversed(published)]
    series = [Series("entries", say("로그 항목"))]
    return BarChart(id="growth", title=say("날마다 공표한 체크포인트의 항목 수"), unit=say("건"), series=series, stacks=stacks)


async def one_day(request: Request, day: str) -> Response:
    """The checkpoint of a day, to print and keep."""
    house, say = house_of(request), layout_of(request).speech(request)

    def read(connection: Connection) -> tuple[Head, str]:
        head = open_log.of_day(connection, day)
        return head, str(proof_desk.note_of(connection, head))

    head, note = await _read(house, read)
    return await layout_of(request).page(
        request, "carbon/log_day.html", crumbs=[(HERE, say("투명성 로그"))], day=day, head=head, note=note, here=HERE
    )


async def one_entry(request: Request, kind: str, ident: str) -> Response:
    """What one entry says, where it stands, and its bundle to take away."""
    house, say = house_of(request), layout_of(request).speech(request)
    actor = await actor_of(request)

    def read(connection: Connection) -> tuple[Leaf, EntryTold | None]:
        key = f"{kind}/{ident}"
        return log_records.leaf(connection, key), entry_view.told(house, connection, actor, key)

    leaf, told = await _read(house, read)
    return await layout_of(request).page(
        request,
        "carbon/log_entry.html",
        crumbs=[(HERE, say("투명성 로그"))],
        leaf=leaf,
        kind=kind,
        ident=ident,
        told=told,
        names=claim_names,
        said=canonical.decode(leaf.leaf.encode()),
        words=words,
        here=HERE,
    )


async def check(request: Request) -> Response:
    """Check a bundle somebody brings, or hold a checkpoint against the log."""
    house, say = house_of(request), layout_of(request).speech(request)
    found = None
    if request.method == "POST":
        fields, content = await own_form_with_file(request, "file", FILE_BYTES_MAX)
        found = await run_in_threadpool(_checked, house, fields.get("note", ""), content)
    return await layout_of(request).page(
        request,
        "carbon/log_check.html",
        status=200 if found is None or found.holds or found.agrees else 422,
        crumbs=[(HERE, say("투명성 로그"))],
        found=found,
        words=words,
        here=HERE,
    )


def _checked(house: House, note: str, content: bytes) -> Checked:
    if content:
        return Checked(list(checks(content)))
    text = note.replace("\r\n", "\n").strip()
    if not text:
        return Checked([], "log.note_unreadable")
    try:
        refused = open_log.confront(house.records, f"{text}\n", house.clock.now())
    except InputError as error:
        return Checked([], error.code)
    return Checked([], "" if refused is None else refused.code, refused is None)


async def how(request: Request) -> Response:
    """How to check all of it without us, and how to become a witness."""
    say = layout_of(request).speech(request)
    found = await _read(house_of(request), log_records.signing_keys)
    return await layout_of(request).page(
        request, "carbon/log_how.html", crumbs=[(HERE, say("투명성 로그"))], vkey=found[-1].vkey if found else "", here=HERE
    )


async def witness(request: Request, actor: Actor = Depends(require("manage", "programme"))) -> Response:  # noqa: B008  # FastAPI's way
    """Take a witness's signatures from now on, or no more."""
    fields = await own_form(request)
    house = house_of(request)

    def write() -> None:
        at = house.clock.now()
        with house.records.begin() as connection:
            if fields.get("do") == "end":
                open_log.end_witness(connection, fields.get("vkey", ""), actor.id, at)
            else:
                open_log.add_witness(connection, fields.get("vkey", ""), fields.get("label", ""), actor.id, at)

    try:
        await run_in_threadpool(write)
    except InputError as error:
        return await _overview(request, error.code, 422)
    return RedirectResponse(f"/{language_of(request)}{HERE}", 303)


async def _read(house: House, ask: Callable[[Connection], T]) -> T:
    def read() -> Any:
        with house.records.read() as connection:
            return ask(connection)

    return await run_in_threadpool(read)
