"""What the public sees of a building: energy of a year, carbon, change, what it rests on; and finding it."""

from __future__ import annotations

import pytest
from published_city import RULES, building, look_up, month, months

from dure.core.text import Text
from dure.services.buildings.publishing.figures import figures
from dure.services.buildings.publishing.search import Question, find, initials, searched
from dure.services.buildings.publishing.spans import Span, twelve, year_of


def test_a_year_sums_fuels_in_energy_and_keeps_water_and_generation_apart():
    rows = [
        *months("b001", "2025-01", "2025-12", 1_000.0),
        *months("b001", "2025-01", "2025-12", 500.0, "city_gas"),
        *months("b001", "2025-01", "2025-12", 50.0, "pv"),
    ]
    found = figures(rows, year_of(2025), RULES.coverage_min)
    assert found.energy_kwh == 18_000
    assert [one.fuel for one in found.fuels] == ["electricity", "city_gas", "pv"]
    assert found.whole
    assert found.co2e_t == pytest.approx(9.0)


def test_a_missing_or_thin_month_of_one_fuel_makes_a_year_unwhole():
    rows = months("b001", "2025-01", "2025-12", 1_000.0)
    gas = months("b001", "2025-01", "2025-11", 500.0, "city_gas")
    assert not figures([*rows, *gas], year_of(2025), 0.9).whole
    assert not figures([*rows, *gas, month("b001", "2025-12", 9.0, "city_gas", coverage=0.8)], year_of(2025), 0.9).whole
    assert figures([*rows, *gas, month("b001", "2025-12", 9.0, "city_gas", coverage=0.95)], year_of(2025), 0.9).whole


def test_shares_are_of_energy_so_that_fuels_of_other_units_add_up():
    half = {"measured": 500_000, "filled": 500_000}
    rows = [month("b001", "2025-01", 1.0, **half, amount=1_000_000), month("b001", "2025-01", 1.0, "city_gas")]
    shares = figures(rows, Span("2025-01", "2025-01"), 0.9).shares
    assert shares.filled == pytest.approx(0.25)
    assert shares.measured == pytest.approx(0.75)


def test_a_fuel_without_a_factor_is_told_and_not_counted_as_nothing():
    rows = [month("b001", "2025-01", 10.0, "heat", co2e_g=None, refused="factor.unknown"), month("b001", "2025-01", 10.0)]
    found = figures(rows, Span("2025-01", "2025-01"), 0.9)
    assert found.refused == ("factor.unknown",)
    assert found.co2e_g == 5_000
    assert found.fuels[1].co2e_g is None


def test_all_buildings_are_shown_over_the_newest_span_that_is_whole_for_the_most():
    rows = months("b001", "2024-06", "2026-10", 100.0) + months("b002", "2024-06", "2026-09", 100.0)
    rows += months("b003", "2024-06", "2026-09", 100.0)
    found = look_up([building(1), building(2), building(3)], rows)
    assert {one.newest.span for one in found.entries.values()} == {twelve("2026-09")}


def test_a_building_without_any_reading_is_shown_without_figures():
    found = look_up([building(1)], []).entries["b001"]
    assert found.newest.span == twelve("2026-10")
    assert (found.newest.months_n, found.eui_kwh_m2, found.grade, found.change) == (0, None, "", None)


def test_intensity_change_and_grade_are_of_whole_years_only():
    rows = months("b001", "2024-11", "2025-10", 1_000.0) + months("b001", "2025-11", "2026-10", 900.0)
    found = look_up([building(1, use="office", area_m2=4_000.0)], rows).entries["b001"]
    assert found.eui_kwh_m2 == pytest.approx(2.7)
    assert found.change == pytest.approx(-0.1)
    assert found.grade == "A"
    short = look_up([building(1, use="office")], rows[:-5]).entries["b001"]
    assert (short.eui_kwh_m2, short.change, short.grade) == (None, None, "")


def test_totals_count_whole_years_of_shown_buildings():
    rows = months("b001", "2025-01", "2025-12", 1_000.0) + months("b002", "2025-02", "2025-12", 1_000.0)
    total = look_up([building(1), building(2)], rows).totals["2025"]
    assert (total.shown_n, total.grouped_n, total.energy_wh) == (1, 0, 12_000_000)


@pytest.fixture(scope="module")
def entries():
    names = (
        ("화성시청", "Hwaseong City Hall", "office", 9_000.0),
        ("동탄 도서관", "Dongtan Library", "library", 2_000.0),
        ("남양 도서관", "Namyang Library", "library", 4_000.0),
        ("Étude Hall", "Étude Hall", "culture", None),
    )
    buildings, rows = [], []
    for n, (ko, en, use, kwh) in enumerate(names):
        buildings.append(building(n, name=Text(ko, en), use=use))
        rows += months(f"b{n:03}", "2025-11", "2026-10", kwh) if kwh else []
    return list(look_up(buildings, rows, {"b002": "namyang"}).entries.values())


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (Question(), ["b002", "b001", "b000", "b003"]),
        (Question(words="도서관"), ["b002", "b001"]),
        (Question(words="  LIBRARY dongtan "), ["b001"]),
        (Question(words="ㅎㅅㅅㅊ"), ["b000"]),
        (Question(words="étude"), ["b003"]),
        (Question(words="없는 것"), []),
        (Question(use="library"), ["b002", "b001"]),
        (Question(zone="namyang"), ["b002"]),
        (Question(sort="eui"), ["b000", "b002", "b001", "b003"]),
        (Question(sort="eui_low"), ["b001", "b002", "b000", "b003"]),
        (Question(sort="carbon"), ["b000", "b002", "b001", "b003"]),
        (Question(sort="energy"), ["b000", "b002", "b001", "b003"]),
        (Question(sort="name", language="en"), ["b001", "b000", "b002", "b003"]),
        (Question(sort="nonsense"), ["b002", "b001", "b000", "b003"]),
    ],
)
def test_buildings_are_found_and_ordered_and_what_has_no_figure_stands_last(entries, question, expected):
    assert [one.building.id for one in find(entries, question).items] == expected


def test_pages_follow_one_another_and_a_place_beyond_the_end_is_the_first_page(entries):
    first = find(entries, Question(), limit=3)
    second = find(entries, Question(), after=int(first.following), limit=3)
    assert [len(first.items), len(second.items), second.following] == [3, 1, ""]
    assert find(entries, Question(), after=99, limit=3).items == first.items


def test_first_consonants_of_syllables():
    assert initials("동탄2 가나") == "ㄷㅌ2 ㄱㄴ"
    assert "ㄷㅌ" in searched("동탄")


def test_a_building_without_a_region_counts_once_among_its_like():
    buildings = [building(n, region="") for n in range(7)]
    rows = [row for n, one in enumerate(buildings) for row in months(one.id, "2025-11", "2026-10", 1_000.0 + n)]
    place = look_up(buildings, rows).entries["b003"].standing.place
    assert (place.others_n, place.percentile) == (6, 50.0)
