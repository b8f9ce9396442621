"""Units: what people write, and conversion there and back."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.units import SPELLINGS, UNITS, conversion, ucum

PAIRS = [(a, b) for a in UNITS for b in UNITS if UNITS[a].dimension == UNITS[b].dimension]
MIXED = [(a, b) for a in UNITS for b in UNITS if UNITS[a].dimension != UNITS[b].dimension]


def convert(value, source, target):
    scale, offset = conversion(source, target)
    return scale * value + offset


@given(st.sampled_from(PAIRS), st.floats(-1e6, 1e6))
def test_a_value_converted_there_and_back_is_the_same(pair, value):
    source, target = pair
    there = convert(value, source, target)
    assert math.isclose(convert(there, target, source), value, rel_tol=1e-9, abs_tol=1e-6)


@given(st.sampled_from(MIXED))
def test_units_of_two_dimensions_never_convert(pair):
    with pytest.raises(InputError) as refused:
        conversion(*pair)
    assert refused.value.code == "unit.mismatch"


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (-40, "[degF]", "Cel", -40),
        (212, "°F", "℃", 100),
        (273.15, "K", "Cel", 0),
        (1, "kWh", "Wh", 1000),
        (3.6, "MJ", "kWh", 1),
        (36, "km/h", "m/s", 10),
        (1, "[kn_i]", "km/h", 1.852),
        (1013.25, "hPa", "Pa", 101_325),
        (25, "㎍/㎥", "mg/m3", 0.025),
        (50, "%", "1", 0.5),
        (1, "m3/s", "L/min", 60_000),
    ],
)
def test_known_pairs(value, source, target, expected):
    assert convert(value, source, target) == pytest.approx(expected, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("code", [*SPELLINGS, *UNITS])
def test_every_spelling_stands_for_a_known_code(code):
    assert ucum(code) in UNITS
    assert ucum(f" {code} ") == ucum(code)


@pytest.mark.parametrize("code", ["furlong", "CEL", "kwh", "m/s/s", "\x00", "Cel;"])
def test_an_unknown_unit_is_refused(code):
    with pytest.raises(InputError) as refused:
        ucum(code)
    assert refused.value.code == "unit.unknown"
