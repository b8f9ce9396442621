"""May these readings become observations? Pure: who may write what, known properties, units and times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Reading, Rejected
from dure.core.quality import FUTURE_S_MAX, OLDEST_US
from dure.core.time import US_PER_S, from_us, to_us
from dure.core.units import conversion
from dure.engines.records.parked import Parked, Way
from dure.spine.rows import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.observations import SeriesKey
    from dure.core.properties import Properties

_json = msgspec.json.Encoder()
ANSWERS_MAX = 200_000  # remembered answers; a sender that makes up names cannot fill the memory


class Register(Protocol):
    """What admission asks of the register of devices and assets."""

    def may_write(self, device: str, asset: str) -> bool:
        """Whether the device is bound to the asset or to a parent of it."""
        ...

    def has_asset(self, asset: str) -> bool:
        """Whether the asset is registered."""
        ...


class Admitted(msgspec.Struct, frozen=True, eq=False):
    """Rows that may be judged, and those that may not, with reasons."""

    columns: Columns
    rejected: list[Rejected]


class Growing:
    """Admitted rows of one or many payloads, before they are columns."""

    def __init__(self) -> None:
        self.keys: dict[SeriesKey, int] = {}
        self.series: list[int] = []
        self.time_us: list[int] = []
        self.value: list[float] = []

    def __len__(self) -> int:
        return len(self.time_us)

    def columns(self) -> Columns:
        """The rows so far."""
        return Columns(
            list(self.keys),
            np.array(self.series, np.int32),
            np.array(self.time_us, np.int64),
            np.array(self.value, np.float64),
        )


class Desk:
    """Admits readings; remembers answers about series and units, so that the usual row costs one look-up."""

    def __init__(self, register: Register, properties: Properties) -> None:
        self._register = register
        self._properties = properties
        self._verdicts: dict[tuple[str, str, str], Rejected | None] = {}
        self._conversions: dict[tuple[str, str], tuple[float, float] | Rejected] = {}

    def forget(self) -> None:
        """Drop remembered answers, after the register changed."""
        self._verdicts.clear()
        self._conversions.clear()

    def admit(self, device: str, asset: str, readings: Sequence[Reading], received_us: int) -> Admitted:
        """Readings of a device whose own asset is `asset`, received at `received_us`, as columns.

        A reading without a time is of the moment it was received.
        """
        grown = Growing()
        rejected = self.admit_into(grown, device, asset, readings, received_us)
        return Admitted(grown.columns(), rejected)

    def admit_into(
        self, grown: Growing, device: str, asset: str, readings: Sequence[Reading], received_us: int
    ) -> list[Rejected]:
        """As `admit`, but the rows join those of other payloads, so that many small ones cost as one; what was refused."""
        keys, add_series, add_time, add_value = grown.keys, grown.series.append, grown.time_us.append, grown.value.append
        rejected: list[Rejected] = []
        latest_us = received_us + FUTURE_S_MAX * US_PER_S
        for row, reading in enumerate(readings):
            key = (reading.asset or asset, reading.property)
            time_us = received_us if reading.time is None else to_us(reading.time)
            refusal = self._series_verdict(device, *key)
            if not OLDEST_US <= time_us <= latest_us:
                refusal = refusal or _time_verdict(time_us, latest_us)
            value: float | Rejected = np.nan if reading.value is None else reading.value
            if refusal is None and reading.unit:
                value = self._convert(reading)
            if refusal is not None or isinstance(value, Rejected):
                why = refusal or value
                assert isinstance(why, Rejected)  # noqa: S101  # for the type checker: one of the two is
                rejected.append(Rejected(row, why.code, why.why, _json.encode(reading).decode()))
                continue
            add_series(keys.setdefault(key, len(keys)))
            add_time(time_us)
            add_value(value)
        return rejected

    def _series_verdict(self, device: str, asset: str, property_id: str) -> Rejected | None:
        question = (device, asset, property_id)
        try:
            return self._verdicts[question]
        except KeyError:
            if len(self._verdicts) >= ANSWERS_MAX:
                self._verdicts.clear()
            verdict = self._verdicts[question] = self._judge_series(*question)
            return verdict

    def _judge_series(self, device: str, asset: str, property_id: str) -> Rejected | None:
        if property_id not in self._properties:
            return Rejected(0, "property.unknown", f"The property {property_id[:80]!r} is not registered.")
        if not self._register.has_asset(asset):
            return Rejected(0, "asset.unknown", f"The asset {asset[:80]!r} is not registered.")
        if not self._register.may_write(device, asset):
            return Rejected(0, "asset.not_yours", f"The device {device[:80]!r} may not write for the asset {asset!r}.")
        return None

    def _convert(self, reading: Reading) -> float | Rejected:
        question = (reading.property, reading.unit)
        if question not in self._conversions:
            if len(self._conversions) >= ANSWERS_MAX:
                self._conversions.clear()
            try:
                self._conversions[question] = conversion(reading.unit, self._properties[reading.property].unit)
            except InputError as error:
                self._conversions[question] = Rejected(0, error.code, error.message)
        answer = self._conversions[question]
        if isinstance(answer, Rejected):
            return answer
        scale, offset = answer
        return np.nan if reading.value is None else scale * reading.value + offset


def _time_verdict(time_us: int, latest_us: int) -> Rejected | None:
    if time_us > latest_us:
        return Rejected(0, "reading.time_in_future", "The reading is dated more than a day ahead of its arrival.")
    if time_us < OLDEST_US:
        return Rejected(0, "reading.time_too_old", "The reading is dated before 2000: the device's clock is not set.")
    return None


def parked_item(key: str, way: Way, device: str, received_us: int, why: Rejected) -> Parked:
    """What could not become a row, as the records keep it."""
    return Parked(
        id=key,
        received_at=from_us(received_us),
        way=way,
        device=device,
        code=why.code,
        why=why.why,
        content=why.content.encode("utf-8", "surrogatepass"),
    )
