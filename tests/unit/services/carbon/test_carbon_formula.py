"""The arithmetic of a method: exact, small, and the same wherever it is run."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.carbon.claiming.formula import OPERANDS_MAX, STEPS_MAX, Step, faults, number, run, spelled
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.model import Refused

NUMBERS = st.fractions(min_value=-(10**9), max_value=10**9, max_denominator=10**6)


def step(out, do, *of):
    return Step(out=out, do=do, of=of, name=Text(out))


def of(do, *values):
    """What an operation makes of values."""
    names = [f"x{place}" for place in range(len(values))]
    steps = (step("credit_g", do, *names), step("point_g", "add", names[0]))
    found = run(steps, dict(zip(names, map(spelled, values), strict=True)))
    return found if isinstance(found, Refused) else found.values["credit_g"]


@given(st.lists(NUMBERS, min_size=1, max_size=OPERANDS_MAX))
def test_sums_products_and_ends_are_exact(values):
    assert of("add", *values) == sum(values)
    assert of("mul", *values) == math.prod(values)
    assert (of("min", *values), of("max", *values)) == (min(values), max(values))


@given(NUMBERS, NUMBERS)
def test_differences_and_quotients_are_exact_and_nothing_is_divided_by_zero(one, other):
    assert of("sub", one, other) == one - other
    answer = of("div", one, other)
    assert answer == one / other if other else answer.code == "formula.division"


@given(NUMBERS)
def test_a_number_reads_as_it_is_spelled(value):
    assert number(spelled(value)) == value


@pytest.mark.parametrize(
    ("credit", "grams"), [("12.999999", 12), ("-0.5", 0), ("1/3", 0), ("7", 7)], ids=["down", "below zero", "third", "whole"]
)
def test_the_only_rounding_is_down_at_the_end(credit, grams):
    steps = (step("credit_g", "add", credit), step("point_g", "add", credit))
    found = run(steps, {})
    assert found.grams == grams
    assert found.point_grams == math.floor(Fraction(credit))


@pytest.mark.parametrize(
    ("steps", "inputs", "code"),
    [
        ((step("point_g", "add", "1"),), {}, "formula.unreadable"),
        ((step("credit_g", "add", "later"), step("point_g", "add", "1")), {}, "formula.unreadable"),
        ((step("credit_g", "sub", "1"), step("point_g", "add", "1")), {}, "formula.unreadable"),
        ((step("credit_g", "add", "x"), step("point_g", "add", "x")), {"x": "1e9"}, "formula.unreadable"),
        ((step("credit_g", "add", "x"), step("point_g", "add", "x")), {"x": "nan"}, "formula.unreadable"),
        ((step("credit_g", "add", "x"), step("point_g", "add", "x")), {"x": "1/0"}, "formula.unreadable"),
        ((step("credit_g", "div", "1", "0"), step("point_g", "add", "1")), {}, "formula.division"),
    ],
    ids=["no credit", "unknown name", "arity", "exponent", "not a number", "over zero", "division"],
)
def test_a_formula_that_cannot_be_run_is_refused_with_a_code(steps, inputs, code):
    assert run(steps, inputs).code == code


def test_a_number_that_grows_without_end_is_refused():
    steps = [step("a0", "mul", "x", "x")]
    steps += [step(f"a{place}", "mul", f"a{place - 1}", f"a{place - 1}") for place in range(1, 20)]
    found = run((*steps, step("credit_g", "add", "a19"), step("point_g", "add", "x")), {"x": "9" * 40})
    assert found.code == "formula.too_large"


def test_too_many_steps_and_a_name_given_twice_are_faults():
    many = [step(f"a{place}", "add", "1") for place in range(STEPS_MAX + 1)]
    assert any("more than" in one for one in faults(many, ()))
    assert any("no new name" in one for one in faults((step("x", "add", "1"),), ("x",)))


def test_the_words_of_the_log_alone_give_the_same_grams():
    working = Working(
        steps=(
            step("kwh", "div", "wh", "1000"), step("point_g", "mul", "kwh", "factor"),
            step("off_g", "mul", "point_g", "0.01"), step("credit_g", "sub", "point_g", "off_g"),
        ),
        inputs={"wh": "50000", "factor": "45941/100"},
    )  # fmt: skip
    leaf = json.loads(json.dumps(working.leaf()))
    work = {"add": sum, "sub": lambda v: v[0] - v[1], "mul": math.prod, "div": lambda v: v[0] / v[1], "min": min, "max": max}
    values = {name: Fraction(text) for name, text in leaf["inputs"].items()}
    for one in leaf["steps"]:
        values[one["out"]] = work[one["do"]]([values[x] if x in values else Fraction(x) for x in one["of"]])
    assert math.floor(values["credit_g"]) == working.again().grams == 22_740
