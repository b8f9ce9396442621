"""How Dure is: a word for everyone, the engines for operators, figures for Prometheus."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Literal

import msgspec
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure import __version__
from dure.core.access import may
from dure.core.errors import DureError
from dure.engines.records import outbox, parked
from dure.web.api.answers import answer, schema_of, told
from dure.web.api.permits import SeesPublicData, SeesSystem
from dure.web.api.queries import CheckedRoute

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from dure.engines.bus.client import StreamState
    from dure.spine.house import House
    from dure.web.api.stream import Broadcast

CHECK_S = 3.0
Word = Literal["ok", "degraded"]
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


class EngineHealth(msgspec.Struct, frozen=True):
    """Whether one engine answers, and the code when it does not."""

    name: str
    ok: bool
    code: str = ""
    why: str = ""


class RecorderHealth(msgspec.Struct, frozen=True):
    """What the recorder did since it started; `lag` is the messages waiting for it."""

    seq: int
    lag: int
    rows: int
    repeats: int
    conflicts: int
    parked: int
    gaps: int
    trouble: str


class StreamHealth(msgspec.Struct, frozen=True):
    """What the bus keeps, and since when: a stream made anew counts from 1 again."""

    first_seq: int
    last_seq: int
    messages: int
    bytes: int
    born_at: str


class DiskHealth(msgspec.Struct, frozen=True):
    """Space where Dure keeps its data."""

    free_mb: int
    total_mb: int
    enough: bool


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """How Dure is. What stands after `status` is for operators alone."""

    status: Word
    version: str = ""
    engines: list[EngineHealth] | None = None
    recorder: RecorderHealth | None = None
    stream: StreamHealth | None = None
    disk: DiskHealth | None = None
    parked: dict[str, int] | None = None
    outbox_waiting: int | None = None
    pages_open: int | None = None
    events_encoded: int | None = None


class Doctor:
    """Asks each engine how it is."""

    def __init__(self, house: House, broadcast: Broadcast) -> None:
        self._house = house
        self._broadcast = broadcast

    async def health(self, actor: SeesPublicData) -> Response:
        """Whether all is well; operators also see what is not."""
        found = await self.examine()
        detailed = may(actor, "read", "system")
        shown = found if detailed else Health(found.status)
        return answer(shown, headers={"Cache-Control": "no-store"})

    async def metrics(self, _: SeesSystem) -> Response:
        """Figures in Prometheus' text form."""
        return Response(metrics_text(await self.examine()), media_type=PROMETHEUS)

    async def examine(self) -> Health:
        """How every part is, now."""
        house = self._house
        stream: list[StreamState] = []

        async def bus() -> None:
            stream.append(await house.bus.state())

        engines = list(
            await asyncio.gather(
                _check("bus", bus),
                _check("records", lambda: run_in_threadpool(house.records.check)),
                _check("telemetry", lambda: run_in_threadpool(house.telemetry.check)),
            )
        )
        disk = await run_in_threadpool(self._disk)
        recorder = self._recorder()
        counts, waiting = await run_in_threadpool(self._counts)
        well = all(one.ok for one in engines) and disk.enough and not (recorder is not None and recorder.trouble)
        return Health(
            status="ok" if well else "degraded",
            version=__version__,
            engines=engines,
            recorder=recorder,
            stream=StreamHealth(*msgspec.structs.astuple(stream[0])) if stream else None,
            disk=disk,
            parked=counts,
            outbox_waiting=waiting,
            pages_open=self._broadcast.pages,
            events_encoded=self._broadcast.encoded,
        )

    def _recorder(self) -> RecorderHealth | None:
        recorder = self._house.recorder
        if recorder is None:
            return None
        at = recorder.progress
        return RecorderHealth(at.seq, at.lag, at.rows, at.repeats, at.conflicts, at.parked, at.gaps, at.trouble)

    def _disk(self) -> DiskHealth:
        settings = self._house.settings
        usage = shutil.disk_usage(settings.data if settings.data.exists() else ".")
        free_mb = usage.free // 1_048_576
        return DiskHealth(free_mb, usage.total // 1_048_576, free_mb >= settings.disk_free_min_mb)

    def _counts(self) -> tuple[dict[str, int] | None, int | None]:
        try:
            with self._house.records.read() as connection:
                return parked.counts(connection), outbox.waiting(connection)[0]
        except DureError:
            return None, None


async def _check(name: str, ask: Callable[[], Awaitable[None]]) -> EngineHealth:
    try:
        async with asyncio.timeout(CHECK_S):
            await ask()
    except DureError as error:
        return EngineHealth(name, ok=False, code=error.code, why=error.message)
    except TimeoutError:
        return EngineHealth(name, ok=False, code=f"{name}.slow", why=f"It did not answer within {CHECK_S:g} s.")
    return EngineHealth(name, ok=True)


def metrics_text(health: Health) -> str:
    """The figures of a health report as Prometheus reads them."""
    lines: list[str] = []

    def tell(name: str, kind: str, help_: str, samples: Iterable[tuple[str, float]]) -> None:
        rows = [
            f"dure_{name}{labels} {number:g}" if number < 1e6 else f"dure_{name}{labels} {int(number)}"
            for labels, number in samples
        ]
        if rows:
            lines.extend((f"# HELP dure_{name} {help_}", f"# TYPE dure_{name} {kind}", *rows))

    tell("up", "gauge", "1 when all is well, 0 when degraded.", [("", float(health.status == "ok"))])
    tell(
        "engine_up",
        "gauge",
        "Whether an engine answers.",
        [(f'{{engine="{e.name}"}}', float(e.ok)) for e in health.engines or ()],
    )
    if health.recorder is not None:
        at = health.recorder
        tell("recorder_lag_messages", "gauge", "Messages waiting for the recorder.", [("", at.lag)])
        tell("recorder_seq", "gauge", "Last sequence recorded.", [("", at.seq)])
        for name in ("rows", "repeats", "conflicts", "parked", "gaps"):
            tell(f"recorder_{name}_total", "counter", f"Recorder: {name} since start.", [("", getattr(at, name))])
    if health.stream is not None:
        tell("stream_messages", "gauge", "Messages the bus keeps.", [("", health.stream.messages)])
        tell("stream_bytes", "gauge", "Bytes the bus keeps.", [("", health.stream.bytes)])
    if health.disk is not None:
        tell("disk_free_bytes", "gauge", "Free space of the data folder.", [("", health.disk.free_mb * 1_048_576)])
    tell(
        "parked", "gauge", "Parked readings, by code.", [(f'{{code="{c}"}}', n) for c, n in sorted((health.parked or {}).items())]
    )
    tell(
        "outbox_waiting", "gauge", "Messages that wait to be sent.", [("", n) for n in (health.outbox_waiting,) if n is not None]
    )
    tell("pages_open", "gauge", "Pages that follow the stream.", [("", health.pages_open or 0)])
    tell("events_encoded_total", "counter", "Events encoded for open pages.", [("", health.events_encoded or 0)])
    return "\n".join(lines) + "\n"


def routes(house: House, broadcast: Broadcast) -> APIRouter:
    """How Dure is."""
    router = APIRouter(tags=["operation"], route_class=CheckedRoute)
    doctor = Doctor(house, broadcast)
    router.get("/health", summary="Health", response_class=Response, responses=told(schema_of(Health)))(doctor.health)
    router.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses=told({"type": "string"}, 401, 403, media_type="text/plain"),
    )(doctor.metrics)
    return router
