"""Our flags beside those of ioos_qc: identical, except where the written differences say so."""

from __future__ import annotations

import numpy as np
import pytest
from ioos_oracle import explained, ioos_flags, runs_by_hand
from quality_series import LEVEL_LIMITS, LIGHT_LIMITS, WALK_LIMITS, light, seeded, water_level

from dure.services.environment.checks.quality import TESTS, qualify_series

SERIES = {
    "light, 89,717 rows": (light, LIGHT_LIMITS),
    "hourly water level": (water_level, LEVEL_LIMITS),
    "minutes, seed 1": (lambda: seeded(1, regular=True), WALK_LIMITS),
    "minutes, seed 2": (lambda: seeded(2, regular=True), WALK_LIMITS),
    "odd steps, seed 3": (lambda: seeded(3, regular=False), WALK_LIMITS),
    "odd steps, seed 4": (lambda: seeded(4, regular=False), WALK_LIMITS),
}


@pytest.mark.parametrize("name", SERIES)
def test_flags_are_those_of_ioos_qc_outside_the_written_differences(name):
    make, limits = SERIES[name]
    time_us, value = make()
    theirs = ioos_flags(time_us, value, limits)
    ours = qualify_series(time_us, value, limits)
    differing = {
        test: int((~explained(test, time_us, value, limits) & (theirs[test] != ours.tests[:, number])).sum())
        for number, test in enumerate(TESTS)
    }
    assert differing == dict.fromkeys(TESTS, 0)


@pytest.mark.parametrize("name", SERIES)
def test_every_test_finds_something_in_every_series(name):
    make, limits = SERIES[name]
    time_us, value = make()
    found = qualify_series(time_us, value, limits).tests
    assert {test for number, test in enumerate(TESTS) if np.isin(found[:, number], (3, 4)).any()} == set(TESTS)


@pytest.mark.parametrize("name", SERIES)
def test_flat_line_is_what_its_definition_says_row_by_row(name):
    make, limits = SERIES[name]
    time_us, value = (column[:8_000] for column in make())
    assert np.array_equal(qualify_series(time_us, value, limits).tests[:, 4], runs_by_hand(time_us, value, limits))


def test_the_aggregate_has_the_precedence_of_ioos_qc():
    from ioos_qc.qartod import qartod_compare

    time_us, value = seeded(5, regular=False)
    found = qualify_series(time_us, value, WALK_LIMITS)
    assert np.array_equal(found.flag, np.ma.getdata(qartod_compare(list(found.tests.T))))
