"""What is known of every bin over the last weeks, kept in memory and brought up to date by what came since."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import ColumnElement, Connection, select

from dure.core.observations import Flag
from dure.core.time import from_us
from dure.engines.records.tables_waste import waste_sightings
from dure.services.waste.faults.findings import DAY_US, HOUR_US, NOTHING, Series, Window, us_of
from dure.services.waste.model import Sighting

if TYPE_CHECKING:
    from dure.core.observations import SeriesKey
    from dure.spine.house import House

WEEKS_US = 21 * DAY_US
ANEW_US = 24 * HOUR_US  # a series is read whole again this often: what came late has its place then
LEVEL, BATTERY, COMPACTIONS, EMPTYINGS = "fill_fraction", "battery_fraction", "compactions_total", "emptyings_total"
_NAMES_AT_ONCE = 500
_USABLE = (Flag.GOOD, Flag.SUSPECT)


class FaultWindows:
    """Series of bins in memory. `window` blocks; one thread at a time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[SeriesKey, tuple[Series, int]] = {}

    def bins(self) -> list[str]:
        """Live bins that ever gave a level."""
        directory = self._house.directory
        found = {one.asset for one in self._house.live.of_property(LEVEL)}
        return sorted(
            one
            for one in found
            if directory.is_public(one) and (entry := directory.asset(one)) is not None and entry.kind == "bin"
        )

    def forget(self, bins: Collection[str]) -> None:
        """Keep only what belongs to these bins."""
        kept = set(bins)
        self._known = {key: known for key, known in self._known.items() if key[0] in kept}

    def window(self, bin_id: str, sightings: Mapping[str, list[Sighting]], now_us: int) -> Window:
        """One bin until now."""
        seen = sightings.get(bin_id, [])
        counted = self._series((bin_id, EMPTYINGS), now_us)
        emptied = [us_of(one.seen_at) for one in seen if one.kind == "emptied"]
        emptied += counted.time_us[1:][np.diff(counted.value) > 0].tolist()
        return Window(
            bin_id,
            now_us,
            self._series((bin_id, LEVEL), now_us),
            self._series((bin_id, BATTERY), now_us),
            self._series((bin_id, COMPACTIONS), now_us),
            tuple(sorted(set(emptied))),
            tuple(seen),
        )

    def _series(self, key: SeriesKey, now_us: int) -> Series:
        newest = self._house.live.get(*key)
        if newest is None:
            return NOTHING
        start_us = now_us - WEEKS_US
        known, read_us = self._known.get(key, (NOTHING, 0))
        if now_us - read_us >= ANEW_US:
            first = not read_us  # the next time at an hour of its own: never all series at once
            known, read_us = self._read(key, start_us, now_us), now_us - (_hour_of(key) if first else 0)
        elif not len(known) or newest.time_us > int(known.time_us[-1]):
            known = _joined(known, self._read(key, int(known.time_us[-1]) + 1 if len(known) else start_us, now_us))
        known = known.between(start_us, now_us + 1)
        self._known[key] = (known, read_us)
        return known

    def _read(self, key: SeriesKey, start_us: int, now_us: int) -> Series:
        past = self._house.telemetry.series(key, start_us, now_us + 1)
        usable = np.isin(past.flag, _USABLE) & np.isfinite(past.value)
        return Series(past.time_us[usable], past.value[usable])


def sightings_since(connection: Connection, since: datetime, bins: Sequence[str]) -> dict[str, list[Sighting]]:
    """Bin -> what people saw of it since then, in order; what was taken back is left out."""
    found: dict[str, list[Sighting]] = {}
    for start in range(0, len(bins), _NAMES_AT_ONCE):
        part = bins[start : start + _NAMES_AT_ONCE]
        for one in _sightings(connection, waste_sightings.c.bin.in_(part), since):
            found.setdefault(one.bin, []).append(one)
    return found


def troubles_since(connection: Connection, since: datetime) -> list[Sighting]:
    """What crews called broken or not to be reached since then, of any bin; what was taken back is left out."""
    return list(_sightings(connection, waste_sightings.c.kind.in_(("broken", "blocked")), since))


def _sightings(connection: Connection, wanted: ColumnElement[bool], since: datetime) -> Iterator[Sighting]:
    query = select(waste_sightings).where(waste_sightings.c.seen_at >= since, wanted)
    for row in connection.execute(query.order_by(waste_sightings.c.seen_at, waste_sightings.c.id)).mappings():
        one = Sighting(**row)
        if "undone_at" not in one.facts:
            yield one


def start_of(now_us: int) -> datetime:
    """Since when sightings count."""
    return from_us(now_us - WEEKS_US)


def _hour_of(key: SeriesKey) -> int:
    """How long before its time a series is read anew the first time [us]: each its own, the same in every process."""
    return zlib.crc32("/".join(key).encode()) % 24 * HOUR_US


def _joined(known: Series, more: Series) -> Series:
    return Series(np.concatenate((known.time_us, more.time_us)), np.concatenate((known.value, more.value)))
