import importlib.util
import math
from datetime import date
from pathlib import Path

import msgspec
import pytest

from dure.core.errors import ConfigError
from dure.services.environment.grades.water_grade import GradeResult, NotApplied, grade_rules, meets, water_grade
from dure.services.environment.rules import load_pack, parse_pack

DAY = date(2026, 11, 25)
RIVER = grade_rules(load_pack("river_grade"), DAY)
LAKE = grade_rules(load_pack("lake_grade"), DAY)
WHOLE = {
    "ph": 7.2, "bod": 0.8, "toc": 1.5, "suspended_solids": 5.0, "dissolved_oxygen": 9.0, "tp": 0.01, "total_coliform": 20.0,
    "fecal_coliform": 3.0,
}  # fmt: skip
LAKE_WHOLE = {
    "ph": 7.2, "toc": 1.5, "suspended_solids": 0.8, "dissolved_oxygen": 9.0, "tp": 0.01, "tn": 0.1, "chlorophyll_a": 3.0,
    "total_coliform": 20.0, "fecal_coliform": 3.0,
}  # fmt: skip


def load_oracle():
    file = Path(__file__).parents[4] / "benchmarks" / "indices_oracle.py"
    spec = importlib.util.spec_from_file_location("indices_oracle", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ORACLE = load_oracle()


def changed(name, **choices):
    pack = load_pack(name)
    words = {table: [dict(row) for row in rows] for table, rows in pack.tables.items()}
    for row in words["choices"]:
        row["value"] = choices.get(row["id"], row["value"])
    return {"id": name, "version": "t", "name": {"ko": "가", "en": "a"}, **words}


def test_two_thousand_river_vectors_equal_the_independent_table_with_the_deciding_items():
    wrong, seen = [], set()
    for texts in ORACLE.river_vectors(2_000):
        result = water_grade(RIVER, {item: float(text) for item, text in texts.items()})
        seen.add(result.grade)
        if (result.grade, set(result.deciding)) != ORACLE.river(texts):
            wrong.append((texts, result))
    assert wrong == []
    assert seen >= {"III", "IV", "V", "VI"}


@pytest.mark.parametrize(
    ("item", "at", "grade", "beyond", "next_grade"),
    [
        ("toc", 2.0, "Ia", 2.01, "Ib"),
        ("toc", 8.0, "V", 8.01, "VI"),
        ("bod", 3.0, "II", 3.1, "III"),
        ("tp", 0.02, "Ia", 0.021, "Ib"),
        ("dissolved_oxygen", 7.5, "Ia", 7.49, "Ib"),
        ("dissolved_oxygen", 5.0, "Ib", 4.99, "IV"),
        ("dissolved_oxygen", 2.0, "IV", 1.99, "VI"),
        ("ph", 6.5, "Ia", 6.49, "IV"),
        ("ph", 8.5, "Ia", 8.51, "VI"),
        ("suspended_solids", 100.0, "IV", 100.1, "V"),
        ("total_coliform", 5_000.0, "III", 5_001.0, "IV"),
    ],
)
def test_a_value_at_its_limit_meets_the_grade_and_one_beyond_it_does_not(item, at, grade, beyond, next_grade):
    assert water_grade(RIVER, {item: at}).grade_of_measured == grade
    assert water_grade(RIVER, {item: beyond}).grade_of_measured == next_grade


def test_whether_a_value_at_its_limit_meets_it_is_a_rule_to_be_confirmed():
    strict = grade_rules(parse_pack(changed("river_grade", limit_meets=False), "river_grade"), DAY)
    assert water_grade(strict, {"toc": 2.0}).grade_of_measured == "Ib"
    assert water_grade(strict, {"dissolved_oxygen": 7.5}).grade_of_measured == "Ib"
    assert water_grade(strict, {"ph": 8.5}).grade_of_measured == "VI"
    assert any(one.endswith("choices/limit_meets") for one in water_grade(RIVER, WHOLE).provisional)
    assert meets(8.5, "range", (6.5, 8.5))
    assert not meets(8.5, "range", (6.5, 8.5), limit_meets=False)


def test_binary_noise_of_a_mean_does_not_cost_a_grade():
    assert water_grade(RIVER, {"tp": 0.1 + 0.2 - 0.28}).grade_of_measured == "Ia"


def test_the_worst_item_decides_and_items_that_share_it_are_all_named():
    result = water_grade(RIVER, WHOLE | {"toc": 5.5, "tp": 0.25})
    assert (result.grade, result.deciding, result.partial) == ("IV", ("toc", "tp"), False)


def test_a_grade_of_some_items_is_never_the_grade_of_the_river():
    result = water_grade(RIVER, {"ph": 7.0, "toc": 1.0, "dissolved_oxygen": 9.0, "tp": None, "bod": math.nan})
    assert (result.grade, result.grade_of_measured, result.partial) == (None, "Ia", True)
    assert result.missing == ("bod", "suspended_solids", "tp", "total_coliform", "fecal_coliform")


def test_nothing_measured_has_no_grade_at_all():
    result = water_grade(RIVER, {})
    assert (result.grade, result.grade_of_measured, result.deciding) == (None, None, ())
    assert len(result.missing) == 8


def test_a_measured_zero_is_a_value():
    assert water_grade(RIVER, WHOLE | {"fecal_coliform": 0.0, "tp": 0.0}).grade == "Ia"
    assert water_grade(RIVER, WHOLE | {"dissolved_oxygen": 0.0}).grade == "VI"


def test_cod_counts_only_in_the_years_of_its_rule():
    then = grade_rules(load_pack("river_grade"), date(2014, 6, 1))
    assert water_grade(then, WHOLE | {"cod": 8.0}).grade == "IV"
    now = water_grade(RIVER, WHOLE | {"cod": 8.0})
    assert (now.grade, now.not_applied) == ("Ia", (NotApplied(item="cod", reason="not_in_force"),))


@pytest.mark.parametrize(
    ("tn", "tp", "not_applied", "grade"),
    [
        (0.69, 0.1, "tp", "IV"),
        (0.7, 0.1, None, "IV"),
        (1.59, 0.1, None, "VI"),
        (1.6, 0.1, "tn", "IV"),
        (0.1, 0.0, "tn", "Ia"),
        (0.0, 0.0, None, "Ia"),
        (0.0, 0.06, "tp", "Ia"),
    ],
)
def test_the_ratio_of_nitrogen_to_phosphorus_says_which_of_them_applies_in_a_lake(tn, tp, not_applied, grade):
    result = water_grade(LAKE, LAKE_WHOLE | {"tn": tn, "tp": tp})
    assert [one.item for one in result.not_applied] == ([not_applied] if not_applied else [])
    assert (result.grade, result.missing) == (grade, ())


def test_with_one_nutrient_unknown_the_other_stays_and_the_unknown_is_missing():
    result = water_grade(LAKE, LAKE_WHOLE | {"tn": None, "tp": 0.2})
    assert (result.grade, result.grade_of_measured, result.missing) == (None, "VI", ("tn",))


def test_every_row_of_the_lake_table_is_to_be_confirmed_and_says_so():
    result = water_grade(LAKE, LAKE_WHOLE)
    assert len(result.provisional) == len(LAKE_WHOLE) + 1


def test_a_result_survives_json():
    result = water_grade(LAKE, LAKE_WHOLE | {"tn": 9.0, "cod": 1.0})
    assert msgspec.json.decode(msgspec.json.encode(result), type=GradeResult) == result


@pytest.mark.parametrize(
    "limits",
    [{"Ia": 2, "IX": 3}, {}, {"Ia": [1, 2]}, {"Ia": 3, "Ib": 2}],
)
def test_limits_that_name_no_grade_or_get_stricter_are_refused(limits):
    words = changed("river_grade")
    next(row for row in words["items"] if row["id"] == "bod")["limits"] = limits
    with pytest.raises(ConfigError):
        grade_rules(parse_pack(words, "river_grade"), DAY)
