"""Where makers' lists arrive: read by their adapter, named by the register, their readings and emptyings kept.

A new maker is an adapter of its own (at most 80 lines, ``parse(body) -> Delivered``) and a row of `MAKERS`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.core.observations import Rejected
from dure.services.waste.devices import bigbelly, fiware_containers, lwm2m_filling
from dure.services.waste.devices.delivered import Delivered, named
from dure.services.waste.devices.fill_watch import load_bins
from dure.services.waste.driving import tap_records
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from dure.services.waste.model import Sighting
    from dure.spine.house import House

MAKERS: dict[str, Callable[[bytes], Delivered]] = {
    "bigbelly": bigbelly.parse,
    "lwm2m": lwm2m_filling.parse,
    "fiware": fiware_containers.parse,
}


class Kept(msgspec.Struct, frozen=True):
    """What became of a list: readings on the bus, emptyings that were new, and what cannot be used, which is parked too."""

    accepted: int
    emptied: int
    rejected: list[Rejected]


async def take(house: House, maker: str, body: bytes) -> Kept:
    """Keep a maker's list.

    Raises
    ------
    NotFound : there is no adapter of that name (``maker.unknown``)
    Unavailable : the bus or the records do not answer; send it again, nothing counts twice
    """
    parse = MAKERS.get(maker)
    if parse is None:
        raise NotFound("maker.unknown", f"There is no adapter {maker[:40]!r}; there are {', '.join(MAKERS)}.")
    bins = await asyncio.to_thread(numbers_of, house)
    found = named(await asyncio.to_thread(parse, body), bins, maker)
    now = house.clock.now()
    receipt = await house.intake.accept(IMPORTER, found.readings, found.rejected, way="import", received_at=now)
    emptied = await asyncio.to_thread(_keep, house, found.sightings)
    return Kept(receipt.accepted, emptied, receipt.rejected)


def numbers_of(house: House) -> dict[str, str]:
    """Bins by the maker's number in their attribute `serial`; blocks."""
    return {str(one.attributes["serial"]): one.id for one in load_bins(house) if one.attributes.get("serial")}


def _keep(house: House, sightings: list[Sighting]) -> int:
    now = house.clock.now()
    with house.records.begin() as connection:
        return tap_records.add(connection, [msgspec.structs.replace(one, received_at=now) for one in sightings])
