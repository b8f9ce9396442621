"""Which source served which sink, in each interval of a site, in whole Wh. Pure: rule ``origin-1``.

Meters say how much each source gave and each sink took; which Wh went where no meter knows. The rule:

1. What sinks took more than sources gave came from ``unmetered`` (of origin grid); what sources gave more than sinks took went to
   ``unmetered``. Nothing is hidden, and the books balance.
2. *Crossing*: where a site imported and exported in the same interval, the smaller of both did not meet here. So much of what
   PV, then storage, gave is booked to export first. Where export is not known, what no sink explains counts as exported.
3. PV serves vehicles, then storage, then the other load, then export, then what no meter knows.
4. Storage serves vehicles, the other load, export, other storage, what no meter knows; lots from PV before lots from the grid.
5. PV that is not known to the hour, what vehicles gave back, the grid, then ``unmetered`` serve what is left: vehicles, storage,
   load, export.
6. What storage took from anything but PV is of origin grid.
7. The sessions of an interval share each source in proportion to what they took; whole Wh by largest remainder, ties in the order
   of the sessions. So each session's parts sum to what it took, and each source's to what it gave.

A source whose meter is silent gave 0 by step 1, so the claim is never above what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dure.services.charging.origin.lots import stored
from dure.services.charging.origin.model import Allocated, Ints, Lot, Measured, Sink, Source, Uses

RULE = "origin-1"
_PV_ORDER = (Sink.EV, Sink.ESS, Sink.LOAD, Sink.EXPORT, Sink.UNMETERED)
_ESS_ORDER = (Sink.EV, Sink.LOAD, Sink.EXPORT, Sink.ESS, Sink.UNMETERED)
_REST_ORDER = (Sink.EV, Sink.ESS, Sink.LOAD, Sink.EXPORT, Sink.UNMETERED)


class _Filling:
    """Sinks that are being served, and what each source still has."""

    def __init__(self, measured: Measured) -> None:
        given = measured.pv + measured.untimed + measured.discharge + measured.vehicle + measured.grid
        taken = measured.ev + measured.charge + measured.load + measured.export
        self.short = np.maximum(taken - given, 0)
        spare = np.maximum(given - taken, 0)
        self.open = np.stack([measured.ev, measured.charge, measured.load, measured.export, spare])
        self.flow = np.zeros((len(Source), len(Sink), len(measured)), np.int64)

    def serve(self, source: Source, sink: Sink, left: Ints, most: Ints | None = None) -> Ints:
        """Serve a sink as far as both go; what the source has left."""
        part = np.minimum(left, self.open[sink])
        if most is not None:
            part = np.minimum(part, most)
        self.flow[source, sink] += part
        self.open[sink] -= part
        return np.asarray(left - part, np.int64)

    def pour(self, source: Source, left: Ints, order: Sequence[Sink]) -> None:
        """Serve sinks in order."""
        for sink in order:
            left = self.serve(source, sink, left)


def allocate(measured: Measured, uses: Uses, starts_us: Ints, opening: Sequence[Lot] = ()) -> Allocated:
    """Where every Wh came from and went.

    Parameters
    ----------
    measured : of n intervals that follow each other
    uses : what sessions took; in each interval they sum to `measured.ev`
    starts_us : (n,) where the intervals begin [us]
    opening : lots in storage before the first one
    """
    filling = _Filling(measured)
    spare = np.where(measured.hidden, filling.open[Sink.UNMETERED], 0)
    crossing = np.minimum(measured.grid, measured.export + spare)
    pv_left = _cross(filling, Source.PV, measured.pv, crossing, measured.hidden)
    crossing = crossing - (measured.pv - pv_left)
    filling.pour(Source.PV, pv_left, _PV_ORDER)
    lots = stored(measured, filling.flow[Source.PV, Sink.ESS], starts_us, opening)
    pv_left = _cross(filling, Source.ESS_PV, lots.given_pv, crossing, measured.hidden)
    crossing = crossing - (lots.given_pv - pv_left)
    filling.pour(Source.ESS_PV, pv_left, _ESS_ORDER)
    filling.pour(Source.ESS_GRID, lots.given_grid, _ESS_ORDER)
    filling.pour(Source.UNTIMED, measured.untimed, _PV_ORDER)
    filling.pour(Source.VEHICLE, measured.vehicle, _REST_ORDER)
    filling.pour(Source.GRID, measured.grid, _REST_ORDER)
    filling.pour(Source.UNMETERED, filling.short, _REST_ORDER)
    return Allocated(filling.flow, shared(filling.flow[:, Sink.EV], uses), uses, lots)


def _cross(filling: _Filling, source: Source, left: Ints, crossing: Ints, hidden: NDArray[np.bool_]) -> Ints:
    """Serve export with what did not meet the import; what the source has left."""
    after = filling.serve(source, Sink.EXPORT, left, crossing)
    return filling.serve(source, Sink.UNMETERED, after, np.where(hidden, crossing - (left - after), 0))


def shared(to_ev: Ints, uses: Uses) -> Ints:
    """What each session got of each source, (m, sources) Wh.

    Parameters
    ----------
    to_ev : (sources, n) what each source gave to vehicles [Wh]
    """
    found = np.zeros((len(uses), len(to_ev)), np.int64)
    if len(uses) == 0:
        return found
    first = np.flatnonzero(np.diff(uses.interval, prepend=np.int64(-1)) != 0)
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(uses))))
    left, places = uses.wh.copy(), uses.interval[first]
    for source in range(len(to_ev)):
        whole = np.add.reduceat(left, first)
        given = np.minimum(to_ev[source][places], whole)
        if given.any():
            found[:, source] = _largest_remainder(left, whole, given, (first, group))
            left -= found[:, source]
    return found


def _largest_remainder(wh: Ints, whole: Ints, given: Ints, groups: tuple[Ints, Ints]) -> Ints:
    """Shares of `given` (g,) in proportion to `wh` (m,), whose sums by group are `whole` (g,); none above its own `wh`."""
    first, group = groups
    product = wh * given[group]
    divisor = np.maximum(whole[group], 1)
    part = product // divisor
    missing = given - np.add.reduceat(part, first)
    if missing.any():
        order = np.lexsort((-(product % divisor), group))
        rank = np.empty(len(wh), np.int64)
        rank[order] = np.arange(len(wh)) - first[group]
        part += rank < missing[group]
    return np.asarray(part, np.int64)
