"""Intensity, peers, legal targets and grades."""

from __future__ import annotations

from datetime import date

import pytest
from compared_city import RULES, YEAR, building, row, year
from hypothesis import given
from hypothesis import strategies as st

from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.eui import eui
from dure.services.buildings.comparing.grade import Grade, grade
from dure.services.buildings.comparing.legal import Legal, legal_target
from dure.services.buildings.comparing.normal_weather import in_normal_weather
from dure.services.buildings.comparing.peers import Peers, Place, quantile
from dure.services.buildings.comparing.spans import area_m2, mean_area_m2, months_ending
from dure.services.buildings.comparing.standings import Vintage, comparison, same_vintage

LAST = "2025-12"


def test_intensity_is_the_energy_of_twelve_months_over_the_area():
    found = eui(building(area_m2=4_000), [*year(), row(month="2024-12"), row("other")], LAST, RULES)

    assert (found.first, found.last, found.energy_wh) == ("2025-01", "2025-12", 360_000_000)
    assert found.kwh_m2 == 90.0
    assert found.comparable
    assert found.figure == "building/hall/eui/2025-01..2025-12"


def test_water_and_generation_are_no_energy_used():
    rows = [*year(), row(fuel="pv", energy_wh=None), row(fuel="water", energy_wh=None)]

    assert eui(building(), rows, LAST, RULES).energy_wh == 360_000_000


def test_an_area_that_grew_counts_from_its_day():
    grown = building(area_m2=4_000, areas=(("2025-07-01", 8_000.0),))

    assert area_m2(grown, date(2025, 6, 30)) == 4_000
    assert area_m2(grown, date(2025, 7, 1)) == 8_000
    assert mean_area_m2(grown, YEAR) == 6_000
    assert eui(grown, year(), LAST, RULES).kwh_m2 == 60.0


@pytest.mark.parametrize(
    ("rows", "short"),
    [
        (year()[1:], [("electricity", "2025-01", 0.0)]),
        ([*year()[:11], row(month="2025-12", coverage=0.89)], [("electricity", "2025-12", 0.89)]),
        ([*year()[:11], row(month="2025-12", coverage=0.9)], []),
        ([*year(), row(fuel="heat", month="2025-01")], [("heat", month, 0.0) for month in YEAR[1:]]),
    ],
)
def test_a_month_of_a_fuel_known_for_less_than_nine_tenths_is_told(rows, short):
    found = eui(building(), rows, LAST, RULES)

    assert [(one.fuel, one.month, one.coverage) for one in found.short] == short
    assert found.comparable is (not short)


def test_what_was_estimated_and_filled_is_told_as_a_share_of_the_energy():
    rows = [row(month=month, measured=15_000_000, estimated=9_000_000, filled=6_000_000) for month in YEAR]

    found = eui(building(), rows, LAST, RULES)

    assert found.estimated_share == pytest.approx(0.3)
    assert found.filled_share == pytest.approx(0.2)


def test_a_fuel_whose_energy_is_not_known_keeps_the_building_out_of_the_ranking():
    found = eui(
        building(), [*year(), *year(fuel="lpg", co2e_g=None)[:11], row(fuel="lpg", month=LAST, energy_wh=None)], LAST, RULES
    )

    assert found.unknown == ("lpg",)
    assert not found.comparable
    assert found.co2e_g is None


@pytest.mark.parametrize(
    ("one", "rows", "code"), [(building(area_m2=0), year(), "eui.no_area"), (building(), [], "eui.no_energy")]
)
def test_without_area_or_use_there_is_no_intensity(one, rows, code):
    found = eui(one, rows, LAST, RULES)

    assert isinstance(found, Refused)
    assert found.code == code


def test_intensity_in_normal_weather_scales_what_has_a_model():
    found = eui(building(), year(), LAST, RULES)  # 90 kWh/m2
    energy = {"a": 240_000_000, "b": 120_000_000}

    normal = in_normal_weather(found, energy, {"a": 1.25})

    assert normal.kwh_m2 == pytest.approx((240 / 1.25 + 120) / 4)
    assert normal.modelled_share == pytest.approx(2 / 3)
    assert in_normal_weather(found, energy, {"a": 1.0, "b": 1.0}).kwh_m2 == found.kwh_m2
    assert in_normal_weather(found, energy, {}).code == "eui.no_model"


def euis_of(buildings, kwh):
    return {one.id: eui(one, year(one.id, value), LAST, RULES) for one, value in zip(buildings, kwh, strict=True)}


def test_a_group_that_is_too_small_grows_by_region_then_by_size():
    near = [building(f"n{i}") for i in range(6)]
    far = [building(f"f{i}", region="goyang") for i in range(5)]
    large = [building("big", area_m2=60_000)]
    everybody = {one.id: one for one in (*near, *far, *large)}
    peers = Peers(everybody, euis := euis_of(everybody.values(), range(10, 22)), RULES)

    assert peers.place(euis["n0"]).level == "use_size_region"
    assert peers.place(euis["f0"]).level == "use_size"
    assert peers.place(euis["big"]).level == "use"
    assert peers.place(euis["big"]).others_n == 11
    assert (peers.place(euis["f0"]).size, peers.place(euis["f0"]).region) == ("3000-5000", "")


def test_few_buildings_give_no_place():
    few = {f"b{i}": building(f"b{i}") for i in range(5)}
    peers = Peers(few, euis := euis_of(few.values(), range(1, 6)), RULES)

    assert peers.place(euis["b0"]).code == "peers.too_few"


@given(st.lists(st.integers(1, 50), min_size=6, max_size=30))
def test_percentiles_lie_in_0_to_100_and_rise_with_use(kwh):
    buildings = {f"b{i}": building(f"b{i}") for i in range(len(kwh))}
    peers = Peers(buildings, euis := euis_of(buildings.values(), kwh), RULES)
    places = sorted((euis[name].kwh_m2, peers.place(euis[name]).percentile) for name in buildings)

    assert all(0 <= percentile <= 100 for _, percentile in places)
    assert [percentile for _, percentile in places] == sorted(percentile for _, percentile in places)
    assert sum(percentile for _, percentile in places) / len(places) == pytest.approx(50)


def test_quantiles_are_linear_between_neighbours():
    assert [quantile([1.0, 2.0, 4.0], part) for part in (0, 0.25, 0.5, 0.75, 1)] == [1.0, 1.5, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("area", "kwh_m2"), [(3_000, 83.8), (4_999, 83.8), (5_000, 103.7), (10_000, 131.0), (20_000, 148.6), (50_000, 138.8)]
)
def test_legal_targets_of_offices_are_those_of_the_notice(area, kwh_m2):
    found = legal_target(building(area_m2=area), area, RULES)

    assert found.kwh_m2 == kwh_m2
    assert found.provisional  # the regional weight is not traced


@pytest.mark.parametrize("one", [building(area_m2=2_999), building(use="library"), building(use="unheard-of")])
def test_where_no_legal_target_is_entered_it_is_told(one):
    assert legal_target(one, one.area_m2, RULES).code == "legal.none"


@pytest.mark.parametrize(
    ("kwh_m2", "letter"), [(70.0, "A"), (70.1, "B"), (100.0, "B"), (100.1, "C"), (130.0, "C"), (160.0, "D"), (161.0, "E")]
)
def test_the_grade_follows_use_over_target(kwh_m2, letter):
    one = eui(building(), [row(month=month, energy_wh=round(kwh_m2 * 4_000_000 / 12)) for month in YEAR], LAST, RULES)

    found = grade(one, Legal(100.0, 100.0, 1.0, ()), Refused("peers.too_few", None), RULES)

    assert (found.letter, found.against) == (letter, "legal")


def test_without_a_legal_target_the_median_of_the_peers_stands_in_and_is_told():
    one = eui(building(use="library"), year(), LAST, RULES)
    place = Place(level="use", use="library", size="", region="", others_n=6, percentile=50, low=80, median=100, high=120)

    found = grade(one, legal_target(building(use="library"), 4_000, RULES), place, RULES)

    assert isinstance(found, Grade)
    assert (found.letter, found.against, found.against_kwh_m2) == ("B", "peers", 100)
    assert found.bases[0].mark == "own choice"


def test_what_is_incomplete_or_alone_gets_no_grade():
    whole, short = eui(building(), year(), LAST, RULES), eui(building(), year()[1:], LAST, RULES)
    nothing = Refused("legal.none", None)

    assert grade(short, nothing, nothing, RULES).code == "grade.incomplete"
    assert grade(whole, nothing, nothing, RULES).code == "grade.no_target"


def test_the_ranking_begins_with_the_highest_and_leaves_out_what_is_incomplete():
    buildings = {name: building(name) for name in ("a", "b", "c", "d")}
    rows = {"a": year("a", 10), "b": year("b", 30), "c": year("c", 20)[1:], "d": []}

    found = comparison(buildings, rows, LAST, RULES, Vintage("NGMS", date(2026, 1, 1)))

    assert [(one.rank, one.building) for one in found.ranked] == [(1, "b"), (2, "a")]
    assert found.standings["d"].eui.code == "eui.no_energy"
    assert found.standings["c"].grade.code == "grade.incomplete"


def test_figures_of_two_vintages_are_not_compared():
    one = Vintage("NGMS", date(2026, 1, 1))

    assert same_vintage(one, one) is None
    assert same_vintage(one, Vintage("ESG", date(2026, 1, 1))).code == "vintage.mixed"
    assert same_vintage(one, Vintage("NGMS", date(2026, 1, 2))).code == "vintage.mixed"


def test_spans_cross_years():
    assert months_ending("2025-02", 12)[0] == "2024-03"
    assert len(months_ending("2025-02", 12)) == 12


def test_before_grades_were_in_force_there_are_none():
    early = compare_rules(date(2010, 12, 1))
    one = eui(building(), [row(month=f"2010-{month:02d}") for month in range(1, 13)], "2010-12", early)

    assert legal_target(building(), 4_000, early).code == "legal.none"
    assert grade(one, Legal(100.0, 100.0, 1.0, ()), Refused("peers.too_few", None), early).code == "grade.not_in_force"
