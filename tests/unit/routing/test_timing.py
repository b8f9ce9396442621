"""Times of a route: exact against every way to place breaks, the start put off, the last dump chosen, broken rules named."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_days import H, day, matrix_of, truck

from dure.routing.indexed import Indexed, dump_step, indexed
from dure.routing.model import Break, Dump, Problem, Span, Stop, Vehicle, Violation
from dure.routing.timing import Timed, timed

LINE = [(0, 0), (1_000, 0), (2_000, 0), (3_000, 0), (4_000, 0)]


def one_of(stops: list[Stop], vehicle: Vehicle, dumps: list[Dump] | None = None) -> Indexed:
    return indexed(day(LINE, stops, [vehicle], dumps))


def drawn_route(seed: int) -> Indexed:
    """Four stops with windows and up to two breaks."""
    chance = np.random.default_rng(seed)
    places = chance.integers(0, 3_000, (5, 2)) * 10
    stops = tuple(
        Stop(
            id=str(at),
            place=at + 1,
            service_s=int(chance.integers(0, 900)),
            windows=tuple(
                Span(int(begin), int(begin + chance.integers(100, 3_000)))
                for begin in chance.integers(0, 12_000, chance.integers(0, 3))
            ),
        )
        for at in range(4)
    )
    breaks = tuple(
        Break(span=Span(int(begin), int(begin + chance.integers(0, 3_000))), duration_s=600)
        for begin in chance.integers(1_000, 9_000, chance.integers(0, 3))
    )
    vehicle = truck(capacity=(), shift=Span(500, 16_000), breaks=breaks)
    return indexed(Problem(places.astype(float), stops, (vehicle,), {"": matrix_of(places)}, (), ()))


def earliest_back_s(one: Indexed) -> int | None:
    """The earliest legal return, over every way to put the breaks before or after the services."""
    rests = sorted(one.vehicles[0].breaks, key=lambda rest: rest.span.latest_s)
    slots = [None, *range(8)]
    found = [_back_s(one, rests, places) for places in itertools.product(slots, repeat=len(rests))]
    return min((back_s for back_s in found if back_s is not None), default=None)


def _back_s(one: Indexed, rests: list[Break], places: tuple[int | None, ...]) -> int | None:
    used = [each for each in places if each is not None]
    if used != sorted(used):
        return None
    seconds, now_s, at = one.matrix(0).duration_s, 500, 0
    for slot in range(8):
        stop = slot // 2
        if slot % 2 == 0:
            now_s, at = now_s + int(seconds[at, stop + 1]), stop + 1
        for rest, place in zip(rests, places, strict=True):
            if place == slot:
                begin_s = max(now_s, rest.span.earliest_s)
                if begin_s > rest.span.latest_s:
                    return None
                now_s = begin_s + rest.duration_s
        if slot % 2 == 0:
            begins = [max(now_s, span.earliest_s) for span in one.windows[stop] if now_s <= span.latest_s]
            if not begins:
                return None
            now_s = min(begins) + int(one.service_s[stop])
    now_s += int(seconds[at, 0])
    owed = [rest for rest, place in zip(rests, places, strict=True) if place is None and 500 < rest.span.latest_s < now_s]
    return None if owed or now_s > 16_000 else now_s


@given(st.integers(0, 1_000_000))
@settings(max_examples=100, deadline=None)
def test_the_earliest_return_is_that_of_the_best_way_to_place_the_breaks(seed):
    one = drawn_route(seed)
    found = timed(one, 0, (0, 1, 2, 3))
    assert (found.events[-1].leave_s if isinstance(found, Timed) else None) == earliest_back_s(one)


def test_a_route_that_would_wait_sets_out_later_instead():
    one = one_of([Stop(id="a", place=1, load=(1,), service_s=60, windows=(Span(9 * H, 10 * H),))], truck())
    found = timed(one, 0, (0,))
    assert isinstance(found, Timed)
    assert found.events[0].leave_s == 9 * H - 100
    assert found.duration_s == 100 + 60 + 100


def test_a_stop_is_served_in_its_second_window_when_the_first_has_passed():
    stop = Stop(id="a", place=1, load=(1,), windows=(Span(5 * H, 5 * H + 60), Span(7 * H, 8 * H)))
    found = timed(one_of([stop], truck()), 0, (0,))
    assert isinstance(found, Timed)
    assert found.events[1].begin_s == 7 * H


def test_the_last_dump_is_the_nearest_that_is_open():
    dumps = [Dump(id="near", place=1, windows=(Span(0, 60),)), Dump(id="far", place=4, service_s=300)]
    one = one_of([Stop(id="a", place=2, load=(1,))], truck(dumps=("near", "far"), ends_empty=True), dumps)
    found = timed(one, 0, (0,))
    assert isinstance(found, Timed)
    assert [(event.kind, event.place) for event in found.events] == [("start", 0), ("stop", 2), ("dump", 4), ("end", 0)]
    assert found.distance_m == 2_000 + 2_000 + 4_000
    assert found.steps == (0,)


def test_a_trip_waits_at_the_dump_for_the_release_of_its_stops():
    stops = [Stop(id="a", place=1, load=(60,)), Stop(id="b", place=2, load=(60,), release_s=8 * H)]
    one = one_of(stops, truck(dumps=("d",)), [Dump(id="d", place=3, service_s=60)])
    found = timed(one, 0, (0, dump_step(0), 1))
    assert isinstance(found, Timed)
    assert found.events[2].leave_s == 8 * H


LOADED = [Stop(id="a", place=1, load=(60,)), Stop(id="b", place=2, load=(60,))]
D = [Dump(id="d", place=3, windows=(Span(6 * H, 7 * H),))]
FAULTS = [
    ("route.capacity", LOADED, truck(), (0, 1)),
    ("route.capacity", LOADED, truck(capacity=(200,), aboard=(100,)), (0, 1)),
    ("route.capacity", LOADED, truck(dumps=("d",), day_capacity=(110,)), (0, dump_step(0), 1)),
    ("route.stops_max", LOADED, truck(capacity=(200,), stops_max=1), (0, 1)),
    ("route.reloads", LOADED, truck(dumps=("d",), reloads_max=0), (0, dump_step(0), 1)),
    ("route.distance_max", LOADED, truck(distance_m_max=1_999), (0,)),
    ("route.duration_max", LOADED, truck(duration_s_max=199), (0,)),
    ("route.shift", LOADED, truck(shift=Span(6 * H, 6 * H + 199)), (0,)),
    ("route.dump_hours", LOADED, truck(dumps=("d",), ends_empty=True, shift=Span(8 * H, 14 * H)), (0,)),
    ("route.dump_unknown", LOADED, truck(ends_empty=True), (0,)),
    ("route.window", [Stop(id="a", place=1, load=(1,), windows=(Span(0, 60),))], truck(), (0,)),
    ("route.skill", [Stop(id="a", place=1, load=(1,), skills=frozenset({"lift"}))], truck(), (0,)),
    (
        "route.break_missing",
        [Stop(id="a", place=1, load=(1,), service_s=3 * H, windows=(Span(6 * H, 7 * H),))],
        truck(breaks=(Break(span=Span(8 * H, 9 * H), duration_s=1800),)),
        (0,),
    ),
]


@pytest.mark.parametrize(("code", "stops", "vehicle", "steps"), FAULTS)
def test_the_first_broken_rule_of_a_route_is_named(code, stops, vehicle, steps):
    found = timed(one_of(stops, vehicle, D), 0, steps)
    assert isinstance(found, Violation)
    assert found.code == code
