"""The demo city's bins: each device signs in with its own credential and speaks the protocol of its kind.

ChirpStack's webhook with the bytes of Dingtek and Milesight sensors, MQTT JSON of compactors that hear commands and of
counters, and a maker's list. What they measure is `virtual_bins.measured`: one seed, one city. A bin is emptied when a crew
taps it: the demo's own crew (`simulating.demo_crew`), or a person on the phone page.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, get_args

import httpx
import msgspec
import structlog

from dure.city import City
from dure.city_lists import DeviceSeed
from dure.core.assets import Asset
from dure.core.errors import ConfigError, InputError
from dure.core.time import Clock, format_instant
from dure.services.waste.bins import bin_of
from dure.services.waste.simulating.bin_payloads import ENCODERS, bigbelly_list, by_mqtt, uplink
from dure.services.waste.simulating.virtual_bins import FAULTS, SPEECHES, Fault, Speech, VirtualBin, chance, measured
from dure.spine.virtual_devices import TIMEOUT_S, Connection, HttpDevice, MqttDevice, Outage, post_history

log = structlog.get_logger("dure.simulator")

PERIOD_S = 900.0
LIST_DEVICE = "hs-waste-lists"  # the integration device that posts makers' lists
PAST_STEP = timedelta(hours=1)
LIST_STEP = timedelta(hours=6)
FAULTY_FOR = timedelta(days=3)  # a fault shows since so long before the demo started
BATCH_ROWS = 2_000
BACKFILL_AT_ONCE = 4
WAKE_S = 2.0
COMMANDS = ("compact_now", "lock_hopper", "unlock_hopper")

Emptied = Callable[[str], Sequence[datetime]]
"""When a bin was emptied, ascending."""


def bins_simulated(city: City, start: datetime) -> list[VirtualBin]:
    """The bins of a city whose rows say how they speak; refused when a row asks for what no virtual bin can do."""
    seeds = {seed.asset: seed for seed in city.devices()}
    listed = [asset for asset in city.assets() if asset.kind == "bin" and "speaks" in asset.attributes]
    return [_virtual(city, asset, seeds.get(asset.id), start) for asset in listed]


def _virtual(city: City, asset: Asset, seed: DeviceSeed | None, start: datetime) -> VirtualBin:
    words = asset.attributes
    speech, fault = words["speaks"], words.get("fault", "")
    codec = seed.codec if seed else ""
    wrong = [
        name
        for name, good in (
            ("speaks", speech in SPEECHES),
            ("fault", fault in FAULTS),
            ("codec", speech not in ("df702", "em400") or (codec in ENCODERS and bool(seed and seed.dev_eui))),
            ("device", speech in ("bigbelly", "none") or seed is not None),
            ("serial", speech != "bigbelly" or str(words.get("serial", "")).isdigit()),
        )
        if not good
    ]
    if wrong:
        raise ConfigError(
            "simulator.row", f"{city.folder}: the simulator cannot play {asset.id}: its {wrong[0]} is not known to it."
        )
    try:
        one = bin_of(asset)
    except InputError as error:
        raise ConfigError("simulator.row", f"{city.folder}: the simulator cannot play {asset.id}: {error.message}") from error
    return VirtualBin(
        bin=one,
        device=seed.id if seed else "",
        speech=next(known for known in get_args(Speech) if known == speech),
        dev_eui=seed.dev_eui if seed else "",
        codec=codec,
        serial=str(words.get("serial", "")),
        fault=next(known for known in get_args(Fault) if known == fault),
        fault_from=start - FAULTY_FOR,
        zone=city.zone,
    )


class Hopper:
    """What a virtual compactor was told: its lock, and presses it was asked for. Heard in the client's thread."""

    def __init__(self) -> None:
        self.locked = False
        self.presses = 0

    def obey(self, body: bytes) -> bytes:
        """Do a command once it is read; the outcome as docs/en/devices.md has it."""
        try:
            command = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError:
            command = {}
        name = command.get("name")
        done = name in COMMANDS and not (name == "compact_now" and self.locked)
        if done:
            self.locked = name == "lock_hopper" or (self.locked and name != "unlock_hopper")
            self.presses += name == "compact_now"
        why = "" if done else "the hopper is locked" if name == "compact_now" else "not known to this device"
        said = {"command": str(command.get("id", "")), "outcome": "done" if done else "rejected", "why": why}
        return json.dumps(said).encode()


class BinFleet:
    """All virtual bins of a city, signed in."""

    def __init__(self, city: City, connection: Connection, http: httpx.AsyncClient, start: datetime, emptied: Emptied) -> None:
        self.city, self._emptied = city, emptied
        known = bins_simulated(city, start)
        self.bins = [one for one in known if one.device in connection.secrets]
        self.listed = [one for one in known if one.speech == "bigbelly" and LIST_DEVICE in connection.secrets]
        self.hoppers = {one.device: Hopper() for one in self.bins if one.speech == "compactor"}
        self._counters: dict[str, int] = {}
        lost = {way: Outage(way) for way in ("mqtt", "http")}
        self._mqtt = {
            one.device: MqttDevice(city.id, one.device, 1, connection, lost["mqtt"], self._obey(one.device))
            for one in self.bins
            if one.speech in ("compactor", "counter")
        }
        way = "/api/v1/hooks/chirpstack?event=up"
        self._posts = {
            one.device: HttpDevice(way, (one.device, connection.secrets[one.device]), http, lost["http"])
            for one in self.bins
            if one.device not in self._mqtt
        }
        if self.listed:
            auth = (LIST_DEVICE, connection.secrets[LIST_DEVICE])
            self._list = HttpDevice("/api/v1/waste/lists/bigbelly", auth, http, lost["http"])

    def _obey(self, device: str) -> Callable[[bytes], bytes] | None:
        return self.hoppers[device].obey if device in self.hoppers else None

    def says(self, one: VirtualBin, at: datetime) -> dict[str, float]:
        """What a bin's device measures at an instant, with what it was told to do."""
        found = measured(self.city.seed, one, at, self._emptied(one.bin.id))
        hopper = self.hoppers.get(one.device)
        if found and hopper is not None:
            found["hopper_locked"] = float(hopper.locked)
            found["compactions_total"] += hopper.presses
        return found

    async def send(self, one: VirtualBin, at: datetime) -> bool:
        """What a bin measures, on its way; False when it has nothing to say."""
        found = self.says(one, at)
        if not found:
            return False
        if one.device in self._mqtt:
            self._mqtt[one.device].send(by_mqtt(found, at))
        else:
            count = self._counters.get(one.device, 0)
            self._counters[one.device] = count + 1
            await self._posts[one.device].send(uplink(one.dev_eui, one.codec, found, at, count))
        return True

    async def send_list(self, at: datetime) -> bool:
        """The maker's list of all its bins, on its way."""
        rows = []
        for one in self.listed:
            found = self.says(one, at)
            past = [when for when in self._emptied(one.bin.id) if when <= at]
            if found:
                rows.append((one.serial, found["fill_fraction"], at, past[-1] if past else None))
        if rows:
            await self._list.send(bigbelly_list(rows))
        return bool(rows)

    async def close(self) -> None:
        """Sign all devices out."""
        await asyncio.gather(*(device.close() for device in self._mqtt.values()))


async def simulate(city: City, connection: Connection, clock: Clock, emptied: Emptied, speed: float = 1.0) -> None:
    """Play the bins until cancelled. `speed` 10 lets every bin send ten times as often."""
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:
        fleet = BinFleet(city, connection, http, clock.now(), emptied)
        log.info("simulator.started", city=city.id, bins=len(fleet.bins) + len(fleet.listed))
        try:
            async with asyncio.TaskGroup() as group:
                for one in fleet.bins:
                    group.create_task(_play(one.device, city.seed, speed, lambda one=one: fleet.send(one, clock.now())))  # type: ignore[misc]  # bound now
                if fleet.listed:
                    group.create_task(_play(LIST_DEVICE, city.seed, speed, lambda: fleet.send_list(clock.now())))
        finally:
            await fleet.close()


async def _play(device: str, seed: int, speed: float, send: Callable[[], Any]) -> None:
    """One device: a reading as it wakes up, then one each period in its own phase, without drifting when a send is slow."""
    loop, period_s = asyncio.get_running_loop(), PERIOD_S / speed
    phase = chance(seed, f"phase {device}", 1)
    due = loop.time() + period_s * phase
    await asyncio.sleep(min(WAKE_S * (1 + phase), period_s * phase))
    await send()
    while True:
        await asyncio.sleep(max(0.0, due - loop.time()))
        await send()
        due = max(due + period_s, loop.time())


async def backfill(city: City, connection: Connection, clock: Clock, emptied: Emptied, days: int = 14) -> int:
    """Send what the bins would have measured in the last days, as HTTP batches and lists; readings of batches accepted."""
    end = clock.now()
    start = (end - timedelta(days=days)).replace(minute=0, second=0, microsecond=0) + PAST_STEP
    turns = asyncio.Semaphore(BACKFILL_AT_ONCE)
    known = [one for one in bins_simulated(city, end) if one.device in connection.secrets]
    async with httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S) as http:

        async def fill(one: VirtualBin) -> int:
            async with turns:
                bodies = _history(city.seed, one, _steps(start, end, PAST_STEP), emptied(one.bin.id))
                return sum([await post_history(http, one.device, connection.secrets[one.device], body) for body in bodies])

        accepted = sum(await asyncio.gather(*map(fill, known)))
        fleet = BinFleet(city, msgspec.structs.replace(connection, secrets=_only_lists(connection)), http, end, emptied)
        for at in _steps(start, end, LIST_STEP):
            await fleet.send_list(at)
        return accepted


def _only_lists(connection: Connection) -> Mapping[str, str]:
    return {name: secret for name, secret in connection.secrets.items() if name == LIST_DEVICE}


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += step


def _history(seed: int, one: VirtualBin, instants: Iterator[datetime], emptied: Sequence[datetime]) -> Iterator[bytes]:
    rows: list[dict[str, Any]] = []
    size = 0
    for at in instants:
        found = measured(seed, one, at, emptied)
        if found:
            rows.append({"time": format_instant(at), "values": found})
            size += len(found)
        if size >= BATCH_ROWS:
            yield json.dumps({"readings": rows}, separators=(",", ":")).encode()
            rows, size = [], 0
    if rows:
        yield json.dumps({"readings": rows}, separators=(",", ":")).encode()
