"""From messages of the bus to judged observations. Pure: the same messages and register give the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Batch, Flag, Rejected
from dure.core.quality import Ranges, clock_ahead, gross_range, quarantine, ranges_of
from dure.engines.records.parked import Parked, key
from dure.protocols.readings import parse_json
from dure.spine import rows
from dure.spine.admit import Desk, Register, parked_item
from dure.spine.rows import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from dure.core.observations import SeriesKey
    from dure.core.properties import Properties


class Source(Protocol):
    """A message of the bus."""

    @property
    def subject(self) -> str: ...  # noqa: D102
    @property
    def seq(self) -> int: ...  # noqa: D102
    @property
    def time_us(self) -> int: ...  # noqa: D102
    @property
    def payload(self) -> bytes: ...  # noqa: D102


class Binding(Protocol):
    """The register as the judge needs it."""

    def asset_of(self, device: str) -> str | None:
        """The device's own asset; None when the device is unknown."""
        ...

    def live_from_seq(self, asset: str) -> int | None:
        """Sequence from which the asset's rows count; None while it is quarantined."""
        ...


class Registry(Register, Binding, Protocol):
    """Both halves of the register."""


class Judged(msgspec.Struct, frozen=True, eq=False):
    """The outcome of some messages: rows, what was parked, and how many good readings each device sent."""

    batch: Batch
    parked: list[Parked]
    plausible: dict[str, int]


class _Piece(msgspec.Struct, frozen=True, eq=False):
    """Rows of one payload."""

    columns: Columns
    device: str
    received_us: int
    seq: int


class Judge:
    """Judges messages; remembers what it learned about series, nothing else."""

    def __init__(
        self, register: Registry, properties: Properties, unpack: Callable[[bytes], Iterable[tuple[str, int, bytes]]]
    ) -> None:
        self._register = register
        self._properties = properties
        self._unpack = unpack
        self._desk = Desk(register, properties)
        self._ids: dict[SeriesKey, int] = {}
        self._keys: list[SeriesKey] = []
        self._ranges: Ranges = ranges_of([])

    def forget(self) -> None:
        """Drop remembered answers, after the register changed."""
        self._desk.forget()

    def judge(self, messages: Sequence[Source]) -> Judged:
        """Rows with flags, in the order they came; what cannot become a row is returned as parked."""
        pieces: list[_Piece] = []
        parked: list[Parked] = []
        for message in messages:
            self._open(message, pieces, parked)
        batch, plausible = self._flag(pieces)
        return Judged(batch, parked, plausible)

    def _open(self, message: Source, pieces: list[_Piece], parked: list[Parked]) -> None:
        form, _, rest = message.subject.partition(".")
        device = rest.rsplit(".", 1)[-1]
        try:
            if form == "rows":
                unpacked = rows.decode(message.payload)
                self._check_registered(unpacked.columns)
                pieces.append(_Piece(unpacked.columns, device, unpacked.received_us, message.seq))
            elif form == "raw":
                self._read(message.seq, 0, device, message.time_us, message.payload, pieces, parked)
            elif form == "pack":
                for index, (sender, received_us, payload) in enumerate(self._unpack(message.payload)):
                    self._read(message.seq, index, sender, received_us, payload, pieces, parked)
        except InputError as error:
            why = Rejected(0, error.code, error.message, _text(message.payload))
            parked.append(parked_item(key(message.seq, 0, 0), "mqtt", device, message.time_us, why))

    def _check_registered(self, columns: Columns) -> None:
        """Refuse rows of a property that was unregistered after they were admitted."""
        for _, property_id in columns.keys:
            self._properties[property_id]

    def _read(  # noqa: PLR0913, PLR0917  # one payload, where it came from, and the two lists it may land in
        self,
        seq: int,
        index: int,
        device: str,
        received_us: int,
        payload: bytes,
        pieces: list[_Piece],
        parked: list[Parked],
    ) -> None:
        asset = self._register.asset_of(device)
        if asset is None:
            why = Rejected(0, "device.unknown", f"The device {device[:80]!r} is not registered.", _text(payload))
            parked.append(parked_item(key(seq, index, 0), "mqtt", device, received_us, why))
            return
        readings, rejected = parse_json(payload)
        admitted = self._desk.admit(device, asset, readings, received_us)
        if len(admitted.columns):
            pieces.append(_Piece(admitted.columns, device, received_us, seq))
        for number, why in enumerate([*rejected, *admitted.rejected]):
            parked.append(parked_item(key(seq, index, number), "mqtt", device, received_us, why))

    def _flag(self, pieces: list[_Piece]) -> tuple[Batch, dict[str, int]]:
        n = sum(len(piece.columns) for piece in pieces)
        series = np.empty(n, np.int32)
        seq, result_us = np.empty(n, np.int64), np.empty(n, np.int64)
        at = 0
        for piece in pieces:
            part = slice(at, at + len(piece.columns))
            series[part] = self._known(piece.columns.keys)[piece.columns.series]
            seq[part] = piece.seq
            result_us[part] = piece.received_us
            at = part.stop
        time_us = np.concatenate([p.columns.time_us for p in pieces]) if pieces else np.empty(0, np.int64)
        value = np.concatenate([p.columns.value for p in pieces]) if pieces else np.empty(0, np.float64)
        used, where = np.unique(series, return_inverse=True)
        series = where.astype(np.int32)
        keys = [self._keys[i] for i in used.tolist()]
        flag, check = gross_range(value, series, self._ranges_of(used))
        clock_ahead(flag, check, time_us, result_us)
        plausible = _count_good(flag, pieces)
        live_from = np.array([_or_never(self._register.live_from_seq(asset)) for asset, _ in keys], np.int64)
        if n:
            quarantine(flag, check, seq < live_from[series])
        return Batch(keys, series, time_us, result_us, value, flag, check, seq), plausible

    def _known(self, keys: Sequence[SeriesKey]) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        new = [key for key in keys if key not in self._ids]
        for pair in new:
            self._ids[pair] = len(self._keys)
            self._keys.append(pair)
        if new:
            self._ranges = ranges_of([self._properties[property_id] for _, property_id in self._keys])
        return np.array([self._ids[key] for key in keys], np.int32)

    def _ranges_of(self, used: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Ranges:
        all_ = self._ranges
        return Ranges(all_.fail_min[used], all_.fail_max[used], all_.suspect_min[used], all_.suspect_max[used])


def _text(payload: bytes) -> str:
    """The payload as text; bytes that are no UTF-8 stay visible."""
    return payload.decode("utf-8", "backslashreplace")


def _or_never(seq: int | None) -> int:
    return np.iinfo(np.int64).max if seq is None else seq


def _count_good(flag: np.ndarray[tuple[int], np.dtype[np.uint8]], pieces: Sequence[_Piece]) -> dict[str, int]:
    """Readings with flag good per device: what releases it from quarantine."""
    good: dict[str, int] = {}
    at = 0
    for piece in pieces:
        end = at + len(piece.columns)
        good[piece.device] = good.get(piece.device, 0) + int(np.count_nonzero(flag[at:end] == Flag.GOOD))
        at = end
    return good
