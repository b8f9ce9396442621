"""The way in for everything but a device's own MQTT message: HTTP, network servers, imports, replays.

What is answered as accepted is on the bus, acknowledged after its fsync; what cannot become a row is parked.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import InputError, NotFound, Unavailable
from dure.core.observations import Reading, Rejected
from dure.core.time import to_us
from dure.engines.bus import subjects
from dure.engines.records import parked
from dure.protocols import readings as wire
from dure.protocols.lorawan import Uplink, uplink_readings
from dure.spine import flags, rows
from dure.spine.admit import Desk, parked_item
from dure.spine.directory import IMPORTER, Directory
from dure.spine.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from dure.core.observations import Revisions
    from dure.core.properties import Properties
    from dure.core.time import Clock
    from dure.engines.bus.client import Bus
    from dure.engines.records.store import Records
    from dure.protocols.bytemap import Codec


class Accepted(msgspec.Struct, frozen=True):
    """The answer to a sender: rows kept for good, rows that are not and why, and the last sequence on the bus."""

    accepted: int
    rejected: list[Rejected]
    seq: int = 0


class Intake:
    """Admits readings, parks the rest, publishes with acknowledgement."""

    def __init__(  # noqa: PLR0913, PLR0917  # the engines it joins
        self,
        bus: Bus,
        records: Records,
        directory: Directory,
        properties: Properties,
        codecs: Mapping[str, Codec],
        clock: Clock,
        city: str,
        *,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        self._bus, self._records, self._directory, self._clock, self._city = bus, records, directory, clock, city
        self._codecs = codecs
        self._has_room = has_room
        self._desk = Desk(directory, properties)
        directory.on_change(self._desk.forget)

    async def accept(  # noqa: PLR0913  # what came, and how it came
        self,
        device: str,
        readings: Sequence[Reading],
        rejected: Sequence[Rejected] = (),
        *,
        way: parked.Way,
        received_at: datetime,
        origin: bytes = b"",
        msg_id: str = "",
    ) -> Accepted:
        """Readings a signed-in device (or an import in its name) sent; returns when the bus has acknowledged them.

        Raises
        ------
        NotFound : the device is not registered (``device.unknown``)
        Unavailable : the bus or the records do not answer, or the disk is nearly full (``disk.full``); send again
        """
        self._check_room()
        await self._directory.refresh_if_changed()
        entry = self._directory.device(device)
        if entry is None and device != IMPORTER:
            raise NotFound("device.unknown", f"The device {device[:80]!r} is not registered.")
        received_us = to_us(received_at)
        admitted = self._desk.admit(device, entry.asset if entry else "", readings, received_us)
        refused = [*rejected, *admitted.rejected]
        if refused:
            await self._park(device, way, received_us, refused)
        seq = 0
        for number, part in enumerate(rows.split(admitted.columns)):
            payload = rows.encode(Rows(way, received_us, part, origin))
            part_id = f"{msg_id}:{number}" if msg_id else None
            seq = await self._bus.publish(subjects.rows(self._city, device), payload, msg_id=part_id)
        return Accepted(len(admitted.columns), refused, seq)

    def _check_room(self) -> None:
        if not self._has_room():
            raise Unavailable(
                "disk.full", "The disk is nearly full; readings are refused so that none is lost. Send again later."
            )

    async def revise(self, revisions: Revisions, *, source: str) -> int:
        """Give kept observations other flags; returns when the bus has acknowledged them, with the last sequence there.

        The recorder applies them in their order among the rows: to what is kept, to newest values, to open pages.
        Revisions of rows that are not kept are nothing. `source` names who judged: a service, a desk.

        Raises
        ------
        InputError : columns that do not fit, codes that are none (``flags.…``)
        Unavailable : the bus does not answer, or the disk is nearly full (``disk.full``); revise again
        """
        self._check_room()
        subject, sent_us, seq = subjects.flags(self._city, source), to_us(self._clock.now()), 0
        for part in flags.split(flags.checked(revisions)):
            seq = await self._bus.publish(subject, flags.encode(part, sent_us))
        return seq

    async def accept_uplink(
        self, uplink: Uplink, *, way: parked.Way = "lorawan", received_at: datetime | None = None
    ) -> Accepted:
        """An uplink of a LoRaWAN network server. One of an unknown device is parked until the device is registered."""
        now = received_at or self._clock.now()
        await self._directory.refresh_if_changed()
        entry = self._directory.by_dev_eui(uplink.dev_eui)
        content = msgspec.json.encode(uplink).decode()
        if entry is None:
            why = Rejected(0, "device.unknown", f"No device has the EUI {uplink.dev_eui}.", content)
            await self._park(uplink.dev_eui, way, to_us(now), [why], key=uplink.dedup_key)
            return Accepted(0, [why])
        codec = self._codecs.get(entry.codec)
        if codec is None:
            why = Rejected(0, "codec.unknown", f"The device {entry.id} names no codec that is known: {entry.codec!r}.", content)
            await self._park(entry.id, way, to_us(now), [why], key=uplink.dedup_key)
            return Accepted(0, [why])
        found = uplink_readings(uplink, codec)
        stamped = [r if r.time else msgspec.structs.replace(r, time=uplink.received_at or now) for r in found.readings]
        rejected = [msgspec.structs.replace(r, content=r.content or content) for r in found.rejected]
        return await self.accept(
            entry.id, stamped, rejected, way=way, received_at=now, origin=uplink.payload, msg_id=uplink.dedup_key
        )

    async def park_unreadable(self, topic: str, body: bytes, error: InputError) -> None:
        """Keep a network server's message that cannot be read."""
        why = Rejected(0, error.code, error.message, body.decode("utf-8", "backslashreplace"))
        await self._park(topic[:200], "lorawan", to_us(self._clock.now()), [why])

    async def replay(self, item: parked.Parked) -> Accepted:
        """Try a parked payload again, as of when it came: after its device was registered, or its property was."""
        try:
            if item.way == "lorawan":
                again = await self._replay_uplink(item)
            else:
                found = wire.parse_json(item.content)
                again = await self.accept(item.device, found.readings, found.rejected, way=item.way, received_at=item.received_at)
        except NotFound as error:
            raise InputError("parked.still_unknown", f"{error.message} Register it first.") from error
        if again.accepted and not again.rejected:
            await asyncio.to_thread(self._settle, item.id)
        return again

    async def _replay_uplink(self, item: parked.Parked) -> Accepted:
        try:
            uplink = msgspec.json.decode(item.content, type=Uplink)
        except msgspec.DecodeError:
            found = wire.parse_json(item.content)
            return await self.accept(item.device, found.readings, way=item.way, received_at=item.received_at)
        return await self.accept_uplink(uplink, received_at=item.received_at)

    def _settle(self, item_id: str) -> None:
        with self._records.begin() as connection:
            parked.settle(connection, [item_id], "replayed", self._clock.now())

    async def _park(self, device: str, way: parked.Way, received_us: int, refused: Sequence[Rejected], key: str = "") -> None:
        """Park what was refused; the same content of one device at one instant is parked once."""
        waiting = [
            parked_item(key or parked.key(device, received_us, number, why.content), way, device, received_us, why)
            for number, why in enumerate(refused)
        ]
        await asyncio.to_thread(self._park_now, waiting)

    def _park_now(self, waiting: list[parked.Parked]) -> None:
        with self._records.begin() as connection:
            parked.park(connection, waiting)
