from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.emissions.conversion import (
    Conditions,
    Refused,
    as_basis,
    energy_of,
    normal_volume,
    oil_equivalent,
    primary_energy,
)
from dure.emissions.packs import load_pack
from dure.emissions.quantity import UNITS, Quantity, exact, unit_of

ENERGY = load_pack("energy")
DAY = date(2026, 11, 1)


def q(value: float | str, unit: str, basis: str = "") -> Quantity:
    return Quantity(exact(value), unit, basis)  # type: ignore[arg-type]


@pytest.mark.parametrize(("left", "right"), [("kWh", "m3"), ("m3", "Nm3"), ("kg", "L"), ("toe", "GJ"), ("Nm3", "MJ")])
def test_amounts_of_different_dimensions_cannot_be_read_as_one_another(left, right):
    with pytest.raises(InputError) as caught:
        q(1, left).to(right)
    assert caught.value.code == "unit.mismatch"


def test_energy_on_gross_and_on_net_calorific_value_cannot_be_added():
    with pytest.raises(InputError) as caught:
        q(1, "MJ", "GCV") + q(1, "MJ", "NCV")
    assert caught.value.code == "unit.mismatch"


def test_a_volume_has_no_calorific_basis():
    with pytest.raises(InputError):
        q(1, "m3", "GCV")


def test_an_unknown_unit_is_refused():
    with pytest.raises(InputError) as caught:
        unit_of("therms of joy")
    assert caught.value.code == "unit.unknown"


@pytest.mark.parametrize(
    ("text", "unit"), [("㎥", "m3"), ("KWH", "kWh"), ("N㎥", "Nm3"), ("ℓ", "L"), ("Gcal", "Gcal"), (" 톤 ", "t")]
)
def test_usual_spellings_of_units_are_known(text, unit):
    assert unit_of(text) == unit


def test_the_steam_table_calorie_makes_a_gcal_a_whole_number_of_wh():
    assert q(1, "Gcal").book("Wh") == 1_163_000


def test_a_kwh_is_3_6_mj_exactly():
    assert q(1, "kWh").to("MJ").value == Fraction(36, 10)


def test_gas_in_m3_is_refused_where_nm3_is_meant():
    found = energy_of(q(100, "m3"), "city_gas_lng", "NCV", ENERGY, DAY)
    assert isinstance(found, Refused)
    assert found.code == "unit.mismatch"


def test_kilograms_for_cubic_metres_are_refused():
    """The trap of a methodology in the Guardian library (carbon reference, 3.3)."""
    found = energy_of(q(100, "kg"), "city_gas_lng", "NCV", ENERGY, DAY)
    assert isinstance(found, Refused)
    assert found.code == "unit.mismatch"


def test_billed_gross_energy_without_a_gross_calorific_value_is_refused_not_guessed():
    found = as_basis(q(1_000, "MJ", "GCV"), "city_gas_lpg", "NCV", ENERGY, DAY)
    assert isinstance(found, Refused)
    assert found.code == "factor.missing"


def test_an_energy_without_a_basis_is_refused_where_one_is_asked():
    found = energy_of(q(1_000, "MJ"), "kerosene", "NCV", ENERGY, DAY)
    assert isinstance(found, Refused)


def test_a_fuel_without_a_row_on_the_day_is_refused():
    found = energy_of(q(1, "L"), "kerosene", "NCV", ENERGY, date(1999, 1, 1))
    assert isinstance(found, Refused)
    assert found.code == "factor.missing"


def test_gas_that_cannot_be_is_refused():
    found = normal_volume(q(1, "m3"), Conditions(-300.0, 101.325), ENERGY, DAY)
    assert isinstance(found, Refused)
    assert found.code == "fuel.conditions"


def test_gas_at_the_reference_state_keeps_its_volume():
    found = normal_volume(q(1_000, "L"), Conditions(0.0, 101.325), ENERGY, DAY)
    assert not isinstance(found, Refused)
    assert found.quantity == q(1, "Nm3")
    assert found.provisional


def test_warm_gas_under_pressure_is_corrected():
    """273.15/288.15 x (101.325 + 2.0)/101.325 = 0.966655."""
    found = normal_volume(q(100, "m3"), Conditions(15.0, 103.325), ENERGY, DAY)
    assert not isinstance(found, Refused)
    assert float(found.quantity.value) == pytest.approx(96.6655, abs=1e-3)


def test_gross_and_net_energy_of_oil_follow_its_row():
    gross = energy_of(q(100, "L"), "kerosene", "GCV", ENERGY, DAY)
    assert not isinstance(gross, Refused)
    assert gross.quantity == q(3_680, "MJ", "GCV")
    net = as_basis(gross.quantity, "kerosene", "NCV", ENERGY, DAY)
    assert not isinstance(net, Refused)
    assert net.quantity == q(3_430, "MJ", "NCV")


def test_primary_energy_and_oil_equivalent_are_marked_as_to_be_confirmed():
    primary = primary_energy(q(1_000, "kWh"), "electricity", ENERGY, DAY)
    oil = oil_equivalent(q(1, "MWh"), "electricity", ENERGY, DAY)
    heat = oil_equivalent(q("41.868", "GJ"), "district_heat", ENERGY, DAY)
    assert not isinstance(primary, Refused)
    assert not isinstance(oil, Refused)
    assert not isinstance(heat, Refused)
    assert primary.quantity == q(2_750, "kWh")
    assert oil.quantity == q("0.229", "toe")
    assert heat.quantity == q(1, "toe")
    assert primary.provisional
    assert oil.provisional


def test_a_volume_has_no_oil_equivalent_of_its_own():
    assert isinstance(oil_equivalent(q(1, "m3"), "city_gas_lng", ENERGY, DAY), Refused)
    assert isinstance(primary_energy(q(1, "m3"), "fuel", ENERGY, DAY), Refused)


def test_an_unknown_kind_has_no_primary_energy():
    found = primary_energy(q(1, "kWh"), "wishes", ENERGY, DAY)
    assert isinstance(found, Refused)
    assert found.code == "factor.missing"


@given(
    value=st.fractions(), pair=st.sampled_from([(a, b) for a in UNITS for b in UNITS if UNITS[a].dimension == UNITS[b].dimension])
)
def test_there_and_back_is_the_same_amount(value, pair):
    one, other = pair
    assert Quantity(value, one).to(other).to(one) == Quantity(value, one)


@given(a=st.fractions(), b=st.fractions())
def test_what_is_added_can_be_taken_away(a, b):
    assert Quantity(a, "kWh") + Quantity(b, "MJ") - Quantity(b, "MJ") == Quantity(a, "kWh")
