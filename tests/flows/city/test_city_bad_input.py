"""What a device may do wrong, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from city_running import CITY, ago, reading, until, us_ago

from dure.core.assets import Asset
from dure.core.text import Text
from dure.engines.bus import subjects
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.spine.rows import Columns, Rows, encode

GOOD = {"property": "air_temperature", "value": 7.5}


def mixed(bad):
    """A bad reading between two good neighbours, in the form that suits it."""
    return [GOOD | {"time": ago(50)}, bad, GOOD | {"time": ago(40), "value": 8.5}]


@pytest.mark.parametrize(
    ("station", "bad", "code"),
    [
        ("st-10", {"property": "no_such_thing", "value": 1}, "property.unknown"),
        ("st-11", reading(20, unit="kWh"), "unit.mismatch"),
        ("st-12", reading(20, unit="furlong"), "unit.unknown"),
        ("st-13", GOOD | {"time": "1970-01-01T00:00:00Z"}, "reading.time_too_old"),
        ("st-14", GOOD | {"time": "2099-01-01T00:00:00Z"}, "reading.time_in_future"),
        ("st-15", reading("hot"), "reading.value_not_a_number"),
        ("st-16", reading(20, asset="st-01"), "asset.not_yours"),
        ("st-17", reading(float("nan")), "reading.value_not_finite"),
        ("st-18", reading(float("-inf")), "reading.value_not_finite"),
    ],
)
@pytest.mark.parametrize("qos", [1, 0])
def test_a_bad_reading_is_parked_with_its_code_and_its_neighbours_are_stored(city, station, bad, code, qos):
    with city.device(station) as sender:
        sender.send(mixed(bad), qos=qos)
        found = city.until_rows(station, 2 if qos else 4)
    assert {value for value, _ in found} == {7.5, 8.5}
    waiting = city.until_parked(f"dev-{station}", 1 if qos else 2)
    assert {one.code for one in waiting} == {code}
    assert all(one.content for one in waiting)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"property":"air_temperature","value":', "reading.json_broken"),
        (b'{"property":"air_temperature","value":"\xff"}', "reading.utf8_broken"),
        (b"", "reading.json_broken"),
        (b"[" * 20_000, "reading.json_broken"),
    ],
)
def test_an_unreadable_message_is_parked_and_the_next_is_stored(city, body, code):
    before = len(city.rows("st-19")), len(city.parked("dev-st-19"))
    with city.device("st-19") as sender:
        sender.send(body)
        sender.send(reading(1.0, 600 - before[0]))
    city.until_rows("st-19", before[0] + 1)
    assert city.until_parked("dev-st-19", before[1] + 1)[0].code == code


def test_a_message_and_its_repeats_are_stored_once(city):
    body = reading(5.0, 30)
    with city.device("st-20") as sender:
        for qos in (1, 1, 0):
            sender.send(body, qos=qos)
        sender.send(reading(5.1, 20))
        city.until_rows("st-20", 2)
    city.post("st-20", [body])
    city.recorded()
    assert city.rows("st-20") == [(5.0, 1), (5.1, 1)]
    assert city.parked("dev-st-20") == []


def test_of_two_values_for_one_instant_the_first_stays_and_the_other_is_parked(city):
    body = reading(5.0, 30)
    city.post("st-21", [body])
    city.post("st-21", [body | {"value": 6.0}])
    conflict = until(lambda: [one for one in city.parked() if one.code == "reading.conflict" and b'"st-21"' in one.content])
    assert city.rows("st-21") == [(5.0, 1)]
    assert json.loads(conflict[0].content)["value"] == 6.0
    assert city.latest("st-21") == {"air_temperature": 5.0}


def test_late_and_out_of_order_readings_land_by_event_time(city):
    with city.device("st-22") as sender:
        for value, age in ((3.0, 30), (1.0, 86_400 * 3), (2.0, 3600), (4.0, 10), (0.0, 86_400 * 300)):
            sender.send(reading(value, age))
        found = city.until_rows("st-22", 5)
    assert [value for value, _ in found] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert city.latest("st-22") == {"air_temperature": 4.0}


def test_a_device_cannot_write_on_anothers_topic(city):
    with city.device("st-23") as sender:
        for qos in (0, 1):
            sender.client.publish(f"up/{CITY}/dev-st-24", json.dumps(reading(66.0, 90 + qos)), qos)
        with city.device("st-24") as other:  # after it, so that the forged ones had their time
            other.send(reading(1.0, 30), qos=0)
            other.send(reading(1.1, 20), qos=1)
            city.until_rows("st-24", 2)
    city.recorded()
    assert (city.rows("st-23"), city.rows("st-24")) == ([], [(1.0, 1), (1.1, 1)])


def http_status(city, name, secret):
    return httpx.post(f"{city.url}/api/v1/readings", json=[reading(1.0)], auth=(name, secret), timeout=30).status_code


@pytest.mark.parametrize(("name", "secret"), [("dev-st-25", "wrong"), ("nobody", "wrong"), ("import", "x"), ("dev-st-25", "")])
def test_a_wrong_credential_is_refused_on_every_way(city, name, secret):
    with city.device("st-25", secret=secret or "-", name=name) as sender:
        assert sender.answer != "Success"
    assert http_status(city, name, secret) == 401
    assert city.rows("st-25") == []


def test_a_revoked_device_is_refused_at_once_and_its_open_connection_ends(city):
    with city.device("st-26") as sender, city.operator() as operator:
        sender.send(reading(1.0))
        city.until_rows("st-26", 1)
        assert http_status(city, "dev-st-26", city.secrets["dev-st-26"]) == 202
        answer = operator.delete("/devices/dev-st-26")
        assert answer.status_code in {200, 204}, answer.text
        assert sender.lost.wait(30), "the open connection of a revoked device was not ended"
    with city.device("st-26") as sender:
        assert sender.answer != "Success"
    assert http_status(city, "dev-st-26", city.secrets["dev-st-26"]) == 401


def test_a_new_device_is_shown_to_nobody_until_it_sent_enough_good_readings(city):
    with city.device("new-1") as sender:
        for number in range(4):
            sender.send(reading(10.0 + number / 100, 100 - number))
        assert [flag for _, flag in city.until_rows("new-1", 4)] == [2, 2, 2, 2]
        assert httpx.get(f"{city.url}/api/v1/assets/new-1/latest", timeout=30).status_code == 404
        sender.send(reading(10.1, 90))
        until(lambda: city.house.directory.is_public("new-1"))
        sender.send(reading(10.2, 80))
        assert [flag for _, flag in city.until_rows("new-1", 6)] == [2, 2, 2, 2, 2, 1]
    assert city.latest("new-1") == {"air_temperature": 10.2}


def test_readings_that_cannot_be_true_release_no_device(city):
    with city.device("new-2") as sender:
        for number in range(8):
            sender.send(reading(999.0, 100 - number))
        assert {flag for _, flag in city.until_rows("new-2", 8)} == {4}
    city.recorded()
    with city.house.records.read() as connection:
        assert devices.get(connection, "dev-new-2").state == "quarantined"


def test_rows_of_an_asset_added_a_moment_ago_count_though_the_recorder_was_not_told_yet(city):
    asset = Asset(id="fresh-1", city=CITY, kind="station", name=Text("새 측정소"), state="live")
    with city.house.records.begin() as connection:
        assets.add(connection, asset, By("test", datetime.now(UTC)))
    time_us = us_ago(60)
    columns = Columns([("fresh-1", "air_temperature")], np.zeros(1, np.int32), np.array([time_us]), np.array([20.0]))
    payload = encode(Rows("import", us_ago(0), columns))
    city.call(city.house.bus.publish(subjects.rows(CITY, "import"), payload))
    assert city.until_rows("fresh-1", 1) == [(20.0, 1)]
