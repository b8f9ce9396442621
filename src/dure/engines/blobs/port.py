"""The blob port: bytes kept under a name, with their digest; alike on every engine (tests/contracts/blobs)."""

from __future__ import annotations

import hashlib
import re
from typing import Protocol

import msgspec

from dure.core.errors import Corrupt, InputError, NotFound, TooLarge

BLOB_BYTES_MAX = 64 * 1_048_576
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*(?:/[a-z0-9][a-z0-9._-]*)*")
NAME_CHARS_MAX = 200


class Blob(msgspec.Struct, frozen=True):
    """What is kept under a name."""

    name: str
    size: int
    sha256: str


class Blobs(Protocol):
    """Evidence images, packages, reports. A name is like a path: ``evidence/2026/11/a1.jpg``."""

    async def put(self, name: str, data: bytes) -> Blob:
        """Keep the bytes, on disk when this returns; an older blob of this name is replaced whole."""
        ...

    async def get(self, name: str) -> bytes:
        """The bytes, their digest checked; `NotFound` or `Corrupt`."""
        ...

    async def info(self, name: str) -> Blob:
        """Size and digest; `NotFound`."""
        ...

    async def delete(self, name: str) -> None:
        """Keep it no more; `NotFound`."""
        ...

    async def names(self, prefix: str = "") -> list[str]:
        """Names that start with a prefix, sorted."""
        ...


def checked_name(name: str) -> str:
    """`name` when it can be kept by every engine; else refused."""
    if len(name) > NAME_CHARS_MAX or not _NAME.fullmatch(name):
        raise InputError(
            "blob.name", f"{name[:80]!r} is no blob name: lower-case letters, digits, '.', '_', '-', in parts joined by '/'."
        )
    return name


def described(name: str, data: bytes, bytes_max: int) -> Blob:
    """Name, size and digest of bytes that are within the limit."""
    if len(data) > bytes_max:
        raise TooLarge("blob.too_large", f"{name}: {len(data)} bytes; a blob holds at most {bytes_max}.", bytes=len(data))
    return Blob(checked_name(name), len(data), hashlib.sha256(data).hexdigest())


def verified(blob: Blob, data: bytes) -> bytes:
    """The bytes when they are those that were kept."""
    if len(data) != blob.size or hashlib.sha256(data).hexdigest() != blob.sha256:
        raise Corrupt("blob.corrupt", f"{blob.name}: the bytes are not those that were kept; restore it from a backup.")
    return data


def missing(name: str) -> NotFound:
    """The error for a name under which nothing is kept."""
    return NotFound("blob.not_found", f"There is no blob {name!r}.", name=name)
