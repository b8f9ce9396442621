"""Targets, bridges and hours of companies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.conversion import Refused as NoFactor
from dure.emissions.packs import load_factors, load_pack
from dure.services.carbon.companies.activity import Activity
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.bridging import CompanyBridge, company_bridge
from dure.services.carbon.companies.company import Company
from dure.services.carbon.companies.footprint import Question, Sources, footprint
from dure.services.carbon.companies.hours_file import read_hours, whole_wh
from dure.services.carbon.companies.targets import Target, objection, path, standing

SEOUL = ZoneInfo("Asia/Seoul")
TARGET = Target(
    id="t",
    company="acme",
    covers="scope12-market",
    measure="absolute",
    base_year=2020,
    base_g=1_000_000,
    year=2030,
    cut_ppm=400_000,
)


def test_a_line_runs_straight_from_the_base_to_the_goal():
    assert [path(TARGET, year) for year in (2015, 2020, 2025, 2030, 2040)] == [1_000_000, 1_000_000, 800_000, 600_000, 600_000]
    intensity = msgspec.structs.replace(TARGET, measure="per_m2", base_per="500")
    assert path(intensity, 2030) == Fraction(1200)


def test_it_says_how_far_above_the_line_a_year_is_and_what_is_not_known():
    found = standing(TARGET, {2025: Fraction(850_000)})

    assert [one.behind_ppm for one in found if one.year in {2024, 2025}] == [None, 50_000]
    assert len(found) == 11


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"year": 2020}, "target.years"),
        ({"base_year": 1900}, "target.years"),
        ({"base_g": 0}, "target.value"),
        ({"base_per": "0"}, "target.value"),
        ({"base_per": "many"}, "target.value"),
        ({"cut_ppm": 0}, "target.value"),
        ({"cut_ppm": 1_000_001}, "target.value"),
        ({"covers": "everything"}, "target.value"),
    ],
)
def test_a_target_that_cannot_be_is_refused(change, code):
    found = objection(msgspec.structs.replace(TARGET, **change))

    assert found is not None
    assert found.code == code


def _year(year, kwh, as_of):
    sources = Sources(rules=activity_rules(as_of), factors=load_factors(), energy=load_pack("energy"))
    company = Company(id="acme", name=Text("에이크미"), business_number="1248100998")
    rows = [
        Activity(id="a", company="acme", kind="electricity", start=date(year, 1, 1), end=date(year, 2, 1), value=kwh, unit="kWh"),
        Activity(
            id="b", company="acme", kind="travel_ktx", start=date(year, 1, 1), end=date(year, 2, 1), value="100", unit="pkm"
        ),
    ]
    asked = Question(company=company, first=date(year, 1, 1), after=date(year + 1, 1, 1), as_of=as_of)
    return footprint(asked, rows, (), sources)


def test_the_four_effects_sum_to_the_change_and_what_has_no_area_stands_beside():
    before, after = _year(2022, "1000", date(2026, 1, 1)), _year(2025, "900", date(2026, 1, 1))

    found = company_bridge(before, after, (Fraction(100), Fraction(120)), {})

    assert isinstance(found, CompanyBridge)
    effects = found.bridge
    assert effects.activity_g + effects.factor_g + effects.weather_g + effects.area_g == effects.total_g
    assert effects.total_g == after.scope2_location_g - before.scope2_location_g
    assert effects.weather_g == 0
    assert effects.factor_g < 0
    assert (found.outside_before_g, found.outside_after_g) == (1560, 1560)
    assert isinstance(company_bridge(before, after, (Fraction(0), Fraction(1)), {}), NoFactor)


def test_hours_are_read_in_local_time_and_gaps_are_told_not_filled():
    found = read_hours(
        "시각,사용량(kWh)\n2026-01-01 00:00,1.5\n2026-01-01 01:00,0.25\n2026-01-01T03:00+09:00,2\n".encode(), SEOUL
    )

    assert found.wh == {
        datetime(2025, 12, 31, 15, tzinfo=UTC): 1500,
        datetime(2025, 12, 31, 16, tzinfo=UTC): 250,
        datetime(2025, 12, 31, 18, tzinfo=UTC): 2000,
    }
    assert [one.code for one in found.notices] == ["hours.gap"]


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-01-01 00:00,2", "hours.twice"),
        ("2026-01-01 00:30,2", "hours.time"),
        ("soon,2", "hours.time"),
        ("2026-01-01 05:00,-2", "activity.negative"),
        ("2026-01-01 05:00,9000000000", "hours.range"),
        ("2026-01-01 05:00,much", "bill.number"),
    ],
)
def test_an_hour_that_cannot_be_is_refused(row, code):
    found = read_hours(f"time,usage (kWh)\n2026-01-01 00:00,1\n{row}\n".encode(), SEOUL)

    assert [(one.row, one.code) for one in found.rejected] == [(3, code)]


def test_a_file_without_hours_is_refused():
    with pytest.raises(InputError) as caught:
        read_hours(b"time,usage (kWh)\n", SEOUL)

    assert caught.value.code == "hours.empty"


@given(st.lists(st.fractions(0, 1000, max_denominator=1000), max_size=30))
def test_broken_wh_lose_less_than_one_in_all(parts):
    hours = {datetime(2026, 1, 1 + i // 24, i % 24, tzinfo=UTC): part for i, part in enumerate(parts)}

    found = whole_wh(hours)

    assert all(one >= 0 for one in found.values())
    assert sum(found.values()) == int(sum(parts, Fraction(0)))
