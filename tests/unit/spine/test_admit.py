"""Admission: which readings may become observations."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from spine_book import NOW, NOW_US

from dure.core.observations import Reading, Rejected
from dure.core.time import from_us
from dure.spine.admit import ANSWERS_MAX, Desk, parked_item


def reading(value=20.0, time=NOW, asset="", unit="", property_id="air_temperature"):
    return Reading(property_id, value, time, asset, unit)


@pytest.fixture
def desk(book, properties):
    return Desk(book, properties)


def admitted(desk, *readings, device="dev-1", asset="st-1"):
    return desk.admit(device, asset, readings, NOW_US)


@pytest.mark.parametrize(
    ("one", "code"),
    [
        (reading(property_id="no_such"), "property.unknown"),
        (reading(asset="st-9"), "asset.unknown"),
        (reading(asset="st-2"), "asset.not_yours"),
        (reading(time=NOW + timedelta(days=1, microseconds=1)), "reading.time_in_future"),
        (reading(time=datetime(2099, 1, 1, tzinfo=UTC)), "reading.time_in_future"),
        (reading(time=datetime(1970, 1, 1, tzinfo=UTC)), "reading.time_too_old"),
        (reading(time=datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)), "reading.time_too_old"),
        (reading(unit="kWh"), "unit.mismatch"),
        (reading(unit="furlong"), "unit.unknown"),
        (reading(None, unit="kWh"), "unit.mismatch"),
    ],
)
def test_what_may_not_be_is_rejected_and_its_neighbours_stay(desk, one, code):
    found = admitted(desk, reading(1.0), one, reading(2.0))
    assert [(no.row, no.code) for no in found.rejected] == [(1, code)]
    assert found.columns.value.tolist() == [1.0, 2.0]
    assert '"property"' in found.rejected[0].content


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (20, "", 20),
        (20, "Cel", 20),
        (20, "℃", 20),
        (68, "[degF]", 20),
        (293.15, "K", 20),
        (None, "K", np.nan),
        (None, "", np.nan),
    ],
)
def test_values_are_converted_to_the_propertys_unit(desk, value, unit, expected):
    found = admitted(desk, reading(value, unit=unit))
    assert found.columns.value.tolist() == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, NOW),
        (NOW + timedelta(days=1), NOW + timedelta(days=1)),
        (datetime(2000, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_at_the_edges_are_kept_and_no_time_is_arrival(desk, time, expected):
    assert [from_us(us) for us in admitted(desk, reading(time=time)).columns.time_us.tolist()] == [expected]


def test_a_device_writes_for_parts_of_its_asset(desk):
    found = admitted(desk, reading(asset="st-1-mast"), reading(), reading(property_id="pm10"))
    assert list(found.columns.keys) == [("st-1-mast", "air_temperature"), ("st-1", "air_temperature"), ("st-1", "pm10")]
    assert found.columns.series.tolist() == [0, 1, 2]


def test_answers_are_remembered_until_the_register_changes(desk, book):
    admitted(desk, *[reading()] * 50)
    assert book.questions == 1
    del book.devices["dev-1"]
    assert not admitted(desk, reading()).rejected
    desk.forget()
    assert admitted(desk, reading()).rejected[0].code == "asset.not_yours"


def test_made_up_names_do_not_fill_the_memory(desk):
    made_up = [reading(property_id=f"p{n}") for n in range(ANSWERS_MAX + 5)]
    assert len(admitted(desk, *made_up).rejected) == len(made_up)
    assert len(desk._verdicts) <= ANSWERS_MAX  # noqa: SLF001  # the bound is the promise


def test_nothing_in_nothing_out(desk):
    found = admitted(desk)
    assert (len(found.columns), found.rejected) == (0, [])


def test_what_is_parked_keeps_what_was_sent_even_halves_of_letters():
    item = parked_item("key", "http", "dev-1", NOW_US, Rejected(0, "unit.unknown", "no", '{"unit":"\ud800"}'))
    assert (item.code, item.received_at, item.device) == ("unit.unknown", NOW, "dev-1")
    assert item.content == '{"unit":"\ud800"}'.encode("utf-8", "surrogatepass")
