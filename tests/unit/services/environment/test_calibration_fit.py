"""Co-location: better on weeks it has not seen or not at all, and never from hours that are not good."""

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.observations import Flag
from dure.services.environment.calibrating.calibration import Score, Why, corrected, predicted, starting_model
from dure.services.environment.calibrating.calibration_fit import (
    Pairs,
    fit_co_location,
    good_pairs,
    huber,
    score,
    theil_sen,
    verdict,
)
from dure.services.environment.calibrating.calibration_rehearsal import co_located
from dure.services.environment.calibrating.calibration_rules import calibration_rules

AT = datetime(2026, 11, 24, tzinfo=UTC)
RULES = calibration_rules(AT.date())
QUICK = msgspec.structs.replace(RULES.fit, growth_step=0.15, folds_max=4.0)
EPA = starting_model("air-1", "pm2_5", RULES, AT)


def pairs(seed=1, weeks=6, **more):
    one = co_located(seed, weeks, **more)
    return Pairs(one.time_us, one.raw, one.rh, one.temperature, one.reference)


def codes(fit):
    return [one.code for one in fit.reasons]


@pytest.mark.parametrize("seed", range(6))
def test_a_swelling_sensor_is_brought_to_half_its_error_on_weeks_it_has_not_seen(seed):
    fit = fit_co_location(pairs(seed, 8), QUICK, EPA)

    assert fit.accepted, fit.reasons
    assert fit.scores["corrected"].rmse <= 0.5 * fit.scores["raw"].rmse
    assert abs(fit.scores["corrected"].slope - 1) < 0.2
    assert fit.uncertainty == fit.scores["corrected"].rmse


def test_a_fit_is_the_same_when_it_is_made_again():
    assert fit_co_location(pairs(3), QUICK, EPA) == fit_co_location(pairs(3), QUICK, EPA)


def test_a_sensor_that_is_right_already_is_left_raw():
    one = pairs(2)
    right = msgspec.structs.replace(one, raw=one.reference + np.random.default_rng(1).normal(0, 0.5, len(one)))

    fit = fit_co_location(right, QUICK)

    assert not fit.accepted
    assert {"slope_not_better", "bias_not_better", "rmse_not_better"} & set(codes(fit))


@pytest.mark.parametrize(
    ("raw", "ours", "expected"),
    [
        (Score(9, 10, 1.5, 5, 0.8), Score(9, 4, 0.9, -1, 0.9), ["rmse_better", "slope_better", "bias_better"]),
        (Score(9, 10, 1.05, 5, 0.8), Score(9, 4, 0.9, -1, 0.9), ["rmse_better", "slope_not_better", "bias_better"]),
        (Score(9, 10, 1.5, 0.5, 0.8), Score(9, 4, 0.9, -1, 0.9), ["rmse_better", "slope_better", "bias_not_better"]),
        (Score(9, 4, 1.5, 5, 0.8), Score(9, 4, 0.9, -1, 0.9), ["rmse_not_better", "slope_better", "bias_better"]),
    ],
)
def test_error_slope_and_bias_must_all_improve(raw, ours, expected):
    assert [one.code for one in verdict({"raw": raw, "corrected": ours})] == expected


def test_the_starting_model_is_told_beside_but_decides_nothing():
    raw, ours, us = Score(9, 10, 1.5, 5, 0.8), Score(9, 4, 0.9, -1, 0.9), Score(9, 2, 1.0, 0, 0.9)

    last = verdict({"raw": raw, "corrected": ours, "starting": us})[-1]

    assert last.code == "starting_not_worse"
    assert last.values == {"starting": 2.0, "ours": 4.0}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda one: one.take(np.arange(300)), {"too_few_hours", "too_few_weeks"}),
        (lambda one: one.take(np.arange(400)), {"too_few_weeks"}),
        (lambda one: one.take(np.arange(0)), {"too_few_hours", "too_few_weeks"}),
        (lambda one: msgspec.structs.replace(one, reference=np.full(len(one), 20.0)), {"reference_too_flat"}),
        (lambda one: msgspec.structs.replace(one, raw=np.full(len(one), 20.0)), {"raw_constant"}),
    ],
)
def test_too_little_is_refused_with_its_reasons(change, expected):
    fit = fit_co_location(change(pairs()), QUICK, EPA)

    assert not fit.accepted
    assert expected <= set(codes(fit))
    assert fit.parameters == {}


def test_only_hours_where_both_are_good_are_used():
    one = pairs()
    raw_flag, reference_flag = np.full(len(one), Flag.GOOD, np.uint8), np.full(len(one), Flag.GOOD, np.uint8)
    raw_flag[:200], reference_flag[200:300] = Flag.SUSPECT, Flag.FAIL
    spoilt = msgspec.structs.replace(one, raw=one.raw.copy(), raw_flag=raw_flag, reference_flag=reference_flag)
    spoilt.raw[:300] = 9_999.0

    fit = fit_co_location(spoilt, QUICK)

    assert fit.hours <= len(one) - 300
    assert fit.spans["raw"].high < 9_999.0
    assert good_pairs(spoilt).time_us.min() == one.time_us[300]


def test_without_weather_the_fit_goes_on_without_it_and_says_so():
    one = pairs(weeks=5)
    blank = np.full(len(one), np.nan)

    fit = fit_co_location(msgspec.structs.replace(one, rh=blank, temperature=blank), QUICK)

    assert {"no_humidity", "no_temperature"} <= set(codes(fit))
    assert set(fit.parameters) == {"gain", "offset"}


def test_an_accepted_fit_becomes_a_candidate_that_makes_what_it_promised():
    one = pairs(4)
    fit = fit_co_location(one, QUICK, EPA)

    model = fit.model(("air-1", "pm2_5"), "ref-1", AT, RULES)

    assert (model.state, model.method, model.inputs.reference) == ("candidate", "co_location", "ref-1")
    assert model.inputs.hours == fit.hours
    assert 0 < len(model.inputs.sample) <= 300
    made = corrected(one.raw, one.rh, one.temperature, model)
    assert score(made.value, one.reference).rmse < 1.1 * fit.scores["corrected"].rmse
    assert np.isin(made.why, (Why.NONE, Why.RAW_MISSING, Why.HUMIDITY_MISSING, Why.OUTSIDE_TRAINED, Why.RAISED_TO_ZERO)).all()


def test_a_refused_fit_becomes_a_rejected_model_with_its_reasons():
    model = fit_co_location(pairs().take(np.arange(100)), QUICK).model(("air-1", "pm2_5"), "ref-1", AT, RULES)

    assert model.state == "rejected"
    assert [one.code for one in model.reasons][-2:] == ["too_few_hours", "too_few_weeks"]
    assert msgspec.json.decode(msgspec.json.encode(model), type=type(model)) == model


def test_one_in_ten_wild_values_does_not_move_hubers_line():
    rng = np.random.default_rng(7)
    x = rng.uniform(0, 50, 500)
    y = 0.6 * x + 3 + rng.normal(0, 0.5, 500)
    y[::10] += 80

    beta = huber(np.column_stack([x, np.ones(500)]), y, 1.345)

    assert beta == pytest.approx([0.6, 3.0], abs=0.2)
    assert theil_sen(x, y) == pytest.approx(0.6, abs=0.05)


@given(st.floats(0.2, 5), st.floats(-20, 20), st.integers(0, 1000))
def test_a_line_without_noise_is_found_exactly(gain, offset, seed):
    x = np.random.default_rng(seed).uniform(1, 90, 60)

    beta = huber(np.column_stack([x, np.ones(60)]), gain * x + offset, 1.345)

    assert beta == pytest.approx([gain, offset], abs=1e-5 * (1 + abs(offset)))
    made = predicted(x, x, x, "co_location", {"gain": beta[0], "offset": beta[1]})
    np.testing.assert_allclose(made, gain * x + offset, atol=1e-3)


def test_a_score_knows_nothing_of_hours_without_a_pair():
    assert score(np.array([1.0, np.nan]), np.array([np.nan, 1.0])).n == 0
    known = score(np.array([1.0, 3.0, np.nan]), np.array([0.0, 1.0, 5.0]))
    assert (known.n, known.bias, known.slope, known.r2) == (2, 1.5, 2.0, 1.0)
