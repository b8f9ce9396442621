"""Learning from history: rates come back, little history borrows, emptyings teach nothing, Wyndham is told well."""

import csv
import gzip
import io
import os
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.time import from_us, to_us
from dure.services.waste.belief.belief import Kind, chance, learn, observations_from, observe, start, without_history
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.calibration import brier, reliability_error
from dure.services.waste.belief.history import history_of, merged, pairs_of
from dure.services.waste.belief.learned import CITY, as_prior, dumped, loaded
from dure.services.waste.belief.weekdays import DAY_US, exposure_d, weekday_of
from dure.services.waste.model import Bin

LAWS = settings(max_examples=20, deadline=None)
RULES = belief_rules(date(2026, 11, 24))
BEGIN = to_us(datetime(2026, 6, 1, 12, tzinfo=UTC))  # a Monday
STEP = 0.2


def gamma_rows(rates, days=60, seed=1, cv=0.5, week=(1.0,) * 7):
    """Daily readings of bins that are emptied, seen, when they pass 0.7."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, rate in enumerate(rates):
        level = 0.0
        for day in range(days):
            level += rng.gamma(week[day % 7] / cv**2, rate * cv**2)
            rows.append((f"b{number:02}", BEGIN + day * DAY_US, min(level + rng.normal(0, 0.03), 1.2), False))
            level = 0.0 if level > 0.7 else level
    return rows


def classes_of(rows, name="street"):
    return {row[0]: name for row in rows}


def test_rates_come_back_from_simulated_bins():
    rates = [0.04, 0.08, 0.12, 0.2]
    learned = learn(history_of(rows := gamma_rows(rates, days=200), classes_of(rows)), rules=RULES)
    assert [learned.bins[f"b{n:02}"].rate_per_day for n in range(4)] == pytest.approx(rates, rel=0.15)
    assert learned.classes[CITY].cv == pytest.approx(0.5, abs=0.1)
    assert learned.classes["street"].method == "gamma"


def test_weekdays_are_found_where_they_differ_much():
    week = (1.4, 1.4, 1.4, 1.4, 1.4, 0.0001, 0.0001)
    rows = gamma_rows([0.05] * 20, days=140, cv=0.4, week=week)
    found = learn(history_of(rows, classes_of(rows)), rules=RULES).classes["street"].weekday
    assert np.mean(found) == pytest.approx(1.0)
    assert min(found[:5]) > 2 * max(found[5:])


def test_a_bin_with_little_history_borrows_from_its_class():
    rows = gamma_rows([0.05] * 10 + [0.4], days=60)
    short = [row for row in rows if row[0] != "b10" or row[1] < BEGIN + 2 * DAY_US]
    learned = learn(history_of(short, classes_of(rows)), rules=RULES)
    whole = learn(history_of(rows, classes_of(rows)), rules=RULES)
    assert learned.bins["b10"].rate_per_day < whole.bins["b10"].rate_per_day
    assert whole.bins["b10"].rate_per_day == pytest.approx(0.4, rel=0.25)


def test_classes_differ_and_an_unknown_one_is_the_citys():
    slow, fast = gamma_rows([0.04] * 8), gamma_rows([0.3] * 8, seed=2)
    rows = [*slow, *(("f" + row[0], *row[1:]) for row in fast)]
    learned = learn(history_of(rows, {row[0]: "market" if row[0].startswith("f") else "park" for row in rows}), rules=RULES)
    assert learned.of_class("market").rate_per_day > 3 * learned.of_class("park").rate_per_day
    assert learned.of_class("nobody's") == learned.classes[CITY]
    assert learned.rate_of("new-bin", "market") == learned.of_class("market").rate_per_day


def test_crews_levels_alone_teach_the_rate():
    rows = [(f"b{n}", BEGIN + day * DAY_US, 0.5, True) for n in range(10) for day in range(0, 60, 5)]
    learned = learn(history_of(rows, classes_of(rows)), rules=RULES)
    assert learned.bins["b3"].rate_per_day == pytest.approx(0.1, rel=0.05)


def test_a_tap_without_a_level_ends_the_rise_before_it_and_begins_one_from_empty():
    rows = [("b0", BEGIN, 0.2, False), ("b0", BEGIN + DAY_US // 4, float("nan"), True), ("b0", BEGIN + DAY_US, 0.3, False)]
    pairs = pairs_of(history_of(rows, classes_of(rows)), RULES)
    assert (pairs.level.tolist(), pairs.then.tolist()) == ([0.0], [0.3])


def test_no_pair_spans_an_emptying():
    rows = [("b0", BEGIN + day * DAY_US, level, False) for day, level in enumerate((0.5, 0.7, 0.0, 0.1))]
    pairs = pairs_of(history_of(rows, classes_of(rows)), RULES)
    assert list(zip(pairs.level.tolist(), pairs.then.tolist(), strict=True)) == [(0.5, 0.7), (0.0, 0.1)]


def test_repeated_rows_are_one_and_contradictions_count_high():
    rows = [("b0", BEGIN, 0.8, False), ("b0", BEGIN, 0.0, False), ("b0", BEGIN, 0.8, True)]
    one = merged(history_of(rows, classes_of(rows)))
    assert (one.level.tolist(), one.emptied.tolist()) == ([0.8], [True])


@LAWS
@given(st.randoms(use_true_random=False))
def test_the_order_of_history_does_not_matter(random):
    rows = gamma_rows([0.05, 0.2], days=30)
    mixed = rows.copy()
    random.shuffle(mixed)
    one, other = (learn(history_of(part, classes_of(rows)), rules=RULES) for part in (rows, mixed))
    assert dumped(one) == dumped(other)


def test_levels_that_cannot_be_are_left_out_and_no_history_is_no_trouble():
    rows = [("b0", BEGIN, 7.0, False), ("b0", BEGIN + DAY_US, float("nan"), False)]
    learned = learn(history_of(rows, classes_of(rows)), rules=RULES)
    assert learned.pairs == 0
    assert learned.bins["b0"].rate_per_day == pytest.approx(RULES.learning.rate_per_day, rel=0.01)
    assert learn(history_of([], {}), rules=RULES).classes[CITY].rate_per_day == pytest.approx(RULES.learning.rate_per_day)


def test_what_was_learnt_travels_as_json_and_as_a_prior():
    rows = gamma_rows([0.3] * 6)
    learned = learn(history_of(rows, classes_of(rows)), rules=RULES)
    assert loaded(msgspec.json.decode(msgspec.json.encode(dumped(learned)))) == learned
    there = without_history(RULES, prior=as_prior(learned))
    assert there.of_class("street").rate_per_day == learned.classes["street"].rate_per_day
    few = [("x", BEGIN, 0.1, False), ("x", BEGIN + DAY_US, 0.2, False)]
    alone, helped = (learn(history_of(few, classes_of(few)), rules=RULES, prior=prior) for prior in (None, as_prior(learned)))
    assert helped.bins["x"].rate_per_day > alone.bins["x"].rate_per_day


def test_nothing_after_the_end_of_history_was_looked_at():
    rows = gamma_rows([0.1, 0.2], days=40)
    learned = learn(history_of(rows, classes_of(rows)), rules=RULES)
    assert learned.until is not None
    assert to_us(learned.until) == max(row[1] for row in rows)


# Waste time


def test_a_week_holds_seven_waste_days_and_a_sunday_its_share():
    weekday = np.array([[1.0, 1.0, 1.0, 1.0, 1.0, 1.5, 0.5]])
    monday = np.array([BEGIN - DAY_US // 2])
    assert exposure_d(weekday, monday, monday + 7 * DAY_US, 0)[0] == pytest.approx(7.0)
    assert exposure_d(weekday, monday + 6 * DAY_US, monday + 7 * DAY_US, 0)[0] == pytest.approx(0.5)
    assert exposure_d(weekday, monday + DAY_US, monday, 0)[0] == 0.0
    assert weekday_of(monday + 6 * DAY_US, 0)[0] == 6


def test_days_are_those_of_the_citys_clock():
    sunday_night = np.array([to_us(datetime(2026, 11, 22, 16, tzinfo=UTC))])  # already Monday in Korea
    assert (weekday_of(sunday_night, 0)[0], weekday_of(sunday_night, 32_400)[0]) == (6, 0)


# Wyndham


@pytest.fixture(scope="module")
def wyndham():
    root = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[5] / "shared" / "data"))
    file = root / "waste" / "wyndham_fill_daily.csv.gz"
    if not file.is_file():
        pytest.skip(f"no test data at {root}; set DURE_TEST_DATA")
    with gzip.open(file) as packed:
        rows = list(csv.DictReader(io.TextIOWrapper(packed, "utf-8")))
    return [
        (row["serial"], to_us(datetime.fromisoformat(row["date"]).replace(hour=2, tzinfo=UTC)), int(row["fullness"]) / 10, False)
        for row in rows
    ]


def test_wyndhams_928_doubled_rows_are_merged(wyndham):
    assert len(wyndham) == 31_427
    assert len(merged(history_of(wyndham, classes_of(wyndham))).bin) == 30_659


def test_wyndhams_next_months_are_told_well_from_what_was_before(wyndham):
    hold = to_us(datetime(2020, 3, 3, tzinfo=UTC))
    history = history_of(wyndham, classes_of(wyndham), 36_000)
    one = merged(history)
    learned = learn(history.take(history.time_us < hold), rules=RULES)
    assert learned.classes["street"].method == "levels"
    assert learned.classes["street"].grid == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    beliefs = start([Bin(id=name, lon=0, lat=0) for name in one.bins], learned, from_us(hold), RULES)
    said, came, last = [], [], np.full(len(one.bins), np.nan)
    for day_us in range(hold, hold + 120 * DAY_US, DAY_US):
        today = (one.time_us >= day_us) & (one.time_us < day_us + DAY_US)
        row, level = one.bin[today], one.level[today]
        now = chance(beliefs, from_us(day_us + 2 * 3_600_000_000), 0.8)
        judged = (beliefs.last_us[row, Kind.SENSOR] > day_us - DAY_US) & (level >= last[row] - 1e-9)
        said += now[row[judged]].tolist()
        came += (level[judged] >= 0.8).tolist()
        beliefs = observe(beliefs, observations_from(row, np.zeros(len(row), np.int64), one.time_us[today], level))
        last[row] = level
    assert len(said) > 2_500
    assert brier(np.array(said), np.array(came)) < 0.085
    assert reliability_error(np.array(said), np.array(came)) < 0.03
