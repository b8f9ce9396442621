"""Photos from phones: which bytes are one, and the bytes without what tells of the person and the phone. Pure but for `keep`.

A photo of a bin says nothing but the bin: place, owner and maker of the phone (EXIF, XMP, comments) are cut out before it
is kept. Orientation goes with them; the phone page turns the picture before it sends it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from dure.core.errors import InputError, NotFound, TooLarge
from dure.engines.blobs.port import NAME_CHARS_MAX

if TYPE_CHECKING:
    from dure.engines.blobs.port import Blobs

PHOTO_BYTES_MAX = 6_000_000
FOLDER = "waste/photos/"
MEDIA = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"sBIT", b"bKGD"}
_WEBP_LEFT_OUT = {b"EXIF", b"XMP "}
_JPEG_SCAN, _JPEG_APP0, _JPEG_APP14, _JPEG_COMMENT = 0xDA, 0xE0, 0xEE, 0xFE


def cleaned(data: bytes) -> tuple[str, bytes]:
    """The suffix of a photo and its bytes without descriptions of person, place or phone.

    Raises
    ------
    TooLarge : more than `PHOTO_BYTES_MAX` (``photo.too_large``)
    InputError : neither JPEG nor PNG nor WebP, or cut off (``photo.unreadable``)
    """
    if len(data) > PHOTO_BYTES_MAX:
        raise TooLarge("photo.too_large", f"A photo has at most {PHOTO_BYTES_MAX:,} bytes; this one has {len(data):,}.")
    try:
        if data.startswith(b"\xff\xd8\xff"):
            return "jpg", _jpeg(data)
        if data.startswith(_PNG):
            return "png", _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return "webp", _webp(data)
    except (IndexError, ValueError) as error:
        raise InputError("photo.unreadable", "The photo ends in the middle or is damaged. Take it again.") from error
    raise InputError("photo.unreadable", "This is no photo: send JPEG, PNG or WebP.")


def _jpeg(data: bytes) -> bytes:
    """Segments before the first scan, without APP1 to APP15 (but Adobe's APP14, which tells the colours) and comments."""
    parts, at = [data[:2]], 2
    while data[at + 1] != _JPEG_SCAN:
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker, size = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if size < 2 or at + 2 + size > len(data):
            raise ValueError("segment cut off")
        described = _JPEG_APP0 < marker <= 0xEF and marker != _JPEG_APP14
        if not described and marker != _JPEG_COMMENT:
            parts.append(data[at : at + 2 + size])
        at += 2 + size
    end = data.rfind(b"\xff\xd9")
    if end < at:
        raise ValueError("no end of image")
    return b"".join([*parts, data[at : end + 2]])


def _png(data: bytes) -> bytes:
    parts, at = [_PNG], len(_PNG)
    while True:
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if len(kind) < 4 or at + 12 + size > len(data):
            raise ValueError("chunk cut off")
        if kind in _PNG_KEPT:
            parts.append(data[at : at + 12 + size])
        at += 12 + size
        if kind == b"IEND":
            return b"".join(parts)


def _webp(data: bytes) -> bytes:
    parts, at = [], 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + size + size % 2
        if at + 8 + size > len(data):
            raise ValueError("chunk cut off")
        if kind not in _WEBP_LEFT_OUT:
            parts.append(_without_flags(data[at:end]) if kind == b"VP8X" else data[at:end])
        at = end
    if not parts:
        raise ValueError("no image")
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _without_flags(chunk: bytes) -> bytes:
    """The extended header says no longer that EXIF (bit 3) or XMP (bit 2) follow."""
    return chunk[:8] + bytes([chunk[8] & ~0x0C]) + chunk[9:]


def name_of(suffix: str, data: bytes) -> str:
    """The blob's name: by content, so that a photo sent twice is one."""
    return f"{FOLDER}{hashlib.sha256(data).hexdigest()[:40]}.{suffix}"


def checked(name: str) -> str:
    """`name` when it can be that of a photo.

    Raises
    ------
    NotFound : it cannot (``photo.unknown``)
    """
    stem, _, suffix = name.removeprefix(FOLDER).partition(".")
    if (
        len(name) > NAME_CHARS_MAX
        or not name.startswith(FOLDER)
        or suffix not in MEDIA
        or not stem.isalnum()
        or not stem.isascii()
    ):
        raise NotFound("photo.unknown", "There is no such photo.")
    return name


async def keep(blobs: Blobs, data: bytes) -> str:
    """Keep a photo; its name."""
    suffix, clean = cleaned(data)
    name = name_of(suffix, clean)
    await blobs.put(name, clean)
    return name
