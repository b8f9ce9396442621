"""Distances to levels: what is full, empty, unknown, over the brim and below the floor."""

from datetime import date

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dure.core.errors import ConfigError, InputError
from dure.services.waste.devices.fill import WORDS, Limits, Reason, distance_of, fill_from_distance, limits_on

LIMITS = limits_on(date(2026, 11, 24))
DEPTH_M, FULL_M = 1.2, 0.2


def level(distance_m):
    found = fill_from_distance(np.array([distance_m]), DEPTH_M, FULL_M, LIMITS)
    return found.fraction[0], Reason(found.reason[0])


def test_a_level_over_the_brim_keeps_its_value_and_says_so():
    fraction, reason = level(0.1)
    assert fraction == pytest.approx(1.1)
    assert reason is Reason.OVER_BRIM


def test_a_distance_of_nothing_is_no_level_as_the_sensor_may_be_covered():
    fraction, reason = level(0.0)
    assert np.isnan(fraction)
    assert reason is Reason.NO_ECHO


def test_a_surface_a_little_below_the_floor_is_the_floor():
    assert level(DEPTH_M * 1.05) == (0.0, Reason.FLOOR)


def test_a_surface_far_below_the_floor_keeps_its_impossible_value_to_be_flagged():
    fraction, reason = level(2.0)
    assert fraction == pytest.approx(-0.8)
    assert reason is Reason.BELOW_FLOOR


@pytest.mark.parametrize("distance_m", [np.nan, np.inf, -np.inf])
def test_no_distance_is_no_level(distance_m):
    fraction, reason = level(distance_m)
    assert np.isnan(fraction)
    assert reason is Reason.NO_DISTANCE


@pytest.mark.parametrize(("distance_m", "fraction"), [(1.2, 0.0), (0.7, 0.5), (0.2, 1.0)])
def test_between_floor_and_brim_the_level_is_a_straight_line(distance_m, fraction):
    assert level(distance_m) == (pytest.approx(fraction), Reason.NONE)


@pytest.mark.parametrize(("depth_m", "full_m"), [(1.0, 1.0), (1.0, 1.5), (0.0, 0.0), (1.0, -0.1), (np.nan, 0.0), (np.inf, 0.0)])
def test_an_impossible_bin_is_refused(depth_m, full_m):
    with pytest.raises(InputError) as refused:
        fill_from_distance(np.array([0.5]), depth_m, full_m, LIMITS)
    assert refused.value.code == "bin.geometry"


def test_a_city_may_set_its_own_limits(tmp_path):
    own = tmp_path / "rules" / "waste" / "devices.toml"
    own.parent.mkdir(parents=True)
    row = '[[choices]]\nid = "{}"\neffective_from = 2026-01-01\nsource = "us"\nmark = "own choice"\nvalue = {}\n'
    rows = "".join(row.format(name, value) for name, value in (("floor_tolerance", 0.5), ("echo_m_min", 0.02), ("moved_m", 50)))
    own.write_text(f'id = "devices"\nversion = "1"\nname = {{ ko = "센서", en = "Sensors" }}\n{rows}', "utf-8")
    assert limits_on(date(2026, 11, 24), tmp_path) == Limits(0.5, 0.02, 50)


def test_before_the_first_rule_there_is_none():
    with pytest.raises(ConfigError):
        limits_on(date(2020, 1, 1))


def test_every_reason_has_words_in_both_languages():
    assert set(WORDS) == set(Reason)
    assert all(one.ko and one.en for one in WORDS.values())


_GEOMETRY = st.tuples(st.floats(0.2, 5), st.floats(0, 0.9)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@given(_GEOMETRY, st.lists(st.floats(0.011, 1.25), min_size=1, max_size=20))
def test_the_distance_of_a_level_gives_the_level_back(geometry, fractions):
    depth_m, full_m = geometry
    level = np.array(fractions)
    distance = distance_of(level, depth_m, full_m)
    heard = distance > LIMITS.echo_m_min
    found = fill_from_distance(distance, depth_m, full_m, LIMITS).fraction
    assert found[heard] == pytest.approx(level[heard], abs=1e-9)


@given(_GEOMETRY, st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
@example((0.5, 0.25), [4.5e307])
def test_whatever_is_measured_one_answer_comes_back_for_each(geometry, distances):
    found = fill_from_distance(np.array(distances, np.float64), *geometry, LIMITS)
    assert found.fraction.shape == found.reason.shape == (len(distances),)
    unknown = np.isin(found.reason, (Reason.NO_DISTANCE, Reason.NO_ECHO))
    assert (np.isfinite(found.fraction) == ~unknown).all()


@given(_GEOMETRY, st.lists(st.floats(0.002, 6), min_size=2, max_size=20))
def test_a_nearer_surface_is_never_a_lower_level_within_the_bin(geometry, distances):
    depth_m, full_m = geometry
    found = fill_from_distance(np.sort(np.minimum(distances, depth_m)), depth_m, full_m, LIMITS).fraction
    assert (np.diff(found) <= 1e-12).all()
