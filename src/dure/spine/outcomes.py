"""What devices say became of their commands: ``ack/<city>/<device>`` with ``{"command": id, "outcome": "done", "why": ""}``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

import msgspec
import structlog

from dure.core.errors import DureError, NotAllowed
from dure.engines.records import commands, devices

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dure.core.time import Clock
    from dure.engines.bus.client import Bus, Received
    from dure.engines.records.store import Records

log = structlog.get_logger("dure.outcomes")


class Said(msgspec.Struct, frozen=True):
    """A device's word on a command."""

    command: str
    outcome: Literal["accepted", "done", "rejected"]
    why: str = ""


_decoder = msgspec.json.Decoder(Said)


async def follow_outcomes(bus: Bus, records: Records, city: str, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Settle commands by what their devices say; call the result to stop."""

    def settle(device: str, said: Said) -> None:
        with records.begin() as connection:
            asked = commands.get(connection, said.command)
            if devices.get(connection, device).asset != asked.asset:
                raise NotAllowed("command.not_yours", f"The command {said.command} is not for the device {device}.")
            commands.settle(connection, said.command, said.outcome, clock.now(), said.why[:500])

    async def hear(received: Received) -> None:
        device = received.subject.rsplit(".", 1)[-1]
        try:
            await asyncio.to_thread(settle, device, _decoder.decode(received.payload))
        except msgspec.DecodeError as error:
            log.warning("command.unreadable_outcome", device=device, why=str(error))
        except DureError as error:
            log.warning("command.outcome_refused", device=device, code=error.code)

    return await bus.subscribe(f"ack.{city}.*", hear, queue="outcomes")
