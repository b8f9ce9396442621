"""A maker's list, and what it means: tenths, percent and epoch milliseconds.

Source of the sample: test file of diwise/integration-bigbelly (MIT).
"""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.waste.devices.bigbelly import parse
from dure.services.waste.devices.delivered import Emptied, named

SAMPLE = {
    "accountId": 1,
    "accountName": "account",
    "description": "…",
    "position": "center",
    "streamType": "TRASH",
    "serialNumber": 1,
    "stationSerialNumber": 1,
    "latitude": 62.39,
    "longitude": 17.3,
    "groupIds": [10157],
    "latestFullness": 0,
    "fullnessThreshold": 6,
    "ageThreshold": 0,
    "reason": "NOT_READY",
    "status": "IN_SERVICE",
    "disposition": "OPERATIONAL",
    "lastCall": 1_704_949_151_000,
    "lastCollection": {"percentFull": 0, "timestamp": 1_704_872_214_000},
}
CALLED = datetime(2024, 1, 11, 4, 59, 11, tzinfo=UTC)
COLLECTED = datetime(2024, 1, 10, 7, 36, 54, tzinfo=UTC)


def of(*rows):
    return parse(json.dumps({"assets": rows}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b'{"assets": {}}', b'{"assets": null}', b"\xff", b'"assets"', b"1", b'{"asset": []}']
)
def test_a_body_that_is_no_list_is_refused_as_a_whole(body):
    found = parse(body)
    assert [one.code for one in found.rejected] == ["bigbelly.malformed"]
    assert (found.readings, found.emptied) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        {"serialNumber": None},
        {"latestFullness": "full"},
        {"latestFullness": -2},
        {"lastCall": "yesterday"},
        {"lastCall": 10**18},
        {"lastCollection": []},
        {"lastCollection": {"timestamp": 10**20}},
        {"reason": "BORED"},
    ],
)
def test_a_bad_row_is_named_and_its_neighbours_are_kept(change):
    found = of(SAMPLE, {**SAMPLE, **change}, {**SAMPLE, "serialNumber": 3})
    assert [(one.row, one.code) for one in found.rejected] == [(2, "bigbelly.asset")]
    assert [one.asset for one in found.readings] == ["1", "3"]


def test_the_published_sample_is_an_empty_bin_as_of_its_last_call():
    (reading,) = of(SAMPLE).readings
    assert (reading.property, reading.value, reading.time, reading.asset) == ("fill_fraction", 0.0, CALLED, "1")
    assert of(SAMPLE).emptied == [Emptied("1", COLLECTED, 0.0)]


@pytest.mark.parametrize(("tenths", "fraction"), [(0, 0.0), (2, 0.2), (6, 0.6), (10, 1.0), (12, 1.2)])
def test_fullness_counts_tenths_of_a_bin(tenths, fraction):
    assert of({**SAMPLE, "latestFullness": tenths}).readings[0].value == pytest.approx(fraction)


def test_an_asset_that_never_called_has_no_level_and_one_never_collected_no_emptying():
    found = of({"serialNumber": "SN-9", "latestFullness": 4})
    assert found.readings == found.emptied == found.rejected == []


def test_numbers_become_bins_and_an_unknown_one_is_said_once():
    found = named(of(SAMPLE, {**SAMPLE, "serialNumber": 2}), {"1": "bin-1"}, "bigbelly")
    assert [one.asset for one in found.readings] == ["bin-1"]
    assert [(one.bin, one.kind, one.seen_at, one.level) for one in found.sightings] == [("bin-1", "emptied", COLLECTED, 0.0)]
    assert [(one.code, one.content) for one in found.rejected] == [("bin.serial_unknown", "2")]


def test_the_same_emptying_told_again_is_the_same_sighting():
    again = {**SAMPLE, "lastCall": SAMPLE["lastCall"] + 3_600_000, "latestFullness": 2}
    first, second = (named(of(row), {"1": "bin-1"}, "bigbelly").sightings for row in (SAMPLE, again))
    assert first == second


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(SAMPLE)), inner, max_size=4),
    )
)
def test_any_json_is_readings_or_reasons_never_an_error(document):
    found = parse(json.dumps({"assets": [document]}).encode())
    assert len(found.readings) + len(found.emptied) + len(found.rejected) <= 2
