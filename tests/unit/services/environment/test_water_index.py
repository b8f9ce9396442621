import importlib.util
import math
from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError
from dure.services.environment.grades.water_index import RtwqiResult, rtwqi, rtwqi_rules
from dure.services.environment.rules import load_pack, parse_pack

DAY = date(2026, 11, 25)
RULES = rtwqi_rules(load_pack("rtwqi"), DAY)


def load_oracle():
    file = Path(__file__).parents[4] / "benchmarks" / "indices_oracle.py"
    spec = importlib.util.spec_from_file_location("indices_oracle", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ORACLE = load_oracle()
PASSING = {**ORACLE.RTWQI_HOURS, "dissolved_oxygen": [9.0] * 12, "toc": [2.5] * 12}


def test_the_worked_example_of_the_source_gives_its_parts_and_its_index():
    result = rtwqi(RULES, ORACLE.RTWQI_HOURS, ORACLE.RTWQI_LIMITS)
    assert (result.f1, result.f2, result.f3, result.index) == ORACLE.RTWQI_ANSWER
    assert (result.grade, result.failed) == ("excellent", ("dissolved_oxygen", "toc"))
    assert sum(one.made for one in result.items) == 84


def test_water_that_passes_every_test_has_100():
    result = rtwqi(RULES, PASSING)
    assert (result.index, result.failed) == (100.0, ())


def test_the_worst_water_stays_at_zero_or_above():
    terrible = {item: [1e9] * 12 for item in PASSING} | {"dissolved_oxygen": [0.0] * 12}
    result = rtwqi(RULES, terrible)
    assert result.index == pytest.approx(0.0, abs=0.1)
    assert result.grade == "poor"


@pytest.mark.parametrize(("ph", "excursions"), [(8.5, 0), (9.35, 0.1), (6.5, 0), (5.0, 0.3)])
def test_a_span_fails_on_both_sides_and_its_ends_pass(ph, excursions):
    result = rtwqi(RULES, PASSING | {"ph": [7.0] * 11 + [ph]})
    assert next(one.excursions for one in result.items if one.item == "ph") == pytest.approx(excursions)


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_too_few_hours_of_one_item_give_no_index_but_its_name(nothing):
    result = rtwqi(RULES, PASSING | {"tn": [nothing] * 4 + [1.0] * 8})
    assert (result.index, result.grade, result.missing) == (None, None, ("tn",))
    without = rtwqi(RULES, {item: hours for item, hours in PASSING.items() if item != "tp"})
    assert without.missing == ("tp",)


def test_a_few_missing_hours_shorten_the_count_of_tests_and_nothing_else():
    result = rtwqi(RULES, PASSING | {"tn": [None] * 3 + [1.0] * 8 + [6.0]})
    assert result.f2 == 1.23  # 1 of 81, cut
    assert result.index is not None


def test_only_the_last_twelve_hours_count():
    assert rtwqi(RULES, PASSING | {"toc": [99.0] * 5 + [2.5] * 12}).index == 100.0


@given(st.lists(st.floats(0, 50), min_size=12, max_size=12), st.integers(0, 11))
def test_more_carbon_never_raises_the_index(toc, hour):
    more = [one + (number == hour) for number, one in enumerate(toc)]
    assert rtwqi(RULES, PASSING | {"toc": more}).index <= rtwqi(RULES, PASSING | {"toc": toc}).index


def test_the_limits_and_the_cut_offs_are_named_as_to_be_confirmed():
    named = {one.split("/", 1)[1] for one in rtwqi(RULES, PASSING).provisional}
    assert {"items/toc", "grades/excellent", "choices/divisor", "choices/parts_decimals"} <= named
    assert "items/toc" not in {one.split("/", 1)[1] for one in rtwqi(RULES, PASSING, {"toc": 3.0}).provisional}


def test_a_result_survives_json():
    result = rtwqi(RULES, ORACLE.RTWQI_HOURS)
    assert msgspec.json.decode(msgspec.json.encode(result), type=RtwqiResult) == result


def test_a_limit_that_does_not_fit_its_side_is_refused():
    words = {table: [dict(row) for row in rows] for table, rows in load_pack("rtwqi").tables.items()}
    words["items"][0]["limit"] = [1, 2]
    with pytest.raises(ConfigError, match="side"):
        rtwqi_rules(parse_pack({"id": "rtwqi", "version": "t", "name": {"ko": "가"}, **words}, "rtwqi"), DAY)
