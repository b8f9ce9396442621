"""Asking an asset to do something: kept first, then sent to its devices. A service may object, whoever asks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import Conflict
from dure.engines.bus import subjects
from dure.engines.records import commands, devices

if TYPE_CHECKING:
    from dure.core.events import Command
    from dure.engines.records.audit import By
    from dure.spine.house import House


async def ask(house: House, command: Command, by: By) -> Command:
    """Keep a command, then send it to the asset's devices; asked again before it is answered, it is sent again.

    Raises
    ------
    Conflict : a service objects (with its code), every device is revoked (``command.no_device``), the key is another's
    InputError : the asset is unknown, or the command would expire before it is issued
    """
    kept, receivers = await asyncio.to_thread(_keep, house, command, by)
    if kept.outcome == "pending" and kept.expires_at > by.at:
        for device in receivers:
            await house.bus.send(subjects.command(house.city.id, device), msgspec.json.encode(kept))
    return kept


def _keep(house: House, command: Command, by: By) -> tuple[Command, list[str]]:
    with house.records.begin() as connection:
        for service in house.services:
            objection = service.objection(house, connection, command)
            if objection is not None:
                raise Conflict(objection.code, objection.why)
        found = devices.listing(connection, asset=command.asset).items
        receivers = [device.id for device in found if device.state != "revoked"]
        if found and not receivers:
            raise Conflict("command.no_device", f"Every device of the asset {command.asset!r} is revoked: nothing would hear it.")
        return commands.add(connection, command, by), receivers
