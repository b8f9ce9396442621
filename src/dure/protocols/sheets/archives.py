"""ZIP archives of unknown make: workbooks and packed feeds, unpacked within limits."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

from dure.core.errors import InputError, TooLarge
from dure.protocols.green_button import BYTES_MAX

PARTS_MAX = 1_000
ZIP_HEAD = b"PK\x03\x04"


def archive_parts(body: bytes, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted files of a ZIP archive, unpacked within `BYTES_MAX` altogether, whatever its directory claims.

    Raises
    ------
    InputError : ``archive.broken``
    TooLarge : ``archive.too_large``
    """
    found: dict[str, bytes] = {}
    room = BYTES_MAX
    try:
        with zipfile.ZipFile(BytesIO(body)) as archive:
            if len(archive.infolist()) > PARTS_MAX:
                raise TooLarge("archive.too_large", f"The archive holds more than {PARTS_MAX:,} files.")
            for info in archive.infolist():
                if info.is_dir() or not wanted(info.filename):
                    continue
                with archive.open(info) as part:
                    content = part.read(room + 1)
                room -= len(content)
                if room < 0:
                    raise TooLarge(
                        "archive.too_large", f"The archive unpacks to more than {BYTES_MAX:,} bytes. Send it in parts."
                    )
                found[info.filename] = content
    except (zipfile.BadZipFile, EOFError, RuntimeError, OSError, zlib.error) as error:
        # What `zipfile` raises on bytes of unknown make: no archive, cut short, a password or a method it does not know (both
        # RuntimeError), places that cannot be, a stream that does not inflate.
        raise InputError("archive.broken", f"The archive cannot be read: {error}.") from error
    return found


def unpacked_xml(body: bytes) -> bytes:
    """The one XML file of a packed feed, or the body itself when it is not packed."""
    if not body.startswith(ZIP_HEAD):
        return body
    parts = archive_parts(body, lambda name: name.lower().endswith(".xml"))
    if len(parts) != 1:
        raise InputError("archive.not_one", f"The archive holds {len(parts)} XML files; send it with exactly one.")
    return next(iter(parts.values()))
