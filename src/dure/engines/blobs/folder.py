"""Blobs in a folder: a file and its description beside it, each written whole and synced."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

import msgspec

from dure.core.errors import Corrupt, Unavailable
from dure.engines.blobs.port import BLOB_BYTES_MAX, Blob, checked_name, described, missing, verified

_DATA = ".data"
_INFO = ".info"


class FolderBlobs:
    """The blob port on a folder."""

    def __init__(self, folder: Path, *, bytes_max: int = BLOB_BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max

    async def put(self, name: str, data: bytes) -> Blob:
        """Keep the bytes, on disk when this returns; an older blob of this name is replaced whole."""
        blob = described(name, data, self._bytes_max)
        await asyncio.to_thread(self._write, blob, data)
        return blob

    async def get(self, name: str) -> bytes:
        """The bytes, their digest checked; `NotFound` or `Corrupt`."""
        return await asyncio.to_thread(self._read, checked_name(name))

    async def info(self, name: str) -> Blob:
        """Size and digest; `NotFound`."""
        return (await asyncio.to_thread(self._describe, checked_name(name)))[0]

    async def delete(self, name: str) -> None:
        """Keep it no more; `NotFound`."""
        await asyncio.to_thread(self._remove, checked_name(name))

    async def names(self, prefix: str = "") -> list[str]:
        """Names that start with a prefix, sorted."""
        return await asyncio.to_thread(self._list, prefix)

    def _write(self, blob: Blob, data: bytes) -> None:
        # The description names the data file, so replacing it is the one step that makes the new blob the blob.
        place = self._folder / blob.name
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            older = self._data_file(place)
            file = place.with_name(f"{place.name}.{uuid.uuid4().hex}{_DATA}")
            _write_synced(file, data)
            _write_synced(
                place.with_name(place.name + _INFO),
                msgspec.json.encode({"file": file.name, "size": blob.size, "sha256": blob.sha256}),
            )
            if older is not None:
                older.unlink(missing_ok=True)
        except OSError as error:
            raise Unavailable("blob.unavailable", f"{blob.name} cannot be kept in {self._folder}: {error.strerror}.") from error

    def _describe(self, name: str) -> tuple[Blob, Path]:
        place = self._folder / name
        try:
            told = msgspec.json.decode(place.with_name(place.name + _INFO).read_bytes(), type=dict)
            return Blob(name, told["size"], told["sha256"]), place.with_name(told["file"])
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing(name) from error
        except (msgspec.DecodeError, KeyError) as error:
            raise Corrupt("blob.corrupt", f"{name}: its description cannot be read; restore it from a backup.") from error

    def _read(self, name: str) -> bytes:
        blob, file = self._describe(name)
        try:
            return verified(blob, file.read_bytes())
        except FileNotFoundError as error:
            raise Corrupt("blob.corrupt", f"{name}: its bytes are gone; restore it from a backup.") from error

    def _data_file(self, place: Path) -> Path | None:
        try:
            told = msgspec.json.decode(place.with_name(place.name + _INFO).read_bytes(), type=dict)
            return place.with_name(told["file"])
        except (OSError, msgspec.DecodeError, KeyError):
            return None

    def _remove(self, name: str) -> None:
        _, file = self._describe(name)
        place = self._folder / name
        place.with_name(place.name + _INFO).unlink()
        file.unlink(missing_ok=True)

    def _list(self, prefix: str) -> list[str]:
        if not self._folder.exists():
            return []
        found = (str(file.relative_to(self._folder).as_posix())[: -len(_INFO)] for file in self._folder.rglob(f"*{_INFO}"))
        return sorted(name for name in found if name.startswith(prefix))


def _write_synced(file: Path, data: bytes) -> None:
    fresh = file.with_name(f"{file.name}.{uuid.uuid4().hex}.new")
    with fresh.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
