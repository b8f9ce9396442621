"""Factors as of a date, and the golden vectors of the carbon reference, 3.1."""

from datetime import date
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError
from dure.core.rules import parse_pack
from dure.emissions.conversion import Refused
from dure.emissions.emission import Emission, co2e_kg, emission
from dure.emissions.packs import load_pack
from dure.emissions.quantity import Quantity, exact
from dure.emissions.table import Factor, FactorTable, factor_table

PACK, ENERGY = load_pack("factors"), load_pack("energy")
TABLE = factor_table(PACK)
TODAY = date(2026, 11, 1)


def found(kind: str, programme: str, on: date = TODAY, as_of: date = TODAY, **who: str) -> Factor:
    factor = TABLE.factor(kind, on=on, as_of=as_of, programme=programme, **who)
    assert isinstance(factor, Factor)
    return factor


def refusal(kind: str, programme: str, on: date = TODAY, as_of: date = TODAY, **who: str) -> str:
    factor = TABLE.factor(kind, on=on, as_of=as_of, programme=programme, **who)
    assert isinstance(factor, Refused)
    assert factor.why.ko
    assert factor.why.en
    return factor.code


def test_a_kind_or_programme_without_a_row_has_no_factor():
    assert refusal("wood", "KETS") == "factor.unknown"
    assert refusal("electricity", "my own") == "factor.unknown"


def test_district_heat_of_an_unnamed_or_other_branch_has_no_factor():
    assert refusal("district_heat", "supplier") == "factor.supplier"
    assert refusal("district_heat", "supplier", supplier="KDHC", branch="대구") == "factor.supplier"


def test_a_factor_is_not_known_before_it_is_published():
    assert refusal("electricity", "ESG", on=date(2024, 5, 1), as_of=date(2024, 12, 31)) == "factor.not_published"


def test_a_day_no_row_holds_for_has_no_factor():
    assert refusal("electricity", "ESG", on=date(2019, 5, 1)) == "factor.not_in_force"
    assert refusal("district_heat", "supplier", on=date(2022, 6, 1), supplier="KDHC", branch="수도권") == "factor.not_in_force"


def test_two_rows_published_on_one_day_for_one_day_are_ambiguous():
    row = found("electricity", "ESG")
    twin = msgspec.structs.replace(row, id="twin", total_kg=400.0)
    table = FactorTable((*TABLE.rows, twin), TABLE.potentials)
    factor = table.factor("electricity", on=TODAY, as_of=TODAY, programme="ESG")
    assert isinstance(factor, Refused)
    assert factor.code == "factor.ambiguous"


def test_a_row_without_gases_and_total_is_refused_at_the_start():
    row = dict(PACK.tables["factors"][0])
    row.pop("total_kg")
    pack = parse_pack({"id": "factors", "version": "1", "name": {"ko": "x"}, "factors": [row]}, "factors")
    with pytest.raises(ConfigError) as caught:
        factor_table(pack)
    assert caught.value.code == "rules.invalid"


def test_a_row_with_an_unknown_unit_is_refused_at_the_start():
    row = dict(PACK.tables["factors"][0]) | {"per": "therm"}
    pack = parse_pack({"id": "factors", "version": "1", "name": {"ko": "x"}, "factors": [row]}, "factors")
    with pytest.raises(ConfigError):
        factor_table(pack)


def test_the_newest_published_factor_wins_for_esg_and_the_old_one_as_of_an_older_day():
    day = date(2025, 6, 1)
    assert found("electricity", "ESG", on=day).total_kg == 417.3
    assert found("electricity", "ESG", on=day, as_of=date(2025, 12, 16)).total_kg == 454.1
    assert found("electricity", "ESG", on=day, as_of=date(2025, 12, 17)).total_kg == 417.3


def test_kets_keeps_the_factor_used_at_allocation():
    assert found("electricity", "KETS").total_kg == 459.41


def test_every_row_has_a_source_and_a_mark():
    assert len(TABLE.rows) >= 18
    assert all(row.source and row.mark for row in TABLE.rows)
    assert all("to be confirmed" in {row.mark, row.dated} or row.dated == "secondary source" for row in TABLE.rows)


@pytest.mark.parametrize(
    ("kind", "programme", "on", "who", "per_unit", "expected"),
    [
        ("electricity", "WinCL", TODAY, {}, Fraction(1, 1_000), "0.47806"),  # t/MWh
        (
            "district_heat",
            "supplier",
            date(2021, 6, 1),
            {"supplier": "KDHC", "branch": "수도권"},
            Fraction(36, 10_000_000),
            "0.12949",
        ),
        (
            "district_heat",
            "supplier",
            date(2024, 6, 1),
            {"supplier": "KDHC", "branch": "수도권"},
            Fraction(36, 10_000_000),
            "0.12633",
        ),
        ("city_gas_lng", "national-default", TODAY, {}, Fraction(389, 10) / 1_000_000, "2.18758"),  # kg/Nm3
    ],
)
def test_golden_vectors_of_the_carbon_reference(kind, programme, on, who, per_unit, expected):
    factor = found(kind, programme, on=on, **who)
    value = co2e_kg(factor, TABLE.potentials["SAR"]) * per_unit
    assert round(float(value), 5) == float(expected)


def test_the_same_kwh_carry_12_7_percent_less_carbon():
    assert round(float(1 - exact("0.4173") / exact("0.4781")), 3) == 0.127


def test_the_gas_of_a_boiler_is_booked_in_whole_grams():
    use = Quantity(Fraction(1_000), "Nm3")
    got = emission(use, found("city_gas_lng", "national-default"), TABLE, ENERGY, date(2022, 1, 1))
    assert isinstance(got, Emission)
    assert got.co2e_g == 2_187_580  # 38.9 x (56,100 + 5 x 21 + 0.1 x 310) = 2,187,580.4 g
    assert got.rules == ("energy@2026-11/calorific/city_gas_lng",)


def test_other_warming_potentials_give_another_total():
    factor = found("city_gas_lng", "national-default")
    assert co2e_kg(factor, TABLE.potentials["AR5"]) == 56_100 + 5 * 28 + Fraction(265, 10)


def test_a_published_total_needs_no_potentials_and_gases_do():
    assert co2e_kg(found("electricity", "ESG"), None) == exact("417.3")
    with pytest.raises(ValueError, match="potentials"):
        co2e_kg(found("city_gas_lng", "national-default"), None)


def test_electricity_takes_no_volume_and_gas_no_kilograms():
    first = emission(Quantity(Fraction(5), "m3"), found("electricity", "ESG"), TABLE, ENERGY, TODAY)
    second = emission(Quantity(Fraction(5), "kg"), found("city_gas_lng", "national-default"), TABLE, ENERGY, TODAY)
    assert isinstance(first, Refused)
    assert isinstance(second, Refused)
    assert first.code == second.code == "unit.mismatch"


def test_a_set_of_potentials_without_a_row_is_refused():
    factor = found("city_gas_lng", "national-default")
    got = emission(Quantity(Fraction(5), "Nm3"), factor, FactorTable(TABLE.rows, {}), ENERGY, TODAY)
    assert isinstance(got, Refused)
    assert got.code == "factor.gwp"


days = st.dates(date(2010, 1, 1), date(2027, 1, 1))


@given(on=days, as_of=days, later=st.integers(1, 400), total=st.floats(1, 1_000))
def test_what_is_published_later_never_changes_an_answer_as_of_before(on, as_of, later, total):
    new = msgspec.structs.replace(
        found("electricity", "ESG"), id="new", total_kg=total, effective_from=date(2010, 1, 1),
        published_at=date.fromordinal(as_of.toordinal() + later),
    )  # fmt: skip
    table = FactorTable((new, *TABLE.rows), TABLE.potentials)
    for kind, programme in (("electricity", "ESG"), ("electricity", "KETS"), ("city_gas_lng", "national-default")):
        before = TABLE.factor(kind, on=on, as_of=as_of, programme=programme)
        assert table.factor(kind, on=on, as_of=as_of, programme=programme) == before
