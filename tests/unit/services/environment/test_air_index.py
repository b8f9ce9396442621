import importlib.util
import math
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError, InputError
from dure.services.environment.grades.air_index import c24e, cai, cai_of_hours, cai_rules, quantise, sub_index
from dure.services.environment.rules import load_pack, parse_pack

DAY = date(2026, 11, 25)
RULES = cai_rules(load_pack("cai"), DAY)
CLEAN = {"pm10": 20.0, "pm2_5": 10.0, "o3": 0.02, "no2": 0.01, "so2": 0.003, "co": 0.4}


def load_oracle():
    file = Path(__file__).parents[4] / "benchmarks" / "indices_oracle.py"
    spec = importlib.util.spec_from_file_location("indices_oracle", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ORACLE = load_oracle()


def words():
    """The words of the shipped pack, to be changed."""
    pack = load_pack("cai")
    rows = {table: [dict(row) for row in found] for table, found in pack.tables.items()}
    return {"id": "cai", "version": "t", "name": {"ko": "가", "en": "a"}, **rows}


def rules_with(**choices):
    changed = words()
    for row in changed["choices"]:
        row["value"] = choices.get(row["id"], row["value"])
    return cai_rules(parse_pack(changed, "cai"), DAY)


def test_every_reporting_step_of_every_pollutant_equals_the_independent_table():
    steps = list(ORACLE.every_step())
    assert len(steps) == 9_706
    wrong = [
        (item, text) for item, text in steps if cai(RULES, {item: float(text)}).step(item).sub_index != ORACLE.single(item, text)
    ]
    assert wrong == []


@pytest.mark.parametrize(("item", "count"), ORACLE.COUNTS.items())
def test_the_array_form_equals_the_independent_table(item, count):
    texts = [text for name, text in ORACLE.every_step() if name == item]
    assert len(texts) == count
    expected = [ORACLE.single(item, text) for text in texts]
    assert sub_index(RULES, item, [float(text) for text in texts]).tolist() == expected


def test_five_thousand_combined_vectors_equal_the_independent_table():
    seen, wrong = set(), []
    for hours in ORACLE.vectors(5_000):
        result = cai_of_hours(RULES, ORACLE.floats(hours))
        expected = ORACLE.combined(hours)
        seen.add((expected[0] is None, expected[1]))
        if (result.index, result.bonus, set(result.deciding_all)) != expected:
            wrong.append((hours, expected, result))
    assert wrong == []
    assert seen == {(True, 0), (False, 0), (False, 50), (False, 75)}


@pytest.mark.parametrize(
    ("item", "hours", "expected"),
    [
        ("pm10", [80] * 12, 70.0),
        ("pm10", [40] * 12, 40.0),
        ("pm10", [20] * 11 + [100], 33.33),
        ("pm2_5", [40] * 12, 35.0),
        ("pm2_5", [0] * 12, 0.0),
    ],
)
def test_c24e_equals_the_golden_vectors_of_the_reference(item, hours, expected):
    assert c24e(RULES, item, hours).value == pytest.approx(expected, abs=0.005)


def test_pm10_of_151_has_the_first_number_of_its_band_and_not_the_last():
    assert cai(RULES, {"pm10": 151.0}).step("pm10").sub_index == 251


def test_four_items_at_bad_earn_seventy_five_points_and_the_worst_decides():
    result = cai(RULES, {"pm10": 100.0, "pm2_5": 50.0, "o3": 0.1, "no2": 0.07})
    assert (result.index, result.highest, result.bonus) == (229, 154, 75)
    assert (result.deciding, result.grade) == ("pm2_5", "bad")
    assert set(result.counted) == {"pm10", "pm2_5", "o3", "no2"}


@pytest.mark.parametrize(
    ("values", "bonus"),
    [({}, 0), ({"pm10": 100.0}, 0), ({"pm10": 100.0, "o3": 0.1}, 50), ({"pm10": 100.0, "o3": 0.1, "so2": 0.06}, 75)],
)
def test_points_are_added_from_the_second_bad_item_on(values, bonus):
    assert cai(RULES, CLEAN | values).bonus == bonus


@pytest.mark.parametrize("missing", ["pm10", "pm2_5", "o3", "no2"])
@pytest.mark.parametrize("nothing", [None, math.nan, math.inf])
def test_without_a_required_item_there_is_no_index_but_the_name_of_what_is_missing(missing, nothing):
    result = cai(RULES, CLEAN | {missing: nothing})
    assert (result.index, result.grade, result.missing) == (None, None, (missing,))
    assert result.bonus == 0
    assert result.highest is not None


def test_an_optional_item_may_be_missing_and_is_named():
    result = cai(RULES, CLEAN | {"so2": None})
    assert result.index == 33
    assert result.missing_optional == ("so2",)


def test_a_measured_zero_is_a_value():
    result = cai(RULES, dict.fromkeys(CLEAN, 0.0))
    assert (result.index, result.grade, result.missing) == (0, "good", ())
    assert cai_of_hours(RULES, {item: [0.0] * 12 for item in CLEAN}).index == 0


def test_items_that_share_the_worst_number_are_all_named():
    result = cai(RULES, CLEAN | {"pm10": 30.0, "pm2_5": 15.0})
    assert (result.index, result.deciding, result.deciding_all) == (50, "pm2_5", ("pm2_5", "pm10"))


@pytest.mark.parametrize(
    ("item", "value", "quantised"),
    [
        ("pm10", 30.4, "30"),
        ("pm10", 30.5, "31"),
        ("so2", 0.0205, "0.021"),
        ("so2", 0.020499, "0.020"),
        ("o3", 0.1 + 0.2 - 0.2095, "0.091"),
        ("co", 2.005, "2.01"),
        ("co", 1.005, "1.01"),
        ("no2", 0.0005, "0.001"),
    ],
)
def test_a_value_is_read_to_its_step_half_up_in_decimal_whatever_its_binary_form(item, value, quantised):
    step = cai(RULES, {item: value}).step(item)
    assert step.quantised == quantised
    assert quantise(RULES, item, [value])[0] == pytest.approx(float(quantised) / float(RULES.items[item].step))


def half_up(value, step):
    return ((value / step + Decimal("0.5")).to_integral_value(ROUND_FLOOR)) * step


@given(st.sampled_from(sorted(CLEAN)), st.integers(-20_000, 800_000))
def test_the_array_form_reads_a_value_as_the_single_form_does(item, ten_thousandths):
    value = ten_thousandths / 10_000
    read = Decimal(cai(RULES, {item: value}).step(item).quantised)
    assert quantise(RULES, item, [value])[0] == read / RULES.items[item].step
    assert read == half_up(Decimal(ten_thousandths) / 10_000, RULES.items[item].step)


@given(st.sampled_from(sorted(CLEAN)), st.floats(0, 700), st.floats(0, 700))
def test_more_of_a_pollutant_never_lowers_its_number(item, one, other):
    low, high = sub_index(RULES, item, sorted((one, other)))
    assert low <= high


def test_a_value_outside_the_table_takes_its_end_and_says_so():
    result = cai(RULES, CLEAN | {"pm10": 900.0, "so2": -0.004})
    assert (result.step("pm10").sub_index, result.step("pm10").outside) == (500, "above")
    assert (result.step("so2").sub_index, result.step("so2").outside) == (0, "below")
    assert any(one.rule.endswith("/outside_table") for one in result.basis)
    assert sub_index(RULES, "pm10", [math.nan, -1, 900]).tolist()[1:] == [0, 500]
    assert np.isnan(sub_index(RULES, "pm10", [math.nan, math.inf])).all()


def test_points_do_not_lift_the_index_over_500_unless_the_rule_says_so():
    dirty = CLEAN | {"pm10": 600.0, "pm2_5": 500.0, "o3": 0.6}
    assert (cai(RULES, dirty).index, cai(RULES, dirty).capped) == (500, True)
    free = cai(rules_with(cap_with_bonus=False), dirty)
    assert (free.index, free.grade, free.capped) == (575, "very_bad", False)


@pytest.mark.parametrize(("rounding", "expected"), [("half_up", 51 + 25), ("floor", 51 + 24), ("ceiling", 51 + 25)])
def test_the_rounding_of_the_index_is_a_rule_and_not_code(rounding, expected):
    rules = rules_with(index_rounding=rounding)
    assert cai(rules, {"pm10": 55.0 + 0.49}).step("pm10").sub_index == 51 + 24
    assert cai(rules, {"o3": 0.061}).step("o3").sub_index == expected


@pytest.mark.parametrize(
    ("hours", "value", "reason"),
    [
        ([None] * 3 + [40] * 9, 40.0, ""),
        ([None] * 4 + [40] * 8, None, "8/12 h, 4/4 h"),
        ([40] * 8 + [None, None, 40, 40], None, "10/12 h, 2/4 h"),
        ([40] * 8 + [None, 40, 40, 40], 40.0, ""),
        ([40] * 11 + [None], 40.0, ""),
        ([40] * 9, 40.0, ""),
        ([], None, "0/12 h, 0/4 h"),
        ([1000] * 5 + [40] * 12, 40.0, ""),
    ],
)
def test_c24e_needs_nine_of_twelve_and_three_of_four_hours_and_says_what_it_lacks(hours, value, reason):
    forecast = c24e(RULES, "pm10", hours)
    assert (forecast.value, forecast.reason) == (value, reason)


@pytest.mark.parametrize(
    ("hours", "adjusted"),
    [
        ([70] * 11 + [69.9], 69.9),
        ([70] * 12, 52.5),
        ([100] + [101] * 10 + [90], 67.5),  # C12 = 100, ratio exactly 0.9
        ([100.1] + [101] * 10 + [89.9], 89.9),
        ([90] + [94] * 10 + [170], 127.5),  # ratio exactly 1.7
        ([89.9] + [94] * 10 + [170.1], 170.1),
    ],
)
def test_an_hour_is_damped_from_the_knee_on_and_inside_the_ratios_both_ends_included(hours, adjusted):
    assert c24e(RULES, "pm10", hours).adjusted[-1] == adjusted


def test_a_result_explains_itself_and_names_what_is_to_be_confirmed():
    result = cai_of_hours(RULES, {item: [value * 8] * 12 for item, value in CLEAN.items()})
    assert result.bonus == 75
    named = {one.split("/", 1)[1] for one in result.provisional}
    assert named == {
        "bonus/three",
        "choices/cap_with_bonus",
        "choices/hours_long_min",
        "choices/hours_short_min",
        "choices/index_rounding",
    }
    assert all(one.source for one in result.basis)
    assert [one.item for one in result.forecasts] == ["pm10", "pm2_5"]
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(result)), type(result)) == result


def test_an_item_that_is_none_of_the_index_is_refused():
    for ask in (lambda: cai(RULES, {"pm1": 1.0}), lambda: sub_index(RULES, "x", [1]), lambda: c24e(RULES, "o3", [1])):
        with pytest.raises(InputError):
            ask()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda w: w["items"][0].update(bands=[[0, 15], [17, 35], [36, 75], [76, 500]]),
        lambda w: w["items"][0].update(bands=[[0, 15], [16, 35], [36, 75.5], [76.5, 500]]),
        lambda w: w["items"][0].update(bands=[[0, 15], [16, 500]]),
        lambda w: w["required"][0].update(items=["pm3"]),
        lambda w: w["bonus"][0].update(from_grade="worse"),
        lambda w: w["c24e"].pop(),
        lambda w: next(one for one in w["choices"] if one["id"] == "index_rounding").update(value="up"),
    ],
)
def test_rows_that_contradict_one_another_are_refused(spoil):
    changed = words()
    spoil(changed)
    with pytest.raises(ConfigError):
        cai_rules(parse_pack(changed, "cai"), DAY)


def test_a_day_before_the_rules_has_no_index():
    with pytest.raises(ConfigError, match="in force"):
        cai_rules(load_pack("cai"), date(2010, 1, 1))
