"""Hourly matching: whole Wh, never more than there is, by laws that hold for any loads, supplies and rights."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.carbon.companies.hourly import WHOLE_PPM, Matched, Right, match, over_allocated
from dure.services.carbon.model import Refused

HOURS = 6


def wh(rows, most=10_000):
    one = st.lists(st.integers(0, most), min_size=HOURS, max_size=HOURS)
    return st.lists(one, min_size=rows, max_size=rows).map(lambda found: np.array(found, np.int64).reshape(rows, HOURS))


@st.composite
def worlds(draw):
    """Loads of meters of three companies, two sources, and rights that give out at most one whole of each."""
    owner = np.array(draw(st.lists(st.integers(0, 2), min_size=4, max_size=4)), np.int64)
    rights = []
    for source in range(2):
        cuts = sorted(draw(st.lists(st.integers(0, WHOLE_PPM), min_size=3, max_size=3)))
        for company, (low, high) in enumerate(zip([0, *cuts[:2]], cuts, strict=True)):
            priority = draw(st.integers(1, 2))
            rights.append(
                Right(id=f"r{source}{company}", source=source, company=company, share_ppm=high - low, priority=priority)
            )
    return draw(wh(4)), owner, draw(wh(2)), draw(st.permutations(rights))


@given(worlds())
@settings(deadline=None)
def test_no_wh_is_made_lost_or_given_twice(world):
    load, owner, supply, rights = world

    found = match(*world)

    assert isinstance(found, Matched)
    for source in range(2):
        given_out = found.by_right_wh[[i for i, one in enumerate(rights) if one.source == source]].sum(0)
        assert (given_out <= supply[source]).all()
    for company in range(found.by_company_wh.shape[0]):
        mine = [i for i, one in enumerate(rights) if one.company == company]
        assert (found.by_right_wh[mine].sum(0) == found.by_company_wh[company]).all()
        assert (found.by_meter_wh[owner == company].sum(0) == found.by_company_wh[company]).all()
    assert (found.by_meter_wh >= 0).all()
    assert (found.by_meter_wh <= load).all()


@given(worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_rights_are_told_changes_nothing(world, chance):
    load, owner, supply, rights = world
    other = list(rights)
    chance.shuffle(other)

    one, two = match(load, owner, supply, rights), match(load, owner, supply, other)

    assert isinstance(one, Matched)
    assert isinstance(two, Matched)
    assert (one.by_company_wh == two.by_company_wh).all()
    assert (one.by_meter_wh == two.by_meter_wh).all()
    assert {r.id: row.tolist() for r, row in zip(rights, one.by_right_wh, strict=True)} == {
        r.id: row.tolist() for r, row in zip(other, two.by_right_wh, strict=True)
    }


@given(worlds(), st.integers(0, 1), st.integers(0, HOURS - 1), st.integers(0, 5_000))
@settings(deadline=None)
def test_more_sun_never_matches_less(world, source, hour, more):
    load, owner, supply, rights = world
    sunnier = supply.copy()
    sunnier[source, hour] += more

    before, after = match(*world), match(load, owner, sunnier, rights)

    assert isinstance(before, Matched)
    assert isinstance(after, Matched)
    assert (after.by_company_wh >= before.by_company_wh).all()


@given(worlds(), st.integers(0, 3), st.integers(0, HOURS - 1), st.integers(0, 5_000))
@settings(deadline=None)
def test_using_more_in_an_hour_never_matches_less_and_never_more_than_was_added(world, meter, hour, more):
    load, owner, supply, rights = world
    used = load.copy()
    used[meter, hour] += more

    before, after = match(*world), match(used, owner, supply, rights)

    assert isinstance(before, Matched)
    assert isinstance(after, Matched)
    change = after.by_company_wh - before.by_company_wh
    assert (change >= 0).all()
    assert change.sum() <= more


def test_an_hour_without_sun_is_not_served_by_an_hour_with_sun():
    load = np.array([[100, 100]], np.int64)

    found = match(load, np.array([0]), np.array([[200, 0]], np.int64), [Right(id="a", source=0, company=0, share_ppm=WHOLE_PPM)])

    assert isinstance(found, Matched)
    assert found.by_company_wh.tolist() == [[100, 0]]


def test_direct_supply_is_used_before_a_distant_plant():
    rights = [
        Right(id="ppa", source=1, company=0, share_ppm=WHOLE_PPM, priority=2),
        Right(id="roof", source=0, company=0, share_ppm=WHOLE_PPM, priority=1),
    ]

    found = match(np.array([[100]]), np.array([0]), np.array([[70], [70]]), rights)

    assert isinstance(found, Matched)
    assert found.by_right_wh.tolist() == [[30], [70]]


def test_a_right_holds_in_its_hours_only():
    right = Right(id="a", source=0, company=0, share_ppm=WHOLE_PPM, first=1, after=2)

    found = match(np.full((1, 3), 10), np.array([0]), np.full((1, 3), 10), [right])

    assert isinstance(found, Matched)
    assert found.by_company_wh.tolist() == [[0, 10, 0]]


def test_rights_may_follow_one_another_but_not_exceed_one_whole():
    one = Right(id="a", source=0, company=0, share_ppm=700_000, first=0, after=5)
    later = msgspec.structs.replace(one, id="b", first=5, after=9)

    assert over_allocated([one, later]) is None
    assert over_allocated([one, msgspec.structs.replace(later, first=4)]) == (0, 4)


@pytest.mark.parametrize(
    ("load", "owner", "supply", "shares", "code"),
    [
        ([[1, 2]], [0], [[1]], [10], "hours.shape"),
        ([[1]], [0, 0], [[1]], [10], "hours.shape"),
        ([[-1]], [0], [[1]], [10], "hours.range"),
        ([[1]], [0], [[3_000_000_000]], [10], "hours.range"),
        ([[1_500_000_000], [1_500_000_000]], [0, 0], [[1]], [10], "hours.range"),
        ([[1]], [0], [[1]], [WHOLE_PPM, 1], "contract.over_allocated"),
        ([[1]], [0], [[1]], [-1], "contract.over_allocated"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_a_code(load, owner, supply, shares, code):
    rights = [Right(id=f"r{i}", source=0, company=0, share_ppm=share) for i, share in enumerate(shares)]

    found = match(np.array(load, np.int64), np.array(owner), np.array(supply, np.int64), rights)

    assert isinstance(found, Refused)
    assert found.code == code
