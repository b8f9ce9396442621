"""Maps: which stations make them, what is believed, how they are scored."""

from __future__ import annotations

import numpy as np
import pytest

from dure.services.environment.maps.surface import Mapper, Neighbourhood, NoSurface, Reliability, Surface, merge, score
from dure.services.environment.maps.variogram import Variogram

SPHERE = Variogram(model="spherical", psill=9.0, range_m=10_000, nugget=1.0)
RULE = Reliability(sd_share_max=0.95, ranges_max=1.0)
CHANCE = np.random.default_rng(1)
STATIONS = CHANCE.uniform(0, 30_000, (60, 2))
CELLS = CHANCE.uniform(-20_000, 50_000, (3_000, 2))
VALUES = 12 + 3 * np.sin(STATIONS[:, 0] / 6_000) + CHANCE.normal(0, 0.5, 60)


def test_a_missing_station_is_not_used_and_does_not_blind_the_map():
    values = VALUES.copy()
    values[5] = np.nan
    found = Mapper(STATIONS, CELLS, SPHERE, RULE).surface(values)
    rest = np.arange(60) != 5
    without = Mapper(STATIONS[rest], CELLS, SPHERE, RULE).surface(VALUES[rest])
    np.testing.assert_allclose(found.estimate, without.estimate, atol=1e-9)
    assert found.sites == 59
    assert found.score.n == 59


@pytest.mark.parametrize("usable", [0, 1, 2])
def test_fewer_than_three_stations_make_no_map_and_say_why(usable):
    values = np.where(np.arange(60) < usable, VALUES, np.nan)
    assert Mapper(STATIONS, CELLS, SPHERE, RULE).surface(values) == NoSurface("too_few_stations", usable, 3)


def test_three_stations_on_one_mast_are_one_place_and_make_no_map():
    mast = np.array([[0, 0], [0.4, 0], [0, 0.4]])
    assert Mapper(mast, CELLS, SPHERE, RULE).surface(np.ones(3)) == NoSurface("too_few_stations", 1, 3)


def test_two_stations_at_one_place_count_once_with_their_mean():
    twice = np.concatenate([STATIONS, STATIONS[[3]]])
    found = Mapper(twice, CELLS, SPHERE, RULE).surface(np.append(VALUES, VALUES[3] + 2))
    lifted = VALUES.copy()
    lifted[3] += 1
    expected = Mapper(STATIONS, CELLS, SPHERE, RULE).surface(lifted)
    np.testing.assert_allclose(found.estimate, expected.estimate, atol=1e-9)
    assert found.sites == 60


def test_of_two_stations_at_one_place_the_usable_one_counts_alone():
    twice = np.concatenate([STATIONS, STATIONS[[3]]])
    found = Mapper(twice, CELLS, SPHERE, RULE).surface(np.append(VALUES, np.nan))
    expected = Mapper(STATIONS, CELLS, SPHERE, RULE).surface(VALUES)
    np.testing.assert_allclose(found.estimate, expected.estimate, atol=1e-9)


def test_stations_join_the_first_that_is_near_enough():
    xy = np.array([[0.0, 0], [100, 0], [0.9, 0], [100, 0.5], [5, 0]])
    assert merge(xy, 1.0).tolist() == [0, 1, 0, 1, 2]


def test_a_concentration_is_never_negative_and_the_map_says_how_many_cells_were_moved():
    low = np.where(STATIONS[:, 0] < 15_000, 0.0, 10.0)
    steep = Variogram(model="gaussian", psill=9.0, range_m=10_000, nugget=0.1)
    free = Mapper(STATIONS, CELLS, steep, RULE).surface(low)
    bound = Mapper(STATIONS, CELLS, steep, RULE).surface(low, 0.0)
    assert free.estimate.min() < 0
    assert bound.estimate.min() == 0
    assert bound.clipped == np.count_nonzero(free.estimate < 0) > 0
    assert free.clipped == 0


def test_cells_far_from_every_station_are_not_believed():
    found = Mapper(STATIONS, CELLS, SPHERE, RULE).surface(VALUES)
    nearest = np.min(np.hypot(*(CELLS[:, None] - STATIONS[None]).transpose(2, 0, 1)), axis=1)
    assert not found.reliable[nearest > SPHERE.range_m].any()
    assert found.reliable[nearest < 1_500].all()


def test_cells_whose_error_is_that_of_the_field_are_not_believed():
    nothing = Variogram(model="spherical", psill=0.1, range_m=10_000, nugget=9.0)
    assert not Mapper(STATIONS, CELLS, nothing, RULE).surface(VALUES).reliable.any()


def test_the_score_is_that_of_stations_left_out():
    found = score(np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 2.0, 2.0, 2.0]), np.array([1.0, 1.0, 1.0, 1.0]))
    assert found.rmse == pytest.approx(np.sqrt((1 + 0 + 1 + 16) / 4))
    assert found.bias == pytest.approx(-1.0)
    assert found.within_80 == 0.75
    assert found.rmse_of_mean == pytest.approx(np.sqrt(np.mean([(11 / 3 - 1) ** 2, (10 / 3 - 2) ** 2, 0, 16])))


def test_intervals_hold_four_of_five_stations_when_the_variogram_is_right():
    shares = []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        xy = chance.uniform(0, 30_000, (80, 2))
        apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
        from dure.services.environment.maps.variogram import semivariance

        root = np.linalg.cholesky(SPHERE.sill - semivariance(SPHERE, apart) + 1e-9 * np.eye(80))
        found = Mapper(xy, CELLS[:10], SPHERE, RULE).surface(root @ chance.normal(size=80))
        assert isinstance(found, Surface)
        assert found.score.rmse < found.score.rmse_of_mean
        shares.append(found.score.within_80)
    assert np.mean(shares) == pytest.approx(0.8, abs=0.04)


def test_who_takes_part_is_a_rule():
    strict = Mapper(STATIONS, CELLS, SPHERE, RULE, Neighbourhood(sites_min=61))
    assert strict.surface(VALUES) == NoSurface("too_few_stations", 60, 61)
