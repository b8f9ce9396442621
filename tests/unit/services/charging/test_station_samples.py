"""Values of meters in the units of the house, whatever the version, unit and multiplier they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.charging.stations.said import REGISTER, samples_2, samples_16

AT, AT_US = "2026-11-24T03:00:00Z", 1_795_489_200_000_000


def one_16(**fields):
    return samples_16([{"timestamp": AT, "sampledValue": [fields]}], 0)


def one_2(**fields):
    return samples_2([{"timestamp": AT, "sampledValue": [fields]}], 0)


@pytest.mark.parametrize(
    ("measurand", "unit", "sent", "kept"),
    [
        ("Energy.Active.Import.Register", "kWh", 1.234, 1_234),
        ("Energy.Active.Import.Register", "Wh", 1_234, 1_234),
        ("Power.Active.Import", "kW", 0.0001, 0.1),
        ("SoC", "Percent", 55, 0.55),
        ("Temperature", "Celsius", 21.5, 21.5),
        ("Temperature", "Fahrenheit", 212, 100),
        ("Temperature", "K", 273.15, 0),
        ("Current.Import", "A", 16, 16),
        ("Voltage", "V", 220, 220),
        ("Frequency", "Hz", 60, 60),
    ],
)
def test_both_ways_of_saying_a_value_are_one_sample(measurand, unit, sent, kept):
    (old,) = one_16(value=str(sent), unit=unit, measurand=measurand, phase="L1-N")
    (new,) = one_2(value=sent, unitOfMeasure={"unit": unit}, measurand=measurand, phase="L1-N")
    assert old == new
    assert (old.at_us, old.measurand, old.phase) == (AT_US, measurand, "L1")
    assert old.value == pytest.approx(kept, abs=1e-9)


@pytest.mark.parametrize("value", [10**400, -(10**400), 1e308, -1e308])
def test_a_number_that_is_too_large_is_no_value(value):
    assert one_2(value=value, unitOfMeasure={"unit": "kWh"}) == ()
    assert one_2(value=value, unitOfMeasure={"unit": "Wh", "multiplier": 9}) == ()
    assert one_16(value=str(value), unit="kWh") == ()


def test_what_is_not_said_is_the_register_of_the_outlet_in_wh():
    (old,), (new,) = one_16(value="1200"), one_2(value=1_200)
    assert old == new
    assert (old.measurand, old.value, old.context, old.location) == (REGISTER, 1_200, "Sample.Periodic", "Outlet")


def test_a_state_of_charge_without_unit_is_a_percentage():
    assert one_16(value="80", measurand="SoC")[0].value == one_2(value=80, measurand="SoC")[0].value == 0.8


def test_a_phase_to_phase_voltage_stays_one():
    assert one_16(value="380", measurand="Voltage", phase="L1-L2")[0].phase == "L1-L2"


@given(wh=st.integers(0, 10**12), multiplier=st.integers(-3, 6))
def test_a_register_is_the_same_wh_under_any_multiplier(wh, multiplier):
    (sample,) = one_2(value=wh / 10.0**multiplier, unitOfMeasure={"unit": "Wh", "multiplier": multiplier})
    assert round(sample.value) == wh


@given(st.integers(0, 10**12))
def test_kwh_with_three_places_are_whole_wh(wh):
    (old,), (new,) = one_16(value=f"{wh / 1_000:.3f}", unit="kWh"), one_2(value=wh / 1_000, unitOfMeasure={"unit": "kWh"})
    assert round(old.value) == round(new.value) == wh


@given(st.text(max_size=20))
def test_a_text_that_is_no_number_is_no_sample_and_never_an_error(text):
    for sample in one_16(value=text):
        assert sample.value == float(text)


def test_a_signed_register_keeps_its_signature():
    values = [{"value": "1.5", "unit": "kWh"}, {"value": "OCMF|{}|{}", "format": "SignedData"}]
    (old,) = samples_16([{"timestamp": AT, "sampledValue": values}], 0)
    signed = {"signedMeterData": "OCMF|{}|{}", "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    (new,) = one_2(value=1_500, signedMeterValue=signed)
    assert (old.value, old.signed) == (new.value, new.signed) == (1_500, "OCMF|{}|{}")


def test_signed_data_alone_is_kept_and_is_no_register():
    (alone,) = one_16(value="OCMF|{}|{}", format="SignedData")
    assert (alone.measurand, alone.signed) == ("Signed", "OCMF|{}|{}")


def test_a_multiplier_out_of_all_bounds_is_no_infinity():
    assert one_2(value=1e300, unitOfMeasure={"multiplier": 10_000}) == ()
