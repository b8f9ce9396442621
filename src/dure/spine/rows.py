"""Admitted rows as they travel on the bus: columns in one message, read back without a loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dure.core.observations import SeriesKey

FORM = 1
ROWS_PER_MESSAGE_MAX = 20_000  # 20 bytes a row keeps a message below half of the bus's 1 MB limit


class Columns(msgspec.Struct, frozen=True, eq=False):
    """n admitted rows. `series` (n,) int32 indexes `keys`; `time_us` (n,) int64; `value` (n,) float64, NaN missing."""

    keys: Sequence[SeriesKey]
    series: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time_us)


class _Wire(msgspec.Struct, frozen=True, array_like=True):
    form: int
    way: str
    received_us: int
    keys: list[tuple[str, str]]
    series: bytes
    time_us: bytes
    value: bytes
    origin: bytes = b""


class Rows(msgspec.Struct, frozen=True, eq=False):
    """A message of rows: how it came (`way`), when, and the device's own bytes where they differ from the rows."""

    way: str
    received_us: int
    columns: Columns
    origin: bytes = b""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Wire)


def encode(rows: Rows) -> bytes:
    """MessagePack of little-endian columns."""
    columns = rows.columns
    return _encoder.encode(
        _Wire(
            FORM,
            rows.way,
            rows.received_us,
            list(columns.keys),
            columns.series.astype("<i4", copy=False).tobytes(),
            columns.time_us.astype("<i8", copy=False).tobytes(),
            columns.value.astype("<f8", copy=False).tobytes(),
            rows.origin,
        )
    )


def decode(payload: bytes) -> Rows:
    """The rows of a message; a message of another form or with unequal columns is refused."""
    try:
        wire = _decoder.decode(payload)
        columns = Columns(
            wire.keys,
            np.frombuffer(wire.series, "<i4"),
            np.frombuffer(wire.time_us, "<i8"),
            np.frombuffer(wire.value, "<f8"),
        )
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError) as error:
        raise InputError("rows.unreadable", f"A message of rows cannot be read: {error}") from error
    if wire.form != FORM:
        raise InputError("rows.form", f"Rows of form {wire.form} are not known here; this Dure reads form {FORM}.")
    n = len(columns.time_us)
    if len(columns.series) != n or len(columns.value) != n:
        raise InputError("rows.unequal", "The columns of a message of rows differ in length.")
    if n and not (int(columns.series.min()) >= 0 and int(columns.series.max()) < len(columns.keys)):
        raise InputError("rows.series", "A row names a series that its message does not list.")
    return Rows(wire.way, wire.received_us, columns, wire.origin)


def split(columns: Columns, size: int = ROWS_PER_MESSAGE_MAX) -> Iterator[Columns]:
    """Parts of at most `size` rows, each with all keys."""
    for start in range(0, len(columns), size):
        part = slice(start, start + size)
        yield Columns(columns.keys, columns.series[part], columns.time_us[part], columns.value[part])
