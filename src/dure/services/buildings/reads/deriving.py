"""Register reads to deltas under explicit rules. Pure: the same reads, events and rules give the same books.

1. Reads are put in time; repeated ones are left out; two values of one instant are a conflict.
2. Exchanges, reported or seen by another serial number, cut the series into physical meters.
3. Each meter's reads are sorted into levels (`levels`): drops, spikes and returns are set aside, rollovers are joined.
4. Deltas are differences of neighbours on a level. Between levels that nothing explains lies a gap: it is never booked.
5. Estimated reads only share out what measured ones say (`truing_up`); what changes by it is logged as a revision.

Laws (tested): no delta is below 0 or above `Register.bound`; on one level the deltas sum to last minus first read exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from dure.core.time import to_us
from dure.services.buildings.reads.levels import levels_of
from dure.services.buildings.reads.model import (
    Delta,
    Derived,
    Exchange,
    Gap,
    Quality,
    Read,
    Register,
    Revision,
    SetAside,
    Trust,
    Why,
)
from dure.services.buildings.reads.truing_up import Stretch, book_stretch

PERSON = -1  # the place in the input of a value that an exchange event states


class Point(NamedTuple):
    """A read in its place: instant [µs], register [book unit], place in the input, and how it came about."""

    us: int
    value: int
    place: int
    estimated: bool
    conflict: bool
    at: datetime


class _Meter(NamedTuple):
    """The reads between two exchanges, and the exchanges themselves."""

    points: list[Point]
    begun: Exchange | None
    ended: Exchange | None


class _Books:
    """What is being written."""

    def __init__(self) -> None:
        self.deltas: list[Delta] = []
        self.gaps: list[Gap] = []
        self.aside: list[SetAside] = []
        self.undecided: list[int] = []
        self.revisions: list[Revision] = []

    def set_aside(self, point: Point, why: Why) -> None:
        """Keep a read, but do not believe it."""
        if point.place != PERSON:
            self.aside.append(SetAside(point.place, point.at, point.value, why))

    def add(self, stretch: Derived) -> None:
        """Write what a stretch of estimates became."""
        self.deltas += stretch.deltas
        self.aside += stretch.set_aside
        self.revisions += stretch.revisions


def derive(reads: Sequence[Read], register: Register, trust: Trust, exchanges: Iterable[Exchange] = ()) -> Derived:
    """Deltas, gaps, reads set aside and revisions of one meter's register reads, in any order.

    Parameters
    ----------
    reads : (n,) as they came; `SetAside.index` and `Derived.undecided` count into them
    register : how the meter counts, and what its connection can pass
    trust : when a new level is believed
    exchanges : reported exchanges of the physical meter
    """
    books = _Books()
    points = _in_time(reads, register, books)
    exchanges = [_possible(one, register) for one in exchanges]
    events = sorted([*exchanges, *_seen_exchanges(reads, points, exchanges)], key=lambda one: one.at)
    for meter in _meters(points, events):
        _book_meter(meter, register, trust, books)
    return Derived(
        tuple(sorted(books.deltas, key=lambda one: one.start)),
        tuple(sorted(books.gaps, key=lambda one: one.start)),
        tuple(sorted(books.aside, key=lambda one: one.index)),
        tuple(books.undecided),
        tuple(books.revisions),
    )


def _possible(exchange: Exchange, register: Register) -> Exchange:
    """The exchange without what the register cannot have shown: as if nobody had noted it."""
    first, last = (
        None if noted is None or noted < 0 or (register.size and noted >= register.size) else noted
        for noted in (exchange.first, exchange.last)
    )
    return Exchange(exchange.at, last, first)


def _in_time(reads: Sequence[Read], register: Register, books: _Books) -> list[Point]:
    """Reads by instant, one each; a measured one wins over an estimated one."""
    points = [Point(to_us(one.at), one.value, index, one.estimated, False, one.at) for index, one in enumerate(reads)]  # noqa: FBT003 - columns of a row
    points.sort(key=lambda point: (point.us, point.estimated))  # stable: what came first stays first
    found: list[Point] = []
    size = register.size
    for point in points:
        if point.value < 0 or (size and point.value >= size):
            books.set_aside(point, Why.OUTSIDE_REGISTER)
        elif not found or found[-1].us != point.us:
            found.append(point)
        elif found[-1].value == point.value or point.estimated:
            books.set_aside(point, Why.DUPLICATE)
        else:
            found[-1] = _one_of(found, point, register, books)
    return found


def _one_of(found: list[Point], point: Point, register: Register, books: _Books) -> Point:
    """Of two different values of one instant the later-sent, as a correction; but not one that the read before rules out."""
    held = found[-1]
    before = found[-2] if len(found) > 1 else None
    ruled_out = before is not None and not 0 <= point.value - before.value <= register.bound(point.us - before.us)
    kept, other = (held, point) if ruled_out else (point, held)
    books.set_aside(other, Why.CONFLICT)
    return kept._replace(conflict=True)


def _seen_exchanges(reads: Sequence[Read], points: Sequence[Point], reported: Iterable[Exchange]) -> list[Exchange]:
    """Exchanges nobody reported, seen by another serial number between two reads."""
    known = [to_us(one.at) for one in reported]
    named = [(point, reads[point.place].serial) for point in points if reads[point.place].serial]
    return [
        Exchange(after.at)
        for (before, old), (after, new) in pairwise(named)
        if old != new and not any(before.us < at <= after.us for at in known)
    ]


def _meters(points: list[Point], events: Sequence[Exchange]) -> list[_Meter]:
    meters: list[_Meter] = []
    begun: Exchange | None = None
    rest = points
    for event in events:
        at_us = to_us(event.at)
        cut = next((i for i, point in enumerate(rest) if point.us >= at_us), len(rest))
        meters.append(_Meter(rest[:cut], begun, event))
        rest, begun = rest[cut:], event
    meters.append(_Meter(rest, begun, None))
    return meters


def _book_meter(meter: _Meter, register: Register, trust: Trust, books: _Books) -> None:
    """Write the deltas and gaps of one physical meter."""
    points = _with_ends(meter, books)
    firm = [i for i, point in enumerate(points) if not point.estimated or i == 0]
    sorted_ = levels_of([points[i].us for i in firm], [points[i].value for i in firm], register, trust)
    for row, why in sorted_.aside:
        books.set_aside(points[firm[row]], why)
    undecided = [points[firm[row]] for row in sorted_.undecided]
    if meter.ended is not None:
        for point in undecided:
            books.set_aside(point, Why.UNCONFIRMED)
        undecided = []
    chain = [(firm[row], "joined" if level.joined and i == 0 else "first" if i == 0 else "next")
             for level in sorted_.kept for i, row in enumerate(level.rows)]  # fmt: skip
    for (left, _), (right, link) in pairwise(chain):
        _book_pair(points, (left, right), link, register, books)
    _book_ends(meter, points, chain, register, books)
    books.undecided += [point.place for point in undecided if point.place != PERSON]


def _with_ends(meter: _Meter, books: _Books) -> list[Point]:
    """The reads of a meter between the values that people noted at its exchanges."""
    points = list(meter.points)
    if meter.begun is not None and meter.begun.first is not None:
        at_us = to_us(meter.begun.at)
        if points and points[0].us == at_us:
            books.set_aside(points.pop(0), Why.DUPLICATE)
        points.insert(0, Point(at_us, meter.begun.first, PERSON, estimated=False, conflict=False, at=meter.begun.at))
    if meter.ended is not None and meter.ended.last is not None:
        points.append(Point(to_us(meter.ended.at), meter.ended.last, PERSON, estimated=False, conflict=False, at=meter.ended.at))
    return points


def _book_pair(points: list[Point], pair: tuple[int, int], link: str, register: Register, books: _Books) -> None:
    """Write what lies between two neighbours of the believed reads."""
    a, b = points[pair[0]], points[pair[1]]
    between = points[pair[0] + 1 : pair[1]]
    estimates = [point for point in between if point.estimated]
    if link == "first":
        for point in estimates:
            books.set_aside(point, Why.UNCONFIRMED)
        books.gaps.append(Gap(a.at, b.at, Why.LEVEL_CHANGED, b.value - a.value))
        return
    total = b.value - a.value + (register.size if link == "joined" else 0)
    if estimates:
        stretch = Stretch(a.at, b.at, a.value, total, tuple((one.at, one.value, one.place) for one in estimates))
        booked = book_stretch(stretch, register)
        if len(booked.deltas) > 1:
            books.add(booked)
            return
        books.aside += booked.set_aside  # none of the estimates was of use
    quality, why = _pair_quality(a, b, link, register)
    if why is Why.READ and between:
        why = Why.BRIDGED
    books.deltas.append(Delta(a.at, b.at, total, quality, why))


def _pair_quality(a: Point, b: Point, link: str, register: Register) -> tuple[Quality, Why]:
    if register.size and register.bound(b.us - a.us) >= register.size:
        return Quality.DISPUTED, Why.ROLLOVER_AMBIGUOUS
    if a.conflict or b.conflict:
        return Quality.DISPUTED, Why.CONFLICT
    if a.estimated or b.estimated:
        return Quality.ESTIMATED, Why.ESTIMATE
    if link == "joined":
        return Quality.MEASURED, Why.ROLLOVER
    return Quality.MEASURED, Why.EXCHANGE if PERSON in {a.place, b.place} else Why.READ


def _book_ends(meter: _Meter, points: list[Point], chain: list[tuple[int, str]], register: Register, books: _Books) -> None:
    """Estimates after the last believed read, and what is not known up to an exchange."""
    if not chain:
        return
    first, last = points[chain[0][0]], points[chain[-1][0]]
    tail = [point for point in points[chain[-1][0] + 1 :] if point.estimated]
    newest = last.at
    if tail:
        stretch = Stretch(last.at, None, last.value, 0, tuple((one.at, one.value, one.place) for one in tail))
        booked = book_stretch(stretch, register)
        books.add(booked)
        newest = booked.deltas[-1].end if booked.deltas else last.at
    if meter.begun is not None and first.at > meter.begun.at:
        books.gaps.append(Gap(meter.begun.at, first.at, Why.EXCHANGE_UNREAD))
    if meter.ended is not None and newest < meter.ended.at:
        books.gaps.append(Gap(newest, meter.ended.at, Why.EXCHANGE_UNREAD))
