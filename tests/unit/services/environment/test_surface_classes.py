"""Classes of the legend, and the rules of the maps."""

from __future__ import annotations

from datetime import date

import numpy as np

from dure.core.text import Text
from dure.services.environment.maps.surface_classes import Band, classify, even, graded, quantiles
from dure.services.environment.maps.surface_rules import surface_rules
from dure.services.environment.model import PROPERTIES

RULES = surface_rules(date(2026, 11, 24))


def test_pm_is_classed_by_the_steps_of_its_grades():
    bands = graded(RULES.graded["pm2_5"], RULES.grades, 2)
    assert [(one.low, one.high, one.until) for one in bands] == [
        (0, 7, 7.5),
        (8, 15, 15.5),
        (16, 25, 25.5),
        (26, 35, 35.5),
        (36, 55, 55.5),
        (56, 75, 75.5),
        (76, None, None),
    ]
    assert [one.grade for one in bands][::2] == [grade.name for grade in RULES.grades]


def test_a_value_between_two_grades_is_classed_as_it_is_read():
    bands = graded(RULES.graded["pm2_5"], RULES.grades, 2)
    grades = [bands[number].grade for number in classify(np.array([15.4, 15.6, 0.0, 500.0]), bands)]
    assert grades == [Text("좋음", "Good"), Text("보통", "Moderate"), Text("좋음", "Good"), Text("매우나쁨", "Very unhealthy")]


def test_steps_of_parts_per_million_are_whole_thousandths():
    bands = graded(RULES.graded["o3"], RULES.grades, 2)
    assert [(one.low, one.high) for one in bands][:4] == [(0, 0.014), (0.015, 0.03), (0.031, 0.06), (0.061, 0.09)]


def test_quantiles_hold_about_the_same_number_of_cells():
    values = np.random.default_rng(1).normal(20, 3, 5_000)
    bands = quantiles(values, 6, 1)
    assert len(bands) == 6
    counts = np.bincount(classify(values, bands), minlength=6)
    assert counts.min() > 700
    assert (bands[0].low, bands[-1].high) == (None, None)


def test_a_flat_map_has_one_class():
    assert quantiles(np.full(100, 3.14), 6, 1) == [Band(None, None, None)]
    assert quantiles(np.array([np.nan]), 6, 1) == []


def test_classes_of_uncertainty_are_of_one_round_width():
    assert [one.until for one in even(4.3, 5)] == [1, 2, 3, 4, None]
    assert [one.until for one in even(0.0031, 5)] == [0.001, 0.002, 0.003, None]
    assert even(0.0, 5) == [Band(None, None, None)]


def test_every_mapped_property_exists_in_its_unit_and_is_not_also_unmapped():
    known = {one.id: one.unit for one in PROPERTIES}
    assert {one.id: one.unit for one in RULES.mapped.values()} == {name: known[name] for name in RULES.mapped}
    assert not set(RULES.mapped) & set(RULES.unmapped)
    assert all(one.why.ko and one.why.en for one in RULES.unmapped.values())


def test_a_property_that_is_not_mapped_has_a_reason():
    assert RULES.why_not("noise_leq").en.startswith("Noise changes")
    assert RULES.why_not("ph") == RULES.unmapped["*"].why
