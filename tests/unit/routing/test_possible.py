"""What no vehicle could ever do is found without trying most stops one by one, and is the same as when each is tried."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from routing_days import H, day, drawn, truck

from dure.routing.indexed import indexed
from dure.routing.model import Break, Dump, Matrix, Problem, Span, Stop
from dure.routing.possible import impossible
from dure.routing.streams import one_stream_each
from dure.routing.timing import Timed, timed


def alone(problem: Problem) -> set[str]:
    """Stops some vehicle can drive to and nothing else, unloading before it or not; each tried."""
    one = indexed(one_stream_each(problem))
    return {
        stop.id
        for at, stop in enumerate(problem.stops)
        for vehicle in range(len(one.vehicles))
        for first in ((), *((-1 - dump,) for dump in one.dumps_of[vehicle] if one.aboard[vehicle].any()))
        if isinstance(timed(one, vehicle, (*first, at)), Timed)
    }


@given(st.integers(0, 1_000_000))
@settings(max_examples=60, deadline=None)
def test_the_stops_of_a_drawn_day_are_possible_where_a_lone_trip_is(seed):
    problem = drawn(seed, 16)

    lost = {one.subject for one in impossible(problem)}

    assert lost == {stop.id for stop in problem.stops} - alone(problem)


@pytest.mark.parametrize(
    ("stop", "vehicle", "dump"),
    [
        ({"windows": (Span(0, 6 * H),)}, {}, {}),
        ({"release_s": 14 * H}, {}, {}),
        ({"load": (101,)}, {}, {}),
        ({"load": (60,)}, {"aboard": (50,), "dumps": ()}, {}),
        ({}, {"day_capacity": (5,)}, {}),
        ({}, {"distance_m_max": 10_000}, {}),
        ({}, {"duration_s_max": 1_000}, {}),
        ({}, {"shift": Span(6 * H, 6 * H + 900)}, {}),
        ({}, {"stops_max": 0}, {}),
        ({"service_s": 5 * H}, {"shift": Span(6 * H, 12 * H), "breaks": (Break(span=Span(9 * H, 9 * H), duration_s=2 * H),)}, {}),
        ({}, {"ends_empty": True}, {"windows": (Span(0, 6 * H),)}),
        ({}, {"ends_empty": True, "dumps": ()}, {}),
    ],
)
def test_a_lone_stop_that_breaks_a_rule_is_impossible(stop, vehicle, dump):
    given_stop = Stop(id="s", place=1, **{"load": (10,), "service_s": 60} | stop)
    given_truck = truck(**{"dumps": ("d",)} | vehicle)
    given_dump = Dump(id="d", place=2, service_s=60, **dump)

    found = impossible(day([(0, 0), (6_000, 0), (6_000, 3_000)], [given_stop], [given_truck], [given_dump]))

    assert [one.subject for one in found] == ["s"]


@given(st.integers(1, 40), st.data())
@settings(max_examples=60, deadline=None)
def test_places_taken_out_of_a_matrix_keep_their_ways(n, data):
    chance = np.random.default_rng(n)
    matrix = Matrix("", chance.integers(0, 99, (n, n)), chance.integers(0, 99, (n, n)), unreached=(0,))
    left_out = data.draw(st.sets(st.integers(0, n - 1), max_size=3))
    any_order = data.draw(st.lists(st.integers(0, n - 1), max_size=n))

    for rows in ([at for at in range(n) if at not in left_out], any_order):
        part = matrix.take(rows)
        assert np.array_equal(part.distance_m, matrix.distance_m[np.ix_(rows, rows)])
        assert np.array_equal(part.duration_s, matrix.duration_s[np.ix_(rows, rows)])
        assert part.unreached == tuple(at for at, row in enumerate(rows) if row == 0)
