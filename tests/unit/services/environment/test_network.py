"""The two checks of titanlib, written anew: its own vectors and its live wheel are the oracles, never copied."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dure.services.environment.neighbours.network import BuddyRule, buddy_check, isolation_check, surround

VECTORS = Path(__file__).parents[4].parent / "shared" / "data" / "environment" / "titanlib"
RADIUS_M = 3000.0
STRETCH_M = 2.0  # titanlib keeps places in single precision: nobody may stand this close to the radius

with_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="titanlib's vectors are shared data, and not here")


def cases(*names):
    """(dataset, type, arguments, expected) of every test of these files."""
    for name in names:
        for case in yaml.safe_load((VECTORS / name).read_text("utf-8")):
            for test in case["tests"]:
                kind = test.get("type", case.get("base_test"))
                yield case["dataset"], kind, case.get("base_args", {}) | test.get("args", {}), test["expected"]


def column(dataset, name):
    return np.array(dataset[name], np.float64)


@with_vectors
def test_buddy_flags_are_those_of_titanlibs_own_vectors():
    found, expected = [], []
    for data, _, words, flags in cases("buddy_check.yml"):
        places = surround(column(data, "lons"), column(data, "lats"), column(data, "elevs"), radius_m=words["radius"][0])
        rule = BuddyRule(
            least=words["num_min"][0],
            threshold=words["threshold"],
            rise_m_max=words["max_elev_diff"],
            gradient_per_m=words["elev_gradient"],
            sd_min=words["min_std"],
            rounds=words["num_iterations"],
        )
        found.append(buddy_check(column(data, "values"), places, rule).astype(int).tolist())
        expected.append(flags)
    assert len(expected) == 4
    assert found == expected


@with_vectors
def test_isolation_flags_are_those_of_titanlibs_own_vectors():
    found, expected = [], []
    for data, kind, words, flags in cases("isolation_check.yml", "nan_dataset.yml"):
        if kind == "isolation_check":
            places = surround(column(data, "lons"), column(data, "lats"), column(data, "elevs"), radius_m=words["radius"])
            found.append(isolation_check(places, words["num_min"], words.get("vertical_radius")).astype(int).tolist())
            expected.append(flags)
    assert len(expected) == 5
    assert found == expected


def network(seed, n=400):
    """Random places without one on the edge of the radius, heights and values, all exact in single precision."""
    rng = np.random.default_rng(seed)
    lon, lat = 126.8 + rng.uniform(0, 0.3, n), 37.0 + rng.uniform(0, 0.2, n)
    height = rng.uniform(0, 400, n)
    value = 15 - 0.0065 * height + rng.normal(0, 1, n) + 8 * (rng.random(n) < 0.05)
    lon, lat, height, value = (one.astype(np.float32).astype(np.float64) for one in (lon, lat, height, value))
    apart = surround(lon, lat, radius_m=RADIUS_M + STRETCH_M).distance_m
    inner = ~(np.abs(np.where(np.isfinite(apart), apart, 0) - RADIUS_M) < STRETCH_M).any(axis=1)
    return lon[inner], lat[inner], height[inner], value[inner]


@pytest.mark.parametrize("rise_m_max", [-1.0, 150.0])
@pytest.mark.parametrize(("threshold", "least", "rounds"), [(1.0, 1, 1), (2.0, 5, 3), (3.0, 3, 5)])
def test_buddy_flags_equal_the_live_titanlib_on_random_networks(rise_m_max, threshold, least, rounds):
    titanlib = pytest.importorskip("titanlib")
    for seed in range(8):
        lon, lat, height, value = network(seed)
        peer = titanlib.buddy_check(
            titanlib.Points(lat, lon, height), value, [RADIUS_M], [least], threshold, rise_m_max, -0.0065, 0.1, rounds
        )
        rule = BuddyRule(least=least, threshold=threshold, rise_m_max=rise_m_max, sd_min=0.1, rounds=rounds)
        ours = buddy_check(value, surround(lon, lat, height, radius_m=RADIUS_M), rule)
        assert ours.astype(int).tolist() == [int(one) for one in peer]


@pytest.mark.parametrize("rise_m_max", [None, 50.0])
def test_isolation_flags_equal_the_live_titanlib_on_random_networks(rise_m_max):
    titanlib = pytest.importorskip("titanlib")
    vertical = [] if rise_m_max is None else [rise_m_max]
    for seed in range(8):
        lon, lat, height, _ = network(seed)
        peer = titanlib.isolation_check(titanlib.Points(lat, lon, height), 5, RADIUS_M, *vertical)
        ours = isolation_check(surround(lon, lat, height, radius_m=RADIUS_M), 5, rise_m_max)
        assert ours.astype(int).tolist() == [int(one) for one in peer]


def test_a_missing_value_neither_judges_nor_is_judged_by_the_buddy_check():
    lon, lat, height, value = network(3)
    gone = np.arange(len(value)) % 7 == 0
    rule = BuddyRule(least=3, threshold=2.0, sd_min=0.1)
    with_gaps = buddy_check(np.where(gone, np.nan, value), surround(lon, lat, height, radius_m=RADIUS_M), rule)
    without = buddy_check(value[~gone], surround(lon[~gone], lat[~gone], height[~gone], radius_m=RADIUS_M), rule)
    assert not with_gaps[gone].any()
    assert with_gaps[~gone].tolist() == without.tolist()


@given(st.integers(0, 1000), st.integers(1, 40))
def test_neighbours_are_mutual_near_and_sorted(seed, n):
    rng = np.random.default_rng(seed)
    places = surround(126.8 + rng.uniform(0, 0.1, n), 37 + rng.uniform(0, 0.1, n), radius_m=RADIUS_M)
    pairs = {(i, int(j)) for i in range(n) for j in places.index[i] if j >= 0}
    assert pairs == {(j, i) for i, j in pairs}
    assert all(i != j for i, j in pairs)
    assert (places.distance_m[places.index >= 0] <= RADIUS_M).all()
    assert (places.distance_m[:, 1:] >= places.distance_m[:, :-1]).all()


def test_the_nearest_are_kept_when_there_are_too_many():
    lon, lat, _, _ = network(1)
    every, some = surround(lon, lat, radius_m=RADIUS_M), surround(lon, lat, radius_m=RADIUS_M, most=5)
    assert some.index.tolist() == every.index[:, :5].tolist()


def test_a_kilometre_north_and_east_is_a_kilometre():
    places = surround(np.array([127.0, 127.0, 127.0 + 1 / 88.9]), np.array([37.0, 37.0 + 1 / 111.32, 37.0]), radius_m=1200)
    assert places.north_m[0, np.flatnonzero(places.index[0] == 1)] == pytest.approx(1000, rel=0.002)
    assert places.east_m[0, np.flatnonzero(places.index[0] == 2)] == pytest.approx(1000, rel=0.002)


def test_a_station_without_a_place_has_no_neighbours_and_is_nobodys():
    places = surround(np.array([127.0, np.nan, 127.001]), np.array([37.0, 37.0, 37.0]), radius_m=1000)
    assert places.index.tolist() == [[2], [-1], [0]]
    assert places.placed.tolist() == [True, False, True]
