"""How the meters of virtual sites reach the house: MQTT or HTTP, each with its own credential; the storage hears its commands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping

import httpx
import msgspec

from dure.core.time import US_PER_S, Clock, format_instant, from_us, to_us
from dure.services.charging.simulating.virtual_site import Reads, VirtualSite
from dure.services.charging.simulating.virtual_storage import VirtualStorage
from dure.spine.virtual_devices import Connection, HttpDevice, MqttDevice, Outage

BATCH_ROWS = 1_000
SILENT_S = (3 * 3_600, 8 * 3_600)  # a meter with the fault says nothing from then to then of each UTC day
FAULTS = ("", "silent")


def is_silent(fault: str, at_us: int) -> bool:
    """Whether a faulty meter says nothing at an instant."""
    return fault == "silent" and SILENT_S[0] <= at_us // US_PER_S % 86_400 < SILENT_S[1]


def body_of(values: Mapping[str, float], at_us: int) -> bytes:
    """The short JSON form of docs/en/devices.md."""
    return json.dumps({"time": format_instant(from_us(at_us)), "values": dict(values)}, separators=(",", ":")).encode()


def batches(rows: Iterable[tuple[int, Mapping[str, float]]]) -> Iterator[bytes]:
    """Reads (instant, values) in batches as `POST /readings` takes them."""
    part: list[dict[str, object]] = []
    for at_us, values in rows:
        part.append({"time": format_instant(from_us(at_us)), "values": dict(values)})
        if len(part) >= BATCH_ROWS:
            yield json.dumps({"readings": part}, separators=(",", ":")).encode()
            part = []
    if part:
        yield json.dumps({"readings": part}, separators=(",", ":")).encode()


class Ways(msgspec.Struct, frozen=True):
    """How meters speak (mqtt or http), which device each has, what is wrong with it; by asset id."""

    speaks: Mapping[str, str]
    devices: Mapping[str, str]
    faults: Mapping[str, str]


class SiteDevices:
    """The devices of one site's meters, signed in."""

    def __init__(
        self, city: str, one: VirtualSite, ways: Ways, connection: Connection, http: httpx.AsyncClient, clock: Clock
    ) -> None:
        self._muted: set[str] = set()
        self._faults, self._clock, speaks = ways.faults, clock, ways.speaks
        lost = {way: Outage(way) for way in ("mqtt", "http")}
        known = {asset: device for asset, device in ways.devices.items() if device in connection.secrets}
        storage = {each.storage.id: each for each in one.storage}
        self._mqtt = {
            asset: MqttDevice(city, device, 1, connection, lost["mqtt"], self._obey(storage.get(asset)))
            for asset, device in known.items()
            if speaks.get(asset) == "mqtt"
        }
        self._posts = {
            asset: HttpDevice("/api/v1/readings", (device, connection.secrets[device]), http, lost["http"])
            for asset, device in known.items()
            if speaks.get(asset) == "http"
        }

    def _obey(self, one: VirtualStorage | None) -> Callable[[bytes], bytes] | None:
        return (lambda body: one.obey(body, to_us(self._clock.now()))) if one is not None else None

    async def send(self, reads: Reads, at_us: int) -> None:
        """What the meters show at an instant, on its way."""
        for asset, values in reads.items():
            if asset in self._muted or is_silent(self._faults.get(asset, ""), at_us):
                continue
            if asset in self._mqtt:
                self._mqtt[asset].send(body_of(values, at_us))
            elif asset in self._posts:
                await self._posts[asset].send(body_of(values, at_us))

    def mute(self, asset: str) -> None:
        """A meter says nothing any more."""
        self._muted.add(asset)

    async def close(self) -> None:
        """Sign all out."""
        for device in self._mqtt.values():
            await device.close()
