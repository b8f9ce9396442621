"""Telemetry from another process: the web face asks the recorder over the bus, in the words of the telemetry port.

DuckDB lets one process open its file. A question is one message; the answer comes in parts below the bus's limit.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
import structlog

from dure.core.errors import DureError, EngineError, Unavailable
from dure.core.observations import Batch, Observation, SeriesKey
from dure.engines.telemetry.port import RollUpColumns, SeriesColumns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from dure.core.observations import Revisions
    from dure.core.properties import Property
    from dure.engines.bus.client import Bus, Received
    from dure.engines.telemetry.port import Appended, Period, Telemetry

log = structlog.get_logger("dure.remote")

PART_BYTES = 524_288
ANSWER_S = 30.0
MORE, LAST, ERROR = b"m", b"l", b"e"
NOBODY = "503"  # the bus's own answer when no one hears a question
ASKED = frozenset(
    {
        "series",
        "observations",
        "observation",
        "rollup",
        "totals",
        "latest",
        "keys",
        "day",
        "touched_days",
        "revised_days",
        "count",
        "check",
        "cursor",
        "backup",
    }
)
T = TypeVar("T")


def subject(city: str, question: str) -> str:
    """Where a question of the telemetry port is asked."""
    return f"telemetry.{city}.{question}"


async def serve_telemetry(bus: Bus, telemetry: Telemetry, city: str) -> Callable[[], Awaitable[None]]:
    """Answer the questions of other processes; call the result to stop."""

    async def answer(received: Received) -> None:
        question = received.subject.rsplit(".", 1)[-1]
        try:
            parts = await asyncio.to_thread(_answer, telemetry, question, received.payload)
        except DureError as error:
            parts = [ERROR + msgspec.msgpack.encode([error.code, error.message])]
        for part in parts:
            await bus.send(received.reply, part)

    return await bus.subscribe(subject(city, "*"), answer, queue="telemetry")


def _answer(telemetry: Telemetry, question: str, payload: bytes) -> list[bytes]:
    if question not in ASKED:
        raise EngineError("telemetry.question", f"The telemetry port has no question {question[:40]!r}.")
    args, options = msgspec.msgpack.decode(payload)
    if question in {"series", "observation"}:
        args[0] = tuple(args[0])
    if question == "observations":
        args[0] = [tuple(key) for key in args[0]]
        options["after"] = tuple(options["after"]) if options.get("after") else None
    found = getattr(telemetry, question)(*args, **options)
    if question == "totals":
        found = [(*key, *sums) for key, sums in found.items()]
    body = msgspec.msgpack.encode(list(found) if question == "day" else found, enc_hook=_plain)
    parts = [body[at : at + PART_BYTES] for at in range(0, len(body), PART_BYTES)]
    return [MORE + part for part in parts[:-1]] + [LAST + parts[-1]]


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:  # names: their bytes would be addresses in this process
            return value.tolist()
        return [value.dtype.str, value.tobytes()]
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot travel")


def _columns(type_: type[T], fields: Mapping[str, Any]) -> T:
    """A struct of columns from what travelled: arrays are pairs of type and bytes, `keys` are pairs of text."""
    made: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "keys":
            made[name] = [tuple(key) for key in value]
        elif len(value) == 2 and isinstance(value[1], bytes):
            made[name] = np.frombuffer(value[1], value[0])
        else:
            made[name] = value
    return type_(**made)


def _no_answer() -> Unavailable:
    return Unavailable("telemetry.no_answer", "The recorder does not answer. Is `dure run recorder` up?")


class RemoteTelemetry:
    """The questions of the telemetry port, asked over the bus. Call from threads, never from the event loop itself."""

    def __init__(self, bus: Bus, city: str, loop: asyncio.AbstractEventLoop) -> None:
        self._bus, self._city, self._loop = bus, city, loop

    def _ask(self, question: str, *args: object, **options: object) -> Any:
        future = asyncio.run_coroutine_threadsafe(self._fetch(question, msgspec.msgpack.encode([args, options])), self._loop)
        return future.result(ANSWER_S + 5)

    async def _fetch(self, question: str, payload: bytes) -> Any:
        parts: list[bytes] = []
        done: asyncio.Future[bytes] = self._loop.create_future()

        async def hear(received: Received) -> None:
            if (received.headers or {}).get("Status") == NOBODY:
                if not done.done():
                    done.set_exception(_no_answer())
                return
            mark, part = received.payload[:1], received.payload[1:]
            if mark == ERROR:
                parts.clear()
            parts.append(part)
            if mark in {LAST, ERROR} and not done.done():
                done.set_result(mark)

        inbox = self._bus.client.new_inbox()
        stop = await self._bus.subscribe(inbox, hear)
        try:
            await self._bus.client.publish(subject(self._city, question), payload, reply=inbox)
            async with asyncio.timeout(ANSWER_S):
                mark = await done
        except TimeoutError as error:
            raise _no_answer() from error
        finally:
            await stop()
        answer = msgspec.msgpack.decode(b"".join(parts))
        if mark == ERROR:
            raise Unavailable(*answer)
        return answer

    def append(self, batch: Batch, cursors: Mapping[str, int], revised: Revisions | None = None) -> Appended:  # noqa: ARG002  # the port's own words
        """Only the recorder writes."""
        raise EngineError("telemetry.read_only", "Only the recorder writes telemetry; publish to the bus instead.")

    def cursor(self, stream: str) -> int:
        """See `Telemetry.cursor`."""
        return int(self._ask("cursor", stream))

    def series(
        self, key: SeriesKey, start_us: int, end_us: int, *, as_of_us: int | None = None, limit: int | None = None
    ) -> SeriesColumns:
        """See `Telemetry.series`."""
        return _columns(SeriesColumns, self._ask("series", key, start_us, end_us, as_of_us=as_of_us, limit=limit))

    def observations(  # the port's own question
        self,
        keys: Sequence[SeriesKey],
        start_us: int,
        end_us: int,
        *,
        as_of_us: int | None = None,
        after: tuple[int, str, str] | None = None,
        limit: int = 10_000,
    ) -> list[Observation]:
        """See `Telemetry.observations`."""
        found = self._ask("observations", keys, start_us, end_us, as_of_us=as_of_us, after=after, limit=limit)
        return msgspec.convert(found, list[Observation])

    def observation(self, key: SeriesKey, time_us: int) -> Observation | None:
        """See `Telemetry.observation`."""
        return msgspec.convert(self._ask("observation", key, time_us), Observation | None)

    def rollup(
        self, property_id: str, period: Period, start_us: int, end_us: int, *, assets: Sequence[str] | None = None
    ) -> RollUpColumns:
        """See `Telemetry.rollup`."""
        return _columns(RollUpColumns, self._ask("rollup", property_id, period, start_us, end_us, assets=assets))

    def totals(self, period: Period, start_us: int, end_us: int) -> dict[tuple[str, int], tuple[float, int]]:
        """See `Telemetry.totals`."""
        return {(p, at): (total, n) for p, at, total, n in self._ask("totals", period, start_us, end_us)}

    def latest(self, *, as_of_us: int | None = None) -> Batch:
        """See `Telemetry.latest`."""
        return _columns(Batch, self._ask("latest", as_of_us=as_of_us))

    def keys(self) -> list[SeriesKey]:
        """See `Telemetry.keys`."""
        return [tuple(key) for key in self._ask("keys")]

    def day(self, day_start_us: int, day_end_us: int) -> Iterator[Batch]:
        """See `Telemetry.day`."""
        for fields in self._ask("day", day_start_us, day_end_us):
            yield _columns(Batch, fields)

    def touched_days(self, since_us: int) -> list[int]:
        """See `Telemetry.touched_days`."""
        return list(self._ask("touched_days", since_us))

    def revised_days(self, since_us: int) -> list[int]:
        """See `Telemetry.revised_days`."""
        return list(self._ask("revised_days", since_us))

    def count(self, start_us: int = 0, end_us: int = 2**62) -> int:
        """See `Telemetry.count`."""
        return int(self._ask("count", start_us, end_us))

    def maintain(self, *, now_us: int, seconds: float = 1.0) -> bool:  # noqa: ARG002  # the recorder does it
        """Nothing to do here: the recorder looks after its file."""
        return False

    def expire(self, properties: Sequence[Property], *, now_us: int, archived_until_us: int) -> int:  # noqa: ARG002  # the recorder does it
        """Nothing to do here: the recorder looks after its file."""
        return 0

    def check(self) -> None:
        """See `Telemetry.check`."""
        self._ask("check")

    def backup(self, folder: str) -> None:
        """The recorder copies its file into a folder that it sees too."""
        self._ask("backup", folder)

    def close(self) -> None:
        """Nothing to let go of."""
