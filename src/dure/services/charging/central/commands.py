"""The house's commands to stations: heard on the bus, asked of the station, settled by its answer.

A command to a charger says what is asked in OCPP's words, ``arguments = {"action": "Reset", "payload": {"type": "Soft"}}``,
unless who answers for the stations makes the question of it (`port.Following`). It stays pending while its station is away, and
expires as every command does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from dure.core.errors import Conflict, DureError, InputError
from dure.core.events import Command, Outcome
from dure.core.time import to_us
from dure.engines.records import commands
from dure.services.charging.central.port import Asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dure.engines.bus.client import Received
    from dure.services.charging.central.desk import Desk
    from dure.services.charging.central.link import Link
    from dure.spine.house import House

log = structlog.get_logger("dure.charging.central")

AT_ONCE_MAX = 1_000
TIMEOUT_S_MAX = 120.0
# Statuses by which a station says yes; an answer without a status is one.
ACCEPTING = frozenset({"Accepted", "AcceptedCanceled", "Scheduled", "RebootRequired", "Unlocked", "EmptyResultSet"})

_decoder = msgspec.json.Decoder(Command)


class Commands:
    """Hears and settles the commands to stations connected here."""

    def __init__(self, house: House, desk: Desk) -> None:
        self._house = house
        self._desk = desk
        self._tasks: set[asyncio.Task[None]] = set()
        self._running: set[str] = set()

    async def follow(self) -> Callable[[], Awaitable[None]]:
        """Hear commands from now on; call the result to stop."""
        return await self._house.bus.subscribe(f"cmd.{self._house.city.id}.*", self._hear)

    async def _hear(self, received: Received) -> None:
        link = self._desk.links.get(received.subject.rsplit(".", 1)[-1])
        if link is None:
            return  # another service's device, or a station of another process
        try:
            command = _decoder.decode(received.payload)
        except msgspec.MsgspecError:
            log.warning("command.unreadable", charger=link.charger.id)
            return
        if command.asset == link.charger.id and command.id not in self._running and len(self._tasks) < AT_ONCE_MAX:
            self._running.add(command.id)
            task = asyncio.create_task(self._carry_out(link, command), name=f"command {command.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, link: Link, command: Command) -> None:
        try:
            asked = await self._ask(link, command)
            follow = getattr(self._desk.answering, "told", None)
            if follow is not None:
                self._desk.journal.keep(follow(link.charger, asked))
                await self._desk.journal.flush()
            outcome, why = outcome_of(asked)
            if outcome is not None:
                await asyncio.to_thread(self._settle, command.id, outcome, why)
        except DureError as error:
            log.warning("command.not_settled", command=command.id, code=error.code)
        except Exception:  # a defect with one command ends no other; unsettled, it expires
            log.exception("command.failed", command=command.id)
        finally:
            self._running.discard(command.id)

    async def _ask(self, link: Link, command: Command) -> Asked:
        timeout_s = min((command.expires_at - self._house.clock.now()).total_seconds(), TIMEOUT_S_MAX)
        action, error, why = "", "", ""
        payload: dict[str, Any] = {}
        answer: dict[str, Any] | None = None
        try:
            action, payload = question_of(link, command, self._desk.answering)
            answer = await link.ask(action, payload, max(timeout_s, 0.0))
        except DureError as found:
            error, why = found.code, str(found.detail.get("error") or found.message)
        return Asked(command.id, action, payload, answer, error, why, to_us(self._house.clock.now()))

    def _settle(self, command_id: str, outcome: Outcome, why: str) -> None:
        with self._house.records.begin() as connection:
            try:
                commands.settle(connection, command_id, outcome, self._house.clock.now(), why[:500])
            except Conflict as error:  # it expired meanwhile, or was settled before
                log.info("command.settled_before", command=command_id, code=error.code)

    async def close(self) -> None:
        """Leave what is being asked: it stays pending and expires."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def question_of(link: Link, command: Command, answering: object) -> tuple[str, dict[str, Any]]:
    """Action and payload of a command."""
    make = getattr(answering, "question", None)
    if make is not None:
        action, payload = make(link.charger, link.version, command)
        return str(action), dict(payload)
    action, payload = command.arguments.get("action"), command.arguments.get("payload", {})
    if not isinstance(action, str) or not isinstance(payload, dict):
        raise InputError("ocpp.payload", "A command to a charger needs the arguments action and payload.")
    return action, payload


def outcome_of(asked: Asked) -> tuple[Outcome | None, str]:
    """What became of a command; None while it may still be asked again before it expires."""
    if asked.answer is None:
        silent = asked.error in {"station.offline", "station.silent", "station.busy"}
        return (None, "") if silent else ("rejected", f"{asked.why} [{asked.error}]")
    status = asked.answer.get("status")
    if status is None or status in ACCEPTING:
        return "done", str(status or "")
    return "rejected", str(status)
