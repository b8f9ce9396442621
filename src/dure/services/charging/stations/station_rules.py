"""The figures of rules/stations.toml as one value."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.services.charging.rules import Choice, load_pack


class StationRules(msgspec.Struct, frozen=True, kw_only=True):
    """What rules/stations.toml says on a day, in the units of the names."""

    heartbeat_s: int
    boot_retry_s: int
    seen_s: int
    missed_s: int
    cached_h: int
    guest_h: int
    call_s: int
    certificate_d: int
    happenings_d: int
    messages_d: int


def station_rules(day: date, folder: Path | None = None) -> StationRules:
    """The figures in force on a local day; a city's own rules/charging/stations.toml wins."""
    pack = load_pack("stations", folder)
    return StationRules(**{name: int(pack.row("choices", name, Choice, day).value) for name in StationRules.__struct_fields__})
