"""Limits by which sessions are put together, as typed rows of ``rules/sessions.toml``."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.services.charging.rules import Rule, load_pack


class RegisterRow(Rule, frozen=True, kw_only=True):
    """What is believed of a register. See `registers.counted`."""

    margin: float
    slack_wh: int
    jitter_wh: int
    stray_n: int
    rollovers_wh: tuple[int, ...]


class ClockRow(Rule, frozen=True, kw_only=True):
    """When a station's clock counts. See `clocks.placed`."""

    ahead_s: int
    behind_d: int


class EndingRow(Rule, frozen=True, kw_only=True):
    """How sessions begin and end. See `assembling` and `endings`."""

    edge_s: int
    silent_min: int
    lost_min: int
    lost_h: int
    again_s: int


class KeepingRow(Rule, frozen=True, kw_only=True):
    """How long what tells of a person is kept with a session."""

    token_d: int


class SessionRules(msgspec.Struct, frozen=True):
    """All of them, as in force on a day."""

    registers: RegisterRow
    clocks: ClockRow
    endings: EndingRow
    keeping: KeepingRow
    version: str


@lru_cache(maxsize=32)
def session_rules(day: date, folder: Path | None = None) -> SessionRules:
    """The rules in force on a day; a city's own win."""
    pack = load_pack("sessions", folder)
    return SessionRules(
        registers=pack.row("registers", "evse", RegisterRow, day),
        clocks=pack.row("clocks", "station", ClockRow, day),
        endings=pack.row("endings", "session", EndingRow, day),
        keeping=pack.row("keeping", "token", KeepingRow, day),
        version=f"{pack.id}@{pack.version}",
    )
