"""How registers are booked, by the rules in force on a day (``rules/origin.toml``)."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec

from dure.core.time import US_PER_S
from dure.services.charging.rules import Basis, Choice, load_pack

PACK = "origin"
FACTORS = "factors"
MINUTE_US = 60 * US_PER_S


class OriginRules(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of ``[[numbers]]``, named as their rows; see there for units and sources."""

    long_min: float
    claim_min: float
    deadline_min: float
    back_h: float
    late_session_d: float
    history_d: float
    lead_h: float
    settle_h: float
    round_intervals: int

    @property
    def long_us(self) -> int:
        """From a longer step an interval is cut out by estimate."""
        return round(self.long_min * MINUTE_US)

    @property
    def claim_us(self) -> int:
        """What passed in a longer step is not claimed."""
        return round(self.claim_min * MINUTE_US)

    @property
    def deadline(self) -> timedelta:
        """How long an interval waits for reads."""
        return timedelta(minutes=self.deadline_min)


def origin_rules(day: date, folder: Path | None = None) -> OriginRules:
    """The numbers in force on a day."""
    rows = load_pack(PACK, folder).rows("numbers", Choice, day)
    return msgspec.convert({row.id: row.value for row in rows}, OriginRules)


def bases(day: date, folder: Path | None = None) -> tuple[Basis, ...]:
    """Every row in force, with its source and mark."""
    pack = load_pack(PACK, folder)
    return tuple(pack.basis("numbers", row) for row in pack.rows("numbers", Choice, day))


def pack_version(name: str, folder: Path | None = None) -> str:
    """Name and version of a rule pack, as the books keep them."""
    pack = load_pack(name, folder)
    return f"{pack.id}@{pack.version}"


def factors_version(folder: Path | None = None) -> str:
    """Version of the emission factors, as the books keep it."""
    return pack_version(FACTORS, folder)
