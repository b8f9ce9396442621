"""Many small device payloads in one message: a plain binary frame.

One byte of version, then per payload: length of the device's name (u8), instant of arrival in µs since 1970 (i64), length
of the payload (u32), all little-endian, followed by the name (ASCII) and the payload. City and partition stand in the subject.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

import msgspec

from dure.core.errors import InputError

VERSION = 1
_HEAD = struct.Struct("<BqI")
_MARK = bytes([VERSION])
OVERHEAD = _HEAD.size


class Packed(msgspec.Struct, frozen=True, gc=False):
    """One payload as a device sent it and when it arrived."""

    device: str
    received_us: int
    payload: bytes


def frame(device: bytes, received_us: int, payload: bytes) -> bytes:
    """One payload's part of a pack; `device` is at most 255 bytes."""
    return b"".join((_HEAD.pack(len(device), received_us, len(payload)), device, payload))


def join(frames: Iterable[bytes]) -> bytes:
    """A pack of frames."""
    return _MARK + b"".join(frames)


def pack(items: Iterable[Packed]) -> bytes:
    """A pack of payloads."""
    return join(frame(item.device.encode("ascii"), item.received_us, item.payload) for item in items)


def unpack(data: bytes) -> Iterator[Packed]:
    """The payloads of a pack in order; a pack that is cut or of an unknown version is refused."""
    if data[:1] != _MARK:
        raise InputError("pack.malformed", f"A pack of version {data[0] if data else 'nothing'}; known is {VERSION}.")
    at, end = 1, len(data)
    while at < end:
        if at + OVERHEAD > end:
            raise InputError("pack.malformed", f"The pack is cut at byte {at}.")
        name_size, received_us, size = _HEAD.unpack_from(data, at)
        name_at = at + OVERHEAD
        payload_at = name_at + name_size
        at = payload_at + size
        if at > end:
            raise InputError("pack.malformed", f"The pack is cut: it ends at byte {end}, not {at}.")
        try:
            device = data[name_at:payload_at].decode("ascii")
        except UnicodeDecodeError as error:
            raise InputError("pack.malformed", f"The name at byte {name_at} is not ASCII.") from error
        yield Packed(device, received_us, data[payload_at:at])
