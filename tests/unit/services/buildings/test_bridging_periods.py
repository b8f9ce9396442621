"""Why emissions changed between two periods: effects that sum to the gram, weather by the model, areas by their dates."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.buildings.baselines.bridging import Period, area_on, bridged, mean_area, months_between
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months.month_use import MonthUse

AT = datetime(2026, 6, 1, tzinfo=UTC)
BOOK = carbon_book(None, date(2026, 6, 1))
SCHOOL = Building(id="school", lon=127.0, lat=37.2, name=Text("학교"), area_m2=5_000, areas=(("2025-06-01", 6_000.0),))
HALL = Building(id="hall", lon=127.0, lat=37.2, name=Text("회관"))
METERS = {
    "power": Meter(id="power", building="school", fuel="electricity"),
    "sub": Meter(id="sub", building="school", fuel="electricity", part="sub"),
    "gas": Meter(id="gas", building="hall", fuel="city_gas"),
    "water": Meter(id="water", building="hall", fuel="water"),
}
BUILDINGS = {"school": SCHOOL, "hall": HALL}


def used(meter: str, month: str, amount: int) -> MonthUse:
    one = METERS[meter]
    return MonthUse(
        meter=meter, month=month, known_at=AT, building=one.building, fuel=one.fuel, part=one.part, book=one.supply.book,
        amount=amount, measured=amount,
    )  # fmt: skip


def period(month: str, amounts: dict[str, int], weather: dict[str, float]) -> Period:
    return Period(first=month, last=month, rows=[used(name, month, n) for name, n in amounts.items()], weather=weather)


def bridge_of(before: Period, after: Period):
    return bridged(before, after, BOOK, METERS, BUILDINGS)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from(sorted(METERS)), st.integers(0, 10**9), min_size=1),
    st.dictionaries(st.sampled_from(sorted(METERS)), st.integers(0, 10**9), min_size=1),
    st.floats(0.5, 2.0),
)
def test_effects_sum_to_the_change_and_buildings_to_the_whole_within_a_gram_each(old, new, index):
    found = bridge_of(period("2025-01", old, {"power": index}), period("2026-01", new, {"power": 1.0}))
    if getattr(found, "code", ""):
        assert found.code == "bridge.empty"
        return
    for one in (found.total, *found.buildings.values()):
        assert one.activity_g + one.factor_g + one.weather_g + one.area_g == one.total_g
    parts = sum(one.total_g for one in found.buildings.values())
    assert abs(parts - found.total.total_g) <= len(found.buildings)


def test_a_colder_winter_is_weather_and_not_activity():
    before = period("2025-07", {"power": 10**8}, {"power": 1.0})
    after = period("2025-08", {"power": 12 * 10**7}, {"power": 1.2})
    found = bridge_of(before, after)
    assert found.total.activity_g == pytest.approx(0, abs=1)
    assert found.total.weather_g == found.total.total_g
    assert found.weather == {"power": (1.0, 1.2)}


def test_more_floor_area_is_told_from_its_day_on():
    assert (area_on(SCHOOL, "2025-05-31"), area_on(SCHOOL, "2025-06-01")) == (5_000, 6_000)
    assert mean_area(SCHOOL, "2025-05", "2025-06") == 5_500
    found = bridge_of(period("2025-05", {"power": 5 * 10**7}, {}), period("2025-06", {"power": 6 * 10**7}, {}))
    assert found.total.area_g == found.total.total_g


def test_a_sub_meter_and_what_emits_nothing_are_left_out():
    found = bridge_of(
        period("2025-01", {"power": 10**8, "sub": 10**7}, {}), period("2025-02", {"power": 10**8, "water": 500}, {})
    )
    assert found.total.total_g == 0
    assert set(found.weather) == {"power"}


def test_what_is_taken_as_one_is_told():
    found = bridge_of(period("2025-01", {"gas": 10**6}, {"gas": 1.1}), period("2025-02", {"gas": 10**6}, {}))
    assert {(one.code, one.subject) for one in found.told} == {("bridge.no_model", "gas"), ("bridge.no_area", "hall")}
    assert found.weather["gas"] == (1.0, 1.0)


def test_a_period_without_use_is_refused():
    assert bridge_of(period("2025-01", {"water": 5}, {}), period("2025-02", {"power": 5}, {})).code == "bridge.empty"


def test_months_between_years_are_counted():
    assert months_between("2025-11", "2026-02") == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_between("2026-02", "2026-01") == []


def test_the_same_question_has_the_same_answer():
    before, after = period("2025-01", {"power": 10**8}, {}), period("2026-01", {"power": 9 * 10**7}, {})
    assert msgspec.json.encode(bridge_of(before, after)) == msgspec.json.encode(bridge_of(before, after))
