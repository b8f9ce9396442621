"""From a ``configure`` command of the house to the network server of its device: encoded, handed over, and told.

A network server queues it until the device is next heard; that is "accepted", and whether the device took it shows in what it
sends. A command for a device that no integration reaches stays pending and expires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from dure.core.events import Command
from dure.core.observations import Rejected
from dure.engines.bus import subjects
from dure.protocols.downlinks import CONFIGURE, Down, downlink_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dure.engines.bus.client import Bus, Received
    from dure.spine.directory import Directory

_decoder = msgspec.json.Decoder(Command)


class Sends(Protocol):
    """A way to a network server."""

    def send_down(self, dev_eui: str, down: Down) -> bool:
        """Hand a downlink over; False when this way does not reach the device."""
        ...


async def forward_downlinks(bus: Bus, city: str, directory: Directory, way: Sends) -> Callable[[], Awaitable[None]]:
    """Hand settings over as they are asked; call the result to stop."""

    async def hear(received: Received) -> None:
        device = directory.device(received.subject.rsplit(".", 1)[-1])
        try:
            command = _decoder.decode(received.payload)
        except msgspec.DecodeError:
            return  # only the house sends here
        if device is None or not device.dev_eui or command.name != CONFIGURE:
            return
        down = downlink_of(device.codec, command.arguments)
        if isinstance(down, Rejected):
            outcome, why = "rejected", down.why
        elif way.send_down(device.dev_eui, down):
            outcome, why = "accepted", ""
        else:
            return
        said = {"command": command.id, "outcome": outcome, "why": why}
        await bus.send(subjects.ack(city, device.id), msgspec.json.encode(said))

    return await bus.subscribe(f"cmd.{city}.*", hear)
