"""The rows of rules/public.toml in force on a day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.services.charging.rules import Choice, Rule, load_pack


class PowerClass(Rule, frozen=True, kw_only=True):
    """A class of power, [from_kw, below_kw)."""

    name: Text
    from_kw: float
    below_kw: float

    def holds(self, power_w: float) -> bool:
        """Whether a power belongs to it."""
        return self.from_kw <= power_w / 1_000 < self.below_kw


class Licence(Choice, frozen=True, kw_only=True):
    """Under which licence open data are given away."""

    name: Text
    url: str


class PublicRules(msgspec.Struct, frozen=True):
    """What the public pages rest on.

    Attributes
    ----------
    charging_w : below it a plugged-in vehicle does not charge [W]
    starts_per_h : so often one address may ask to start or stop within an hour
    claim : so long the phone that started may stop
    start_wait : so long a driver may take to plug in after asking to start
    """

    classes: tuple[PowerClass, ...]
    charging_w: float
    starts_per_h: int
    claim: timedelta
    start_wait: timedelta
    licence: Licence

    def class_of(self, power_w: float) -> PowerClass:
        """The class of a power."""
        return next((one for one in self.classes if one.holds(power_w)), self.classes[-1])


@lru_cache(16)
def public_rules(day: date, folder: Path | None = None) -> PublicRules:
    """The rows in force on a day; a city's own pack wins."""
    pack = load_pack("public", folder)
    return PublicRules(
        pack.rows("classes", PowerClass, day),
        float(pack.row("choices", "charging_w", Choice, day).value),
        int(pack.row("choices", "starts_per_h", Choice, day).value),
        timedelta(hours=float(pack.row("choices", "claim_h", Choice, day).value)),
        timedelta(seconds=float(pack.row("choices", "start_wait_s", Choice, day).value)),
        pack.row("licences", "open_data", Licence, day),
    )
