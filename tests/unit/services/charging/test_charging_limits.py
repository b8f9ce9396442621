"""Charging profiles as a station keeps them: which wins, when it holds, what it is in watts."""

from __future__ import annotations

import math

import pytest

from dure.services.charging.simulating.charging_limits import Asked, allowed_w, placed, read, schedule, station_w

T0 = 1_781_500_000_000_000
HOUR = 3_600_000_000


def profile(purpose="TxDefaultProfile", level=0, limit=16.0, unit="A", kind="Absolute", **more):
    schedule_ = {"chargingRateUnit": unit, "chargingSchedulePeriod": more.pop("periods", [{"startPeriod": 0, "limit": limit}])}
    if kind == "Absolute":
        schedule_["startSchedule"] = "2026-06-15T00:00:00Z"
    schedule_ |= more.pop("schedule", {})
    return {
        "chargingProfileId": more.pop("id", level),
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": kind,
        "chargingSchedule": schedule_,
    } | more


ASKED = Asked(1, T0, "tx", T0 - HOUR, 220.0, 1)


def test_nothing_said_is_no_limit():
    assert allowed_w([], ASKED) == math.inf
    assert station_w([], T0, 220.0) == math.inf


def test_amperes_count_for_each_phase_that_is_used():
    one = read(1, profile())
    assert allowed_w([one], ASKED) == 16 * 220
    three = Asked(1, T0, "tx", T0, 220.0, 3)
    assert allowed_w([one], three) == 3 * 16 * 220
    single = read(1, profile(periods=[{"startPeriod": 0, "limit": 16, "numberPhases": 1}]))
    assert allowed_w([single], three) == 16 * 220


def test_watts_are_watts_also_without_phases():
    assert allowed_w([read(0, profile(limit=50_000, unit="W"))], Asked(1, T0, "tx", T0, 220.0, 0)) == 50_000


def test_a_profile_of_the_transaction_comes_before_the_default_and_only_for_its_own():
    kept = [
        read(0, profile(limit=6, level=9)),
        read(1, profile("TxProfile", limit=10), "tx"),
        read(1, profile("TxProfile", limit=20), "other"),
    ]
    assert allowed_w(kept, ASKED) == 10 * 220
    assert allowed_w(kept, Asked(1, T0, "third", T0, 220.0, 1)) == 6 * 220


def test_the_highest_level_that_says_something_wins():
    over = read(1, profile(level=5, limit=8, schedule={"duration": 60}))
    kept = [read(1, profile(level=1, limit=16)), over]
    assert allowed_w(kept, ASKED) == 16 * 220  # the higher one has ended


def test_a_relative_schedule_begins_with_the_transaction():
    one = read(
        1,
        profile("TxProfile", kind="Relative", periods=[{"startPeriod": 0, "limit": 0}, {"startPeriod": 7_200, "limit": 16}]),
        "tx",
    )
    assert allowed_w([one], ASKED) == 0
    assert allowed_w([one], Asked(1, T0 + 2 * HOUR, "tx", T0 - HOUR, 220.0, 1)) == 16 * 220


def test_a_daily_schedule_comes_again():
    one = read(
        1,
        profile(
            kind="Recurring",
            recurrencyKind="Daily",
            schedule={"startSchedule": "2026-06-01T00:00:00Z"},
            periods=[{"startPeriod": 0, "limit": 6}, {"startPeriod": 43_200, "limit": 16}],
        ),
    )
    day = 24 * HOUR
    midnight = T0 - T0 % day
    assert allowed_w([one], Asked(1, midnight + HOUR, "tx", T0)) == 6 * 220
    assert allowed_w([one], Asked(1, midnight + 13 * HOUR, "tx", T0)) == 16 * 220


def test_a_profile_holds_only_while_it_is_valid():
    one = read(1, profile(validFrom="2026-06-16T00:00:00Z"))
    assert allowed_w([one], ASKED) == math.inf


def test_the_station_is_capped_by_the_least_of_its_purposes():
    kept = [
        read(0, profile("ChargePointMaxProfile", limit=40_000, unit="W")),
        read(0, profile("ChargingStationExternalConstraints", limit=9_000, unit="W")),
    ]
    assert station_w(kept, T0, 220.0) == 9_000


def test_a_profile_takes_the_place_of_one_with_its_id_or_its_place():
    first, same_id, same_place = read(1, profile(id=1)), read(1, profile(id=1, level=3)), read(1, profile(id=7, level=3))
    assert placed(placed([first], same_id), same_place) == [same_place]


@pytest.mark.parametrize(
    "wrong",
    [
        profile("Whatever"),
        profile(periods=[]),
        profile(periods=[{"startPeriod": 5, "limit": 1}]),
        profile(periods=[{"startPeriod": 0, "limit": 1}, {"startPeriod": 0, "limit": 2}]),
    ],
)
def test_what_cannot_be_a_profile_is_refused(wrong):
    with pytest.raises(ValueError, match="cannot be used"):
        read(1, wrong)


def test_a_composite_schedule_tells_the_changes():
    one = read(
        1,
        profile(
            kind="Relative",
            purpose="TxProfile",
            periods=[{"startPeriod": 0, "limit": 6}, {"startPeriod": 3_600 + 120, "limit": 16}],
        ),
        "tx",
    )
    assert schedule([one], ASKED, 600, 7_000) == [(0, 6 * 220), (120, 16 * 220)]
