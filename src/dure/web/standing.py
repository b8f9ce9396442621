"""How each asset stands now: live, suspect, failing, silent, quarantined or retired. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from dure.core.assets import Asset
from dure.core.observations import Flag
from dure.core.time import US_PER_S
from dure.spine.live import LiveValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dure.core.properties import Properties
    from dure.spine.live import Live

Status = Literal["live", "suspect", "failing", "silent", "quarantined", "retired"]
# What needs a person first stands first.
ORDER: tuple[Status, ...] = ("failing", "silent", "suspect", "quarantined", "live", "retired")
SILENT_AFTER_PERIODS = 3


class Standing(msgspec.Struct, frozen=True):
    """An asset with its newest values, how it stands, and when it was last heard (µs; 0 when never)."""

    asset: Asset
    values: dict[str, LiveValue]
    status: Status
    heard_us: int


def status_of(asset: Asset, values: Mapping[str, LiveValue], properties: Properties, now_us: int) -> Status:
    """How an asset stands: its own state first, then silence, then the worst flag of its values in time."""
    if asset.state != "live":
        return asset.state
    in_time = [one for one in values.values() if not is_late(one, properties, now_us)]
    if not in_time:
        return "silent"
    flags = {one.flag for one in in_time}
    if Flag.FAIL in flags:
        return "failing"
    return "suspect" if Flag.SUSPECT in flags else "live"


def is_late(value: LiveValue, properties: Properties, now_us: int) -> bool:
    """Whether a series has sent nothing for three of its periods."""
    known = properties.get(value.property)
    period_s = known.period_s if known else 600
    return now_us - value.time_us > SILENT_AFTER_PERIODS * period_s * US_PER_S


def standings(assets: Iterable[Asset], live: Live, properties: Properties, now_us: int) -> list[Standing]:
    """Every asset's standing, those that need a person first."""
    found = []
    for asset in assets:
        values = live.of_asset(asset.id)
        heard_us = max((one.time_us for one in values.values()), default=0)
        found.append(Standing(asset, values, status_of(asset, values, properties, now_us), heard_us))
    return sorted(found, key=lambda one: (ORDER.index(one.status), one.asset.id))


def counts(found: Iterable[Standing]) -> dict[Status, int]:
    """How many stand how; every status is there."""
    result: dict[Status, int] = dict.fromkeys(ORDER, 0)
    for one in found:
        result[one.status] += 1
    return result
