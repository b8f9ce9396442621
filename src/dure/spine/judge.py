"""From messages of the bus to judged observations. Pure: the same messages and register give the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Batch, Flag, Rejected, Revisions, empty_batch
from dure.core.quality import Ranges, clock_ahead, gross_range, plausible, quarantine, ranges_of
from dure.engines.records.parked import Parked, key
from dure.protocols.readings import parse_json
from dure.spine import flags, rows
from dure.spine.admit import Desk, Growing, Register, parked_item
from dure.spine.rows import Columns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

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

    def device_live_from_seq(self, device: str) -> int | None:
        """The same of a device: a new one has to show that it is plausible even where its asset is live."""
        ...


class Registry(Register, Binding, Protocol):
    """Both halves of the register."""


class Origins:
    """Whose rows follow one another: of each payload its device, when it came, its sequence and how many rows it brought."""

    def __init__(self) -> None:
        self.device: list[str] = []
        self.received_us: list[int] = []
        self.seq: list[int] = []
        self.rows: list[int] = []

    def add(self, device: str, received_us: int, seq: int, rows: int) -> None:
        """One more payload."""
        self.device.append(device)
        self.received_us.append(received_us)
        self.seq.append(seq)
        self.rows.append(rows)

    def device_of(self, row: int) -> str:
        """Which device sent a row."""
        return self.device[int(np.searchsorted(np.cumsum(self.rows), row, side="right"))]


class Judged(msgspec.Struct, frozen=True, eq=False):
    """The outcome of some messages: rows and where they came from, what was parked, and flags revised after the rows.

    `was_good` (n,) bool: good before quarantine hid it.
    """

    batch: Batch
    parked: list[Parked]
    origins: Origins
    was_good: NDArray[np.bool_]
    revised: Revisions | None = None

    @property
    def plausible(self) -> dict[str, int]:
        """Good readings of each device, by the flags the batch has now: what releases it from quarantine."""
        if not len(self.batch):
            return {}
        return _count(plausible(self.was_good, self.batch.flag, self.batch.check), self.origins)


class _Opened:
    """What some messages held: rows in the order they came, where they came from, and what was parked.

    Rows of small payloads grow in lists, which become columns once, or when a message of columns comes between.
    """

    def __init__(self) -> None:
        self.columns: list[Columns] = []
        self.origins = Origins()
        self.grown = Growing()
        self.parked: list[Parked] = []
        self.revised: list[Revisions] = []

    def close(self) -> None:
        """Turn what has grown into columns."""
        if len(self.grown):
            self.columns.append(self.grown.columns())
            self.grown = Growing()

    def add(self, columns: Columns) -> None:
        """Columns that came as such."""
        self.close()
        self.columns.append(columns)


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
        """Rows with flags, in the order they came; what cannot become a row is returned as parked.

        Revised flags must come after the rows, as `segments` of the recorder has it.
        """
        opened = _Opened()
        for message in messages:
            self._open(message, opened)
        opened.close()
        batch, was_good = self._flag(opened)
        return Judged(batch, opened.parked, opened.origins, was_good, flags.joined(opened.revised))

    def _open(self, message: Source, opened: _Opened) -> None:
        form, _, rest = message.subject.partition(".")
        device = rest.rsplit(".", 1)[-1]
        try:
            if form == "rows":
                unpacked = rows.decode(message.payload)
                self._check_registered(unpacked.columns)
                opened.add(unpacked.columns)
                opened.origins.add(device, unpacked.received_us, message.seq, len(unpacked.columns))
            elif form == "flags":
                opened.revised.append(flags.decode(message.payload))
            elif form == "raw":
                self._read(opened, (message.seq, 0), device, message.time_us, message.payload)
            elif form == "pack":
                for index, (sender, received_us, payload) in enumerate(self._unpack(message.payload)):
                    self._read(opened, (message.seq, index), sender, received_us, payload)
        except InputError as error:
            why = Rejected(0, error.code, error.message, _text(message.payload))
            opened.parked.append(parked_item(key(message.seq, 0, 0), "mqtt", device, message.time_us, why))

    def _check_registered(self, columns: Columns) -> None:
        """Refuse rows of a property that was unregistered after they were admitted."""
        for _, property_id in columns.keys:
            self._properties[property_id]

    def _read(self, opened: _Opened, place: tuple[int, int], device: str, received_us: int, payload: bytes) -> None:
        """One payload; `place` is the sequence of its message and its index in it."""
        asset = self._register.asset_of(device)
        if asset is None:
            why = Rejected(0, "device.unknown", f"The device {device[:80]!r} is not registered.", _text(payload))
            opened.parked.append(parked_item(key(*place, 0), "mqtt", device, received_us, why))
            return
        readings, rejected = parse_json(payload)
        before = len(opened.grown)
        refused = self._desk.admit_into(opened.grown, device, asset, readings, received_us)
        if len(opened.grown) > before:
            opened.origins.add(device, received_us, place[0], len(opened.grown) - before)
        if rejected or refused:
            for number, why in enumerate([*rejected, *refused]):
                opened.parked.append(parked_item(key(*place, number), "mqtt", device, received_us, why))

    def _flag(self, opened: _Opened) -> tuple[Batch, NDArray[np.bool_]]:
        pieces, origins = opened.columns, opened.origins
        if not pieces:
            return empty_batch(), np.empty(0, bool)
        series = np.concatenate([self._known(piece.keys)[piece.series] for piece in pieces])
        time_us = np.concatenate([piece.time_us for piece in pieces])
        value = np.concatenate([piece.value for piece in pieces])
        seq, result_us = (np.repeat(np.array(of, np.int64), origins.rows) for of in (origins.seq, origins.received_us))
        used, where = np.unique(series, return_inverse=True)
        series = where.astype(np.int32)
        keys = [self._keys[i] for i in used.tolist()]
        flag, check = gross_range(value, series, self._ranges_of(used))
        clock_ahead(flag, check, time_us, result_us)
        was_good = flag == Flag.GOOD
        live_from = np.array([_or_never(self._register.live_from_seq(asset)) for asset, _ in keys], np.int64)
        places = {device: _or_never(self._register.device_live_from_seq(device)) for device in set(origins.device)}
        device_from = np.repeat(np.array([places[device] for device in origins.device], np.int64), origins.rows)
        quarantine(flag, check, (seq < live_from[series]) | (seq < device_from))
        return Batch(keys, series, time_us, result_us, value, flag, check, seq), was_good

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


def _count(good: NDArray[np.bool_], origins: Origins) -> dict[str, int]:
    """Rows that hold, per device."""
    until = np.concatenate(([0], np.cumsum(good)))[np.cumsum(origins.rows)]
    found: dict[str, int] = {}
    for device, count in zip(origins.device, np.diff(until, prepend=0).tolist(), strict=True):
        found[device] = found.get(device, 0) + count
    return found
