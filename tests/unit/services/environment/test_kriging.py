"""Kriging equals PyKrige with the same neighbours; weights follow the set of usable stations."""

from __future__ import annotations

import numpy as np
import pytest

from dure.services.environment.maps.kriging import Kriging, estimates
from dure.services.environment.maps.variogram import Variogram

MODELS = ("spherical", "exponential", "gaussian", "linear")
ALL = slice(None)


def city(seed: int, stations: int = 120, cells: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stations, cells [m] and values."""
    chance = np.random.default_rng(seed)
    sites, places = chance.uniform(0, 40_000, (stations, 2)), chance.uniform(-2_000, 42_000, (cells, 2))
    return sites, places, 20 + 6 * np.sin(sites[:, 0] / 9_000) + chance.normal(0, 1, stations)


def variogram_of(model: str, nugget: float = 1.5) -> Variogram:
    return Variogram(model=model, psill=30.0, range_m=15_000, nugget=nugget)


def pykrige(variogram: Variogram, sites, values, places, neighbours=16):
    """Estimates and variances of the peer with the same neighbourhood."""
    from pykrige.ok import OrdinaryKriging

    if variogram.model == "linear":
        given = {"slope": variogram.psill / variogram.range_m, "nugget": variogram.nugget}
    else:
        given = {"psill": variogram.psill, "range": variogram.range_m, "nugget": variogram.nugget}
    peer = OrdinaryKriging(*sites.T, values, variogram_model=variogram.model, variogram_parameters=given)
    return peer.execute("points", *places.T, n_closest_points=neighbours, backend="loop")


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_values_and_variances_equal_pykrige_with_the_same_neighbours(model, seed):
    sites, places, values = city(seed)
    variogram = variogram_of(model)
    weights = Kriging(sites, places, variogram).weights(np.ones(len(sites), bool))
    peer, variance = pykrige(variogram, sites, values, places)
    np.testing.assert_allclose(estimates(weights, values)[: len(places)], peer, atol=1e-6, rtol=0)
    np.testing.assert_allclose(weights.sd[: len(places)] ** 2, variance, atol=1e-6, rtol=0)


@pytest.mark.parametrize("model", ["spherical", "exponential"])
def test_without_a_nugget_a_station_keeps_its_value(model):
    sites, _, values = city(4)
    weights = Kriging(sites, sites, variogram_of(model, nugget=0.0)).weights(np.ones(len(sites), bool))
    np.testing.assert_allclose(estimates(weights, values)[: len(sites)], values, atol=1e-9)
    np.testing.assert_allclose(weights.sd[: len(sites)], 0, atol=1e-4)


def test_fewer_stations_than_neighbours_are_all_used():
    sites, places, values = city(5, stations=7)
    weights = Kriging(sites, places, variogram_of("spherical")).weights(np.ones(7, bool))
    peer, variance = pykrige(variogram_of("spherical"), sites, values, places, neighbours=7)
    np.testing.assert_allclose(estimates(weights, values)[: len(places)], peer, atol=1e-6)
    np.testing.assert_allclose(weights.sd[: len(places)] ** 2, variance, atol=1e-6)


def test_a_station_is_seen_from_the_others_only():
    sites, places, values = city(6)
    weights = Kriging(sites, places, variogram_of("exponential")).weights(np.ones(len(sites), bool))
    seen = estimates(weights, values)[len(places) :]
    for left_out in (0, 50, 119):
        rest = np.arange(len(sites)) != left_out
        peer, _ = pykrige(variogram_of("exponential"), sites[rest], values[rest], sites[[left_out]])
        assert seen[left_out] == pytest.approx(float(peer[0]), abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_weights_after_stations_dropped_out_and_came_back_equal_weights_made_anew(seed):
    sites, places, values = city(seed)
    chance = np.random.default_rng(seed)
    kriging = Kriging(sites, places, variogram_of("spherical"), sets_max=2)
    for _ in range(8):
        usable = chance.random(len(sites)) > 0.06
        changed = kriging.weights(usable)
        anew = Kriging(sites, places, variogram_of("spherical")).weights(usable)
        read = np.where(usable, values, np.nan)
        assert usable[changed.site].all()
        np.testing.assert_allclose(estimates(changed, read), estimates(anew, read), atol=1e-9)
        np.testing.assert_allclose(changed.sd, anew.sd, atol=1e-9)
        np.testing.assert_array_equal(changed.farthest_m, anew.farthest_m)


def test_dropping_below_the_number_of_neighbours_and_back_equals_weights_made_anew():
    sites, places, values = city(8, stations=18)
    kriging = Kriging(sites, places, variogram_of("spherical"), sets_max=1)
    kriging.weights(np.ones(18, bool))
    for usable in (np.arange(18) > 4, np.arange(18) > 14, np.ones(18, bool)):
        changed, anew = kriging.weights(usable), Kriging(sites, places, variogram_of("spherical")).weights(usable)
        read = np.where(usable, values, np.nan)
        np.testing.assert_allclose(estimates(changed, read), estimates(anew, read), atol=1e-9)


def test_one_lost_station_solves_only_the_places_that_used_it():
    sites, places, _ = city(7, stations=400, cells=2_000)
    kriging = Kriging(sites, places, variogram_of("spherical"))
    whole = kriging.weights(np.ones(400, bool))
    fewer = kriging.weights(np.arange(400) != 17)
    used = int((whole.site == 17).any(axis=0).sum())
    assert fewer.solved == used
    assert used < 0.12 * len(whole.sd)


def test_a_set_seen_before_is_not_solved_again():
    sites, places, _ = city(9)
    kriging = Kriging(sites, places, variogram_of("spherical"))
    first = kriging.weights(np.ones(len(sites), bool))
    kriging.weights(np.arange(len(sites)) != 3)
    assert kriging.weights(np.ones(len(sites), bool)) is first


def test_one_usable_station_makes_no_weights():
    sites, places, _ = city(1)
    with pytest.raises(ValueError, match="two usable"):
        Kriging(sites, places, variogram_of("spherical")).weights(np.arange(len(sites)) == 0)
