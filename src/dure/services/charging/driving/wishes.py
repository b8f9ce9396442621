"""What a driver asks for on the page: how much, until when, with which token. Pure: bad input is a field and a sentence.

==========================  ============================================================
``driver.energy``           the energy is no number of kWh, or more than a vehicle takes
``driver.target``           the target is no percentage from 1 to 100
``driver.departure``        the departure is no time of day
``driver.token``            a member's card number is empty or holds what no card holds
==========================  ============================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from dure.core.text import Text

ENERGY_KWH_MAX = 500.0  # a truck's battery; more is a slip of the keyboard
TOKEN_MAX = 64
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_PRINTABLE = re.compile(r"[\x20-\x7e]+")


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A driver's wish; None: not said. `token` is a member's card number, empty for a guest, and is kept nowhere."""

    need_wh: int | None = None
    target_soc: float | None = None
    departs_at: datetime | None = None
    token: str = ""


class Trouble(NamedTuple):
    """What is wrong with a field of the form."""

    field: str
    code: str
    why: Text


def wanted(fields: Mapping[str, str], now: datetime, zone: ZoneInfo) -> Wanted | Trouble:
    """The wish of a form: ``until`` (full, energy, target), ``kwh``, ``target``, ``departure`` (HH:MM), ``who``, ``token``."""
    until = fields.get("until", "full")
    need_wh, target = None, None
    if until == "energy":
        need_wh = _energy(fields.get("kwh", ""))
        if need_wh is None:
            return Trouble(
                "kwh",
                "driver.energy",
                Text("충전할 양을 1~500 kWh의 숫자로 적으세요.", "Give the energy as a number from 1 to 500 kWh."),
            )
    if until == "target":
        target = _percent(fields.get("target", ""))
        if target is None:
            return Trouble(
                "target",
                "driver.target",
                Text("목표 충전율을 1~100의 숫자로 적으세요.", "Give the target as a number from 1 to 100."),
            )
    departs = fields.get("departure", "").strip()
    departs_at = departure(departs, now, zone)
    if departs and departs_at is None:
        return Trouble(
            "departure", "driver.departure", Text("떠날 시각을 18:30처럼 적으세요.", "Give the time of departure like 18:30.")
        )
    token = fields.get("token", "").strip() if fields.get("who") == "member" else ""
    if fields.get("who") == "member" and not (0 < len(token) <= TOKEN_MAX and _PRINTABLE.fullmatch(token)):
        return Trouble("token", "driver.token", Text("카드 뒷면의 번호를 적으세요.", "Give the number on the back of the card."))
    return Wanted(need_wh=need_wh, target_soc=target, departs_at=departs_at, token=token)


def departure(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The next instant at which the city's clocks show that time of day; None for no time."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    local = now.astimezone(zone)
    clock = time(int(found[1]), int(found[2]))
    day = local.date() if clock > local.time() else local.date() + timedelta(days=1)
    return datetime.combine(day, clock, zone).astimezone(now.tzinfo)


def _energy(text: str) -> int | None:
    value = _number(text)
    return None if value is None or not 1 <= value <= ENERGY_KWH_MAX else round(value * 1_000)


def _percent(text: str) -> float | None:
    value = _number(text)
    return None if value is None or not 1 <= value <= 100 else value / 100


def _number(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if value == value else None  # noqa: PLR0124  # NaN is the one value unlike itself
