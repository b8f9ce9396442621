from datetime import date

import msgspec
import numpy as np
import pytest

from dure.core.errors import ConfigError
from dure.services.environment.model import PROPERTIES
from dure.services.environment.neighbours.network_rules import Thresholds, learn_thresholds, rules_on, starting

DAY = date(2026, 11, 25)
RULE = rules_on(DAY)["air_temperature"]


def test_every_row_is_a_property_of_ours_in_its_own_unit():
    units = {one.id: one.unit for one in PROPERTIES}
    assert {one.id: one.unit for one in rules_on(DAY).values()}.items() <= units.items()


def test_every_row_goes_from_wide_to_narrow_limits():
    rows = rules_on(DAY).values()
    assert all(0 < one.sd_least < one.start_sd and 0 < one.suspect_sd < one.fail_sd for one in rows)
    assert all(0 < one.neighbours_least <= one.neighbours_most for one in rows)


def test_a_property_that_neighbours_say_little_of_has_no_rule():
    assert "noise_leq" not in rules_on(DAY)


def test_a_row_is_in_force_from_its_day():
    with pytest.raises(ConfigError, match="not_in_force"):
        rules_on(date(2019, 1, 1))


def test_limits_are_wide_until_enough_was_seen():
    some = np.random.default_rng(0).normal(0, 0.4, RULE.residuals_least - 1)
    assert learn_thresholds(RULE, some) == msgspec.structs.replace(starting(RULE), residuals=len(some))


def test_limits_come_down_to_what_the_network_does_in_its_own_unit():
    limits = learn_thresholds(RULE, np.random.default_rng(0).normal(0, 0.5, 10_000))
    assert limits.learned
    assert limits.sd == pytest.approx(0.5, rel=0.05)
    assert limits.suspect == pytest.approx(RULE.suspect_sd * limits.sd)
    assert limits.fail == pytest.approx(RULE.fail_sd * limits.sd)


def test_three_percent_of_gross_errors_hardly_move_the_limits():
    rng = np.random.default_rng(1)
    some = rng.normal(0, 0.5, 10_000)
    some[rng.random(10_000) < 0.03] += 50
    assert learn_thresholds(RULE, some).sd < 0.75


def test_heavy_tails_get_wider_limits_than_a_normal_law_of_the_same_middle():
    rng = np.random.default_rng(2)
    heavy = rng.laplace(0, 0.5, 20_000)
    limits = learn_thresholds(RULE, heavy)
    assert (np.abs(heavy) > limits.suspect).mean() <= 0.005


def test_a_quiet_network_keeps_the_least_limit_and_gaps_are_left_out():
    some = np.where(np.arange(10_000) % 2, np.nan, 0.0)
    limits = learn_thresholds(RULE, some)
    assert (limits.sd, limits.residuals, limits.learned) == (RULE.sd_least, 5_000, True)


def test_thresholds_come_back_from_json():
    limits = learn_thresholds(RULE, np.random.default_rng(0).normal(0, 0.5, 10_000))
    assert msgspec.json.decode(msgspec.json.encode(limits), type=Thresholds) == limits
