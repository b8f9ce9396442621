"""The demo's recycling scales: each weighs bags over MQTT with its own credential, and the keeper of the shop counts them.

A mass that the house has not stored yet is counted at a later look; nothing counts but what the scale itself said.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Conflict, InputError
from dure.core.time import US_PER_S, format_instant, from_us, to_us
from dure.engines.records.audit import By
from dure.services.carbon.claiming import weighing_desk
from dure.services.carbon.claiming.weighing import Material
from dure.services.carbon.simulating.seeded import between, chance
from dure.spine.virtual_devices import MqttDevice, Outage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.city_lists import DeviceSeed
    from dure.spine.house import House
    from dure.spine.virtual_devices import Connection

log = structlog.get_logger("dure.simulator")

KEEPER = "demo-recycling-shop"
MATERIALS: tuple[Material, ...] = ("paper", "plastic", "can_aluminium", "can_steel", "glass")
EVERY = timedelta(minutes=20)
PAST = 12  # bags of each scale that come in at the first start, an EVERY apart
GIVE_UP = timedelta(hours=1)


class Scales:
    """All scales of the city."""

    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        outage = Outage("mqtt")
        self._seeds = scales_of(house)
        self._devices = {one.id: MqttDevice(house.city.id, one.id, 1, connection, outage) for one in self._seeds}
        self._next: dict[str, int] = {}
        self._waiting: list[tuple[DeviceSeed, datetime]] = []

    async def close(self) -> None:
        """Say goodbye."""
        await asyncio.gather(*(one.close() for one in self._devices.values()))

    async def look(self) -> int:
        """Weigh what is due, and count what the house has stored of it; how many bags were counted."""
        now = self._house.clock.now()
        for seed in self._seeds:
            for at in self._due(seed, now):
                kg = round(between(self._house.city.seed, f"bag {seed.id}", 0.6, 9.0, to_us(at) // US_PER_S), 2)
                body = {"time": format_instant(at), "values": {"weighed_mass": kg}}
                self._devices[seed.id].send(json.dumps(body, separators=(",", ":")).encode())
                self._waiting.append((seed, at))
        return await asyncio.to_thread(self._count, now)

    def _due(self, seed: DeviceSeed, now: datetime) -> list[datetime]:
        """Instants on the scale's own beat: the same ones after every start."""
        step = int(EVERY.total_seconds())
        shift = int(between(self._house.city.seed, f"beat {seed.id}", 0, step))
        newest = (to_us(now) // US_PER_S - shift) // step
        first = self._next.get(seed.id, newest - PAST + 1)
        self._next[seed.id] = newest + 1
        return [from_us((n * step + shift) * US_PER_S) for n in range(first, newest + 1)]

    def _count(self, now: datetime) -> int:
        count, kept = 0, []
        for seed, at in self._waiting:
            try:
                count += self._weigh(seed, at)
            except InputError as error:
                if error.code == "weighing.no_reading" and now - at < GIVE_UP + EVERY * PAST:
                    kept.append((seed, at))
                else:
                    log.debug("demo.bag_not_counted", code=error.code)
        self._waiting = kept
        return count

    def _weigh(self, seed: DeviceSeed, at: datetime) -> bool:
        second = to_us(at) // US_PER_S
        bag = f"bag-{seed.asset}-{second}"
        material = MATERIALS[int(chance(self._house.city.seed, bag) * len(MATERIALS))]
        by = By(KEEPER, self._house.clock.now())
        with self._house.records.begin() as connection:
            weighing_desk.give_bag(connection, bag, by)
        try:
            weighing_desk.weigh(self._house, (bag, seed.asset, material), at, by)
        except Conflict:
            return False  # counted before this start
        return True


def scales_of(house: House) -> Sequence[DeviceSeed]:
    """Devices of the scales the city's folder lists for the demo."""
    kinds = {one.id: one.kind for one in house.city.assets() if one.attributes.get("demo") == "yes"}
    return [one for one in house.city.devices() if kinds.get(one.asset) == "scale"]
