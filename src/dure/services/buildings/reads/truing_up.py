"""Estimated reads: booked as estimates, and trued up at the next actual read."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import msgspec

from dure.core.time import to_us
from dure.services.buildings.reads.model import Delta, Derived, Quality, Register, Revision, SetAside, Why
from dure.services.buildings.reads.spreading import capped_shares


class Stretch(msgspec.Struct, frozen=True):
    """Estimates since an actual read and, when it has come, the next one.

    Attributes
    ----------
    start, end : instants of the two actual reads; `end` is None while only estimates have come
    base : the first actual read [book unit]
    total : what the actual reads say passed in ``[start, end)`` [book unit]
    estimates : (m,) (instant, register, place in the input)
    """

    start: datetime
    end: datetime | None
    base: int
    total: int
    estimates: tuple[tuple[datetime, int, int], ...]


def book_stretch(stretch: Stretch, register: Register) -> Derived:
    """Deltas of the stretch; when an actual read closes it, they sum to what it says and every change is logged.

    The total is shared in proportion to the estimates, and to their mean rate for the time after the last of them, so that
    the difference does not fall on the last period alone. No share is above what the connection can pass.
    """
    usable, aside = _usable(stretch, register)
    ends = [stretch.start, *(at for at, _ in usable)]
    levels = [0, *(level for _, level in usable)]
    booked = [after - before for before, after in pairwise(levels)]
    if stretch.end is None:
        deltas = [
            Delta(start, end, amount, Quality.ESTIMATED, Why.ESTIMATE)
            for (start, end), amount in zip(pairwise(ends), booked, strict=True)
        ]
        return Derived(tuple(deltas), set_aside=tuple(aside))
    ends.append(stretch.end)
    durations = [to_us(end) - to_us(start) for start, end in pairwise(ends)]
    estimated_us = sum(durations[:-1])
    weights = [amount * estimated_us for amount in booked] + [sum(booked) * durations[-1]]
    weights = weights if sum(weights) else durations
    amounts = capped_shares(stretch.total, weights, [register.bound(us) for us in durations])
    quality, why = (Quality.ESTIMATED, Why.TRUED_UP) if usable else (Quality.MEASURED, Why.BRIDGED)
    deltas = [Delta(start, end, amount, quality, why) for (start, end), amount in zip(pairwise(ends), amounts, strict=True)]
    revisions = [
        Revision(delta.start, delta.end, before, delta.amount, Why.TRUED_UP, stretch.end)
        for delta, before in zip(deltas, booked, strict=False)
        if delta.amount != before
    ]
    return Derived(tuple(deltas), set_aside=tuple(aside), revisions=tuple(revisions))


def _usable(stretch: Stretch, register: Register) -> tuple[list[tuple[datetime, int]], list[SetAside]]:
    """Estimates that the connection allows, as amounts above the base, none below the one before."""
    found: list[tuple[datetime, int]] = []
    aside: list[SetAside] = []
    at_before, level_before = stretch.start, 0
    for at, value, index in stretch.estimates:
        level = value - stretch.base + (register.size if value < stretch.base else 0)
        if not level_before <= level <= level_before + register.bound(to_us(at) - to_us(at_before)):
            aside.append(SetAside(index, at, value, Why.ESTIMATE_IMPOSSIBLE))
            continue
        found.append((at, level))
        at_before, level_before = at, level
    return found, aside
