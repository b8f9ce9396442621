"""Households, bills, judgements and weather days on both engines."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import msgspec

from dure.core.text import Text
from dure.services.carbon.households import erasing, household_records, judgement_records
from dure.services.carbon.households.energy_rules import judging_rules
from dure.services.carbon.households.household import Household
from dure.services.carbon.households.judgement_records import Basis, KeptJudgement
from dure.services.carbon.households.model import Bill, Home, Judgement, People, Reach
from dure.services.carbon.households.periods import month_of

NOW = datetime(2026, 7, 25, tzinfo=UTC)
HOME = Home(since=date(2020, 1, 1), people=(People(date(2020, 1, 1), 2),))
MINE = Household(id="hh-1", person="p-1", ref="r-1", station="st-1", home=HOME, place="동탄", area_m2=84.5)
YOURS = Household(id="hh-2", person="p-2", ref="r-2", station="st-1", home=HOME)
MONTH = month_of("2026-01")
BILL = Bill(utility="gas", month=MONTH.place, first=MONTH.first, end=MONTH.end, milli=55_123, unit="Nm3", vacant=True)
TOLD = Judgement(
    utility="gas", period="2026H1", code="household.band", reason=Text("가", "a"), unit="Nm3", won=3_000, expected_milli=10**12,
    used_milli=7, half_milli=1, average_cut=0.1 + 0.2, times=1.0, score=-2.5e-7,
    reach=tuple(Reach(percent=one.cut * 100, won=one.won, use_milli=1) for one in judging_rules("gas", NOW.date()).bands),
)  # fmt: skip
KEPT = KeptJudgement(
    household="hh-1",
    judgement=TOLD,
    basis=Basis(home=HOME, station="st-1", bills=(BILL,), times=1.25),
    claim="clm-1",
    judged_at=NOW,
)


def test_a_household_comes_back_as_it_was_and_leaves_nothing_when_it_is_erased(records):
    with records.begin() as connection:
        assert household_records.put(connection, MINE, NOW)
        assert not household_records.put(connection, msgspec.structs.replace(YOURS, person="p-1"), NOW)
        household_records.bind(connection, "d-1", "hh-1", ("gas", "Nm3"), NOW)
        household_records.put_bill(connection, "hh-1", BILL, NOW)
        household_records.put_bill(connection, "hh-1", msgspec.structs.replace(BILL, milli=1), NOW)
        judgement_records.put(connection, KEPT)
    with records.begin() as connection:
        assert household_records.of_person(connection, "p-1").household == MINE
        assert household_records.of_ref(connection, "r-1").household == MINE
        assert [one.milli for one in household_records.bills_of(connection, "hh-1", "gas")] == [1]
        assert judgement_records.of_household(connection, "hh-1", "2026H1") == [KEPT]
        assert judgement_records.find(connection, "hh-1", "2026H1", "gas") == KEPT
        assert erasing.erase(connection, "p-1")
        assert household_records.of_person(connection, "p-1") is None
        assert judgement_records.of_household(connection, "hh-1") == []
        assert household_records.meter(connection, "d-1") is None


def test_two_households_that_reach_for_one_number_at_once_get_it_once(records):
    with records.begin() as connection:
        for one in (MINE, YOURS):
            household_records.put(connection, one, NOW)

    def reach(household):
        with records.begin() as connection:
            return household_records.bind(connection, "d-1", household, ("gas", "Nm3"), NOW).household

    with ThreadPoolExecutor(2) as pool:
        owners = set(pool.map(reach, ["hh-1", "hh-2"] * 4))

    assert len(owners) == 1


def test_what_is_due_is_what_was_not_judged_or_may_be_judged_again(records):
    with records.begin() as connection:
        for one in (MINE, YOURS):
            household_records.put(connection, one, NOW - timedelta(days=300))
            household_records.bind(connection, f"d-{one.id}", one.id, ("gas", "Nm3"), NOW)
        waiting = msgspec.structs.replace(KEPT, judgement=msgspec.structs.replace(TOLD, code="household.months_missing"))
        judgement_records.put(connection, waiting)
    again, never = (("household.months_missing",), NOW), ((), NOW)
    with records.read() as connection:
        due = judgement_records.due(connection, "2026H1", NOW, again, 9)
        assert due == [("hh-1", "gas"), ("hh-2", "gas")]
        assert judgement_records.due(connection, "2026H1", NOW, never, 9) == [("hh-2", "gas")]
        assert judgement_records.due(connection, "2026H1", NOW - timedelta(days=400), again, 9) == []
    with records.begin() as connection:
        household_records.end(connection, "hh-2", NOW)
        assert judgement_records.due(connection, "2026H1", NOW, never, 9) == []
        assert household_records.put(connection, YOURS, NOW)
        assert household_records.of_person(connection, "p-2").ended_at is None


def test_the_first_word_about_a_day_and_about_chance_stands(records):
    day = date(2026, 1, 1)
    with records.begin() as connection:
        assert judgement_records.put_weather(connection, [("st-1", day, -3.25, "a")]) == 1
        assert judgement_records.put_weather(connection, [("st-1", day, 9.0, "b"), ("st-2", day, 9.0, "b")]) == 1
        judgement_records.put_times(connection, "2025H2", "gas", (1.5, 200), NOW)
        judgement_records.put_times(connection, "2026H1", "gas", (None, 3), NOW)
        judgement_records.put_times(connection, "2026H1", "gas", (0.1, 300), NOW)
    with records.read() as connection:
        assert judgement_records.weather_days(connection, "st-1", day, date(2026, 1, 2)) == {day: (-3.25, "a")}
        assert judgement_records.stations(connection) == ["st-1", "st-2"]
        assert judgement_records.times_of(connection, "2026H1", "gas") == 1.5
        assert judgement_records.times_of(connection, "2025H1", "gas") is None


def test_a_number_is_rewarded_once_for_a_half_year_and_that_is_forgotten_in_time(records):
    with records.begin() as connection:
        assert household_records.spend(connection, "d-1", "2026H1", NOW)
        assert not household_records.spend(connection, "d-1", "2026H1", NOW)
        assert household_records.spend(connection, "d-1", "2026H2", NOW + timedelta(days=180))
        assert household_records.forget_spent(connection, NOW + timedelta(days=1)) == 1
        assert household_records.spend(connection, "d-1", "2026H1", NOW)
