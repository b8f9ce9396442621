"""The register of assets and devices in memory: every reading asks it, so it must answer at once."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import structlog
from sqlalchemy import bindparam, case, func, select

from dure.core.errors import Unavailable
from dure.engines.records.tables import assets, devices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from dure.engines.bus.client import Bus, Received
    from dure.engines.records.store import Records

log = structlog.get_logger("dure.directory")

POLL_S = 30.0
PARENTS_MAX = 8
IMPORTER = "import"  # the name under which an operator's files come in: it may write for every asset, nobody signs in as it


class DeviceEntry(msgspec.Struct, frozen=True):
    """What the spine needs to know of a device."""

    id: str
    asset: str
    codec: str
    state: str
    dev_eui: str | None
    live_from_seq: int | None  # the place in the stream from which its rows count; None while it is quarantined


class AssetEntry(msgspec.Struct, frozen=True):
    """What the spine needs to know of an asset. `live_from_seq` is None while it is quarantined."""

    id: str
    kind: str
    parent: str | None
    state: str
    live_from_seq: int | None


class Few(NamedTuple):
    """Some entries of the register, by id."""

    assets: dict[str, AssetEntry]
    devices: dict[str, DeviceEntry]


class Directory:
    """Assets and devices as last read; read again when told of a change, and every half minute in any case."""

    def __init__(self, records: Records, city: str) -> None:
        self._records = records
        self._city = city
        self._bus: Bus | None = None
        self._assets: dict[str, AssetEntry] = {}
        self._devices: dict[str, DeviceEntry] = {}
        self._by_dev_eui: dict[str, str] = {}
        self._one_by_one = threading.Lock()
        self._me = secrets.token_bytes(8)
        self._stale = True
        self._read_at = 0.0
        self._forget: list[Callable[[], None]] = []
        self.generation = 0

    @property
    def subject(self) -> str:
        """The core subject on which processes tell each other that the register changed."""
        return f"changed.{self._city}.directory"

    def on_change(self, forget: Callable[[], None]) -> None:
        """Call `forget` after every change of the register."""
        self._forget.append(forget)

    async def follow(self, bus: Bus) -> None:
        """Hear of changes made by other processes."""
        self._bus = bus

        async def hear(message: Received) -> None:
            if message.payload == self._me:
                return  # our own words: read already
            self._stale = True
            await self.refresh_if_changed()

        await bus.subscribe(self.subject, hear)

    async def changed(self) -> None:
        """Read again now, and tell the other processes."""
        self._stale = True
        await self.refresh_if_changed()
        await self.tell()

    async def added(self, assets: Iterable[str], devices: Iterable[str]) -> None:
        """Read these few assets and devices anew, and tell the other processes: the register may be long."""
        await asyncio.to_thread(self.learn, list(assets), list(devices))
        await self.tell()

    async def tell(self) -> None:
        """Tell the other processes that the register changed: after `learn`, which some call in a thread of their own."""
        if self._bus is not None:
            try:
                await self._bus.send(self.subject, self._me)
            except Unavailable:
                log.warning("directory.others_not_told", hint="they read again within half a minute")

    async def refresh_if_changed(self) -> None:
        """Read the register when it is stale; while the records are away the last one read stays in force."""
        if not self._stale and time.monotonic() - self._read_at < POLL_S:
            return
        self._stale = False
        self._read_at = time.monotonic()
        try:
            await asyncio.to_thread(self.refresh)
        except Unavailable as error:
            self._stale = not self._assets
            log.warning("directory.records_away", code=error.code)

    def refresh(self) -> None:
        """Read the register; blocks."""
        began = self.generation
        with self._records.read() as connection:
            found_assets = {row.id: AssetEntry(*row) for row in connection.execute(_ASSETS)}
            found_devices = {row.id: DeviceEntry(*row) for row in connection.execute(_DEVICES)}
        with self._one_by_one:
            self._stale = self._stale or began != self.generation  # something was learnt meanwhile: once more, soon
            if (found_assets, found_devices) != (self._assets, self._devices):
                self._take(found_assets, found_devices)

    def learn(self, asset_ids: list[str], device_ids: list[str]) -> None:
        """Read a few assets and devices; blocks."""
        with self._records.read() as connection:
            few = read_few(connection, asset_ids, device_ids)
        self.take(few)

    def take(self, few: Few) -> None:
        """Take in a few assets and devices as they are read (`read_few`) and kept."""
        with self._one_by_one:
            former = {old.dev_eui for name in few.devices if (old := self._devices.get(name)) is not None}
            euis = {eui: name for eui, name in self._by_dev_eui.items() if eui not in former} if former else self._by_dev_eui
            euis = euis | {one.dev_eui: name for name, one in few.devices.items() if one.dev_eui}
            self._take(self._assets | few.assets, self._devices | few.devices, euis)

    def _take(
        self, found_assets: dict[str, AssetEntry], found_devices: dict[str, DeviceEntry], by_dev_eui: dict[str, str] | None = None
    ) -> None:
        self._assets, self._devices = found_assets, found_devices
        if by_dev_eui is None:
            by_dev_eui = {device.dev_eui: device.id for device in found_devices.values() if device.dev_eui}
        self._by_dev_eui = by_dev_eui
        self.generation += 1
        for forget in self._forget:
            forget()

    def device(self, device: str) -> DeviceEntry | None:
        """The device, unless unknown."""
        return self._devices.get(device)

    def by_dev_eui(self, dev_eui: str) -> DeviceEntry | None:
        """The device with this LoRaWAN identifier (16 lower-case hex digits)."""
        return self._devices.get(self._by_dev_eui.get(dev_eui, ""))

    def asset(self, asset: str) -> AssetEntry | None:
        """The asset, unless unknown."""
        return self._assets.get(asset)

    def has_asset(self, asset: str) -> bool:
        """Whether the asset is registered."""
        return asset in self._assets

    def asset_of(self, device: str) -> str | None:
        """The device's own asset; None when the device is unknown."""
        entry = self._devices.get(device)
        return entry.asset if entry else None

    def may_write(self, device: str, asset: str) -> bool:
        """Whether the device is bound to the asset or to one of its parents (a gateway, a site)."""
        entry = self._devices.get(device)
        if entry is None:
            return device == IMPORTER
        at: str | None = asset
        for _ in range(PARENTS_MAX):
            if at is None or at == entry.asset:
                break
            known = self._assets.get(at)
            at = known.parent if known else None
        return at == entry.asset

    def live_from_seq(self, asset: str) -> int | None:
        """Sequence from which the asset's rows count; None while it is quarantined."""
        entry = self._assets.get(asset)
        return entry.live_from_seq if entry else None

    def revoked(self) -> frozenset[str]:
        """Devices that are refused for good."""
        return frozenset(device.id for device in self._devices.values() if device.state == "revoked")

    def device_live_from_seq(self, device: str) -> int | None:
        """Sequence from which a device's rows count; 0 for one that is not registered, as an operator's import."""
        entry = self._devices.get(device)
        return entry.live_from_seq if entry else 0

    def is_quarantined(self, device: str) -> bool:
        """Whether the device still has to show that it is plausible."""
        entry = self._devices.get(device)
        return entry is not None and entry.state == "quarantined"

    def is_public(self, asset: str) -> bool:
        """Whether citizens may see the asset."""
        entry = self._assets.get(asset)
        return entry is not None and entry.state == "live"


# An asset that never was in quarantine, or was released by hand, counts from the beginning.
_LIVE_FROM = case((assets.c.state == "quarantined", None), else_=func.coalesce(assets.c.live_from_seq, 0))
_ASSETS = select(assets.c.id, assets.c.kind, assets.c.parent, assets.c.state, _LIVE_FROM)
_COUNTED = case((devices.c.state == "quarantined", None), else_=devices.c.counted_seq + 1)
_DEVICES = select(devices.c.id, devices.c.asset, devices.c.codec, devices.c.state, devices.c.dev_eui, _COUNTED)
_SOME_ASSETS = _ASSETS.where(assets.c.id.in_(bindparam("ids", expanding=True)))
_SOME_DEVICES = _DEVICES.where(devices.c.id.in_(bindparam("ids", expanding=True)))


def read_few(connection: Connection, asset_ids: Iterable[str], device_ids: Iterable[str]) -> Few:
    """A few assets and devices as this transaction sees them."""
    found_assets = connection.execute(_SOME_ASSETS, {"ids": list(asset_ids)})
    found_devices = connection.execute(_SOME_DEVICES, {"ids": list(device_ids)})
    return Few({row.id: AssetEntry(*row) for row in found_assets}, {row.id: DeviceEntry(*row) for row in found_devices})
