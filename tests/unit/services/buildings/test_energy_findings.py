"""Detectors over made hours: each waste is found soon, named rightly, and nothing is found where nothing is wrong."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from dure.core.time import to_us
from dure.services.buildings.finding.always_on import steady
from dure.services.buildings.finding.day_grid import HOUR_US, SUNDAY, DayGrid, day_grid
from dure.services.buildings.finding.days_off import off_score
from dure.services.buildings.finding.detecting import findings_of
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.findings import CHECKS, KINDS, NAMES
from dure.services.buildings.finding.looking import first_look
from dure.services.buildings.finding.missing import late_bill
from dure.services.buildings.finding.usual_days import precision_together, usual
from dure.services.buildings.finding.wording import words_of
from dure.services.buildings.model import Meter

SEOUL = ZoneInfo("Asia/Seoul")
RULES = finding_rules(date(2026, 11, 1))
FIRST = datetime(2026, 1, 5, tzinfo=SEOUL)  # a Monday
METER = Meter(id="m-1", building="b-1", fuel="electricity")


def hours(days: int, seed: int = 1, zone: ZoneInfo = SEOUL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Instants, use [Wh] and temperature of an office that cools in summer, with noise."""
    chance = np.random.default_rng(seed)
    at = to_us(datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=zone)) + HOUR_US * np.arange(days * 24)
    n = np.arange(len(at))
    day, hour = n // 24, n % 24
    air = (
        12
        - 14 * np.cos(2 * np.pi * n / 8766)
        + 5 * np.sin(2 * np.pi * (hour - 9) / 24)
        + np.repeat(chance.normal(0, 2, days), 24)
    )
    work = (day % 7 < 5) & (hour >= 8) & (hour < 19)
    use = 20_000 + 60_000 * work + (1_500 * work + 300) * np.maximum(air - 20, 0)
    return at, np.rint(use * (1 + chance.normal(0, 0.02, len(n)))), air


def grid_of(use: np.ndarray, at: np.ndarray, air: np.ndarray | None, zone: ZoneInfo = SEOUL, end: date | None = None) -> DayGrid:
    return day_grid("m-1", (at, use), (zone, ()), None if air is None else (at, air), end)


def kinds(use: np.ndarray, at: np.ndarray, air: np.ndarray | None, **more: object) -> list[str]:
    return [one.kind for one in findings_of(grid_of(use, at, air), RULES, **more)]  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_found_where_nothing_is_wrong(seed: int) -> None:
    at, use, air = hours(240, seed)
    grid = grid_of(use, at, air)
    assert [one for end in range(60, 241, 6) for one in findings_of(grid.until(end), RULES)] == []


def test_a_base_load_a_tenth_higher_is_found_within_a_week_with_its_day_and_size() -> None:
    at, use, air = hours(200)
    use[-7 * 24 :] += 2_000
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert found.kind == "night_base"
    assert found.excess_per_h == pytest.approx(2_000, rel=0.25)
    assert abs(found.since - (FIRST + timedelta(days=193))) <= timedelta(days=1)
    assert "base/surplus" in found.rule


def test_the_whole_day_must_speak_for_a_higher_base_load() -> None:
    at, use, air = hours(300)
    use[-7 * 24 :] += 2_000
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert found.numbers["score"] >= found.numbers["threshold_score"]


def test_a_surplus_all_day_scores_and_a_surplus_that_swings_every_week_does_not() -> None:
    at, use, air = hours(300)
    earlier = np.ones(300, bool)
    without = steady(grid_of(use, at, air), 7, earlier, 2_000, RULES.steady)
    use[-7 * 24 :] += 2_000
    found = steady(grid_of(use, at, air), 7, earlier, 2_000, RULES.steady)
    swing = np.repeat(np.random.default_rng(7).normal(0, 2_000, 43), 7 * 24)[-300 * 24 :]
    swing[-7 * 24 :] = 0
    swinging = steady(grid_of(use + swing, at, air), 7, earlier, 2_000, RULES.steady)
    assert None not in (without, found, swinging)
    assert found > RULES.steady.score_least > max(abs(without), swinging)


def test_whole_days_tell_nothing_where_the_past_is_short() -> None:
    at, use, air = hours(30)
    assert steady(grid_of(use, at, air), 7, np.ones(30, bool), 2_000, RULES.steady) is None
    assert off_score(grid_of(use, at, air), np.array([26, 27]), np.ones(30, bool), RULES.off) is None


def test_expected_use_of_whole_days_holds_at_the_edge_of_the_weather_seen() -> None:
    at, use, air = hours(220)  # the last days are the hottest
    grid = grid_of(use, at, air)
    row = np.arange(220)
    found = usual(grid, row, row < 213, RULES.steady)
    seen = ~np.isnan(found.above[213:])
    assert seen.mean() > 0.8
    assert np.abs(found.above[213:][seen]).mean() < 0.05 * grid.use.mean()


def test_hours_that_go_together_weigh_less() -> None:
    chance = np.random.default_rng(5)
    shared = chance.normal(0, 1, (400, 1)) * np.where(np.arange(24) < 12, 1.0, 0.0)
    precise = precision_together(shared + chance.normal(0, 0.5, (400, 24)), 0.1)
    weight = precise.sum(0)
    assert weight[:12].sum() < 0.5 * weight[12:].sum()
    assert np.linalg.eigvalsh(precise).min() > 0


def test_without_weather_the_base_load_is_compared_with_the_last_weeks() -> None:
    at, use, _ = hours(100)
    use[-7 * 24 :] += 3_000
    assert kinds(use, at, None) == ["night_base"]


def test_a_step_of_the_base_load_is_a_leak_after_three_days() -> None:
    at, use, air = hours(200)
    use[-3 * 24 :] += 9_000
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert (found.kind, found.since) == ("leak", FIRST + timedelta(days=197))


def test_a_step_down_is_no_waste() -> None:
    at, use, air = hours(200)
    use[-7 * 24 :] -= 9_000
    assert kinds(use, at, air) == []


def test_water_that_never_stands_still_is_a_leak() -> None:
    chance = np.random.default_rng(3)
    at = hours(60)[0]
    hour = np.arange(len(at)) % 24
    use = np.where((hour > 6) & (hour < 22), chance.integers(50, 200, len(at)), 0).astype(float)
    assert kinds(use, at, None, flows=True) == []
    use[-4 * 24 :] += 12
    (found,) = findings_of(grid_of(use, at, None), RULES, flows=True)
    assert (found.kind, found.excess_per_h) == ("leak", 12.0)
    assert "12" not in words_of(found, Meter(id="m", building="b", fuel="water")).en  # said in m3


def test_days_off_that_run_as_workdays_are_found_after_the_first_weekend() -> None:
    at, use, air = hours(7 * 30)
    week = use[-7 * 24 :]
    week[5 * 24 :] = np.tile(week[4 * 24 : 5 * 24], 2)
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert (found.kind, found.since) == ("weekend", FIRST + timedelta(days=7 * 30 - 2))
    assert found.numbers["level"] == pytest.approx(1, abs=0.2)
    assert found.numbers["score"] > RULES.off.score_least


def test_a_holiday_counts_as_a_day_off() -> None:
    grid = day_grid("m", (hours(14)[0], np.ones(14 * 24)), (SEOUL, {date(2026, 1, 7)}))
    assert grid.kind[2] == SUNDAY


@pytest.mark.parametrize("value", [0.0, 34_567.0])
def test_a_meter_that_shows_the_same_for_a_day_is_stuck(value: float) -> None:
    at, use, air = hours(60)
    use[-24:] = value
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert (found.kind, found.excess_per_h, found.numbers["hours"]) == ("stuck", 0.0, 24.0)


def test_a_meter_that_often_stands_still_is_not_stuck() -> None:
    at = hours(60)[0]
    use = np.where(np.arange(len(at)) // 24 % 3 == 0, 5.0, 0.0)
    assert kinds(use, at, None) == []


def test_a_start_two_hours_earlier_is_found() -> None:
    at, use, air = hours(7 * 25)
    for day in range(7 * 25 - 7, 7 * 25):
        if day % 7 < 5:
            use[day * 24 + 6 : day * 24 + 8] = use[day * 24 + 8]
    (found,) = findings_of(grid_of(use, at, air), RULES)
    assert (found.kind, found.numbers["stop"]) == ("schedule_drift", 0.0)
    assert found.numbers["shift_h"] == pytest.approx(2, abs=0.3)


def test_a_changed_clock_moves_nothing() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    at, use, air = hours(140, zone=berlin)  # made by the local hours of winter
    shift = np.array([datetime.fromtimestamp(us / 1e6, berlin).utcoffset() == timedelta(hours=2) for us in at[::24]])
    assert shift.any()
    first = int(np.argmax(shift)) * 24
    use[first:] = np.roll(use[first:], -1)  # the office keeps local time
    grid = grid_of(use, at, air, berlin)
    assert [one for end in range(80, 141) for one in findings_of(grid.until(end), RULES)] == []
    assert np.isnan(grid.until(140).use).sum() == 1  # 2026-03-29 has 23 hours


def test_hours_that_do_not_come_are_told_and_nothing_else_is() -> None:
    at, use, air = hours(60)
    keep = np.arange(len(at)) < len(at) - 30
    grid = grid_of(use[keep], at[keep], air[keep], end=date(2026, 3, 6))
    (found,) = findings_of(grid, RULES)
    assert (found.kind, found.numbers["missing_h"]) == ("missing", 30.0)


def test_days_before_the_first_reading_are_not_missing() -> None:
    at, use, air = hours(3)
    assert kinds(use, at, air) == []


@pytest.mark.parametrize(
    ("today", "months"),
    [(date(2026, 5, 21), 1), (date(2026, 6, 30), 2), (date(2026, 5, 19), 0)],
)
def test_a_bill_is_late_three_weeks_after_its_month(today: date, months: int) -> None:
    known = {"2026-01", "2026-02", "2026-03"}
    found = late_bill("m-1", known, today, SEOUL, RULES)
    assert (0 if found is None else found.numbers["missing_months"]) == months


def test_nobody_waits_for_bills_that_never_came() -> None:
    assert late_bill("m-1", {"2026-01"}, date(2026, 6, 1), SEOUL, RULES) is None


def test_a_leak_that_has_run_for_weeks_is_found_at_the_first_look() -> None:
    at, use, air = hours(230)
    use[-40 * 24 :] += 9_000
    grid = grid_of(use, at, air)
    assert first_look(grid.until(190), RULES, flows=False) == []
    (found,) = first_look(grid, RULES, flows=False)
    assert found.kind == "leak"
    assert abs(found.since - (FIRST + timedelta(days=190))) <= timedelta(days=8)


def test_few_data_are_no_finding_and_no_error() -> None:
    at, use, air = hours(80)
    for days in (0, 1, 2, 8, 30):
        assert kinds(use[: days * 24], at[: days * 24], air[: days * 24]) == []
    assert findings_of(grid_of(np.full(800 * 3, np.nan), hours(100)[0], None), RULES) == []


def test_the_same_hours_give_the_same_findings() -> None:
    at, use, air = hours(200)
    use[-7 * 24 :] += 2_500
    first, again = (findings_of(grid_of(use, at, air), RULES) for _ in range(2))
    assert first == again


def test_every_kind_has_its_words_checks_and_service_level() -> None:
    assert set(KINDS) == set(CHECKS) == set(NAMES) == set(RULES.service)
    assert all(one.en and one.ko for checks in CHECKS.values() for one in checks)


def test_words_are_said_in_both_languages_with_people_s_units() -> None:
    at, use, air = hours(200)
    use[-7 * 24 :] += 2_500
    (found,) = findings_of(grid_of(use, at, air), RULES)
    words = words_of(found, METER)
    assert "kWh" in words.ko
    assert "kWh" in words.en
