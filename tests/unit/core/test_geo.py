"""Places: distance and what lies inside what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.geo import EARTH_RADIUS_M, Place, Point, at, distance_m, inside

OUTER = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]
HOLE = [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]
ISLAND = [[4.5, 4.5], [5.5, 4.5], [5.5, 5.5], [4.5, 5.5], [4.5, 4.5]]
RING = Place("Polygon", [OUTER, HOLE])
BOTH = Place("MultiPolygon", [[OUTER, HOLE], [ISLAND]])
points = st.builds(Point, st.floats(-180, 180), st.floats(-90, 90))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        (Point(126.9780, 37.5665), Point(129.0756, 35.1796), 325_000),  # Seoul to Busan, both city halls
        (Point(0, 0), Point(0, 90), EARTH_RADIUS_M * 1.5707963267948966),
        (Point(-179.5, 0), Point(179.5, 0), 111_195),  # one degree across the date line
    ],
)
def test_known_distances(a, b, metres):
    assert distance_m(a, b) == pytest.approx(metres, rel=2e-3)


@given(points, points)
def test_distance_is_the_same_both_ways_and_never_beyond_half_the_earth(a, b):
    assert distance_m(a, a) == 0
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=1e-3)
    assert 0 <= distance_m(a, b) <= EARTH_RADIUS_M * 3.1415927


@pytest.mark.parametrize(
    ("point", "in_ring", "in_both"),
    [
        (Point(1, 1), True, True),
        (Point(5, 5), False, True),
        (Point(4.2, 5), False, False),
        (Point(11, 5), False, False),
        (Point(-1, 10), False, False),
    ],
)
def test_a_hole_is_outside_and_an_island_in_it_inside(point, in_ring, in_both):
    assert (inside(point, RING), inside(point, BOTH)) == (in_ring, in_both)


def test_nothing_lies_inside_a_point_or_line():
    assert not inside(Point(1, 1), at(1, 1))
    assert not inside(Point(1, 1), Place("LineString", [[0, 0], [2, 2]]))


def test_bounds_and_middle_of_a_place():
    assert BOTH.bounds == (0, 0, 10, 10)
    assert BOTH.point == Point(5, 5)
    assert at(126.9, 37.2).bounds == (126.9, 37.2, 126.9, 37.2)


@pytest.mark.parametrize(("lon", "lat"), [(181, 0), (0, 91), (float("nan"), 0), (0, float("inf"))])
def test_no_place_is_off_the_earth(lon, lat):
    with pytest.raises(InputError) as refused:
        at(lon, lat)
    assert refused.value.code == "geo.out_of_range"
