"""Photos known again: exactly, scaled, turned, brightened; and when they were taken."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from dure.core.errors import InputError, TooLarge
from dure.core.geo import Point
from dure.services.carbon.practising.photo import BITS, BYTES_MAX, distances, look

SEOUL = ZoneInfo("Asia/Seoul")


def scene(seed, size=(640, 480)):
    """A picture of smooth shapes, as photos are."""
    chance = np.random.default_rng(seed)
    coarse = chance.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def sent(image, kind="JPEG", taken="", offset="", **options):
    out = io.BytesIO()
    exif = Image.Exif()
    if taken:
        words = exif.get_ifd(0x8769)
        words[0x9003] = taken
        if offset:
            words[0x9011] = offset
    image.save(out, kind, exif=exif, **options)
    return out.getvalue()


def placed(**gps):
    """A photo that says where it was taken, as phones do or as they should not."""
    out, exif = io.BytesIO(), Image.Exif()
    words = {1: "N", 2: (37.0, 12.0, 30.0), 3: "E", 4: (127.0, 4.0, 12.0)} | {int(key[1:]): one for key, one in gps.items()}
    exif.get_ifd(0x8825).update({key: one for key, one in words.items() if one is not None})
    scene(1).save(out, "JPEG", exif=exif)
    return look(out.getvalue(), SEOUL)


def differs(one, other):
    seen, kept = look(one, SEOUL), look(other, SEOUL)
    return int(distances(seen.ways, kept.ways[:1, 0], kept.ways[:1, 1])[0])


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.resize((400, 300)),
        lambda image: ImageEnhance.Brightness(image).enhance(1.15),
        lambda image: image.rotate(90, expand=True),
        lambda image: image.rotate(180),
        ImageOps.mirror,
        lambda image: image.convert("L"),
    ],
    ids=["scaled", "brighter", "turned", "upside-down", "mirrored", "grey"],
)
def test_a_changed_copy_is_near(change):
    image = scene(1)
    assert differs(sent(change(image), quality=60), sent(image)) <= 8


def cropped(image, share):
    """What is left when this share of width and height is cut off around it."""
    wide, high = image.size
    return image.crop((int(wide * share / 2), int(high * share / 2), int(wide * (1 - share / 2)), int(high * (1 - share / 2))))


@pytest.mark.parametrize("turn", [lambda image: image, ImageOps.mirror], ids=["as it is", "mirrored"])
def test_a_copy_with_a_twentieth_cut_off_is_so_near_that_a_person_looks_at_it(turn):
    found = [differs(sent(turn(cropped(scene(n), 0.05))), sent(scene(n))) for n in range(12)]
    assert max(found) <= 14


def test_another_picture_is_far():
    nearest = min(differs(sent(scene(n)), sent(scene(n + 100))) for n in range(20))
    assert nearest > 14


def test_the_same_pixels_have_the_same_digest_whatever_the_file_says():
    image = scene(1)
    first, second = (look(sent(image, "PNG", taken=taken), SEOUL) for taken in ("2026:11:24 11:00:00", ""))
    assert first.pixels_sha256 == second.pixels_sha256


def test_the_time_it_was_taken_is_local_unless_it_says_its_offset():
    assert look(sent(scene(1), taken="2026:11:24 12:00:00"), SEOUL).taken_at == datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
    abroad = sent(scene(1), taken="2026:11:24 12:00:00", offset="+01:00")
    assert look(abroad, SEOUL).taken_at == datetime(2026, 11, 24, 11, 0, tzinfo=UTC)


@pytest.mark.parametrize("taken", ["", "yesterday", "0000:00:00 00:00:00", "2026:13:45 99:00:00"])
def test_a_time_that_is_none_is_none(taken):
    assert look(sent(scene(1), taken=taken), SEOUL).taken_at is None


def test_where_it_was_taken_is_read_in_degrees():
    assert placed().place == Point(127.07, 37.208333333333336)
    assert placed(_1="S", _3="W").place == Point(-127.07, -37.208333333333336)


@pytest.mark.parametrize(
    "gps",
    [{"_2": None}, {"_1": None}, {"_2": (91.0, 0.0, 0.0)}, {"_4": (181.0, 0.0, 0.0)}, {"_4": (1.0, 2.0)}, {"_3": ""}],
    ids=["no latitude", "no side", "beyond the pole", "beyond the date line", "two parts", "no word"],
)
def test_a_place_that_is_none_is_none(gps):
    assert placed(**gps).place is None


def test_what_is_kept_tells_nothing_of_phone_and_time():
    kept = Image.open(io.BytesIO(placed().kept))
    assert dict(kept.getexif()) == {}
    kept = Image.open(io.BytesIO(look(sent(scene(1), taken="2026:11:24 12:00:00"), SEOUL).kept))
    assert (kept.format, dict(kept.getexif())) == ("JPEG", {})


def test_nothing_to_see_is_flat():
    assert look(sent(Image.new("RGB", (640, 480), "black")), SEOUL).flat
    assert not look(sent(scene(1)), SEOUL).flat


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff\xd8\xff", b"%PDF-1.4", b"\x89PNG\r\n\x1a\n" + b"0" * 50])
def test_what_is_no_photo_is_refused(data):
    with pytest.raises(InputError) as refused:
        look(data, SEOUL)
    assert refused.value.code == "practice.photo_unreadable"


def test_a_photo_cut_off_is_refused():
    data = sent(scene(1))
    with pytest.raises(InputError):
        look(data[: len(data) // 2], SEOUL)


def test_too_many_bytes_are_refused():
    with pytest.raises(TooLarge):
        look(bytes(BYTES_MAX + 1), SEOUL)


def test_nothing_is_near_to_nothing():
    seen = look(sent(scene(1)), SEOUL)
    assert distances(seen.ways, np.empty(0, np.uint64), np.empty(0, np.uint64)).shape == (0,)
    assert BITS == 128
