"""Stations whose series belong to another place: moved ones, and pairs that were exchanged.

A series is compared by what passes over it (`diagnosis_window.anomalies`), not by its level: a street stays warmer than a field
wherever the network stands. For every place that has a station, the median of the nearest others speaks; the series is left out
where it is one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.environment.faults.diagnosis_finding import Finding
from dure.services.environment.faults.diagnosis_rules import PlaceLimits
from dure.services.environment.faults.diagnosis_window import Window, anomalies, around, began, in_deviations, median_where
from dure.services.environment.neighbours.network import BoolArray, FloatArray, Neighbourhoods

US_PER_DAY = 86_400_000_000
NAMED_MOST = 5  # neighbours named in the evidence


class Likeness(msgspec.Struct, frozen=True, eq=False):
    """How each series goes with each place.

    Attributes
    ----------
    of : (n, n) correlation of series i with the neighbours of place p, NaN where unknown
    own : (n, n) whether place p counts as near the station's own
    said : (n, t) what the neighbours of each place say, without that place's own series
    series : (n, t) anomalies
    """

    of: FloatArray
    own: BoolArray
    said: FloatArray
    series: FloatArray


def likeness(window: Window, limits: PlaceLimits) -> Likeness:
    """Correlations of all series with all places; n² numbers from two matrix products per neighbour."""
    series = anomalies(window)
    filled = np.isfinite(series).mean(axis=1) >= limits.filled_least
    series = np.where(filled[:, None], series, np.nan)
    near = window.places.index[:, : limits.neighbours + 1]
    least = (limits.neighbours + 1) // 2
    voices = around(series, near)
    said = in_deviations(median_where(voices[:, : limits.neighbours], axis=1, least=least))
    of = correlations(series, said)
    for slot in range(min(limits.neighbours, near.shape[1])):
        station = near[:, slot]
        place = np.flatnonzero(station >= 0)
        without = in_deviations(median_where(np.delete(voices, slot, axis=1), axis=1, least=least))
        of[station[place], place] = _paired(series[station[place]], without[place])
    return Likeness(of, _within(window.places, limits.near * _reach_m(window.places, limits)), said, series)


def correlations(series: FloatArray, said: FloatArray) -> FloatArray:
    """(n, n) correlation about zero of every row of one with every row of the other, over the steps that both have."""
    have, speak = np.isfinite(series), np.isfinite(said)
    a, b = np.where(have, series, 0.0), np.where(speak, said, 0.0)
    size = np.sqrt((a**2 @ speak.T.astype(np.float64)) * (have.astype(np.float64) @ (b**2).T))
    return np.where(size > 0, (a @ b.T) / np.where(size > 0, size, 1.0), np.nan)


def _paired(series: FloatArray, said: FloatArray) -> FloatArray:
    """(m,) correlation about zero of rows with rows."""
    both = np.isfinite(series) & np.isfinite(said)
    a, b = np.where(both, series, 0.0), np.where(both, said, 0.0)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.where(size > 0, (a * b).sum(axis=1) / np.where(size > 0, size, 1.0), np.nan)


def _within(places: Neighbourhoods, reach_m: float) -> BoolArray:
    """(n, n) whether two places are within a reach of one another, by the neighbours known; each is within its own."""
    own = np.eye(len(places), dtype=np.bool_)
    row, slot = np.nonzero((places.index >= 0) & (places.distance_m <= reach_m))
    own[row, places.index[row, slot]] = True
    return own


class Belonging(msgspec.Struct, frozen=True, eq=False):
    """The place elsewhere that each series goes with best.

    Attributes
    ----------
    place : (n,) number of the station that stands there
    there, here : (n,) correlation with it, and the best one near the series' own place
    better : (n,) whether it goes clearly better there
    """

    place: NDArray[np.intp]
    there: FloatArray
    here: FloatArray
    better: BoolArray


def belonging(found: Likeness, limits: PlaceLimits) -> Belonging:
    """Where each series belongs by its likeness; an unknown correlation counts as none at all."""
    of = np.where(np.isfinite(found.of), found.of, -1.0)
    here = np.where(found.own, of, -1.0).max(axis=1)
    elsewhere = np.where(found.own, -1.0, of)
    place = elsewhere.argmax(axis=1)
    there = elsewhere[np.arange(len(of)), place]
    better = (there - here >= limits.gain_least) & np.isfinite(np.diag(found.of))
    return Belonging(place, there, here, better)


def misplaced(window: Window, limits: PlaceLimits) -> list[Finding]:
    """Findings "moved" and "swapped": series that go with another place clearly better than with their own.

    The whole window is looked at, then its last days alone, for what happened in between. Nothing is said where the neighbours of
    the registered place do not go with one another or all stand to one side far away, nor of fewer stations or days than the
    limits ask for.
    """
    n, steps = window.values.shape
    recent = round(limits.days_least * US_PER_DAY / window.step_us)
    if window.property not in limits.properties or n < limits.stations_least or steps < recent:
        return []
    whole = likeness(window, limits)
    last = msgspec.structs.replace(window, start_us=window.at_us(steps - recent), values=window.values[:, -recent:])
    found: dict[str, Finding] = {}
    for part in (whole, likeness(last, limits)) if recent < steps else (whole,):
        for one in _in_part(window, whole, part, limits):
            found.setdefault(one.asset, one)
    return list(found.values())


def settled(window: Window, limits: PlaceLimits) -> frozenset[str]:
    """Stations whose series goes with its own place, and not clearly better with another one: they have not moved."""
    if window.property not in limits.properties or len(window.assets) < limits.stations_least:
        return frozenset()
    where = belonging(likeness(window, limits), limits)
    return frozenset(window.assets[int(i)] for i in np.flatnonzero((where.here >= limits.settled_least) & ~where.better))


def uncontradicted(found: Sequence[Finding], windows: Sequence[Window], limits: PlaceLimits) -> list[Finding]:
    """Findings of misplaced stations that no other quantity of the same station contradicts by being at home where it stands.

    Where one of an exchanged pair drops out, the other was moved.
    """
    at_home = {one.property: settled(one, limits) for one in windows} if found else {}
    dropped = {
        (one.asset, one.property)
        for one in found
        if any(one.asset in stations for name, stations in at_home.items() if name != one.property)
    }
    kept = [one for one in found if (one.asset, one.property) not in dropped]
    alone = [one.kind == "swapped" and (one.evidence["place_of"], one.property) in dropped for one in kept]
    return [msgspec.structs.replace(one, kind="moved") if is_ else one for one, is_ in zip(kept, alone, strict=True)]


def _in_part(window: Window, whole: Likeness, part: Likeness, limits: PlaceLimits) -> Iterator[Finding]:
    """Findings by the likeness in a part of the window; with one of an exchanged pair comes the other."""
    where = belonging(part, limits)
    others = window.places.index[:, : limits.neighbours]
    agreed = median_where(around(np.diag(part.of)[:, None], others)[:, :, 0], axis=1)
    judged = (agreed >= limits.neighbours_like) & surrounded(window.places, limits)
    for station in map(int, np.flatnonzero(where.better & judged & (where.there >= limits.likeness_least))):
        twin = _twin(part, where, station)
        yield _told(window, whole, where, station, twin)
        if twin is not None:
            yield _told(window, whole, where, twin, station)


def surrounded(places: Neighbourhoods, limits: PlaceLimits) -> BoolArray:
    """(n,) whether the neighbours speak for a station's place: their middle is not far from it, as far is in this network."""
    near = slice(0, limits.neighbours)
    count = np.maximum((places.index[:, near] >= 0).sum(axis=1), 1)
    middle_m = np.hypot(places.east_m[:, near].sum(axis=1) / count, places.north_m[:, near].sum(axis=1) / count)
    return np.asarray(middle_m <= limits.middle_most * _reach_m(places, limits))


def _reach_m(places: Neighbourhoods, limits: PlaceLimits) -> float:
    """How far the farthest of the neighbours that speak for a place usually is [m]."""
    farthest = places.distance_m[:, : limits.neighbours][:, -1:]
    return float(median_where(np.where(np.isfinite(farthest), farthest, np.nan), axis=0)[0])


def _told(window: Window, whole: Likeness, where: Belonging, station: int, twin: int | None) -> Finding:
    """One finding; it began when the series turned from its own place to the other one."""
    there = int(where.place[station]) if twin is None else twin
    series = whole.series[station]
    gain = np.abs(series - whole.said[station]) - np.abs(series - whole.said[there])
    return Finding(
        kind="moved" if twin is None else "swapped",
        asset=window.assets[station],
        property=window.property,
        confidence=round(float(np.clip(where.there[station] - max(where.here[station], 0.0), 0.0, 1.0)), 3),
        since_us=window.at_us(began(gain)),
        evidence={
            "place_of": window.assets[there],
            "likeness_there": round(float(where.there[station]), 3),
            "likeness_here": round(float(where.here[station]), 3),
            "neighbours": [window.assets[int(j)] for j in window.places.index[station, :NAMED_MOST] if j >= 0],
        },
    )


def _twin(found: Likeness, where: Belonging, station: int) -> int | None:
    """The station it was exchanged with: one near the other place that itself goes clearly better with a place near here."""
    near_there = np.flatnonzero(found.own[where.place[station]])
    back = [int(j) for j in near_there if where.better[j] and found.own[station, where.place[j]]]
    return max(back, key=lambda j: where.there[j] - where.here[j], default=None)
