from __future__ import annotations

import numpy as np
import pytest

from dure.services.buildings.modelling.billed_rows import BilledRows
from dure.services.buildings.modelling.change_points import Bills
from dure.services.buildings.modelling.savings import avoided_energy


def a_year_of_bills(year: int, *, factor: float = 1.0, noise: float = 1.5, n: int = 12):
    chance = np.random.default_rng([3, year])
    temperature = 55 - 30 * np.cos(2 * np.pi * np.arange(365) / 365) + 6 * chance.standard_normal(365)
    per_day = factor * (100 + 2 * np.maximum(0, 55 - temperature) + 3 * np.maximum(0, temperature - 66))
    edge = np.linspace(0, 365, 13).astype(int)[: n + 1]
    usage = np.diff(np.concatenate([[0.0], np.cumsum(per_day)])[edge])
    usage = usage + 30 * noise * chance.standard_normal(n)
    return BilledRows(temperature, Bills(edge[:-1].copy(), edge[1:].copy(), usage), 12 * year + np.arange(n))


def test_a_saving_is_seen_in_bills():
    found = avoided_energy(a_year_of_bills(0), a_year_of_bills(1, factor=0.85))
    truth = (1 / 0.85 - 1) * a_year_of_bills(1, factor=0.85, noise=0).usage.sum()
    assert found.low < truth < found.high
    assert found.certain


def test_without_a_change_none_is_claimed():
    found = avoided_energy(a_year_of_bills(0), a_year_of_bills(1))
    assert not found.certain


def test_a_bill_without_temperatures_is_in_neither_sum():
    after = a_year_of_bills(1)
    after.temperature[:20] = np.nan
    found = avoided_energy(a_year_of_bills(0), after)
    assert found.coverage == pytest.approx(11 / 12)
    assert found.measured == pytest.approx(after.usage[1:].sum())


def test_eight_bills_are_too_few_to_judge_by():
    assert avoided_energy(a_year_of_bills(0, n=8), a_year_of_bills(1)).code == "too_few"


def test_bills_that_overlap_are_refused_as_a_baseline():
    before = a_year_of_bills(0)
    before.bills.end[3] += 2
    assert avoided_energy(before, a_year_of_bills(1)).code == "overlapping_periods"
