"""Which ways a vehicle may use, read from the words of a map."""

from __future__ import annotations

import msgspec
import pytest
from road_maps import TRUCK

from dure.routing.profiles import CLOSED, measured, passage

ROAD = {"highway": "residential"}


@pytest.mark.parametrize(
    ("tags", "forward", "backward"),
    [
        ({}, 36, 36),
        ({"oneway": "yes"}, 36, 0),
        ({"oneway": "-1"}, 0, 36),
        ({"oneway": "no"}, 36, 36),
        ({"oneway": "yes", "oneway:hgv": "no"}, 36, 36),
        ({"junction": "roundabout"}, 36, 0),
        ({"highway": "motorway"}, 90, 0),
        ({"highway": "motorway", "oneway": "no"}, 90, 90),
        ({"maxspeed": "30"}, 15, 15),
        ({"maxspeed": "20 mph"}, 16.09344, 16.09344),
        ({"maxspeed": "none"}, 36, 36),
        ({"maxspeed": "0"}, 36, 36),
        ({"maxspeed": "200"}, 36, 36),
        ({"access": "no", "hgv": "yes"}, 36, 36),
        ({"access": "destination"}, 36, 36),
        ({"maxheight": "3.5"}, 36, 36),
        ({"maxheight": "4 m"}, 36, 36),
        ({"maxheight": "default"}, 36, 36),
    ],
)
def test_a_truck_drives_a_way_as_its_words_say(tags, forward, backward):
    found = passage(ROAD | tags, TRUCK)
    assert (found.forward_kmh, found.backward_kmh) == pytest.approx((forward, backward))


@pytest.mark.parametrize(
    "tags",
    [
        {"highway": "footway"},
        {"highway": ""},
        {"access": "private"},
        {"access": "yes", "hgv": "no"},
        {"goods": "no"},
        {"maxheight": "2.3"},
        {"maxheight": "9'6\""},
        {"maxweight": "3.5 t"},
        {"area": "yes"},
    ],
)
def test_a_way_is_closed_to_a_truck_that_does_not_fit_or_may_not(tags):
    assert passage(ROAD | tags, TRUCK) == CLOSED


def test_a_small_truck_passes_where_a_large_one_does_not():
    small = msgspec.structs.replace(TRUCK, limits={"maxheight": 2.0}, access=("access", "goods"))
    assert passage(ROAD | {"maxheight": "2.3", "hgv": "no"}, small).forward_kmh == 36


def test_nobody_stops_on_a_motorway_or_in_a_tunnel():
    assert passage(ROAD, TRUCK).stopping
    assert not passage({"highway": "motorway"}, TRUCK).stopping
    assert not passage(ROAD | {"tunnel": "yes"}, TRUCK).stopping


@pytest.mark.parametrize(("word", "number"), [("50", 50), ("3.5 m", 3.5), ("10'", 3.048), ("walk", None), ("", None)])
def test_a_number_of_the_map_is_read_with_its_unit(word, number):
    assert measured(word) == (None if number is None else pytest.approx(number))
