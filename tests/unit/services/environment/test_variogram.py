"""Variograms: the models are those of PyKrige, a fit finds what made a field, and doubt is told as a reason."""

from __future__ import annotations

import numpy as np
import pytest

from dure.services.environment.maps.variogram import (
    FitRule,
    Usual,
    Variogram,
    empirical,
    fit,
    of_moments,
    semivariance,
    usual_variogram,
)

RULE = FitRule(
    models=("spherical", "exponential", "gaussian"),
    stations_min=8,
    times_min=6,
    pairs_min=20,
    lags=12,
    lag_share=0.6,
    ranges=40,
    range_m_min=1_000,
    range_m_max=60_000,
    gain_min=0.6,
    nugget_share_max=0.9,
    gaussian_nugget_min=0.02,
)
USUAL = Usual(model="exponential", range_m=20_000, nugget_share=0.2, sd=6.0)


def field(variogram: Variogram, xy: np.ndarray, times: int, seed: int) -> np.ndarray:
    """Independent draws of a Gaussian field at the places: (times, n)."""
    apart = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    covariance = variogram.sill - semivariance(variogram, apart)
    root = np.linalg.cholesky(covariance + 1e-9 * variogram.sill * np.eye(len(xy)))
    return (root @ np.random.default_rng(seed).normal(size=(len(xy), times))).T


def places(n: int, seed: int = 1, side_m: float = 40_000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, side_m, (n, 2))


@pytest.mark.parametrize("model", ["spherical", "exponential", "gaussian", "linear"])
def test_a_model_is_that_of_pykrige(model):
    from pykrige import variogram_models

    distance = np.linspace(1.0, 60_000, 500)
    parameters = [3.0 / 15_000, 0.5] if model == "linear" else [3.0, 15_000, 0.5]
    peer = getattr(variogram_models, f"{model}_variogram_model")(parameters, distance)
    ours = semivariance(Variogram(model=model, psill=3.0, range_m=15_000, nugget=0.5), distance)
    np.testing.assert_allclose(ours, peer, rtol=1e-13)


def test_a_place_does_not_differ_from_itself_even_with_a_nugget():
    assert semivariance(Variogram(model="spherical", psill=1, range_m=10, nugget=2), np.zeros(1)) == 0.0


@pytest.mark.parametrize("wrong", [{"psill": -1}, {"range_m": 0}, {"psill": 0, "nugget": 0}])
def test_a_variogram_without_sill_or_range_is_refused(wrong):
    with pytest.raises(ValueError, match="sill and a range"):
        Variogram(**{"model": "spherical", "psill": 1.0, "range_m": 10.0} | wrong)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fit_finds_the_variogram_that_made_the_field(seed):
    true = Variogram(model="spherical", psill=30.0, range_m=12_000, nugget=6.0)
    xy = places(80, seed)
    found = fit(xy, field(true, xy, 48, seed), RULE, USUAL)
    assert not found.reasons
    assert found.variogram.sill == pytest.approx(true.sill, rel=0.3)
    near = np.array([2_000.0, 5_000.0, 10_000.0])
    np.testing.assert_allclose(semivariance(found.variogram, near), semivariance(true, near), rtol=0.3)


def test_one_wild_value_hardly_moves_the_measured_variogram():
    true = Variogram(model="spherical", psill=30.0, range_m=12_000, nugget=6.0)
    xy = places(80)
    values = field(true, xy, 24, 1)
    clean = empirical(xy, values, RULE).semivariance
    values[3, 7] += 500
    wild = empirical(xy, values, RULE).semivariance
    assert np.max(np.abs(wild / clean - 1)) < 0.25


def test_missing_values_make_no_pairs():
    xy = places(30)
    values = np.random.default_rng(1).normal(size=(24, 30))
    values[:, :10] = np.nan
    few = empirical(xy, values, RULE)
    same = empirical(xy[10:], values[:, 10:], RULE)
    assert few.pairs.sum() <= 24 * 20 * 19 / 2
    assert same.pairs.sum() <= 24 * 20 * 19 / 2


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.full((24, 30), 5.0), "no_variation"),
        (np.where(np.arange(30) < 5, np.random.default_rng(4).normal(size=(24, 30)), np.nan), "too_few_stations"),
        (np.random.default_rng(4).normal(size=(5, 30)), "too_few_times"),
    ],
)
def test_doubt_is_told_and_the_usual_variogram_stands_in(values, reason):
    xy = places(30)
    found = fit(xy, values, RULE, USUAL)
    assert found.reasons == (reason,)
    assert (found.variogram.model, found.variogram.range_m) == ("exponential", 20_000)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_where_stations_show_no_structure_none_is_assumed(seed):
    found = fit(places(30), np.random.default_rng(seed).normal(0, 2.0, (24, 30)), RULE, USUAL)
    assert found.reasons == ("no_structure",)
    assert found.variogram.psill == 0
    assert found.variogram.sd == pytest.approx(2.0, rel=0.15)


def test_a_field_that_never_levels_off_keeps_its_fit_and_the_spread_that_was_seen():
    xy = places(30)
    xy[:, 0] = np.arange(30) * 2_000
    found = fit(xy, np.arange(30.0) * np.linspace(0.9, 1.1, 24)[:, None], RULE, USUAL)
    assert found.reasons == ("range_at_bound",)
    assert found.variogram.range_m == pytest.approx(60_000)
    assert found.field_sd <= found.variogram.sd


def test_the_usual_variogram_takes_the_spread_the_stations_show():
    xy = places(30)
    few = np.where(np.arange(30) < 7, np.random.default_rng(4).normal(0, 2.0, (24, 30)), np.nan)
    found = fit(xy, few, RULE, USUAL)
    assert found.reasons == ("too_few_stations",)
    assert found.variogram.sd == pytest.approx(2.0, rel=0.2)
    assert usual_variogram(USUAL).sd == pytest.approx(6.0)


def test_a_smooth_field_keeps_its_least_nugget():
    xy = places(60)
    smooth = Variogram(model="gaussian", psill=10.0, range_m=20_000)
    found = fit(xy, field(smooth, xy, 24, 2), RULE, USUAL).variogram
    assert found.model != "gaussian" or found.nugget >= 0.0199 * found.sill


def test_the_scatter_of_moments_joins_the_nugget_and_a_change_common_to_all_does_not():
    true = Variogram(model="spherical", psill=30.0, range_m=12_000, nugget=6.0)
    xy = places(80)
    means = field(true, xy, 24, 1)
    fitted = fit(xy, means, RULE, USUAL)
    assert of_moments(fitted, means[-1] + 50, means[-1]).variogram.nugget == pytest.approx(fitted.variogram.nugget)
    now = means[-1] + np.random.default_rng(2).normal(0, 3.0, 80)
    found = of_moments(fitted, now, means[-1])
    assert found.moment_sd == pytest.approx(3.0, rel=0.3)
    assert found.variogram.nugget == pytest.approx(fitted.variogram.nugget + found.moment_sd**2)
