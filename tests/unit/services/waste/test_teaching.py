"""What teaches how bins fill: hourly levels without the hours that mix, and levels of bins that only count."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from dure.core.observations import Batch, Flag
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.history import history_of, pairs_of
from dure.services.waste.belief.learn import learn
from dure.services.waste.belief.teaching import Hours, counted_levels, rows_of_sensors
from dure.services.waste.model import Bin

RULES = belief_rules(date(2026, 11, 24))
HOUR = 3_600_000_000
DAY = 24 * HOUR
START = 20_000 * DAY
SPAN = (START, START + 90 * DAY)


@pytest.fixture
def telemetry(tmp_path):
    one = DuckTelemetry(tmp_path / "t.duckdb")
    yield one
    one.close()


def keep(telemetry, bin_id, name, hours, values, flag=Flag.GOOD):
    time_us = np.array([START + round(hour * HOUR) for hour in hours], np.int64)
    n = len(time_us)
    flags, zeros = np.full(n, flag, np.uint8), np.zeros(n, np.uint8)
    series, seq = np.zeros(n, np.int32), np.arange(n, dtype=np.int64)
    telemetry.append(Batch([(bin_id, name)], series, time_us, time_us, np.array(values, float), flags, zeros, seq), {})


def rows(telemetry, *bins, taps=()):
    return rows_of_sensors(telemetry, list(bins), list(taps), SPAN, 0, RULES)


def bin_of(name, **more):
    return Bin(id=name, lon=126.9, lat=37.2, **more)


def test_the_last_level_of_each_day_and_both_sides_of_a_fall_teach(telemetry):
    keep(
        telemetry, "b", "fill_fraction", range(72), [0.1 + 0.01 * hour if hour < 40 else 0.01 * (hour - 40) for hour in range(72)]
    )
    found = rows(telemetry, bin_of("b"))
    assert [(at_us - START) // HOUR for _, at_us, _, _ in found] == [23, 39, 40, 47, 71]
    assert found[0][2] == pytest.approx(0.33)


def test_what_cannot_be_used_teaches_nothing(telemetry):
    keep(telemetry, "b", "fill_fraction", range(3), [0.1, 0.2, 0.3], Flag.FAIL)
    assert rows(telemetry, bin_of("b"), bin_of("nobody")) == []


def test_an_hour_in_which_a_crew_emptied_the_bin_is_left_out(telemetry):
    keep(telemetry, "b", "fill_fraction", [20.2, 23.2, 23.8], [0.7, 0.8, 0.02])
    tap = ("b", START + round(23.5 * HOUR), 0.8, True)
    assert [round(level, 2) for _, _, level, _ in rows(telemetry, bin_of("b"), taps=[tap])] == [0.7]


def test_a_counter_becomes_levels_since_the_bin_was_emptied():
    hours = Hours(np.arange(6) * HOUR, np.full(6, np.nan), np.array([10.0, 12, 13, 1, 2, 4]))
    found = counted_levels(hours, [round(0.5 * HOUR)], 0.1)
    np.testing.assert_allclose(found, [np.nan, 0.2, 0.3, 0.4, 0.5, 0.7])


def test_a_counter_without_any_emptying_says_no_level():
    hours = Hours(np.arange(3) * HOUR, np.full(3, np.nan), np.array([1.0, 2, 3]))
    assert np.isnan(counted_levels(hours, [], 0.1)).all()


def test_a_bin_that_only_counts_is_learnt_from(telemetry):
    """Three deposits of 33.4 L a day into 1,000 L: a tenth a day, emptied each fifth day."""
    one = bin_of("b", capacity_l=1_000.0, deposit_l=33.4)
    hours = range(0, 60 * 24, 4)
    keep(telemetry, "b", "deposits_total", hours, [hour // 8 for hour in hours])
    keep(telemetry, "b", "emptyings_total", hours, [hour // (5 * 24) for hour in hours])
    history = history_of(rows(telemetry, one), {"b": "street"})
    assert len(pairs_of(history, RULES).bin) > 30
    assert learn(history, rules=RULES).bins["b"].rate_per_day == pytest.approx(0.1, abs=0.01)
