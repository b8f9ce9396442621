"""The demo city's devices: each signs in with its own credential and speaks the protocol of its kind.

MQTT 3.1.1 with QoS 1 or 0 by a client nobody here wrote (paho), HTTP batches, and ChirpStack's webhook with the bytes of
real sensors. What they measure is `virtual_city.values`: one seed, one city. `backfill` sends the days before by HTTP, so
that charts are not empty on the first page.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import httpx
import msgspec
import structlog

from dure.city import City
from dure.city_lists import DeviceSeed
from dure.core.assets import Asset
from dure.core.errors import ConfigError
from dure.core.time import Clock, format_instant
from dure.services.environment.model import PROPERTIES
from dure.services.environment.virtual_city import FAULTS, PROFILES, Fault, VirtualStation, chance, simulated, stamped, values
from dure.services.environment.virtual_payloads import ENCODERS, chirpstack_uplink
from dure.spine.virtual_devices import TIMEOUT_S, Connection, HttpDevice, MqttDevice, Outage, post_history

log = structlog.get_logger("dure.simulator")

Protocol = Literal["mqtt1", "mqtt0", "http", "chirpstack"]
PROTOCOLS: tuple[Protocol, ...] = ("mqtt1", "mqtt0", "http", "chirpstack")
BATCH_ROWS = 2_000
WAKE_S = 1.0  # a station has signed in by then
BACKFILL_AT_ONCE = 4
DENSE_H = 26  # the last hours are sent as densely as the station speaks: an index needs whole hours
INDEX_ITEMS = frozenset({"o3", "toc"})  # a station that measures one of them serves an index of air or water
HOUR = timedelta(hours=1)


Moment = tuple[datetime, timedelta]  # an instant, and the time its row stands for


class Simulated(msgspec.Struct, frozen=True):
    """A virtual station and how it speaks."""

    station: VirtualStation
    protocol: Protocol
    dev_eui: str = ""
    codec: str = ""

    @property
    def device(self) -> str:
        """Its device id."""
        return self.station.device


def stations_of(city: City) -> list[Simulated]:
    """The stations of a city whose rows name a `protocol`; refused when a row asks for what no virtual station can do."""
    assets = {asset.id: asset for asset in city.assets()}
    return [_simulated(city, assets[seed.asset], seed) for seed in city.devices() if "protocol" in assets[seed.asset].attributes]


def _simulated(city: City, asset: Asset, seed: DeviceSeed) -> Simulated:
    words = asset.attributes
    wrong = [
        name
        for name, good in (
            ("protocol", words["protocol"] in PROTOCOLS),
            ("profile", words.get("profile", "rural") in PROFILES),
            ("fault", words.get("fault", "") in FAULTS),
            ("properties", bool(words.get("properties")) and simulated(words.get("properties", ()))),
            ("codec", words["protocol"] != "chirpstack" or (seed.codec in ENCODERS and bool(seed.dev_eui))),
            ("lon", asset.place is not None),
        )
        if not good
    ]
    if wrong or asset.place is None:
        raise ConfigError(
            "simulator.row", f"{city.folder}: the simulator cannot play {asset.id}: its {wrong[0]} is not known to it."
        )
    point, fault = asset.place.point, words.get("fault", "")
    station = VirtualStation(
        asset=asset.id,
        device=seed.id,
        properties=tuple(words["properties"]),
        lon=point.lon,
        lat=point.lat,
        period_s=_period_s(city, words["properties"]),
        profile=PROFILES[words.get("profile", "rural")],
        fault=_fault(fault),
    )
    return Simulated(station, words["protocol"], seed.dev_eui, seed.codec)


def _fault(word: str) -> Fault:
    return next(one for one in FAULTS if one == word)


def _period_s(city: City, properties: Sequence[str]) -> int:
    """How often the station sends: the shortest period of what it measures, by the city's own word first."""
    usual = {one.id: one.period_s for one in PROPERTIES}
    own = {name: row.period_s for name, row in city.ranges.items() if isinstance(row.period_s, int)}
    return min(own.get(one, usual.get(one, 600)) for one in properties)


class Fleet:
    """All virtual devices of a city, signed in."""

    def __init__(self, city: City, connection: Connection, http: httpx.AsyncClient) -> None:
        self.city, self._connection, self._http = city, connection, http
        self._mqtt: dict[str, MqttDevice] = {}
        self._posts: dict[str, HttpDevice] = {}
        self._counters: dict[str, int] = {}
        self.stations = [one for one in stations_of(city) if one.device in connection.secrets]
        outages = {way: Outage(way) for way in ("mqtt", "http")}
        for one in self.stations:
            if one.protocol in ("mqtt1", "mqtt0"):
                qos = int(one.protocol == "mqtt1")
                self._mqtt[one.device] = MqttDevice(city.id, one.device, qos, connection, outages["mqtt"])
            else:
                path = "/api/v1/readings" if one.protocol == "http" else "/api/v1/hooks/chirpstack?event=up"
                self._posts[one.device] = HttpDevice(path, (one.device, connection.secrets[one.device]), http, outages["http"])

    async def send(self, one: Simulated, at: datetime) -> bool:
        """What a station measures at an instant, on its way; False when it has nothing to say."""
        found = values(self.city.seed, one.station, at)
        if not found:
            return False
        if one.device in self._mqtt:
            self._mqtt[one.device].send(payload(one.station, at, found))
        elif one.protocol == "chirpstack":
            count = self._counters.get(one.device, 0)
            self._counters[one.device] = count + 1
            measured = {name: value for name, value in found.items() if value is not None}
            await self._posts[one.device].send(chirpstack_uplink(one.dev_eui, one.codec, measured, at, count))
        else:
            await self._posts[one.device].send(payload(one.station, at, found))
        return True

    async def close(self) -> None:
        """Sign all devices out."""
        await asyncio.gather(*(device.close() for device in self._mqtt.values()))


def payload(station: VirtualStation, at: datetime, found: Mapping[str, float | None]) -> bytes:
    """The JSON a station sends: its clock's time and its values (the short form of docs/en/devices.md)."""
    return json.dumps({"time": format_instant(stamped(station, at)), "values": found}, separators=(",", ":")).encode()


async def simulate(city: City, connection: Connection, clock: Clock, speed: float = 1.0) -> None:
    """Play the city until cancelled. `speed` 10 lets every station send ten times as often."""
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:
        fleet = Fleet(city, connection, http)
        log.info("simulator.started", city=city.id, stations=len(fleet.stations))
        try:
            async with asyncio.TaskGroup() as group:
                for one in fleet.stations:
                    group.create_task(_play(fleet, one, clock, speed))
        finally:
            await fleet.close()


async def _play(fleet: Fleet, one: Simulated, clock: Clock, speed: float) -> None:
    """One station: a reading as it wakes up, then one each period in its own phase, without drifting when a send takes long."""
    loop, period_s = asyncio.get_running_loop(), one.station.period_s / speed
    phase = chance(fleet.city.seed, f"phase {one.device}", 0)
    due = loop.time() + period_s * phase
    await asyncio.sleep(min(WAKE_S * (1 + phase), period_s * phase))
    await fleet.send(one, clock.now())
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        await fleet.send(one, clock.now())
        due = max(due + period_s, loop.time())


async def backfill(city: City, connection: Connection, clock: Clock, days: int = 7) -> int:
    """Send what the stations would have measured in the last days, as HTTP batches; readings accepted.

    A row each full hour, and in the last `DENSE_H` hours a row each period from the stations of an index of air or water.
    Stations in quarantine have no history: they are new.
    """
    end = clock.now()
    start = (end - timedelta(days=days)).replace(minute=0, second=0, microsecond=0) + HOUR
    wanted = [(one, _instants(one, start, end)) for one in _known_stations(city, connection)]
    return await _fill(city, connection, wanted)


async def fill_in(city: City, connection: Connection, clock: Clock) -> int:
    """Send the last `DENSE_H` hours of all other stations as densely as they speak; readings accepted."""
    end = clock.now()
    start = (end - timedelta(hours=DENSE_H)).replace(minute=0, second=0, microsecond=0)
    rest = [one for one in _known_stations(city, connection) if not _serves_index(one)]
    return await _fill(city, connection, [(one, _every(one, start, end)) for one in rest])


def _known_stations(city: City, connection: Connection) -> list[Simulated]:
    states = {asset.id: asset.state for asset in city.assets()}
    return [one for one in stations_of(city) if states[one.station.asset] == "live" and one.device in connection.secrets]


async def _fill(city: City, connection: Connection, wanted: Sequence[tuple[Simulated, Iterator[Moment]]]) -> int:
    turns = asyncio.Semaphore(BACKFILL_AT_ONCE)
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:

        async def fill(one: Simulated, instants: Iterator[Moment]) -> int:
            async with turns:
                bodies = _history(city.seed, one, instants)
                secret = connection.secrets[one.device]
                return sum([await post_history(http, one.device, secret, body) for body in bodies])

        return sum(await asyncio.gather(*(fill(one, instants) for one, instants in wanted)))


def _serves_index(one: Simulated) -> bool:
    return bool(INDEX_ITEMS & set(one.station.properties))


def _every(one: Simulated, start: datetime, end: datetime) -> Iterator[Moment]:
    """Every instant at which a station speaks, and the time each row stands for."""
    step = timedelta(seconds=one.station.period_s)
    at = start
    while at < end:
        yield at, step
        at += step


def _instants(one: Simulated, start: datetime, end: datetime) -> Iterator[Moment]:
    """Every full hour; of a station that serves an index, the last hours as densely as it speaks."""
    at, dense_from = start, end - timedelta(hours=DENSE_H) if _serves_index(one) else end
    while at < min(end, dense_from):
        yield at, HOUR
        at += HOUR
    yield from _every(one, at, end)


def _history(seed: int, one: Simulated, instants: Iterable[Moment]) -> Iterator[bytes]:
    rows: list[dict[str, Any]] = []
    for at, step in instants:
        found = values(seed, one.station, at, step.total_seconds())
        if found:
            rows.append({"time": format_instant(stamped(one.station, at)), "values": found})
        if len(rows) * len(one.station.properties) >= BATCH_ROWS:
            yield _batch(rows)
            rows = []
    if rows:
        yield _batch(rows)


def _batch(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps({"readings": rows}, separators=(",", ":")).encode()
