"""Hourly means: enough good readings, and no suspect one among them."""

import numpy as np
import pytest

from dure.core.observations import Flag
from dure.engines.telemetry.port import RollUpColumns, SeriesColumns
from dure.services.environment.grades.hours import HOUR_US, hours_of, without_suspect

START_US = 1_790_000_000_000_000 // HOUR_US * HOUR_US


def rolled(*rows):
    """Roll-ups of (asset, hour, good, suspect, mean)."""
    asset, hour, good, suspect, mean = zip(*rows, strict=True)
    zero = np.zeros(len(rows), np.int64)
    start = START_US + np.array(hour) * HOUR_US
    mean = np.array(mean, float)
    return RollUpColumns(asset, start, np.array(good), zero, np.array(suspect), zero, zero, mean, mean, mean, mean)


@pytest.mark.parametrize(("good", "expected"), [(60, 40.0), (45, 40.0), (44, None), (0, None), (90, 40.0)])
def test_an_hour_counts_with_three_quarters_of_its_readings(good, expected):
    hours = hours_of({"pm10": rolled(("a", 0, good, 0, 40.0))}, {"pm10": 60}, START_US, 1, 0.75)
    assert hours.of("a", "pm10") == [expected]


def test_a_reading_an_hour_is_enough_where_no_more_is_promised():
    hours = hours_of({"toc": rolled(("r", 2, 1, 0, 4.0))}, {"toc": 3600}, START_US, 3, 0.75)
    assert hours.of("r", "toc") == [None, None, 4.0]
    assert hours.of("other", "toc") == [None, None, None]
    assert hours.end_us == START_US + 3 * HOUR_US


def test_hours_outside_the_span_are_left_out():
    hours = hours_of({"toc": rolled(("r", -1, 1, 0, 4.0), ("r", 1, 1, 0, 5.0))}, {"toc": 3600}, START_US, 1, 0.75)
    assert hours.means == {}
    assert hours.assets(["toc"]) == []


def test_an_hour_with_suspect_readings_is_made_anew_from_the_good_ones():
    hours = hours_of({"pm10": rolled(("a", 0, 50, 2, 99.0), ("a", 1, 60, 0, 30.0))}, {"pm10": 60}, START_US, 2, 0.75)
    assert hours.mixed == ((("a", "pm10"), 0),)
    value = np.array([40.0, 42.0, 900.0])
    flag = np.array([Flag.GOOD, Flag.GOOD, Flag.SUSPECT], np.uint8)
    whole = np.zeros(3, np.int64)
    readings = {(("a", "pm10"), 0): SeriesColumns(whole, whole, value, flag, flag * 0, whole)}
    assert without_suspect(hours, readings).of("a", "pm10") == [41.0, 30.0]
    assert hours.of("a", "pm10") == [99.0, 30.0]
