"""Energy flows of a site: every source and every use exactly once, the sun first for vehicles, gaps never hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.charging.model import Site
from dure.services.charging.publishing.flows import SINKS, SOURCES, Metered, green_share, links_of, shares, summed
from dure.services.charging.publishing.site_meters import metered_now, register_steps

WH = st.integers(0, 1_000_000).map(float)


def told(**more):
    usual = dict.fromkeys(("ev", "pv", "ess_in", "ess_out", "load"), 0.0) | more
    return Metered(**{name: None if value is None else np.array([float(value)]) for name, value in usual.items()})


@given(ev=WH, pv=WH, ess_in=WH, ess_out=WH, load=WH, grid_in=WH, grid_out=WH)
def test_flows_take_every_source_and_every_use_exactly_once(**metered):
    links = links_of(told(**metered))
    given_ = {"pv": metered["pv"], "ess": metered["ess_out"], "grid": metered["grid_in"]}
    used = {"ev": metered["ev"], "ess": metered["ess_in"], "load": metered["load"], "export": metered["grid_out"]}
    for source, value in given_.items():
        assert sum(float(links[source, sink][0]) for sink in SINKS) == value
    for sink, value in used.items():
        assert sum(float(links[source, sink][0]) for source in SOURCES) == value
    assert all(float(flow[0]) >= 0 for flow in links.values())


@given(ev=WH, pv=WH, ess_in=WH, ess_out=WH, load=WH)
def test_without_a_meter_of_the_grid_it_gives_what_is_left_and_nothing_is_unknown(**metered):
    links = links_of(told(**metered))
    assert all(float(links["unknown", sink][0]) == 0 for sink in SINKS)
    assert all(float(links[source, "loss"][0]) == 0 for source in SOURCES)


@pytest.mark.parametrize(
    ("metered", "expected"),
    [
        ({"ev": 5, "pv": 8, "ess_in": 2, "grid_in": 0, "grid_out": 1}, {("pv", "ev"): 5, ("pv", "ess"): 2, ("pv", "export"): 1}),
        ({"ev": 9, "pv": 2, "ess_out": 3, "grid_in": 4}, {("pv", "ev"): 2, ("ess", "ev"): 3, ("grid", "ev"): 4}),
        ({"ev": 3, "grid_in": 5}, {("grid", "ev"): 3, ("grid", "loss"): 2}),
        ({"ev": 5, "grid_in": 3}, {("grid", "ev"): 3, ("unknown", "ev"): 2}),
        ({"ev": 5, "pv": 1, "load": 2}, {("pv", "ev"): 1, ("grid", "ev"): 4, ("grid", "load"): 2}),
    ],
    ids=["sun left over", "three sources", "more given than used", "more used than given", "no meter of the grid"],
)
def test_the_sun_feeds_vehicles_first_and_what_meters_do_not_explain_is_told(metered, expected):
    assert summed(links_of(told(**metered))) == expected


def test_the_green_share_counts_the_storage_only_as_far_as_its_origin_is_known():
    assert green_share({("pv", "ev"): 2.0, ("ess_pv", "ev"): 3.0, ("grid", "ev"): 5.0}) == 0.5
    assert green_share({("pv", "ev"): 2.0, ("ess", "ev"): 3.0, ("grid", "ev"): 5.0}) == 0.2
    assert green_share({("pv", "ess"): 4.0}) is None


def test_the_split_of_vehicles_energy_sums_to_one_and_unknown_storage_counts_as_grid():
    links = {("pv", "ev"): 1.0, ("ess", "ev"): 2.0, ("ess_pv", "ev"): 3.0, ("unknown", "ev"): 4.0, ("pv", "load"): 9.0}
    assert shares(links) == {"pv": 0.1, "ess_pv": 0.3, "ess_grid": 0.2, "grid": 0.4}
    assert shares({("pv", "load"): 9.0}) == {}


def test_a_register_that_begins_anew_counts_its_new_reading_and_none_runs_backwards():
    time_us = np.arange(5, dtype=np.int64) * 900
    steps = register_steps(time_us, np.array([100.0, 160.0, 10.0, 40.0, 40.0]), time_us)
    assert steps.tolist() == [60.0, 10.0, 30.0, 0.0]


def test_a_gap_is_spread_and_nothing_is_counted_beyond_the_reads():
    edges = np.array([0, 900, 1_800, 2_700], dtype=np.int64)
    steps = register_steps(np.array([0, 1_800], dtype=np.int64), np.array([0.0, 100.0]), edges)
    assert steps.tolist() == [50.0, 50.0, 0.0]
    assert register_steps(np.array([5], dtype=np.int64), np.array([9.0]), edges).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("load_w", "expected"),
    [(2_400.0, {("grid", "load"): 2_400.0, ("grid", "loss"): 600.0}), (None, {("grid", "loss"): 3_000.0})],
    ids=["its meter counts it", "no meter counts it"],
)
def test_the_other_load_of_a_site_stands_by_itself_where_its_meter_counts_it(load_w, expected):
    site = Site(id="hall", name=Text("시청", "Hall"), lon=126.8, lat=37.2, contract_w=90_000.0, meter="gm")
    said = {("gm", "grid_power"): 3_000.0, ("gm", "site_load_power"): load_w}
    told_now, missed = metered_now(site, lambda asset, name: said.get((asset, name)))
    assert missed == []
    assert summed(links_of(told_now)) == expected
