"""A reading on every way in is stored, on the API and on an open page."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time

import httpx
import pytest
from city_running import CITY, ago, reading

DEV_EUI = "24e124136b502217"
UNKNOWN_EUI = "0011223344556677"
WITHIN_S = 1.0
TRIES = 3  # a busy machine may be late once; a slow program is late each time


@contextlib.contextmanager
def open_page(city, asset):
    """The events of an open page: a function that reads on until a value comes, and gives the instant."""
    with httpx.stream("GET", f"{city.url}/api/v1/stream", params={"asset": asset}, timeout=30) as answer:
        lines = answer.iter_lines()

        def until_value(value):
            for line in lines:
                if line.startswith("data: [") and value in {one["value"] for one in json.loads(line[6:])}:
                    return time.monotonic()
            raise AssertionError("the stream ended")

        while not next(lines).startswith("event: ready"):
            pass
        yield until_value


def paho(city, asset, body, qos=1):
    with city.device(asset) as sender:
        assert sender.answer == "Success"
        began = time.monotonic()
        sender.send(body, qos=qos)
        return began


def mosquitto(city, asset, body):
    name = f"dev-{asset}"
    place = ["-h", "127.0.0.1", "-p", str(city.mqtt_port), "-t", f"up/{CITY}/{name}", "-q", "1"]
    credential = ["-i", name, "-u", name, "-P", city.secrets[name]]
    began = time.monotonic()
    subprocess.run(["mosquitto_pub", *place, *credential, "-m", json.dumps(body)], check=True, timeout=30)
    return began


def http(city, asset, body):
    began = time.monotonic()
    city.post(asset, [body])
    return began


WAYS = {
    "paho QoS 1": paho,
    "paho QoS 0": lambda *sent: paho(*sent, qos=0),
    "mosquitto_pub": mosquitto,
    "HTTP": http,
}


@pytest.mark.parametrize(("way", "asset"), list(zip(WAYS, ("st-01", "st-02", "st-03", "st-04"), strict=True)))
def test_a_reading_is_on_an_open_page_and_the_api_within_a_second(city, way, asset):
    if way == "mosquitto_pub" and not shutil.which("mosquitto_pub"):
        pytest.skip("mosquitto_pub is not installed (Debian package mosquitto-clients)")
    took = []
    with open_page(city, asset) as until_value:
        for number in range(TRIES):
            began = WAYS[way](city, asset, reading(20.5 + number, 60 - number))
            took.append(until_value(20.5 + number) - began)
            assert city.latest(asset) == {"air_temperature": 20.5 + number}
    assert min(took) < WITHIN_S, took
    city.until_rows(asset, TRIES)


def test_qos_0_readings_go_through_the_gateway_in_packs(city):
    with city.device("st-05") as sender:
        for number in range(250):
            sender.send(reading(number / 10, 1000 - number), qos=0)
        found = city.until_rows("st-05", 250)
    assert [value for value, _ in found] == [number / 10 for number in range(250)]
    with city.operator() as operator:
        story = operator.get(f"/explain/{newest(city, 'st-05')}").json()
    assert story["message"]["subject"].startswith(f"pack.{CITY}.")


def test_a_qos_1_reading_travels_as_the_device_sent_it(city):
    body = b' { "property" : "air_temperature" , "value" : 2.50e1 } '
    with city.device("st-06") as sender:
        sender.send(body)
        assert city.until_rows("st-06", 1) == [(25.0, 1)]
    with city.operator() as operator:
        message = operator.get(f"/explain/{newest(city, 'st-06')}").json()["message"]
    assert (message["content"].encode(), message["device"]) == (body, "dev-st-06")
    assert message["subject"].startswith(f"raw.{CITY}.")


def newest(city, asset):
    """The name of an asset's newest observation."""
    with city.operator() as operator:
        found = operator.get("/observations", params={"asset": asset, "start": ago(86_400)}).json()["items"][-1]
    return "{asset}:{property}:{time}".format(**found)


def chirpstack(dev_eui, seconds_ago, f_cnt=1):
    """An uplink of a Milesight AM308: battery 92 %, 30.8 °C, 50.5 % (the maker's example)."""
    return {
        "deduplicationId": f"{dev_eui}-{f_cnt}",
        "time": ago(seconds_ago),
        "deviceInfo": {"devEui": dev_eui, "deviceName": "air"},
        "fCnt": f_cnt,
        "fPort": 85,
        "data": "AXVcA2c0AQRoZQVqSQA=",
    }


def hook(city, body):
    auth = ("dev-st-07", city.secrets["dev-st-07"])
    answer = httpx.post(f"{city.url}/api/v1/hooks/chirpstack", params={"event": "up"}, json=body, auth=auth, timeout=30)
    assert answer.status_code == 202, answer.text
    return answer.json()


def test_a_lorawan_uplink_is_decoded_and_stored_once_however_often_it_is_sent(city):
    body = chirpstack(DEV_EUI, 60)
    assert hook(city, body)["accepted"] == hook(city, body)["accepted"] == 3
    assert city.until_rows("lora-1", 1) in ([(30.8, 1)], [(30.8, 3)])  # suspect where the month is cold
    city.recorded()
    assert [value for value, _ in city.rows("lora-1")] == [30.8]
    assert city.rows("lora-1", "relative_humidity") == [(50.5, 1)]
    assert city.latest("lora-1")["air_temperature"] == 30.8


def test_an_uplink_of_an_unknown_device_waits_until_the_device_is_registered(city):
    told = hook(city, chirpstack(UNKNOWN_EUI, 120))
    assert (told["accepted"], [one["code"] for one in told["rejected"]]) == (0, ["device.unknown"])
    (waiting,) = city.until_parked(UNKNOWN_EUI, 1)
    with city.operator() as operator:
        wanted = {"id": "dev-late", "asset": "st-08", "dev_eui": UNKNOWN_EUI, "codec": "milesight-am308"}
        added = operator.post("/devices", json=wanted)
        assert added.status_code == 201, added.text
        again = operator.post(f"/parked/{waiting.id}/replay")
        assert (again.status_code, again.json()["accepted"]) == (200, 3)
        assert operator.post(f"/parked/{waiting.id}/replay").json()["code"] == "parked.settled"
    assert city.until_rows("st-08", 1) == [(30.8, 2)], "a new device is in quarantine, whatever its asset"
    assert not city.parked(UNKNOWN_EUI)
