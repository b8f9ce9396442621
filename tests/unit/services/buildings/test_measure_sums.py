"""Sums of savings and their intervals, verdicts, when a saving is verified, and the days on which months are judged."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.services.buildings.baselines.assessing import Bounds, goodness_of, half_width, verdict
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.measures import Measure, MeterBaseline, Wanted, unshared
from dure.services.buildings.baselines.saving_watch import closings
from dure.services.buildings.baselines.saving_words import sentence
from dure.services.buildings.model import Meter
from dure.services.buildings.modelling.goodness import goodness
from dure.services.buildings.modelling.rows import DailyRows
from dure.services.buildings.modelling.savings import held_out, misses

RULES = baseline_rules(date(2026, 1, 1))
GOOD = asdict(goodness(np.arange(10.0), np.arange(10.0) + 0.1, 2))


def baseline(missed, *, kind="daily", held=13.0, meter="a") -> MeterBaseline:
    values = tuple(float(one) for one in missed)
    return MeterBaseline(
        meter=meter, fuel="electricity", book="Wh", kind=kind, model="m", start_day="2024-01-01", end_day="2025-01-01",
        coverage=1.0, readings_sha256="r", weather_sha256="w", missed=values, held=(held,) * len(values), dealt=52, weeks=52,
        goodness=GOOD,
    )  # fmt: skip


chance = np.random.default_rng(5)
NOISE = chance.normal(0, 100, 32)


def half(*parts, kind="daily", weeks=8.0):
    return half_width(parts, {kind: weeks, "billing": 2.0}, 0.9)


def test_meters_that_err_together_add_their_half_widths():
    one, same = baseline(NOISE), baseline(NOISE, meter="b")
    assert half((one, 1.0), (same, 1.0)) == pytest.approx(2 * half((one, 1.0)))


def test_meters_that_err_against_each_other_cancel():
    assert half((baseline(NOISE), 1.0), (baseline(-NOISE, meter="b"), 1.0)) == pytest.approx(0)


def test_meters_that_err_independently_add_in_quadrature_about():
    other = baseline(np.random.default_rng(6).normal(0, 100, 32), meter="b")
    both = half((baseline(NOISE), 1.0), (other, 1.0))
    assert both == pytest.approx(np.hypot(half((baseline(NOISE), 1.0)), half((other, 1.0))), rel=0.35)


def test_bills_and_days_have_no_weeks_in_common_and_add_up():
    bills = baseline(NOISE, kind="billing", meter="b")
    alone = half((baseline(NOISE), 1.0)) + half((bills, 1.0))
    assert half((baseline(NOISE), 1.0), (bills, 1.0)) == pytest.approx(alone)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(1, 60))
def test_a_half_width_scales_with_its_unit_and_grows_with_time(weight, weeks):
    one = baseline(NOISE)
    assert half((one, weight), weeks=weeks) == pytest.approx(weight * half((one, 1.0), weeks=weeks))
    assert half((one, 1.0), weeks=weeks + 1) > half((one, 1.0), weeks=weeks)


def test_misses_dealt_alike_add_up_as_if_one_meter_had_both():
    n = 364
    day = np.arange(n)
    temperature = 12 - 14 * np.cos(2 * np.pi * day / 365)
    noise = np.random.default_rng(2).normal(0, 5, (2, n))
    rows = [DailyRows(temperature, 100 + np.maximum(0, 15 - temperature) + one, day % 6, day // 7) for one in noise]
    found = [misses(one, RULES.judging, np.arange(52)) for one in rows]
    assert (found[0].held == found[1].held).all()
    assert found[0].errors() == held_out(rows[0], RULES.judging)


@pytest.mark.parametrize(
    ("low", "high", "days", "told"),
    [(1, 2, 30, "saving"), (-1, 2, 30, "none_shown"), (-2, -1, 30, "more"), (1, 2, 27, "too_short"), (0, 2, 30, "none_shown")],
)
def test_a_saving_is_only_shown_when_its_interval_leaves_zero_out(low, high, days, told):
    bounds = Bounds((low + high) / 2, low, high)
    assert verdict(bounds, days, RULES) == told
    words = sentence(told, bounds, 0.1, RULES)
    assert words.ko
    assert words.en
    assert ("No saving shown" in words.en) == (told == "none_shown")


def measure(**other) -> Measure:
    at = datetime(2025, 10, 1, tzinfo=UTC)
    one = Measure(
        id="m", building="b", name=Text("일"), work="led", state="running", begins_on=date(2025, 11, 15), person="p", made_at=at,
        changed_at=at, frozen_at=at, known_at=at, baselines=(baseline(NOISE),),
    )  # fmt: skip
    return msgspec.structs.replace(one, **other)


def test_months_are_judged_at_their_ends_once_each_and_a_measure_at_its_own():
    feb = date(2026, 2, 6)
    first = [date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)]
    assert closings(measure(), None, feb) == first
    assert closings(measure(), date(2026, 1, 1), feb) == first[2:]
    assert closings(measure(ends_on=date(2026, 1, 10)), None, feb) == [*first[:2], date(2026, 1, 10)]
    assert closings(measure(ends_on=date(2026, 1, 1)), None, feb) == first[:2]
    assert closings(measure(), None, date(2025, 11, 20)) == []


def test_a_measure_is_what_its_dates_make_it():
    one = measure(ends_on=date(2026, 1, 10))
    days = (date(2025, 11, 1), date(2025, 11, 15), date(2026, 1, 10))
    assert [one.state_on(day) for day in days] == ["planned", "running", "ended"]
    assert msgspec.structs.replace(one, state="withdrawn").state_on(date(2025, 12, 1)) == "withdrawn"
    assert one.reports_until(date(2027, 1, 1)) == date(2026, 1, 10)


def test_bounds_in_another_unit_keep_their_order():
    assert Bounds(1, -1, 3).times(-2) == Bounds(-2, -6, 2)
    assert Bounds(1, -1, 3).half_width == 2


METERS = {
    "main": Meter(id="main", building="b", fuel="electricity"),
    "sub": Meter(id="sub", building="b", fuel="electricity", part="sub"),
    "gas": Meter(id="gas", building="b", fuel="city_gas"),
}


def wanted(*meters: str, start=date(2025, 11, 1), begins=date(2026, 12, 1)) -> Wanted:
    return Wanted(
        building="b", name=Text("일"), work="led", meters=meters, begins_on=begins, baseline_start=start, baseline_end=begins
    )


def of(meter: str, **other) -> Measure:
    return measure(baselines=(baseline(NOISE, meter=meter),), begins_on=date(2025, 1, 1), **other)


@pytest.mark.parametrize(
    ("ask", "other", "code"),
    [
        (("main", "sub"), None, "measure.meter"),
        (("main",), of("main"), "measure.overlaps"),
        (("sub",), of("main"), "measure.overlaps"),
        (("main",), of("sub"), "measure.overlaps"),
        (("main",), of("gas"), ""),
        (("main", "gas"), None, ""),
        (("main",), of("main", ends_on=date(2025, 10, 1)), ""),
        (("main",), of("main", ends_on=date(2026, 6, 1)), ""),  # its baseline is all within the other, as far as that went
        (("main",), of("main", ends_on=date(2027, 6, 1)), "measure.overlaps"),
        (("main",), of("main", state="withdrawn"), ""),
    ],
)
def test_no_saving_is_counted_by_two_measures(ask, other, code):
    found = ""
    try:
        unshared(wanted(*ask), METERS, [other] if other else [])
    except (InputError, Conflict) as error:
        found = error.code
    assert found == code


def test_a_baseline_of_use_that_never_varies_can_be_asked():
    flat = baseline(NOISE * 0)
    known = {name: value for name, value in GOOD.items() if not name.startswith("r_squared")}
    told = goodness_of(msgspec.structs.replace(flat, goodness=known))
    assert (told.n, told.coefficients) == (GOOD["n"], GOOD["coefficients"])
    assert np.isnan(told.r_squared)
    assert half((flat, 1.0)) == 0
