"""`dure backup` and `dure restore`: one consistent folder of everything, while the city goes on.

Order makes it consistent: telemetry first with its cursor, then records, then every message the bus acknowledged after
that cursor. A restored house takes those messages in again and recognises the rows it already has.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import ConfigError, Conflict
from dure.engines.bus import subjects
from dure.engines.bus.packing import Packed, pack
from dure.engines.roads.store import copy_map
from dure.spine.recorder import stream_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dure.engines.bus.client import Bus
    from dure.engines.bus.reader import Message
    from dure.spine.house import House

# Files that only their owner may read; without the key of tokens no card would be known, without the authority's no station,
# without the log's no checkpoint would be signed, without that of practices no partner and no place's code, without that of
# households no customer number.
SECRETS = (
    *("secrets.json", "device-secrets.json"),
    *("charging-tokens.key", "charging-authority.key", "charging-authority.pem"),
    *("carbon-log.key", "carbon-log-next.key", "carbon-practice.key", "carbon-households.key"),
)
MANIFEST = "backup.json"
TAIL = "stream-tail.msgpack"
FORM = 1
MESSAGES_PER_READ = 500


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds."""

    form: int
    city: str
    made_at: str
    cursor: int
    tail: int
    rows: int


class Tail(msgspec.Struct, frozen=True, array_like=True):
    """One message of the stream."""

    subject: str
    seq: int
    time_us: int
    payload: bytes


async def backup(house: House, folder: Path, step: Callable[[str], None] = lambda _: None) -> Manifest:
    """Copy everything into a new folder; the manifest is written last, so a folder without one is no backup."""
    if folder.exists() and any(folder.iterdir()):
        raise Conflict("backup.not_empty", f"{folder} is not empty. A backup goes into a new folder.")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    step("telemetry")
    cursor = await asyncio.to_thread(house.telemetry.cursor, stream_name(await house.bus.state()))
    await asyncio.to_thread(house.telemetry.backup, str((folder / "telemetry").resolve()))
    step("records")
    await asyncio.to_thread(house.records.backup, folder / "records")
    step("stream")
    tail = await _save_tail(house.bus, cursor, folder / TAIL)
    step("archive")
    if house.settings.archive.exists():
        await asyncio.to_thread(shutil.copytree, house.settings.archive, folder / "archive")
    step("roads")
    await asyncio.to_thread(copy_map, house.settings.data / "roads", folder / "roads")
    for name in SECRETS:
        if (house.settings.data / name).exists():
            shutil.copy2(house.settings.data / name, folder / name)
    rows = await asyncio.to_thread(house.telemetry.count)
    manifest = Manifest(FORM, house.city.id, house.clock.now().isoformat(), cursor, tail, rows)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


async def _save_tail(bus: Bus, cursor: int, file: Path) -> int:
    """Every message after the cursor that the bus has acknowledged by now; how many."""
    last = (await bus.state()).last_seq
    saved = 0
    encoder = msgspec.msgpack.Encoder()
    with file.open("wb") as out:
        if last <= cursor:
            return 0
        async for messages in bus.read(cursor, batch=MESSAGES_PER_READ, wait_s=1.0):
            for one in messages:
                body = encoder.encode(Tail(one.subject, one.seq, one.time_us, bytes(one.payload)))
                out.write(len(body).to_bytes(4, "big") + body)
                saved += 1
            if messages and messages[-1].seq >= last:
                break
        out.flush()
        os.fsync(out.fileno())
    return saved


def read_manifest(folder: Path) -> Manifest:
    """What a backup folder holds; refused when it is none."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (FileNotFoundError, msgspec.DecodeError) as error:
        raise ConfigError("backup.unreadable", f"{folder} is no finished backup: {error}") from error
    if manifest.form != FORM:
        raise ConfigError("backup.form", f"{folder} is a backup of form {manifest.form}; this Dure reads form {FORM}.")
    return manifest


def place_files(folder: Path, data: Path) -> Manifest:
    """Put a backup's files into an empty data folder; the stream's tail is taken in at the next start."""
    manifest = read_manifest(folder)
    if data.exists() and any(data.iterdir()):
        raise Conflict("restore.not_empty", f"{data} is not empty. Restore into a new data folder.")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in (*SECRETS, TAIL):
        if (folder / name).exists():
            shutil.copy2(folder / name, data / name)
    if (folder / "archive").exists():
        shutil.copytree(folder / "archive", data / "archive")
    copy_map(folder / "roads", data / "roads")
    for file in (folder / "telemetry").iterdir():
        shutil.copy2(file, data / file.name)
    return manifest


async def take_in_tail(bus: Bus, data: Path) -> int:
    """Publish a restored tail again and forget it; messages published. A kill meanwhile only repeats it."""
    file = data / TAIL
    if not file.exists():
        return 0
    decoder = msgspec.msgpack.Decoder(Tail)
    published = 0
    with file.open("rb") as tail:
        while head := tail.read(4):
            one = decoder.decode(tail.read(int.from_bytes(head, "big")))
            await _publish_again(bus, one)
            published += 1
    file.unlink()
    return published


async def _publish_again(bus: Bus, one: Tail | Message) -> None:
    """What the stream captures itself goes back as it was; a device's own message as a pack of one."""
    origin = subjects.parse(one.subject)
    if origin.kind == "raw":
        payload = pack([Packed(origin.device, one.time_us, one.payload)])
        await bus.publish(subjects.pack(origin.city, origin.partition), payload, msg_id=f"restored-{one.seq}")
    else:
        await bus.publish(one.subject, one.payload, msg_id=f"restored-{one.seq}")
