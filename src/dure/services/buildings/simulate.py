"""The demo city's meters: each device signs in with its own credential and speaks the protocol of its kind.

Registers by MQTT JSON, uses of an hour by HTTP, and ChirpStack's webhook with the bytes of a pulse counter. What they measure is
`simulating.virtual_buildings.uses`: one seed, one city, the air temperature of the city's own stations. `backfill` sends the
months before; the bills of what no device reads are the suppliers' files (`simulating.virtual_bills`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import get_args

import httpx
import numpy as np
import structlog

from dure.city import City
from dure.city_lists import DeviceSeed
from dure.core.assets import Asset
from dure.core.errors import ConfigError
from dure.core.time import Clock, from_us, to_us
from dure.services.buildings.simulating.meter_payloads import CODEC, by_mqtt, history, uplink
from dure.services.buildings.simulating.virtual_buildings import (
    FAULTS,
    HOUR_US,
    SPEECHES,
    Climate,
    Fault,
    Speech,
    VirtualMeter,
    chances,
    uses,
)
from dure.services.buildings.simulating.virtual_registers import Counter, first_hour, hourly
from dure.services.buildings.sites import Sites, sites_of
from dure.spine.virtual_devices import TIMEOUT_S, Connection, HttpDevice, MqttDevice, Outage, post_history

log = structlog.get_logger("dure.simulator")

PERIOD_S = 300.0
WAKE_S = 2.0
PAST = timedelta(days=425)  # fourteen months: a year to learn from, and two to look at
MEASURE_MONTHS = 7  # a measure began with the month so long ago
WEATHER = timedelta(days=830)  # twenty-seven months: those of the bills
LEARNT_FROM = timedelta(days=372)  # what a measure is judged by begins so long before it
BACKFILL_AT_ONCE = 2
SENDING: tuple[Speech, ...] = ("register", "use", "em300")
LORAWAN_PATH = "/api/v1/hooks/chirpstack?event=up"
CHARGE = 0.93


def meters_simulated(city: City, began_at: datetime) -> list[VirtualMeter]:
    """The meters of a city whose rows say how they speak; refused when a row asks for what no virtual meter can do."""
    seeds = {seed.asset: seed for seed in city.devices()}
    listed = [one for one in city.assets() if one.kind == "meter" and "speaks" in one.attributes]
    sites = sites_of(one for one in city.assets() if one.kind in ("building", "meter"))
    return [_virtual(city, sites, asset, seeds.get(asset.id), began_at) for asset in listed]


def _virtual(city: City, sites: Sites, asset: Asset, seed: DeviceSeed | None, began_at: datetime) -> VirtualMeter:
    words, meter = asset.attributes, sites.meters.get(asset.id)
    if meter is None:
        why = next((one.why for one in sites.rejected if one.content == asset.id), "it is no meter")
        raise ConfigError("simulator.row", f"{city.folder}: the simulator cannot play {asset.id}: {why}")
    speech, fault = words["speaks"], words.get("fault", "")
    wrong = [
        name
        for name, good in (
            ("speaks", speech in SPEECHES),
            ("fault", fault in FAULTS and (fault != "leak" or meter.fuel in ("electricity", "water"))),
            ("device", speech not in SENDING or seed is not None),
            ("codec", speech != "em300" or bool(seed and seed.codec == CODEC and seed.dev_eui)),
            ("fuel", speech != "register" or meter.supply.register is not None),
        )
        if not good
    ]
    if wrong:
        raise ConfigError(
            "simulator.row", f"{city.folder}: the simulator cannot play {asset.id}: its {wrong[0]} is not known to it."
        )
    building = sites.buildings[meter.building]
    return VirtualMeter(
        meter=meter,
        building=building,
        speech=next(known for known in get_args(Speech) if known == speech),
        began_at=began_at,
        device=seed.id if seed else "",
        dev_eui=seed.dev_eui if seed else "",
        codec=seed.codec if seed else "",
        station=building.station,
        fault=next(known for known in get_args(Fault) if known == fault),
        share=float(words.get("share", 1)),
        measure_at=measure_began(city, began_at) if words.get("measure") == "yes" else None,
        zone=city.zone,
    )


def measure_began(city: City, began_at: datetime) -> datetime:
    """Since when the demo's measure saves: the first of a month."""
    local = began_at.astimezone(city.zone)
    number = local.year * 12 + local.month - 1 - MEASURE_MONTHS
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=city.zone)


class MeterFleet:
    """All virtual meters of a city that send by themselves, signed in."""

    def __init__(
        self, city: City, meters: Sequence[VirtualMeter], climate: Climate, connection: Connection, http: httpx.AsyncClient
    ) -> None:
        self.city, self._climate = city, climate
        self.meters = [one for one in meters if one.speech in SENDING and one.device in connection.secrets]
        self.counters = {one.device: Counter(city.seed, one, climate) for one in self.meters if one.speech != "use"}
        self._frames: dict[str, int] = {}
        lost = {way: Outage(way) for way in ("mqtt", "http")}
        self._mqtt = {
            one.device: MqttDevice(city.id, one.device, 1, connection, lost["mqtt"])
            for one in self.meters
            if one.speech == "register"
        }
        self._posts = {
            one.device: HttpDevice(
                LORAWAN_PATH if one.speech == "em300" else "/api/v1/readings",
                (one.device, connection.secrets[one.device]),
                http,
                lost["http"],
            )
            for one in self.meters
            if one.speech != "register"
        }

    async def send(self, one: VirtualMeter, at: datetime) -> bool:
        """What a meter says at an instant, on its way."""
        if one.speech == "use":
            hour = to_us(at) // HOUR_US - 1
            amount = _uses(self.city.seed, one, self._climate, hour, 1)[0]
            await self._posts[one.device].send(by_mqtt({one.meter.supply.use: int(amount)}, from_us(hour * HOUR_US)))
            return True
        at = at.replace(microsecond=0)
        shown = await asyncio.to_thread(self.counters[one.device].at, to_us(at))
        if one.speech == "em300":
            count = self._frames.get(one.device, 0)
            self._frames[one.device] = count + 1
            await self._posts[one.device].send(uplink(one.dev_eui, shown, CHARGE, at, count))
        else:
            self._mqtt[one.device].send(by_mqtt({str(one.meter.supply.register): shown}, at))
        return True

    async def close(self) -> None:
        """Sign all devices out."""
        await asyncio.gather(*(device.close() for device in self._mqtt.values()))


def _uses(seed: int, one: VirtualMeter, climate: Climate, first: int, n: int) -> list[int]:
    return [int(amount) for amount in uses(seed, one, first, n, hourly(one, climate, first, n))]


async def simulate(
    city: City, connection: Connection, clock: Clock, meters: Sequence[VirtualMeter], climate: Climate, speed: float = 1.0
) -> None:
    """Play the meters until cancelled. `speed` 10 lets every meter send ten times as often."""
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:
        fleet = MeterFleet(city, meters, climate, connection, http)
        log.info("simulator.started", city=city.id, meters=len(fleet.meters))
        try:
            async with asyncio.TaskGroup() as group:
                for one in fleet.meters:
                    group.create_task(_play(fleet, one, clock, speed))
        finally:
            await fleet.close()


async def _play(fleet: MeterFleet, one: VirtualMeter, clock: Clock, speed: float) -> None:
    """One meter: a read as it wakes up, then one each period in its own phase, without drifting when a send is slow."""
    loop, period_s = asyncio.get_running_loop(), PERIOD_S / speed
    phase = float(chances(fleet.city.seed, f"phase {one.device}", np.ones(1, np.int64))[0])
    due = loop.time() + period_s * phase
    await asyncio.sleep(min(WAKE_S * (1 + phase), period_s * phase))
    await fleet.send(one, clock.now())
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        await fleet.send(one, clock.now())
        due = max(due + period_s, loop.time())


async def backfill(
    city: City, connection: Connection, meters: Sequence[VirtualMeter], climate: Climate, past: timedelta = PAST
) -> int:
    """Send what the meters measured before the demo began, as HTTP batches; readings accepted.

    Uses of whole hours, and from `first_hour` on the hourly reads of those that send a register. A meter with a measure has a
    year more, to learn from.
    """
    turns = asyncio.Semaphore(BACKFILL_AT_ONCE)
    sending = [one for one in meters if one.speech in SENDING and one.device in connection.secrets]
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:

        async def fill(one: VirtualMeter) -> int:
            async with turns:
                bodies = await asyncio.to_thread(lambda: list(_history(city.seed, one, climate, past)))
                secret = connection.secrets[one.device]
                return sum([await post_history(http, one.device, secret, body) for body in bodies])

        return sum(await asyncio.gather(*map(fill, sending)))


def weather_span(began_at: datetime, known_d: int) -> tuple[int, int]:
    """Hours since 1970 UTC of the weather that bills and models need, up to the days a station has anyway."""
    end = to_us(began_at) // HOUR_US - 24 * known_d
    return to_us(began_at - WEATHER) // HOUR_US, end


def _in_steps(amounts: Sequence[int], resolution: int) -> list[int]:
    """Amounts as a counter shows them that moves in steps: what is less than a step is in a later hour."""
    shown = [counted // resolution * resolution for counted in accumulate(amounts)]
    return [after - before for before, after in pairwise([0, *shown])]


def first_sent(one: VirtualMeter, past: timedelta = PAST) -> int:
    """The hour since 1970 UTC from which on a meter has a past."""
    begin = to_us(one.began_at - past) // HOUR_US
    return begin if one.measure_at is None else min(begin, to_us(one.measure_at - LEARNT_FROM) // HOUR_US)


def _history(seed: int, one: VirtualMeter, climate: Climate, past: timedelta) -> Iterator[bytes]:
    begin = first_sent(one, past)
    now = to_us(one.began_at) // HOUR_US
    end = now if one.speech == "use" else first_hour(one)
    rows = zip(range(begin, end), _in_steps(_uses(seed, one, climate, begin, end - begin), one.meter.resolution), strict=True)
    yield from history(one.meter.supply.use, ((hour * HOUR_US, amount) for hour, amount in rows))
    if one.speech != "use":
        counter = Counter(seed, one, climate)
        reads = ((hour * HOUR_US, counter.at(hour * HOUR_US)) for hour in range(end, now + 1))
        yield from history(str(one.meter.supply.register), reads)
