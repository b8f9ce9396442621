"""Revised flags as they travel on the bus: columns in one message, beside `rows`, read back without a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Check, Flag, Revisions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dure.core.observations import SeriesKey

FORM = 1
REVISIONS_PER_MESSAGE_MAX = 5_000  # each may name a series of its own: 100 bytes, so half of the bus's 1 MB limit
KNOWN_FLAGS = np.array(sorted(Flag), np.uint8)
KNOWN_CHECKS = np.array(sorted(Check), np.uint8)


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    form: int
    sent_us: int
    keys: list[tuple[str, str]]
    series: bytes
    time_us: bytes
    flag: bytes
    check: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def encode(revisions: Revisions, sent_us: int) -> bytes:
    """MessagePack of little-endian columns, and when they were sent [µs]."""
    return _encoder.encode(
        _Wire(
            FORM,
            sent_us,
            list(revisions.keys),
            revisions.series.astype("<i4", copy=False).tobytes(),
            revisions.time_us.astype("<i8", copy=False).tobytes(),
            revisions.flag.astype("u1", copy=False).tobytes(),
            revisions.check.astype("u1", copy=False).tobytes(),
        )
    )


def decode(payload: bytes) -> Revisions:
    """The revisions of a message; one of another form, with unequal columns or unknown codes is refused."""
    try:
        wire = _decoder.decode(payload)
        found = Revisions(
            wire.keys,
            np.frombuffer(wire.series, "<i4"),
            np.frombuffer(wire.time_us, "<i8"),
            np.frombuffer(wire.flag, "u1"),
            np.frombuffer(wire.check, "u1"),
        )
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise InputError("flags.unreadable", f"A message of flags cannot be read: {error}") from error
    if wire.form != FORM:
        raise InputError("flags.form", f"Flags of form {wire.form} are not known here; this Dure reads form {FORM}.")
    if any(not (asset + name).isprintable() or "\\" in asset + name for asset, name in found.keys):
        raise InputError("flags.series", "A revised flag names a series that cannot be one.")
    return checked(found)


def checked(revisions: Revisions) -> Revisions:
    """The same, when they can be applied; else refused."""
    n = len(revisions.time_us)
    if not n == len(revisions.series) == len(revisions.flag) == len(revisions.check):
        raise InputError("flags.unequal", "The columns of revised flags differ in length.")
    if n and not (int(revisions.series.min()) >= 0 and int(revisions.series.max()) < len(revisions.keys)):
        raise InputError("flags.series", "A revised flag names a series that is not listed with it.")
    if not (np.isin(revisions.flag, KNOWN_FLAGS).all() and np.isin(revisions.check, KNOWN_CHECKS).all()):
        raise InputError("flags.unknown", "A revised flag or check is none that this Dure knows.")
    return revisions


def split(revisions: Revisions, size: int = REVISIONS_PER_MESSAGE_MAX) -> Iterator[Revisions]:
    """Parts of at most `size` revisions in their order, each with the keys it names."""
    for start in range(0, len(revisions), size):
        part = slice(start, start + size)
        used, series = np.unique(revisions.series[part], return_inverse=True)
        keys = [revisions.keys[one] for one in used.tolist()]
        yield Revisions(keys, series.astype(np.int32), revisions.time_us[part], revisions.flag[part], revisions.check[part])


def joined(parts: list[Revisions]) -> Revisions | None:
    """Several one after another as one; None where there is nothing."""
    parts = [part for part in parts if len(part)]
    if len(parts) <= 1:
        return parts[0] if parts else None
    places: dict[SeriesKey, int] = {}
    series = [
        np.array([places.setdefault((asset, name), len(places)) for asset, name in part.keys], np.int32)[part.series]
        for part in parts
    ]
    return Revisions(
        list(places),
        np.concatenate(series),
        np.concatenate([part.time_us for part in parts]),
        np.concatenate([part.flag for part in parts]),
        np.concatenate([part.check for part in parts]),
    )
