import itertools
from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.time import Interval
from dure.emissions.conversion import Refused
from dure.services.buildings.reads.model import Quality
from dure.services.buildings.virtual_meters import Amount, Part, Term, allocated, balance, cycle_of, resolved, summed

MONTH = Interval(datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC))
OVER, UNMETERED = Fraction(2, 100), Fraction(1, 10)


def code(found) -> str:
    assert isinstance(found, Refused)
    assert found.why.ko
    return found.code


def test_meters_that_sum_each_other_are_refused_with_the_cycle():
    virtuals = {"a": [Term("b"), Term("m1")], "b": [Term("c", -1)], "c": [Term("a")]}
    assert set(cycle_of(virtuals)) == {"a", "b", "c"}
    assert code(resolved("a", virtuals)) == "virtual.cycle"


def test_a_meter_that_sums_itself_is_a_cycle():
    assert cycle_of({"a": [Term("a")]}) == ("a", "a")


def test_a_sum_of_nothing_is_refused():
    assert code(resolved("a", {"a": []})) == "virtual.empty"


def test_endless_nesting_is_refused():
    virtuals = {f"v{n}": [Term(f"v{n + 1}")] for n in range(60)}
    assert code(resolved("v0", virtuals)) == "virtual.too_deep"


def test_a_meter_that_comes_in_twice_is_no_cycle():
    virtuals = {"site": [Term("left"), Term("right")], "left": [Term("m1"), Term("shared")], "right": [Term("shared")]}
    assert cycle_of(virtuals) == ()
    assert resolved("site", virtuals) == {"m1": 1, "shared": 2}


def test_a_meter_that_cancels_out_is_not_needed():
    virtuals = {"rest": [Term("all"), Term("tenant", -1)], "all": [Term("main"), Term("tenant")]}
    assert resolved("rest", virtuals) == {"main": 1}


def test_a_physical_meter_stands_for_itself():
    assert resolved("m1", {}) == {"m1": 1}


def test_where_one_meter_is_missing_the_sum_is_not_known():
    found = summed({"a": 1, "b": -1}, {"a": [Amount(10), Amount(20)], "b": [Amount(3), Amount(None)]})
    assert [row.value for row in found] == [7, None]
    assert found[1].missing == ("b",)


def test_a_meter_without_any_rows_is_missing_everywhere():
    found = summed({"a": 1, "b": 1}, {"a": [Amount(10)]})
    assert found[0].missing == ("b",)


def test_a_sum_has_the_least_quality_of_its_parts():
    rows = {"a": [Amount(10)], "b": [Amount(3, Quality.ESTIMATED)], "c": [Amount(1, Quality.FILLED)]}
    assert summed(dict.fromkeys(rows, 1), rows)[0].quality is Quality.FILLED


@pytest.mark.parametrize(
    ("main", "subs", "expected"),
    [
        ([100, 100], [95, 95], ""),
        ([100, 100], [101, 101], ""),
        ([100, 100], [120, 100], "balance.over"),
        ([100, 100], [50, 60], "balance.under"),
        ([0, 0], [0, 0], ""),
        ([0, 0], [0, 5], "balance.over"),
        ([], [], "balance.unknown"),
    ],
)
def test_sub_meters_that_do_not_add_up_are_told(main, subs, expected):
    found = balance([Amount(n) for n in main], {"sub": [Amount(n) for n in subs]}, OVER, UNMETERED)
    assert found.code == expected


def test_a_balance_is_made_only_where_all_meters_are_known():
    found = balance([Amount(100), Amount(100)], {"sub": [Amount(95), Amount(None)]}, OVER, UNMETERED)
    assert (found.value, found.known_share) == (5, Fraction(1, 2))


@pytest.mark.parametrize("parts", [[], [Part("a", Fraction(0))], [Part("a", Fraction(5), Fraction(0))]])
def test_a_parcel_without_areas_is_not_shared_out(parts):
    assert code(allocated("parcel", MONTH, 100, parts)) == "allocation.no_base"


def test_a_parcel_that_names_a_building_twice_is_refused():
    assert code(allocated("parcel", MONTH, 100, [Part("a", Fraction(1)), Part("a", Fraction(2))])) == "allocation.twice"


def test_a_share_says_what_it_was_made_from_and_is_never_measured():
    found = allocated(
        "4159010100-1-2", MONTH, 1_000, [Part("hall", Fraction(3_000)), Part("library", Fraction(1_000), Fraction(2))]
    )
    assert not isinstance(found, Refused)
    assert [(one.building, one.amount, one.share, one.basis) for one in found] == [
        ("hall", 600, Fraction(3, 5), "area and use"),
        ("library", 400, Fraction(2, 5), "area and use"),
    ]
    assert {(one.parcel, one.parcel_amount, one.span, one.quality) for one in found} == {
        ("4159010100-1-2", 1_000, MONTH, Quality.ESTIMATED)
    }


@given(
    amount=st.integers(0, 10**12),
    areas=st.lists(
        st.tuples(st.fractions(1, 10**5, max_denominator=100), st.fractions(1, 9, max_denominator=10)), min_size=1, max_size=8
    ),
)
def test_shares_of_a_parcel_sum_to_it(amount, areas):
    found = allocated("p", MONTH, amount, [Part(str(n), area, weight) for n, (area, weight) in enumerate(areas)])
    assert not isinstance(found, Refused)
    assert sum(one.amount for one in found) == amount
    assert sum(one.share for one in found) == 1


names = st.sampled_from([f"v{n}" for n in range(6)] + ["m1", "m2"])
graphs = st.dictionaries(
    st.sampled_from([f"v{n}" for n in range(6)]),
    st.lists(st.builds(Term, names, st.sampled_from([1, -1])), min_size=1, max_size=3),
)


@given(graph=graphs)
def test_a_graph_has_a_cycle_or_can_be_resolved(graph):
    for meter in graph:
        found = resolved(meter, graph)
        if isinstance(found, Refused):
            assert found.code == "virtual.cycle"
            cycle = cycle_of(graph)
            assert all(after in [term.meter for term in graph[before]] for before, after in itertools.pairwise(cycle))
        else:
            assert not found.keys() & graph.keys()
