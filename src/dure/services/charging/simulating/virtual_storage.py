"""Storage of a virtual site: it obeys ``set_power``, loses what storage loses, and counts both ways in registers.

Without a command in force it serves its own site: it takes what the sun has left and gives what the site lacks; never from the
grid. Energies are whole millijoules, so books close.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from dure.core.errors import InputError
from dure.core.time import US_PER_S, parse_instant, to_us
from dure.services.charging.model import Storage

MJ_PER_WH = 3_600_000
COMMANDS = ("set_power", "storage.set_power", "set_storage_power")
HOLDS_S = 1_800  # a command without an end of its own


class StorageState(msgspec.Struct):
    """What is in it and what its registers show [mJ], and what it was told (positive: take in)."""

    held_mj: int
    charged_mj: int = 0
    discharged_mj: int = 0
    set_w: float | None = None
    set_until_us: int = 0
    power_w: float = 0.0


class VirtualStorage:
    """One storage with its registers."""

    def __init__(self, storage: Storage, state: StorageState | None = None, filled: float = 0.5) -> None:
        self.storage = storage
        self.state = state or StorageState(round(filled * storage.capacity_wh) * MJ_PER_WH)

    @property
    def soc(self) -> float:
        """How full it is, 0..1."""
        return self.state.held_mj / (self.storage.capacity_wh * MJ_PER_WH)

    def flow(self, at_us: int, duration_us: int, lacking_w: float) -> int:
        """Let it work for a while where the site lacks `lacking_w` (negative: has left); energy taken in less given out [mJ]."""
        one, state = self.storage, self.state
        told = state.set_w if state.set_w is not None and at_us < state.set_until_us else None
        wanted_w = -lacking_w if told is None else told
        wanted_w = min(max(wanted_w, -one.discharge_w), one.charge_w)
        wanted_mj = round(abs(wanted_w) * duration_us / 1_000)
        if wanted_w >= 0:
            room_mj = round(one.capacity_wh * MJ_PER_WH) - state.held_mj
            taken = max(min(wanted_mj, int(room_mj / one.charge_efficiency)), 0)
            state.held_mj += int(taken * one.charge_efficiency)
            state.charged_mj += taken
            moved = taken
        else:
            left_mj = state.held_mj - round(one.reserve_fraction * one.capacity_wh * MJ_PER_WH)
            given = max(min(wanted_mj, int(left_mj * one.discharge_efficiency)), 0)
            state.held_mj -= min(math.ceil(given / one.discharge_efficiency), state.held_mj)
            state.discharged_mj += given
            moved = -given
        state.power_w = moved * 1_000 / duration_us if duration_us else 0.0
        return moved

    def obey(self, body: bytes, now_us: int) -> bytes:
        """Do a command once it is read; the outcome as docs/en/devices.md has it."""
        try:
            command = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            command = {}
        why = self._set(command, now_us)
        said = {"command": str(command.get("id", "")), "outcome": "rejected" if why else "done", "why": why}
        return json.dumps(said).encode()

    def _set(self, command: dict[str, Any], now_us: int) -> str:
        if command.get("name") not in COMMANDS:
            return "not known to this device"
        given = command.get("arguments") or {}
        power_w = given.get("power_w")
        if isinstance(power_w, bool) or not isinstance(power_w, (int, float)):
            return "power_w is no number"
        if not -self.storage.discharge_w <= power_w <= self.storage.charge_w:
            return "outside what the storage can do"
        until = given.get("until")
        try:
            until_us = to_us(parse_instant(str(until))) if until else now_us + HOLDS_S * US_PER_S
        except InputError:
            return "until is no time"
        self.state.set_w, self.state.set_until_us = float(power_w), until_us
        return ""
