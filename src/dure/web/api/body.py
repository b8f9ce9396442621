"""The body of a request, read and unpacked up to a bound."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from starlette.requests import ClientDisconnect

from dure.core.errors import InputError, TooLarge

if TYPE_CHECKING:
    from starlette.requests import Request

DRAIN_BYTES_MAX = 67_108_864  # a body too large is read to here and dropped, so that the sender hears the answer
GZIP = 31  # zlib's window bits for one gzip member


async def read_body(request: Request, most: int) -> bytes:
    """The bytes of the body, unpacked when it is gzip; refused when either form is over `most` bytes."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", ""):
        raise InputError("request.encoding", f"The Content-Encoding {encoding[:40]!r} is not read here. Send gzip or none.")
    body = await _read(request, most)
    return unpack(body, most) if encoding == "gzip" else body


async def _read(request: Request, most: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > DRAIN_BYTES_MAX:
                break
            if size <= most:
                parts.append(part)
    except ClientDisconnect as error:
        raise InputError("request.cut", "The connection ended before the body did. Send it again.") from error
    if size > most:
        raise too_large(most)
    return b"".join(parts)


def unpack(body: bytes, most: int) -> bytes:
    """The content of gzip members, at most `most` bytes of it: a small body cannot fill the memory."""
    content: list[bytes] = []
    size = 0
    rest = body
    while rest:
        member = zlib.decompressobj(GZIP)
        try:
            content.append(member.decompress(rest, most + 1 - size))
        except zlib.error as error:
            raise InputError("request.gzip", f"The body is no readable gzip: {error}.") from error
        size += len(content[-1])
        if size > most:
            raise too_large(most)
        if not member.eof:
            raise InputError("request.gzip", "The gzip body ends in the middle.")
        rest = member.unused_data.lstrip(b"\0")
    return b"".join(content)


def too_large(most: int) -> TooLarge:
    """The refusal of a body over the bound."""
    return TooLarge(
        "request.too_large", f"The body is larger than {most:,} bytes unpacked. Send the readings in parts.", bytes_max=most
    )
