"""Where bins are asked: the house's commands, with what is known of the bin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from dure.core.errors import InputError, NotFound
from dure.core.events import Command
from dure.core.observations import Rejected
from dure.engines.records import assets, devices
from dure.services.waste.bins import bin_of
from dure.services.waste.devices import command_rules
from dure.services.waste.devices.command_rules import Standing
from dure.services.waste.driving import tap_records
from dure.services.waste.model import ALARMS, Bin
from dure.services.waste.rules import Rule, load_pack
from dure.services.waste.safety import alarm_records
from dure.spine import commanding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.spine.house import House

VALID = timedelta(minutes=5)
WET = "wet"  # what a crew's or operator's sighting says in its facts


async def ask(
    house: House, bin_id: str, name: str, key: str, by: By, arguments: Mapping[str, Any] | None = None
) -> Command:  # who asks whom for what, once
    """Ask a bin for one of `command_rules.COMMANDS`; `key` asked again is the same command. Its outcome is in the records.

    Raises
    ------
    Conflict : it must not be asked this now (``command.locked``, ``command.unfit``, ``downlink.…``)
    InputError : there is no such command (``command.unknown_name``) or bin (``asset.unknown``)
    """
    if name not in command_rules.COMMANDS:
        raise InputError("command.unknown_name", f"Bins know no command {name[:40]!r}: {', '.join(command_rules.COMMANDS)}.")
    given, until = dict(arguments or {}), by.at + VALID
    command = Command(id=uuid4().hex, asset=bin_id, name=name, key=key, issued_at=by.at, expires_at=until, arguments=given)
    return await commanding.ask(house, command, by)


def objection(house: House, connection: Connection, command: Command) -> Rejected | None:
    """Why the asset of a command must not be asked this now, if it is a bin; None when it may be. Blocks."""
    if command.name not in command_rules.COMMANDS:
        return None
    try:
        asset = assets.get(connection, command.asset)
    except NotFound:
        return None  # who keeps the command says so
    if asset.kind != "bin":
        return None
    try:
        one = bin_of(asset)
    except InputError as error:
        return Rejected(0, error.code, error.message, asset.id)
    return command_rules.objection(one, command.name, command.arguments, standing_of(house, connection, one, command.issued_at))


def standing_of(house: House, connection: Connection, one: Bin, at: datetime) -> Standing:
    """How a bin stands. An alarm counts while it is open, and while the newest value says so."""
    sensed = {kind for name, kind in ALARMS.items() if (value := house.live.get(one.id, name)) is not None and value.value == 1}
    return Standing(
        alarms=frozenset(alarm_records.open_kinds(connection, one.id) | sensed),
        wet=is_wet_stream(house, one, at) or is_flagged_wet(connection, one.id),
        codecs=tuple(one.codec for one in devices.listing(connection, asset=one.id).items if one.state != "revoked"),
    )


def is_wet_stream(house: House, one: Bin, at: datetime) -> bool:
    """Whether the bin's stream is never pressed, by rules/devices.toml."""
    pack = load_pack("devices", house.city.folder)
    return any(row.id == one.stream for row in pack.rows("wet_streams", Rule, at.astimezone(house.city.zone).date()))


def is_flagged_wet(connection: Connection, bin_id: str) -> bool:
    """Whether somebody said since the last emptying that the bin holds wet waste."""
    for one in tap_records.of_bin(connection, bin_id):
        if not tap_records.counts(one):
            continue
        if one.kind == "emptied":
            return False
        if one.facts.get(WET):
            return True
    return False
