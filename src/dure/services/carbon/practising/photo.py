"""What a photo looks like, to know it again: a digest of its pixels, and two difference hashes of 64 bits. Pure.

The hash is taken of the picture as seen, scaled to 9 x 8 and to 8 x 9 shades of grey: a bit says whether a shade is brighter
than the next to the right, and than the next below. Scaling, compression and light change few bits. A query is compared in all
eight ways a picture can be turned and mirrored.

N. Krawetz, "Kind of Like That", 2013, describes the difference hash; written anew here.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import SupportsFloat
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from dure.core.errors import InputError, TooLarge
from dure.core.geo import Point

BYTES_MAX = 6_000_000
PIXELS_MAX = 60_000_000
SEEN_PX = 512  # what the digest and the hashes are made of
KEPT_PX = 1_280
KEPT_QUALITY = 80
BITS = 128
FLAT_SHADES = 3.0  # a picture whose shades differ less shows nothing
FORMATS = ("JPEG", "PNG", "WEBP")
_EXIF, _TAKEN, _OFFSET = 0x8769, 0x9003, 0x9011
_GPS = 0x8825
_SIXTIES = (1, 60, 3_600)  # degrees, minutes, seconds
_SIDES = {"N": 1, "S": -1, "E": 1, "W": -1}
_TIME = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d):(\d\d):(\d\d)")
_ZONE = re.compile(r"([+-])(\d\d):(\d\d)")
HashArray = NDArray[np.uint64]


class Look(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What a photo looks like.

    Attributes
    ----------
    pixels_sha256 : of its pixels as seen, at most `SEEN_PX` wide or high
    ways : (8, 2) uint64, its hashes across and down in all ways it can be turned and mirrored; the first as it is
    taken_at : when it says it was taken, None when it does not
    place : where it says it was taken, None when it does not
    flat : whether there is nothing to see
    kept : JPEG bytes to keep, without what tells of person, place or phone
    """

    pixels_sha256: str
    ways: HashArray
    taken_at: datetime | None
    place: Point | None
    flat: bool
    kept: bytes


def look(data: bytes, zone: ZoneInfo) -> Look:
    """Read a photo.

    Parameters
    ----------
    zone : of a time that comes without an offset

    Raises
    ------
    TooLarge : ``practice.photo_large``, in bytes or pixels
    InputError : ``practice.photo_unreadable``: neither JPEG nor PNG nor WebP, or damaged
    """
    if len(data) > BYTES_MAX:
        raise TooLarge("practice.photo_large", f"A photo has at most {BYTES_MAX:,} bytes; this one has {len(data):,}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd EXIF; what cannot be read there is not there
            return _look(data, zone)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise InputError("practice.photo_unreadable", "This is no photo that can be read: send JPEG, PNG or WebP.") from error


def distances(ways: HashArray, across: HashArray, down: HashArray) -> NDArray[np.int64]:
    """Bits in which a photo differs from each of others, in the way that is nearest.

    Parameters
    ----------
    ways : (8, 2) of the photo
    across, down : (n,) hashes of the others

    Returns
    -------
    (n,) between 0 and `BITS`
    """
    found = np.bitwise_count(ways[:, :1] ^ across).astype(np.int64) + np.bitwise_count(ways[:, 1:] ^ down)
    nearest: NDArray[np.int64] = found.min(axis=0)
    return nearest


def _look(data: bytes, zone: ZoneInfo) -> Look:
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        if opened.width * opened.height > PIXELS_MAX:
            raise TooLarge("practice.photo_large", f"A photo has at most {PIXELS_MAX:,} pixels.")
        taken_at, place = _taken_at(opened, zone), _taken_where(opened)
        opened.draft("RGB", (KEPT_PX, KEPT_PX))
        seen = ImageOps.exif_transpose(opened).convert("RGB")
    seen.thumbnail((KEPT_PX, KEPT_PX))
    out = io.BytesIO()
    Image.fromarray(np.asarray(seen)).save(out, "JPEG", quality=KEPT_QUALITY)  # nothing but pixels goes over
    seen.thumbnail((SEEN_PX, SEEN_PX))
    shades = seen.convert("L")
    digest = hashlib.sha256(f"{seen.width}x{seen.height}\n".encode() + seen.tobytes()).hexdigest()
    return Look(
        pixels_sha256=digest,
        ways=np.array([_hashes(one) for one in _ways(shades)], dtype=np.uint64),
        taken_at=taken_at,
        place=place,
        flat=float(np.asarray(shades, dtype=np.float64).std()) < FLAT_SHADES,
        kept=out.getvalue(),
    )


def _ways(shades: Image.Image) -> Iterator[Image.Image]:
    for one in (shades, ImageOps.mirror(shades)):
        yield one
        for turn in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270):
            yield one.transpose(turn)


def _hashes(shades: Image.Image) -> tuple[int, int]:
    wide = np.asarray(shades.resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    high = np.asarray(shades.resize((8, 9), Image.Resampling.BOX), dtype=np.int16)
    return _packed(wide[:, 1:] > wide[:, :-1]), _packed(high[1:] > high[:-1])


def _packed(bits: NDArray[np.bool_]) -> int:
    return int.from_bytes(np.packbits(bits.ravel()).tobytes())


def _taken_at(image: Image.Image, zone: ZoneInfo) -> datetime | None:
    words = image.getexif().get_ifd(_EXIF)
    found = _TIME.fullmatch(str(words.get(_TAKEN, "")).strip("\0 "))
    if found is None:
        return None
    offset = _ZONE.fullmatch(str(words.get(_OFFSET, "")).strip("\0 "))
    try:
        local = datetime(*map(int, found.groups()), tzinfo=_offset(offset) if offset else zone)  # type: ignore[misc,arg-type]  # six numbers
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _taken_where(image: Image.Image) -> Point | None:
    """Where the phone says it was; None when it does not, or says what is no place."""
    words = image.getexif().get_ifd(_GPS)
    try:
        lat, lon = (_SIDES[words[at]] * _degrees(words[at + 1]) for at in (1, 3))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return Point(lon, lat) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _degrees(parts: Sequence[SupportsFloat]) -> float:
    return sum(float(part) / each for part, each in zip(parts, _SIXTIES, strict=True))


def _offset(found: re.Match[str]) -> timezone:
    sign = -1 if found[1] == "-" else 1
    return timezone(sign * timedelta(hours=int(found[2]), minutes=int(found[3])))
