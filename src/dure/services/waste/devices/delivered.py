"""What a maker's message holds once it is read: readings and emptyings by the maker's own number, and what cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from dure.core.errors import InputError
from dure.core.observations import Reading, Rejected
from dure.core.time import to_us
from dure.protocols.readings import loads, shown
from dure.services.waste.model import Sighting

LEVEL_MAX = 1.25


class Emptied(NamedTuple):
    """A device noticed that its bin was emptied; `level` before it, when it says so."""

    serial: str
    at: datetime
    level: float | None


class Delivered(NamedTuple):
    """One message. `Reading.asset` is the maker's number until `named` gave it the register's."""

    readings: list[Reading]
    emptied: list[Emptied]
    rejected: list[Rejected]


class Named(NamedTuple):
    """The same by the bins of the register; a number nobody registered is a `Rejected` (``bin.serial_unknown``)."""

    readings: list[Reading]
    sightings: list[Sighting]
    rejected: list[Rejected]


def named(found: Delivered, bins: Mapping[str, str], maker: str) -> Named:
    """Bins by the maker's numbers. The same emptying told again is the same sighting: its id is made of number and instant."""
    unknown = sorted(({one.asset for one in found.readings} | {one.serial for one in found.emptied}) - bins.keys())
    refused = [
        Rejected(0, "bin.serial_unknown", f"No bin has the {maker} number {one[:40]!r}: set its attribute serial.", one[:80])
        for one in unknown
    ]
    return Named(
        [msgspec.structs.replace(one, asset=bins[one.asset]) for one in found.readings if one.asset in bins],
        [_sighting(one, bins[one.serial], maker) for one in found.emptied if one.serial in bins],
        [*found.rejected, *refused],
    )


def _sighting(one: Emptied, bin_id: str, maker: str) -> Sighting:
    level = None if one.level is None else min(max(one.level, 0.0), LEVEL_MAX)
    return Sighting(
        id=f"{maker}-{one.serial}-{to_us(one.at)}", bin=bin_id, kind="emptied", seen_at=one.at, level=level, facts={"by": maker}
    )


def rows_under(body: bytes, key: str, code: str) -> list[Any] | Rejected:
    """The list a JSON object holds under a key, or a JSON list itself."""
    try:
        document = loads(body)
    except InputError as error:
        return Rejected(0, code, error.message, shown(body))
    rows = document.get(key) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        return Rejected(0, code, f"The message has no list under {key!r}.", shown(body))
    return rows
