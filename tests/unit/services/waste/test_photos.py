"""Photos: what is none is refused, and what the camera wrote about the person is cut out. Files made by hand, the smallest."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError, NotFound, TooLarge
from dure.engines.blobs.folder import FolderBlobs
from dure.services.waste.driving import photos


def segment(marker, body):
    return b"\xff" + bytes([marker]) + (len(body) + 2).to_bytes(2, "big") + body


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def riff(kind, body):
    return kind + len(body).to_bytes(4, "little") + body + b"\0" * (len(body) % 2)


GPS = b"GPS 37.1894 N 127.0773 E, phone of somebody"
PLAIN_JPEG = b"\xff\xd8" + segment(0xE0, b"JFIF\0") + segment(0xDB, b"q" * 65) + b"\xff\xda\0\x08scan\xff\xd9"
JPEG = (
    b"\xff\xd8" + segment(0xE0, b"JFIF\0") + segment(0xE1, b"Exif\0\0" + GPS) + segment(0xED, GPS) + segment(0xFE, GPS)
    + segment(0xDB, b"q" * 65) + b"\xff\xda\0\x08scan\xff\xd9" + GPS
)  # fmt: skip
HEADER = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
DATA = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
PNG = b"\x89PNG\r\n\x1a\n" + HEADER + chunk(b"tEXt", b"Author\0" + GPS) + chunk(b"eXIf", GPS) + DATA
WEBP_BODY = b"WEBP" + riff(b"VP8X", b"\x0c" + b"\0" * 9) + riff(b"VP8 ", b"image") + riff(b"EXIF", GPS) + riff(b"XMP ", GPS)
WEBP = b"RIFF" + len(WEBP_BODY).to_bytes(4, "little") + WEBP_BODY


@pytest.mark.parametrize(("data", "suffix"), [(JPEG, "jpg"), (PNG, "png"), (WEBP, "webp")])
def test_what_tells_of_place_and_person_is_cut_out(data, suffix):
    assert GPS in data
    kind, clean = photos.cleaned(data)
    assert kind == suffix
    assert GPS not in clean
    assert photos.cleaned(clean) == (suffix, clean)


def test_the_picture_itself_stays():
    assert photos.cleaned(JPEG)[1] == PLAIN_JPEG
    assert photos.cleaned(PNG)[1] == b"\x89PNG\r\n\x1a\n" + HEADER + DATA
    clean = photos.cleaned(WEBP)[1]
    assert riff(b"VP8 ", b"image") in clean
    assert int.from_bytes(clean[4:8], "little") == len(clean) - 8
    assert clean[20] == 0


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg onload=alert(1)>", JPEG[:30], JPEG[:-60], PNG[:-3], WEBP[:-9], b"%PDF-1.7"]
)
def test_what_is_no_whole_photo_is_refused(data):
    with pytest.raises(InputError) as refused:
        photos.cleaned(data)
    assert refused.value.code == "photo.unreadable"


def test_a_photo_over_the_limit_is_refused():
    with pytest.raises(TooLarge) as refused:
        photos.cleaned(b"\xff\xd8\xff" + b"\0" * photos.PHOTO_BYTES_MAX)
    assert refused.value.code == "photo.too_large"


@given(st.binary(max_size=200).map(lambda tail: b"\xff\xd8\xff\xe0" + tail) | st.binary(max_size=100).map(lambda b: PNG[:8] + b))
def test_no_bytes_make_it_fail_otherwise(data):
    try:
        photos.cleaned(data)
    except InputError as error:
        assert error.code == "photo.unreadable"  # noqa: PT017  # most of these are refused, some are not


async def test_a_photo_sent_twice_is_one(tmp_path):
    blobs = FolderBlobs(tmp_path)
    first = await photos.keep(blobs, JPEG)
    assert await photos.keep(blobs, JPEG) == first
    assert await blobs.names(photos.FOLDER) == [first]
    assert photos.checked(first) == first


@pytest.mark.parametrize(
    "name", ["", "waste/photos/../x.jpg", "waste/photos/a.svg", "secrets.json", "waste/photos/a.jpg/b", "waste/photos/é.jpg"]
)
def test_a_name_that_is_none_finds_no_photo(name):
    with pytest.raises(NotFound) as refused:
        photos.checked(name)
    assert refused.value.code == "photo.unknown"
