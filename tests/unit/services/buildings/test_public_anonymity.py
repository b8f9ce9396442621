"""Small buildings cannot be worked out of anything that is published."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from published_city import DAY, RULES, building, look_up, months

from dure.services.buildings.publishing.anonymity import kept_back, parted

K = RULES.group_min


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, ""),
        ({"people": 19}, "people"),
        ({"people": 20}, ""),
        ({"area_m2": 199.0}, "area"),
        ({"area_m2": 200.0}, ""),
        ({"people": None}, ""),
        ({"people": None, "area_m2": 0.0}, "unknown"),
        ({"area_m2": 0.0}, ""),
        ({"people": 0}, "people"),
    ],
)
def test_a_building_is_kept_back_by_its_people_its_area_or_when_nobody_knows(more, why):
    assert kept_back(building(1, **more), RULES, DAY) == why


def test_the_area_in_force_on_the_day_counts():
    grown = building(1, area_m2=100.0, areas=(("2026-01-01", 900.0), ("2027-01-01", 100.0)))
    assert kept_back(grown, RULES, DAY) == ""


def test_blocks_are_of_use_and_zone_then_of_use_then_of_all_and_never_of_fewer_than_k():
    small = [building(n, people=3, use="welfare" if n < 12 else "culture") for n in range(16)]
    zones = {one.id: "east" if n < 6 else "west" for n, one in enumerate(small)}
    zones |= {one.id: f"z{n}" for n, one in enumerate(small) if n >= 9}
    found = parted(small, zones, K)
    assert [(one.use, one.zone, len(one.members)) for one in found.blocks] == [("welfare", "east", 6), ("welfare", "", 6)]
    assert len(found.unspoken) == 4


def small_city(seeds):
    """Buildings, many of them small, with a year each; zones and uses by the seeds."""
    buildings, rows, zones = [], [], {}
    for number, (people, use, zone, kwh, gas_kwh) in enumerate(seeds):
        one = building(number, people=people, use=use)
        buildings.append(one)
        zones[one.id] = zone
        rows += months(one.id, "2025-01", "2025-12", kwh)
        rows += months(one.id, "2025-01", "2025-12", gas_kwh, "city_gas") if gas_kwh else []
    return look_up(buildings, rows, zones)


CITIES = st.lists(
    st.tuples(
        st.sampled_from([3, 5, 100]),
        st.sampled_from(["welfare", "culture"]),
        st.sampled_from(["east", "west"]),
        st.floats(100, 9_000),
        st.sampled_from([0, 0, 500, 800]),
    ),
    max_size=26,
)


@settings(max_examples=60, deadline=None)
@given(CITIES)
def test_no_combination_of_published_figures_leaves_fewer_than_k_small_buildings(seeds):
    found = small_city(seeds)
    hidden = sorted(found.kept_back)
    told = [one for one in found.groups["2025"] if one.energy_wh is not None]
    total = found.totals.get("2025")
    # What the public can write down about small buildings: one line for each published figure, by who is in it.
    lines = [[Fraction(one in each.block.members) for one in hidden] for each in told]
    if total is not None:
        lines.append([sum((line[place] for line in lines), Fraction(0)) for place in range(len(hidden))])
        assert total.energy_wh == sum(one.years[-1].energy_wh for one in found.entries.values() if one.years[-1].whole) + sum(
            one.energy_wh for one in told
        )
    reachable = reduced(lines)
    for fewer in range(1, min(K, len(hidden))):
        for chosen in combinations(range(len(hidden)), fewer):
            outside = [[line[place] for place in range(len(hidden)) if place not in chosen] for line in reachable]
            assert rank(outside) == len(reachable), "a combination speaks of fewer than k"


def reduced(lines):
    """Independent lines of the same span."""
    kept = []
    for line in lines:
        if rank([*kept, line]) > len(kept):
            kept.append(line)
    return kept


def rank(lines):
    rows = [list(line) for line in lines if any(line)]
    found = 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((n for n in range(found, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for n in range(len(rows)):
            if n != found and rows[n][column]:
                share = rows[n][column] / rows[found][column]
                rows[n] = [one - share * other for one, other in zip(rows[n], rows[found], strict=True)]
        found += 1
    return found


@settings(max_examples=40, deadline=None)
@given(CITIES)
def test_each_sum_by_fuel_has_k_users_and_none_of_them_dominates(seeds):
    found = small_city(seeds)
    for one in found.groups["2025"]:
        members = [int(member[1:]) for member in one.block.members]
        uses = {
            "electricity": [seeds[n][3] for n in members],
            "city_gas": [seeds[n][4] for n in members if seeds[n][4]],
        }
        for fuel in one.by_fuel:
            assert len(uses[fuel]) >= K
            assert max(uses[fuel]) <= RULES.share_max * sum(uses[fuel]) * 1.0001
        if not one.by_fuel:
            assert one.co2e_g is None, "with energy and carbon, two fuels could be solved for"
        else:
            assert sum(one.by_fuel.values()) == one.energy_wh


def test_a_fuel_that_one_of_a_group_uses_is_not_told_apart_and_carbon_neither():
    small = [building(n, people=3) for n in range(6)]
    rows = [row for one in small for row in months(one.id, "2025-01", "2025-12", 500.0)]
    rows += months("b000", "2025-01", "2025-12", 400.0, "city_gas")
    (one,) = look_up(small, rows).groups["2025"]
    assert (one.n, one.energy_wh, dict(one.by_fuel), one.co2e_g) == (6, 41_000_000, {}, None)


def test_a_group_that_one_building_dominates_has_no_figure():
    small = [building(n, people=3) for n in range(6)]
    rows = [row for n, one in enumerate(small) for row in months(one.id, "2025-01", "2025-12", 20_000.0 if n == 0 else 500.0)]
    (one,) = look_up(small, rows).groups["2025"]
    assert (one.energy_wh, one.why) == (None, "dominated")


def test_a_group_with_fewer_whole_years_than_k_has_no_figure():
    small = [building(n, people=3) for n in range(5)]
    rows = [row for one in small[1:] for row in months(one.id, "2025-01", "2025-12", 500.0)]
    rows += months("b000", "2025-01", "2025-11", 500.0)
    (one,) = look_up(small, rows).groups["2025"]
    assert (one.energy_wh, one.why) == (None, "few")


def test_sums_of_groups_are_rounded():
    small = [building(n, people=3) for n in range(5)]
    rows = [row for n, one in enumerate(small) for row in months(one.id, "2025-01", "2025-12", 500.37 + n)]
    (one,) = look_up(small, rows).groups["2025"]
    assert one.energy_wh % (RULES.rounding_kwh * 1_000) == 0
    assert one.co2e_g % (RULES.rounding_co2e_kg * 1_000) == 0


def test_medians_of_peers_are_of_shown_buildings_only():
    shown = [building(n) for n in range(7)]
    small = [building(n, people=3) for n in range(7, 13)]
    rows = [row for n, one in enumerate(shown) for row in months(one.id, "2025-10", "2026-10", 1_000.0 + 10 * n)]
    rows += [row for one in small for row in months(one.id, "2025-10", "2026-10", 90_000.0)]
    place = look_up([*shown, *small], rows).entries["b000"].standing.place
    assert place.others_n == 6
    assert place.high < 10.0


def test_nothing_the_public_is_given_names_a_building_kept_back():
    shown, small = [building(n) for n in range(3)], [building(n, people=3) for n in range(3, 5)]
    rows = [row for one in (*shown, *small) for row in months(one.id, "2025-01", "2026-10", 700.0)]
    found = look_up([*shown, *small], rows)
    assert set(found.entries) == {"b000", "b001", "b002"}
    told = b"".join(msgspec.json.encode(one.rows) + one.searched.encode() for one in found.entries.values())
    told += msgspec.json.encode(found.totals) + msgspec.json.encode([one for one in found.groups["2025"] if one.energy_wh])
    assert b"b003" not in told
    assert b"b004" not in told
