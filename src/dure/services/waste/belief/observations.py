"""Readings and sightings of bins as rows in one order, and what cannot be used, each with its reason.

=====================  ===========================================================================================
``belief.bin``         nobody knows the bin
``belief.level``       a level below -5 % or above 125 %, or no number: kept where it came from, not believed
``belief.ahead``       seen later than now
``belief.late``        an earlier observation than one of its kind that was taken: a repeat, or out of order. It stays in the
                       history that is learnt from, but does not move the belief back
``belief.untrusted``   the sensor has an open fault
``belief.slip``        a level that was back where it was before an emptying somebody confirmed: the sensor is not believed yet
=====================  ===========================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.observations import Rejected
from dure.core.time import from_us, to_us
from dure.services.waste.belief.state import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from dure.services.waste.belief.belief_rules import SeeingRules
    from dure.services.waste.model import FloatArray, Sighting

PROPERTY_KINDS: Mapping[str, Kind] = {
    "fill_fraction": Kind.SENSOR,
    "deposits_total": Kind.DEPOSITS,
    "emptyings_total": Kind.EMPTYINGS,
}


class Seen(NamedTuple):
    """One observation of a bin: a level [1], the state of a counter, or nothing (nan) for an emptying."""

    bin: str
    kind: Kind
    time_us: int
    value: float


@dataclass(frozen=True)
class Observations:
    """m observations in order of time; of one instant by bin and `Kind`, each bin and kind once."""

    bin: NDArray[np.int64]
    kind: NDArray[np.int64]
    time_us: NDArray[np.int64]
    value: FloatArray
    rejected: tuple[Rejected, ...] = ()


def seen_of(sighting: Sighting, rules: SeeingRules) -> list[Seen]:
    """What a sighting says of the level: a tap "emptied" with a level is two observations, "broken" and "blocked" none."""
    at_us = to_us(sighting.seen_at)
    if sighting.kind == "report":
        return [Seen(sighting.bin, Kind.REPORT, at_us, rules.report_level if sighting.level is None else sighting.level)]
    found = []
    if sighting.kind in ("emptied", "level") and sighting.level is not None:
        found.append(Seen(sighting.bin, Kind.CREW, at_us, sighting.level))
    if sighting.kind == "emptied":
        found.append(Seen(sighting.bin, Kind.EMPTIED, at_us, float("nan")))
    return found


def observations_of(seen: Iterable[Seen], rows: Mapping[str, int], now_us: int, rules: SeeingRules) -> Observations:
    """Observations sorted and merged: of two levels of one kind and instant the higher counts, since overflow costs more."""
    good: list[tuple[int, int, int, float]] = []
    rejected: list[Rejected] = []
    for number, one in enumerate(seen, 1):
        if why := _refusal(one, rows, now_us, rules):
            rejected.append(Rejected(number, *why, content=f"{one.bin} {one.kind.name.lower()} {one.value:g}"[:200]))
        else:
            good.append((one.time_us, rows[one.bin], int(one.kind), one.value))
    return _sorted(good, tuple(rejected))


def observations_from(
    bin_row: NDArray[np.int64], kind: NDArray[np.int64], time_us: NDArray[np.int64], value: FloatArray
) -> Observations:
    """The same of columns that are known to be good, for replays: quick, nothing is checked."""
    order = np.lexsort((-value, kind, bin_row, time_us))
    bin_row, kind, time_us, value = bin_row[order], kind[order], time_us[order], value[order]
    first = np.ones(len(order), np.bool_)
    first[1:] = (np.diff(bin_row) != 0) | (np.diff(kind) != 0) | (np.diff(time_us) != 0)
    return Observations(bin_row[first], kind[first], time_us[first], value[first])


def _refusal(one: Seen, rows: Mapping[str, int], now_us: int, rules: SeeingRules) -> tuple[str, str] | None:
    if one.bin not in rows:
        return "belief.bin", f"No bin {one.bin[:80]!r} is believed about."
    if one.time_us > now_us:
        return "belief.ahead", f"{one.bin}: seen at {from_us(one.time_us).isoformat()}, later than now."
    if one.kind is Kind.EMPTIED:
        return None
    least, most = (0.0, np.inf) if one.kind in (Kind.DEPOSITS, Kind.EMPTYINGS) else (rules.level_min, rules.level_max)
    if not least <= one.value <= most:
        return "belief.level", f"{one.bin}: {one.value:g} is outside {least:g} to {most:g}."
    return None


def _sorted(good: list[tuple[int, int, int, float]], rejected: tuple[Rejected, ...]) -> Observations:
    columns = list(zip(*good, strict=True)) if good else [(), (), (), ()]
    time_us, bin_row, kind = (np.array(one, np.int64) for one in columns[:3])
    found = observations_from(bin_row, kind, time_us, np.array(columns[3], np.float64))
    return Observations(found.bin, found.kind, found.time_us, found.value, rejected)
