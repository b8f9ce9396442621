"""Certificates and direct supply: told from the books, whole Wh, nothing twice."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.charging.model import Site, Solar, Storage
from dure.services.charging.origin.certificates import certificates, csv_of
from dure.services.charging.origin.direct_supply import direct_supply

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
SITE = Site(
    id="site-1", name=Text("역", "Station"), lon=126.8, lat=37.2, contract_w=100_000,
    solar=(Solar(id="pv", site="site-1", peak_w=90_000, owner="햇빛"),),
    storage=(Storage(id="ess", site="site-1", capacity_wh=200_000, charge_w=50_000, discharge_w=50_000),),
)  # fmt: skip
SUN = {("pv", "ev", "pv"): 3_000, ("pv", "ess", "pv"): 1_000, ("pv", "export", "pv"): 500, ("ess_pv", "loss", "ess_pv"): 98}
EVENING = {("ess_pv", "ev", "ess_pv"): 900, ("grid", "ev", "grid"): 100, ("ess_grid", "load", "ess_grid"): 40}
INTERVALS = [(AT, SUN), (AT + 9 * timedelta(hours=1), EVENING)]


def test_each_interval_that_gave_something_has_a_certificate():
    produced, released = certificates(SITE, INTERVALS, {AT: "d" * 64}, QUARTER)
    assert (produced.face_value_wh, produced.released_from_storage, produced.stored_wh) == (4_500, False, 1_000)
    assert (released.face_value_wh, released.released_from_storage) == (900, True)
    assert produced.production_start == "2026-11-24T01:00:00Z"
    assert produced.production_end == "2026-11-24T01:15:00Z"
    assert (produced.device_id, released.device_id) == ("pv", "ess")


def test_what_went_through_storage_can_be_cancelled_once():
    found = certificates(SITE, INTERVALS, {}, QUARTER)
    assert sum(one.cancellable_wh for one in found) == 3_500 + 900


def test_what_came_from_the_grid_has_no_certificate():
    found = certificates(SITE, [(AT, {("ess_grid", "ev", "ess_grid"): 500, ("grid", "ev", "grid"): 1})], {}, QUARTER)
    assert found == []


def test_an_interval_of_more_than_an_hour_is_refused():
    with pytest.raises(ValueError, match="hour at most"):
        certificates(SITE, INTERVALS, {}, timedelta(hours=2))


def test_certificates_differ_by_interval_and_by_what_the_books_say():
    ids = [one.certificate_id for digest in ("a", "b") for one in certificates(SITE, INTERVALS, {AT: digest}, QUARTER)]
    assert len(set(ids)) == 3


def test_csv_has_a_column_for_each_field():
    rows = list(csv.DictReader(io.StringIO(csv_of(certificates(SITE, INTERVALS, {}, QUARTER)))))
    assert [row["face_value_wh"] for row in rows] == ["4500", "900"]
    assert rows[1]["released_from_storage"] == "true"
    assert rows[0]["status"] == "not issued"


def test_direct_supply_counts_what_each_party_sees():
    found = direct_supply(INTERVALS)
    assert (found.generated_wh, found.direct_wh, found.stored_wh, found.exported_wh) == (4_500, 3_000, 1_000, 500)
    assert (found.through_storage_wh, found.lost_wh, found.supplied_wh) == (900, 98, 3_900)
    assert (found.charged_wh, found.grid_wh) == (4_000, 100)
    assert found.renewable_share == 0.975


def test_hours_count_as_matched_only_when_all_of_them_is_renewable():
    found = direct_supply(INTERVALS)
    assert (found.hours_matched, found.hours_charged) == (1, 2)


def test_a_month_without_charging_has_no_share():
    assert direct_supply([]).renewable_share is None


def test_what_is_not_claimed_is_told_as_unmatched():
    found = direct_supply([(AT, {("pv", "ev", "grid"): 70, ("untimed", "load", "grid"): 30})])
    assert (found.generated_wh, found.unmatched_wh, found.supplied_wh, found.grid_wh) == (100, 100, 0, 70)


SINKS_OF_PV = ("ev", "ess", "load", "export", "unmetered")
SINKS_OF_STORAGE = (*SINKS_OF_PV, "loss", "ess_grid")
ENTRIES = [
    *(("pv", sink, "pv") for sink in SINKS_OF_PV), ("pv", "ev", "grid"), *(("untimed", sink, "grid") for sink in SINKS_OF_PV),
    *(("ess_pv", sink, "ess_pv") for sink in SINKS_OF_STORAGE[:-1]), ("ess_pv", "ess_grid", "ess_grid"), ("ess_pv", "ev", "grid"),
    ("grid", "ev", "grid"), ("grid", "load", "grid"),
]  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(ENTRIES), st.integers(0, 10_000)), max_size=6))
def test_what_was_generated_is_the_sum_of_all_its_ways_and_what_was_charged_of_both(found):
    one = direct_supply([(AT + place * QUARTER, sums) for place, sums in enumerate(found)])
    ways = (
        one.direct_wh, one.through_storage_wh, one.lost_wh, one.other_use_wh, one.exported_wh, one.unmatched_wh,
        one.unexplained_wh, one.given_up_wh, one.stock_change_wh,
    )  # fmt: skip
    assert sum(ways) == one.generated_wh
    assert one.supplied_wh + one.grid_wh == one.charged_wh
