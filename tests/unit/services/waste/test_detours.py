"""What planners learn of detours from the plans that were in force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.waste.planning.detours import ENOUGH, KEPT, Learnt, Met, expected_of, offered, with_day
from dure.services.waste.planning.verdicts import Verdict


def said(name: str, added_m: int | None) -> Verdict:
    return Verdict(bin=name, served=False, code="not_worth_it", added_m=added_m)


def test_a_days_plan_adds_what_it_offered_each_bin() -> None:
    first = with_day(Learnt(), [said("a", 400), said("b", 90), said("c", None)], {"a": 1.0, "b": 3.0})
    second = with_day(first, [said("a", 20), said("b", -3)], {"a": 2.0, "b": 1.2})

    assert second == Learnt(after={"a": (400,), "b": (0,)}, other={"b": (90,), "a": (20,)})


def test_only_so_many_days_are_kept() -> None:
    learnt = Learnt()
    for day in range(KEPT + 5):
        learnt = with_day(learnt, [said("a", day)], {})

    assert learnt.other["a"] == tuple(range(5, KEPT + 5))


def test_before_any_plan_short_detours_are_presumed_among_long_ones() -> None:
    found = expected_of(Learnt(), ["a", "b"], 500)

    assert found.after.shape == found.other.shape
    assert found.other.min() < 50
    assert found.other.max() > 1_000


def test_a_bin_without_a_past_gets_what_is_presumed_and_the_others_their_own() -> None:
    found = expected_of(Learnt(other={"a": (100,) * 9}), ["a", "b"], 500)

    assert (found.other[0] == 100).all()
    assert (found.other[1] == 500).all()


def test_days_after_an_emptying_are_told_apart_once_there_are_enough_of_them() -> None:
    few = Learnt(after={"a": (900,) * (ENOUGH - 1)}, other={"a": (100,) * 9})
    many = Learnt(after={"a": (900,) * ENOUGH}, other={"a": (100,) * 9})

    assert expected_of(few, ["a"], 500).after.mean() < 300
    assert (expected_of(many, ["a"], 500).after == 900).all()
    assert (expected_of(many, ["a"], 500).other == 100).all()


@given(st.lists(st.lists(st.floats(0, 5_000), min_size=3, max_size=3), min_size=1, max_size=30))
def test_what_is_expected_lies_among_what_was_met(days: list[list[float]]) -> None:
    met = [Met(np.array(day), np.zeros(3, bool)) for day in days]
    found = offered(met, 3, 500.0)
    past = np.array(days)

    assert (found.other.min(1) >= past.min(0)).all()
    assert (found.other.max(1) <= past.max(0)).all()
    assert found.other.mean(1) == pytest.approx(past.mean(0), abs=5_000 / 2)
