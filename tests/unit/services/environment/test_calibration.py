"""Corrected values: the published formula to its figures, missing things said as data, raw values untouched."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import pytest

from dure.core.errors import ConfigError, InputError
from dure.core.observations import Flag
from dure.core.time import to_us
from dure.services.environment.calibrating.calibration import (
    CORRECTED,
    Inputs,
    Model,
    Span,
    Why,
    corrected,
    corrected_by_lineage,
    growth,
    starting_model,
)
from dure.services.environment.calibrating.calibration_rules import PACK, calibration_rules
from dure.services.environment.model import PROPERTIES
from dure.services.environment.rules import load_pack, parse_pack

AT = datetime(2026, 11, 24, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = calibration_rules(AT.date())
EPA = starting_model("air-1", "pm2_5", RULES, AT)
NAN = float("nan")


def column(*values):
    return np.array(values, np.float64)


def zero_span(gain=2.0, offset=1.0, **more):
    given = {"id": "cal-1", "asset": "air-1", "property": "pm10", "method": "zero_span", "valid_from": AT}
    given |= {"parameters": {"gain": gain, "offset": offset}, "inputs": Inputs(uncertainty=3.0)}
    return Model(**(given | more))


@pytest.mark.parametrize(
    ("raw", "rh", "expected"),
    [
        (0.0, 0.0, 5.75),
        (100.0, 50.0, 53.84),  # 0.524 * 100 - 0.0862 * 50 + 5.75
        (12.0, 90.0, 4.28),
        (569.9, 50.0, 300.0676),  # just below the smoke: 300 ug/m3 at 50 %, as the paper says
        (611.0, 50.0, 400.120141),  # the quadratic alone: 400 ug/m3, as the paper says
        (590.0, 50.0, None),
    ],
)
def test_the_us_formula_gives_its_published_figures(raw, rh, expected):
    found = corrected(column(raw), column(rh), column(NAN), EPA).value[0]

    assert 310.6 < found < 381.3 if expected is None else found == pytest.approx(expected, abs=1e-6)


def test_the_smoke_curve_rises_all_the_way_without_a_jump():
    raw = np.arange(0.0, 1000.0, 0.5)

    step = np.diff(corrected(raw, np.full_like(raw, 50.0), raw, EPA).value)

    assert step.max() < 2.0
    assert step.min() > 0.0


def test_what_cannot_be_corrected_says_why_and_raw_is_left_alone():
    raw = column(10, NAN, 10, 10, 10)
    rh = column(50, 50, NAN, 50, 50)
    flag = np.array([Flag.GOOD, Flag.GOOD, Flag.GOOD, Flag.FAIL, Flag.SUSPECT], np.uint8)
    before = raw.copy()

    found = corrected(raw, rh, column(*[NAN] * 5), EPA, flag)

    assert found.why.tolist() == [Why.NONE, Why.RAW_MISSING, Why.HUMIDITY_MISSING, Why.RAW_NOT_USABLE, Why.NONE]
    assert np.isfinite(found.value).tolist() == [True, False, False, False, True]
    assert np.isfinite(found.sd).tolist() == [True, False, False, False, True]
    np.testing.assert_array_equal(raw, before)


def test_a_temperature_is_asked_for_only_where_the_model_has_a_term_of_it():
    warm = zero_span(method="co_location", parameters={"gain": 1.0, "temperature": 0.1})

    found = corrected(column(5, 5), column(NAN, NAN), column(10, NAN), warm)

    assert found.why.tolist() == [Why.NONE, Why.TEMPERATURE_MISSING]
    assert found.value[0] == pytest.approx(6.0)


def test_a_value_below_zero_is_raised_to_zero_and_says_so():
    found = corrected(column(0.0, 50.0), column(100, 100), column(NAN, NAN), EPA)

    assert found.value.tolist() == [0.0, pytest.approx(23.33)]
    assert found.why.tolist() == [Why.RAISED_TO_ZERO, Why.NONE]


def test_outside_the_trained_span_a_value_is_less_certain_the_further_the_less():
    model = zero_span(inputs=Inputs(uncertainty=3.0, spans={"raw": Span(10.0, 30.0)}))

    found = corrected(column(20, 40, 50, 5), column(*[NAN] * 4), column(*[NAN] * 4), model)

    assert found.sd.tolist() == [3.0, 9.0, 12.0, 7.5]
    assert found.why.tolist() == [Why.NONE, *[Why.OUTSIDE_TRAINED] * 3]


def test_each_value_is_corrected_by_the_model_of_its_time():
    models = [zero_span(2.0, 0.0, valid_to=AT + DAY, state="retired"), zero_span(3.0, 0.0, id="cal-2", valid_from=AT + DAY)]
    time_us = np.array([to_us(AT + step * DAY) for step in (-0.5, 0, 0.5, 1, 9)])

    found, used = corrected_by_lineage(time_us, np.full(5, 10.0), (np.full(5, NAN), np.full(5, NAN)), models)

    assert used.tolist() == [-1, 0, 0, 1, 1]
    np.testing.assert_array_equal(found.value, [NAN, 20, 20, 30, 30])
    assert found.why[0] == Why.NO_MODEL


def test_growth_is_one_in_dry_air_and_rises_to_its_cap():
    rh = column(0, 50, 95, 100, 120)

    np.testing.assert_allclose(growth(rh, 0.2, 95.0), [1.0, 1.2, 4.8, 4.8, 4.8])
    assert np.isfinite(growth(column(100), 0.5, 100.0)).all()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"method": "guess"}, "calibration.method"),
        ({"parameters": {"gain": float("inf")}}, "calibration.parameters"),
        ({"valid_to": AT - DAY}, "time.interval_reversed"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused(fields, code):
    with pytest.raises(InputError) as caught:
        zero_span(**fields)

    assert caught.value.code == code


def test_there_is_no_published_formula_for_what_it_was_not_made_for():
    assert starting_model("air-1", "pm10", RULES, AT) is None
    assert EPA.reasons[0].code == "foreign_fit"
    assert "10.5194/amt-14-4617-2021" in EPA.inputs.source


def test_before_the_paper_there_is_no_formula():
    with pytest.raises(ConfigError, match=r"rules\.not_in_force"):
        calibration_rules(date(2021, 1, 1))
    assert calibration_rules(date(2022, 1, 1)).smoke == ()


def test_a_number_that_is_missing_in_the_rules_is_named():
    pack = load_pack(PACK)
    words = {"id": pack.id, "version": pack.version, "name": {"ko": "보정", "en": ""}}
    tables = {name: [dict(row) for row in rows if row["id"] != "huber_k"] for name, rows in pack.tables.items()}

    with pytest.raises(ConfigError, match="huber_k"):
        calibration_rules(AT.date(), parse_pack(words | tables, PACK))


def test_corrected_properties_are_registered_beside_their_raw_ones():
    ids = {one.id for one in PROPERTIES}

    assert set(CORRECTED) <= ids
    assert {one.removesuffix("_corrected") for one in CORRECTED} <= ids
    assert zero_span().target() == "pm10_corrected"


def test_a_model_survives_its_way_through_json():
    assert msgspec.json.decode(msgspec.json.encode(EPA), type=Model) == EPA
