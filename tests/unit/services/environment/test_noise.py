import math
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.time import to_us
from dure.services.environment.grades.noise import (
    Levels,
    NoiseResult,
    assess_day,
    assess_noise,
    energy_average,
    noise_rules,
    period_interval,
    period_of,
)
from dure.services.environment.rules import load_pack

DAY = date(2026, 11, 25)
SEOUL = ZoneInfo("Asia/Seoul")
RULES = noise_rules(load_pack("noise"), DAY)
TABLE = {
    "general_a": (50, 40), "general_b": (55, 45), "general_c": (65, 55), "general_d": (70, 65),
    "roadside_a": (65, 55), "roadside_b": (65, 55), "roadside_c": (70, 60), "roadside_d": (75, 70),
}  # fmt: skip


def hourly(day_db, night_db, day=DAY):
    """24 hourly levels from 06 local: 16 of the day, 8 of the night."""
    start = datetime(day.year, day.month, day.day, 6, tzinfo=SEOUL).astimezone(UTC)
    return Levels([to_us(start + timedelta(hours=hour)) for hour in range(24)], [*day_db, *night_db], 3600)


def test_the_limits_are_those_of_the_table():
    assert {area: (row.day, row.night) for area, row in RULES.areas.items()} == TABLE


@pytest.mark.parametrize(
    ("levels", "expected"),
    [([60, 60, 60], 60.0), ([50, 70], 67.03), ([40, 40, 40, 80], 73.98), ([0, 100], 96.99), ([70, math.nan], 70.0)],
)
def test_levels_are_averaged_by_energy_and_not_by_number(levels, expected):
    assert energy_average(levels) == pytest.approx(expected, abs=0.01)
    assert math.isnan(energy_average([math.nan]))


@given(st.lists(st.floats(20, 130), min_size=1, max_size=50))
def test_an_energy_average_lies_between_the_mean_and_the_loudest(levels):
    average = energy_average(levels)
    assert np.mean(levels) - 1e-9 <= average <= max(levels) + 1e-9


def test_day_and_night_are_hours_of_the_city_and_the_night_belongs_to_the_day_it_begins():
    day = period_interval(RULES, "day", DAY, SEOUL)
    night = period_interval(RULES, "night", DAY, SEOUL)
    assert (day.start, day.end) == (datetime(2026, 11, 24, 21, tzinfo=UTC), datetime(2026, 11, 25, 13, tzinfo=UTC))
    assert (night.start, night.end) == (day.end, datetime(2026, 11, 25, 21, tzinfo=UTC))
    berlin = ZoneInfo("Europe/Berlin")
    assert period_interval(RULES, "night", date(2026, 10, 24), berlin).duration == timedelta(hours=9)


@pytest.mark.parametrize(
    ("local", "period"), [("05:59", "night"), ("06:00", "day"), ("21:59", "day"), ("22:00", "night"), ("00:00", "night")]
)
def test_an_instant_is_day_or_night_by_the_local_clock(local, period):
    at = datetime.fromisoformat(f"2026-11-25T{local}:00+09:00").astimezone(UTC)
    assert period_of(RULES, at, SEOUL) == period


def test_a_quiet_day_and_a_loud_night_are_told_apart_with_the_exceedance_in_db():
    day, night = assess_day(RULES, "roadside_a", hourly([65.0] * 16, [55.0] * 7 + [67.0]), DAY, SEOUL)
    assert (day.leq_db, day.limit_db, day.meets, day.exceedance_db) == (65.0, 65, True, 0.0)
    assert (night.leq_db, night.limit_db, night.meets, night.exceedance_db) == (59.6, 55, False, 4.6)
    assert (day.count, day.coverage, night.count) == (16, 1.0, 8)


def test_too_little_of_the_night_has_no_level_but_says_what_was_measured():
    _, night = assess_day(RULES, "general_a", hourly([50.0] * 16, [80.0] * 5 + [math.nan] * 3), DAY, SEOUL)
    assert (night.leq_db, night.meets, night.exceedance_db) == (None, None, None)
    assert (night.leq_of_measured_db, night.coverage, night.count) == (80.0, 0.625, 5)
    day, _ = assess_day(RULES, "general_a", Levels([], [], 3600), DAY, SEOUL)
    assert (day.leq_db, day.leq_of_measured_db, day.coverage) == (None, None, 0.0)


def test_what_is_to_be_confirmed_is_named_and_a_result_survives_json():
    day, _ = assess_day(RULES, "general_a", hourly([50.0] * 16, [40.0] * 8), DAY, SEOUL)
    assert [one.split("/", 1)[1] for one in day.provisional] == ["choices/decimals"]
    assert msgspec.json.decode(msgspec.json.encode(day), type=NoiseResult) == day


def test_an_unknown_area_or_period_of_a_station_is_refused():
    interval = period_interval(RULES, "day", DAY, SEOUL)
    for area, levels in (("traffic", Levels([], [], 60)), ("general_a", Levels([], [], 0))):
        with pytest.raises(InputError):
            assess_noise(RULES, area, "day", levels, interval)
