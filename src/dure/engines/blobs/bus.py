"""Blobs in the bus's object store: replicated where the bus is."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable
from typing import TYPE_CHECKING, TypeVar

import nats.errors
import nats.js.errors
from nats.js.api import StorageType

from dure.core.errors import Corrupt, NotFound, Unavailable
from dure.engines.blobs.port import BLOB_BYTES_MAX, Blob, checked_name, described, missing, verified

if TYPE_CHECKING:
    from nats.js import JetStreamContext
    from nats.js.api import ObjectInfo
    from nats.js.object_store import ObjectStore

    from dure.engines.bus.client import Bus

BUCKET = "BLOBS"
STREAM = f"OBJ_{BUCKET}"  # what the object store of the bus calls its stream
PATIENCE_S = 30.0
_Answer = TypeVar("_Answer")


class BusBlobs:
    """The blob port on the bus; made by `open`."""

    def __init__(self, store: ObjectStore, js: JetStreamContext, *, bytes_max: int = BLOB_BYTES_MAX) -> None:
        self._store, self._js = store, js
        self._bytes_max = bytes_max

    @classmethod
    async def open(cls, bus: Bus, *, replicas: int = 1, bytes_max: int = BLOB_BYTES_MAX) -> BusBlobs:
        """The store, made when there is none."""
        js = bus.client.jetstream(timeout=5)
        try:
            store = await js.object_store(BUCKET)
        except nats.js.errors.NotFoundError:
            store = await _asked(js.create_object_store(BUCKET, storage=StorageType.FILE, replicas=replicas), BUCKET)
        except (nats.errors.Error, nats.js.errors.Error) as error:
            raise Unavailable("blob.unavailable", f"The store of blobs does not answer: {error!r}") from error
        return cls(store, js, bytes_max=bytes_max)

    async def put(self, name: str, data: bytes) -> Blob:
        """Keep the bytes, on disk when this returns; an older blob of this name is replaced whole."""
        blob = described(name, data, self._bytes_max)
        await _asked(self._store.put(name, data), name)
        return blob

    async def get(self, name: str) -> bytes:
        """The bytes, their digest checked; `NotFound` or `Corrupt`."""
        blob = await self.info(name)
        try:
            found = await _asked(self._store.get(name), name)
        except (nats.js.errors.DigestMismatchError, nats.js.errors.BadObjectMetaError) as error:
            raise Corrupt("blob.corrupt", f"{name}: the bytes are not those that were kept; restore it from a backup.") from error
        return verified(blob, bytes(found.data or b""))

    async def info(self, name: str) -> Blob:
        """Size and digest; `NotFound`."""
        return _blob(await _asked(self._store.get_info(checked_name(name)), name))

    async def delete(self, name: str) -> None:
        """Keep it no more: the bytes are overwritten on the disk, which the store alone does not do; `NotFound`."""
        info = await _asked(self._store.get_info(checked_name(name)), name)
        await self._overwrite(name, f"$O.{BUCKET}.C.{info.nuid}")
        await _asked(self._store.delete(name), name)

    async def _overwrite(self, name: str, chunks: str) -> None:
        """Erase the messages that hold the bytes one by one: the bus overwrites what is deleted so."""
        seq = 1
        while True:
            try:
                found = await _asked(self._js.get_msg(STREAM, seq=seq, subject=chunks, next=True), name)
            except NotFound:
                return
            at = found.seq or seq
            await _asked(self._js.delete_msg(STREAM, at), name)
            seq = at + 1

    async def names(self, prefix: str = "") -> list[str]:
        """Names that start with a prefix, sorted."""
        try:
            found = await _asked(self._store.list(), BUCKET)
        except NotFound:
            return []
        return sorted(each.name for each in found if each.name.startswith(prefix) and not each.deleted)


def _blob(info: ObjectInfo) -> Blob:
    digest = (info.digest or "").partition("=")[2]
    return Blob(info.name, info.size or 0, base64.urlsafe_b64decode(digest).hex())


async def _asked(question: Awaitable[_Answer], name: str) -> _Answer:
    """The answer, or the house's error; the client library would wait for missing chunks for ever."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await question
    except nats.js.errors.NotFoundError as error:
        raise missing(name) from error
    except (nats.js.errors.DigestMismatchError, nats.js.errors.BadObjectMetaError):
        raise
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError, OSError) as error:
        raise Unavailable("blob.unavailable", f"The store of blobs does not answer about {name}: {error!r}") from error
