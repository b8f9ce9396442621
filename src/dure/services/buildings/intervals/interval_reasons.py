"""Why an interval or a register read is what it is, for ``dure explain``: derived again from the reads around it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dure.core.observations import Check
from dure.core.time import to_us
from dure.engines.records import assets
from dure.services.buildings import sites
from dure.services.buildings.intervals import exchange_records
from dure.services.buildings.intervals.read_watch import reads_of, register_of, ways_of
from dure.services.buildings.model import SUPPLY_OF_REGISTER, SUPPLY_OF_USE
from dure.services.buildings.reads.deriving import derive
from dure.services.buildings.reads.model import Why

if TYPE_CHECKING:
    from dure.core.observations import Observation
    from dure.services.buildings.model import Meter
    from dure.services.buildings.reads.model import Derived, Exchange
    from dure.spine.house import House

AROUND = timedelta(days=3)
_QUALITY = {
    Check.ESTIMATED: "It is an estimate: a share of a longer span, or an hour that is known in part only.",
    Check.SUBSTITUTED: "A person put it in place of what was measured.",
    Check.DISPUTED: "It is not believed any more, and not summed.",
}
_ASIDE = {
    Why.CONFLICT: "another value of the same instant was believed",
    Why.DUPLICATE: "it repeats another read",
    Why.MOMENTARY_ZERO: "the register showed 0 for a moment and went on where it had been",
    Why.DROP_RECOVERED: "the register dropped and came back to where it had been",
    Why.SPIKE: "the register jumped up and came back",
    Why.BACKWARDS: "a register does not count backwards",
    Why.OUTSIDE_REGISTER: "the register cannot show it",
    Why.ESTIMATE_IMPOSSIBLE: "the connection cannot have passed so much, or less than nothing",
    Why.UNCONFIRMED: "no later read confirmed its level",
}


def reasons_of(house: House, observation: Observation) -> list[str]:
    """Sentences about an entry of the interval books, or about a read of a register. Blocks."""
    if observation.property in SUPPLY_OF_USE:
        return _of_entry(observation)
    if observation.property not in SUPPLY_OF_REGISTER:
        return []
    with house.records.read() as connection:
        asset = assets.find(connection, [observation.asset]).get(observation.asset)
        if asset is None or asset.kind != "meter":
            return []
        meter = sites.meter_of(asset)
        exchanges = exchange_records.of_meters(connection, [meter.id]).get(meter.id, [])
    return _of_read(house, meter, exchanges, observation)


def _of_entry(observation: Observation) -> list[str]:
    entry = observation.phenomenon_time.microsecond % 1_000
    found = [f"Entry {entry} about this interval: the difference to what stood there before."] if entry else []
    return found + ([_QUALITY[observation.check]] if observation.check in _QUALITY else [])


def _of_read(house: House, meter: Meter, exchanges: list[Exchange], observation: Observation) -> list[str]:
    at = observation.phenomenon_time
    reads = reads_of(house.telemetry, meter, to_us(at - AROUND), to_us(at + AROUND))
    ways = ways_of(at.astimezone(house.city.zone).date(), house.city.folder)
    found = derive(reads, register_of(meter), ways.trust, exchanges)
    aside = [one for one in found.set_aside if one.at == at]
    if aside:
        return [f"Set aside ({one.why.value}): {_ASIDE.get(one.why, 'it cannot be believed')}." for one in aside]
    if any(reads[one].at == at for one in found.undecided):
        return ["Not decided yet: its level waits for later reads to confirm it."]
    return _of_neighbours(found, observation, meter.supply.book)


def _of_neighbours(found: Derived, observation: Observation, book: str) -> list[str]:
    """What passed up to a read, and from it on."""
    at = observation.phenomenon_time
    words = [(one, "since the read before") for one in found.deltas if one.end == at]
    words += [(one, "until the read after") for one in found.deltas if one.start == at]
    said = [f"{one.amount:,} {book} {which} ({one.quality.value}, {one.why.value})." for one, which in words]
    return said + [f"A gap begins or ends here ({one.why.value})." for one in found.gaps if at in (one.start, one.end)]
