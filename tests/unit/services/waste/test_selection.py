from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planning_days import ON, POLICY, a_bin, a_forecast

from dure.core.errors import ConfigError
from dure.core.rules import parse_pack
from dure.services.waste.planning.detours import Learnt
from dure.services.waste.planning.policy import policy_of, policy_on
from dure.services.waste.planning.selection import Candidate, Wishes, later, select
from dure.services.waste.rules import load_pack


def one(risk: float, wishes: Wishes | None = None, **fields: object) -> Candidate:
    bins = [a_bin(1, 0, 0, **fields)]
    return select(bins, a_forecast(bins, [risk]), POLICY, wishes or Wishes())[0]


def test_a_prize_is_what_the_city_would_drive_for_the_overflow_that_is_avoided() -> None:
    assert one(0.25).prize_m == 5_000
    assert one(0.25).demand == ""


def test_a_bin_that_overflows_almost_surely_must_be_emptied() -> None:
    assert one(0.99).demand == "risk"
    assert one(0.989).demand == ""


def test_a_risk_worth_less_than_any_detour_is_left_out_before_routing() -> None:
    assert one(0.0049).dropped == "low_risk"
    assert one(0.005).dropped == ""


@pytest.mark.parametrize(("since_d", "demand"), [(5.9, ""), (6.0, ""), (6.1, "interval"), (math.inf, "interval")])
def test_the_legal_interval_demands_a_bin_when_the_next_chance_would_be_too_late(since_d: float, demand: str) -> None:
    assert one(0.0, Wishes(since_d={"bin-1": since_d}), interval_d=7.0).demand == demand


def test_a_bin_never_seen_emptied_is_due_by_its_interval() -> None:
    assert one(0.0, interval_d=7.0).demand == "interval"


def test_a_bin_without_an_interval_is_never_due_by_it() -> None:
    assert one(0.0, Wishes(since_d={"bin-1": 400.0})).demand == ""


WISHES = {
    "locked": Wishes(locked=frozenset({"bin-1"})),
    "moved": Wishes(moved={"bin-1": "truck-2"}),
    "fire": Wishes(urgent={"bin-1": "fire"}),
    "wet": Wishes(urgent={"bin-1": "wet"}),
}


@pytest.mark.parametrize("demand", WISHES)
def test_a_person_or_what_is_inside_demands_a_bin_whatever_its_risk(demand: str) -> None:
    found = one(0.0, WISHES[demand])

    assert (found.demand, found.dropped) == (demand, "")


def test_a_ban_is_the_last_word_and_the_rule_it_sets_aside_is_still_named() -> None:
    found = one(1.0, Wishes(banned=frozenset({"bin-1"})))

    assert (found.dropped, found.demand) == ("banned", "risk")


def test_a_bin_that_was_emptied_today_is_out_whatever_else_is_asked() -> None:
    assert one(1.0, Wishes(done=frozenset({"bin-1"}), locked=frozenset({"bin-1"}))).dropped == "done"


def test_a_bin_nobody_knows_anything_of_is_as_likely_as_not_to_overflow() -> None:
    bins = [a_bin(1, 0, 0)]
    found = select(bins, a_forecast([], []), POLICY, Wishes())[0]

    assert (found.risk, found.dropped) == (0.5, "")
    assert math.isnan(found.level)


def test_the_later_trip_a_visit_saves_is_told_apart_from_the_risk_it_avoids() -> None:
    bins = [a_bin(1, 0, 0), a_bin(2, 10, 0)]
    found = select(bins, a_forecast(bins, [0.25, 0.01]), POLICY, Wishes(), {"bin-1": 740.0, "bin-2": -900.0})

    assert [(one.prize_m, one.later_m) for one in found] == [(5_740, 740), (0, -200)]
    assert found[1].dropped == "low_risk"


def test_a_bin_half_full_is_worth_a_detour_before_it_has_any_risk() -> None:
    bins = [a_bin(number, 0, 0) for number in (1, 2, 3)]
    worth_m = later(a_forecast(bins, [0.0, 0.0, 0.0], [0.0, 0.3, 0.6]), POLICY, Learnt())

    assert worth_m["bin-1"] < POLICY.detour_m_min < worth_m["bin-2"] < worth_m["bin-3"]


def test_a_bin_whose_street_is_often_served_may_wait_and_one_far_off_had_better_be_taken_along() -> None:
    bins = [a_bin(1, 0, 0), a_bin(2, 10, 0)]
    learnt = Learnt(other={"bin-1": (30,) * 20, "bin-2": (4_000,) * 20})
    worth_m = later(a_forecast(bins, [0.01, 0.01], [0.5, 0.5]), POLICY, learnt)

    assert worth_m["bin-1"] < 200 < worth_m["bin-2"]


def test_a_city_that_wants_todays_risk_alone_gets_it() -> None:
    bins = [a_bin(1, 0, 0)]

    assert later(a_forecast(bins, [0.1]), msgspec.structs.replace(POLICY, look_ahead=False), Learnt()) == {}


def test_of_a_bin_too_little_is_known_of_nothing_later_is_counted() -> None:
    bins = [a_bin(number, 0, 0) for number in (1, 2)]
    forecast = replace(a_forecast(bins, [0.1, 0.1]), per_day=np.array([np.nan, 0.2]))

    assert later(forecast, POLICY, Learnt()).keys() == {"bin-2"}


@pytest.mark.parametrize("risk", [math.nan, math.inf])
def test_a_forecast_that_is_no_number_counts_as_unknown(risk: float) -> None:
    assert one(risk).risk == POLICY.unknown_risk


def test_a_forecast_in_another_order_is_matched_by_id() -> None:
    bins = [a_bin(1, 0, 0), a_bin(2, 10, 0)]
    found = select(bins, a_forecast(bins[::-1], [0.1, 0.9]), POLICY, Wishes())

    assert [one.risk for one in found] == [0.9, 0.1]


@given(st.floats(0, 1), st.integers(1, 200_000), st.integers(1, 200_000))
def test_a_higher_dial_never_lowers_a_prize(risk: float, low_m: int, more_m: int) -> None:
    bins = [a_bin(1, 0, 0)]
    cheap, dear = (
        select(bins, a_forecast(bins, [risk]), msgspec.structs.replace(POLICY, dial_m=dial), Wishes())[0]
        for dial in (low_m, low_m + more_m)
    )

    assert cheap.prize_m <= dear.prize_m
    assert not (dear.dropped and not cheap.dropped)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=8))
def test_every_bin_gets_one_verdict_and_a_probability(risk: list[float]) -> None:
    bins = [a_bin(number, number * 10, 0) for number in range(len(risk))]
    found = select(bins, a_forecast(bins, risk), POLICY, Wishes())

    assert [one.bin for one in found] == [one.id for one in bins]
    assert np.all([0 <= one.risk <= 1 for one in found])


def test_every_number_of_the_policy_is_a_dated_row_with_a_source() -> None:
    policy = policy_on(ON)

    assert policy.dial_m == 20_000
    assert policy.dials_m == tuple(sorted(policy.dials_m))


@pytest.mark.parametrize(("name", "value"), [("reserve", 1.0), ("must_risk", 0.0), ("dial_m", -1), ("dial_m", "far")])
def test_a_policy_outside_its_span_is_refused_by_name(name: str, value: object) -> None:
    pack = load_pack("planning")
    words = {"id": pack.id, "version": pack.version, "name": {"ko": "가", "en": "a"}}
    tables = {table: [dict(row) for row in rows] for table, rows in pack.tables.items()}
    next(row for row in tables["choices"] if row["id"] == name)["value"] = value

    with pytest.raises(ConfigError) as caught:
        policy_of(parse_pack({**words, **tables}, "planning"), ON)

    assert caught.value.code == "rules.invalid"
    assert name in str(caught.value)


def test_a_choice_nobody_knows_is_refused() -> None:
    pack = load_pack("planning")
    words = {"id": pack.id, "version": pack.version, "name": {"ko": "가", "en": "a"}}
    tables = {table: [dict(row) for row in rows] for table, rows in pack.tables.items()}
    tables["choices"].append({**tables["choices"][0], "id": "speed"})

    with pytest.raises(ConfigError):
        policy_of(parse_pack({**words, **tables}, "planning"), ON)
