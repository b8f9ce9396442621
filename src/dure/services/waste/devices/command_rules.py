"""May a bin be asked this now? Pure. Abstract commands of compactors, and settings of bin sensors.

No public protocol of Ecube or Bigbelly was found: a compactor hears ``compact_now``, ``lock_hopper`` and ``unlock_hopper``
by name, and its gateway makes of them what its maker wants. A sensor's setting is a ``configure`` command.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from dure.core.observations import Rejected
from dure.protocols.downlinks import CONFIGURE, ENCODERS, downlink_of
from dure.services.waste.model import AlarmKind, Bin

COMPACTOR_COMMANDS = ("compact_now", "lock_hopper", "unlock_hopper")
COMMANDS = (*COMPACTOR_COMMANDS, CONFIGURE)
PRESS_LOCKS: tuple[AlarmKind, ...] = ("fire", "hopper_jam")
"""Alarms that lock the press while they are open."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a bin stands: its open alarms, whether it holds wet waste, and the codecs of its devices."""

    alarms: frozenset[AlarmKind] = frozenset()
    wet: bool = False
    codecs: tuple[str, ...] = ()


def objection(one: Bin, name: str, arguments: Mapping[str, Any], standing: Standing) -> Rejected | None:
    """Why a bin must not be asked this; None when it may be. A name that is none of ours is not judged.

    ``command.unfit``: the bin has nothing that does it; ``command.locked``: an open alarm or wet waste forbids the press;
    ``downlink.setting``, ``downlink.value``: the sensor does not take the setting.
    """
    if name in COMPACTOR_COMMANDS:
        return _of_compactor(one, name, standing)
    if name == CONFIGURE:
        return _of_sensor(one, arguments, standing)
    return None


def _of_compactor(one: Bin, name: str, standing: Standing) -> Rejected | None:
    if one.compaction <= 1:
        return Rejected(0, "command.unfit", f"{one.id} is no compactor: its compaction is {one.compaction:g}.", one.id)
    if name != "compact_now":
        return None
    open_alarms = [kind for kind in PRESS_LOCKS if kind in standing.alarms]
    if open_alarms or standing.wet:
        why = f"the alarm {open_alarms[0]!r} is open" if open_alarms else "it holds wet waste"
        return Rejected(0, "command.locked", f"{one.id} must not compact: {why}.", one.id)
    return None


def _of_sensor(one: Bin, arguments: Mapping[str, Any], standing: Standing) -> Rejected | None:
    able = [codec for codec in standing.codecs if codec in ENCODERS]
    if not able:
        return Rejected(0, "command.unfit", f"{one.id} has no sensor whose settings can be sent.", one.id)
    made = downlink_of(able[0], arguments)
    return made if isinstance(made, Rejected) else None
