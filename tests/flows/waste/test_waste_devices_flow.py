"""Bins of a running city: bytes of a sensor become a level, a compactor is asked and answers, and bad input loses nothing."""

from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest
from city_running import CITY, CityRunning, ago, settings_of, until, write_city

from dure.core.geo import at
from dure.core.time import format_instant, from_us
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.services.waste.devices.fill_watch import FillWatch
from dure.services.waste.devices.move_watch import MoveWatch
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting

HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,stream,compaction,depth_m,full_m,serial"
BINS = [
    HEAD,
    *(
        f"df-{n},bin,통 {n},Bin {n},126.9,37.2,live,dev-df-{n},d00d70200000000{n},dingtek-df702,general,,1.2,0.2,"
        for n in range(1, 7)
    ),
    *(f"press-{n},bin,압축통 {n},Compactor {n},126.91,37.2,live,dev-press-{n},,,general,5,,," for n in range(1, 4)),
    "wet-1,bin,음식물통,Food bin,126.91,37.2,live,dev-wet-1,,,food,5,,,",
    "big-1,bin,큰통,Big bin,126.91,37.21,live,,,,general,,,,100001",
    "yard-1,depot,차고지,Depot,126.92,37.2,live,dev-yard-1,,,,,,,",
]


@pytest.fixture(scope="module")
def bins(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bins")
    write_city(folder / "city", ["st-01"])
    (folder / "city" / "assets" / "waste.csv").write_text("\n".join(BINS) + "\n", "utf-8")
    one = CityRunning(settings_of(folder)).start()
    with one.operator() as one.asking:
        yield one
    one.stop()


def uplink(city, n, distance_mm, *, seconds_ago=60.0, f_cnt=0, payload=None):
    """A frame of a DF702 by ChirpStack's webhook."""
    frame = payload or bytes.fromhex(f"8000010111{distance_mm:04x}0019{'00' * 7}81")
    body = {
        "deduplicationId": f"{n}-{f_cnt}-{seconds_ago}",
        "time": ago(seconds_ago),
        "deviceInfo": {"devEui": f"d00d70200000000{n}", "deviceName": f"df-{n}"},
        "fPort": 3,
        "fCnt": f_cnt,
        "data": base64.b64encode(frame).decode(),
    }
    auth = ("dev-yard-1", city.secrets["dev-yard-1"])
    answer = httpx.post(f"{city.url}/api/v1/hooks/chirpstack?event=up", json=body, auth=auth, timeout=30)
    assert answer.status_code == 202, answer.text
    city.recorded()
    return answer.json()


def levels(city, n, watch=None):
    """Levels and flags of a bin after a round."""
    city.call((watch or FillWatch(city.house)).look())
    city.recorded()
    return city.rows(f"df-{n}", "fill_fraction")


def test_the_bytes_of_a_sensor_become_the_level_of_its_bin(bins):
    assert uplink(bins, 1, 700)["accepted"] == 6
    assert bins.rows("df-1", "distance") == [(pytest.approx(0.7), 1)]
    assert levels(bins, 1) == [(pytest.approx(0.5), 1)]
    assert bins.latest("df-1")["fill_fraction"] == pytest.approx(0.5)


def test_a_level_says_which_distance_it_was_made_from(bins):
    (when,) = bins.house.telemetry.series(("df-1", "fill_fraction"), 0, 2**62).time_us.tolist()
    told = bins.asking.get(f"/explain/df-1:fill_fraction:{format_instant(from_us(when))}").json()
    assert any("0.700 m" in one and "1.2 m" in one for one in told["reasons"])


def test_a_round_done_again_or_after_a_restart_publishes_nothing_twice(bins):
    uplink(bins, 2, 450)
    watch = FillWatch(bins.house)
    assert len(levels(bins, 2, watch)) == len(levels(bins, 2, watch)) == len(levels(bins, 2)) == 1


def test_a_level_over_the_brim_is_kept_and_flagged(bins):
    uplink(bins, 3, 120, seconds_ago=120, f_cnt=1)
    uplink(bins, 3, 2900, seconds_ago=90, f_cnt=2)
    uplink(bins, 3, 0, seconds_ago=60, f_cnt=3)
    assert levels(bins, 3) == [(pytest.approx(1.08), 3), (pytest.approx(-1.7), 4), (None, 9)]
    assert [value for value, _ in bins.rows("df-3", "distance")] == [0.12, 2.9, 0.0]


def test_two_readings_out_of_order_both_get_their_level_at_their_own_instant(bins):
    uplink(bins, 4, 400, seconds_ago=60, f_cnt=2)
    assert levels(bins, 4) == [(pytest.approx(0.8), 1)]
    uplink(bins, 4, 800, seconds_ago=3_600, f_cnt=1)
    assert levels(bins, 4) == [(pytest.approx(0.4), 1), (pytest.approx(0.8), 1)]


def test_a_bin_that_stands_elsewhere_is_told_once_and_its_levels_go_on(bins):
    frame = bytes.fromhex("800001011907d001cd03e942ef272042190000000000000081")  # Beijing, says its receiver
    uplink(bins, 5, 0, payload=frame, f_cnt=1)
    watch = MoveWatch(bins.house)
    assert [bins.call(watch.look()), bins.call(watch.look()), bins.call(MoveWatch(bins.house).look())] == [1, 0, 0]
    with bins.house.records.read() as connection:
        told = [one for one in events.listing(connection).items if one.type == "waste.bin.moved"]
    assert [one.subject for one in told] == ["df-5"]
    assert told[0].data["distance_m"] > 900_000
    assert len(levels(bins, 5)) == 1


def test_a_bin_given_another_place_and_depth_keeps_its_past(bins):
    uplink(bins, 6, 700, seconds_ago=300, f_cnt=1)
    before = levels(bins, 6)
    with bins.house.records.begin() as connection:
        known = assets.get(connection, "df-6")
        other = msgspec.structs.replace(known, place=at(126.85, 37.15), attributes={"depth_m": 2.2, "full_m": 0.2})
        assets.update_one(connection, other, By("test", datetime.now(UTC)))
    uplink(bins, 6, 700, seconds_ago=60, f_cnt=2)
    assert levels(bins, 6) == [*before, (pytest.approx(0.75), 1)]


def test_a_frame_that_is_none_is_parked_with_its_code(bins):
    before = len(bins.parked("dev-df-1"))
    assert uplink(bins, 1, 0, payload=b"\x80\x00", f_cnt=99)["accepted"] == 0
    waiting = bins.parked("dev-df-1")
    assert len(waiting) == before + 1
    assert "codec.frame_unknown" in {one.code for one in waiting}


# --- commands ------------------------------------------------------------------------------------------------------


def ask(city, asset, name, key, status=202, **arguments):
    answer = city.asking.post("/commands", json={"asset": asset, "name": name, "key": key, "arguments": arguments})
    assert answer.status_code == status, answer.text
    return answer.json()


def outcome(city, command):
    return city.asking.get(f"/commands/{command['id']}").json()["outcome"]


def test_a_compactor_hears_a_command_and_tells_what_became_of_it(bins):
    heard: list[dict] = []
    arrived = threading.Event()
    with bins.device("press-1") as sender:

        def hear(_client, _data, message):
            heard.append(json.loads(message.payload))
            arrived.set()

        sender.client.on_message = hear
        sender.client.subscribe(f"cmd/{CITY}/dev-press-1", 1)
        first = until(lambda: _asked(bins, arrived))
        assert heard[0]["name"] == "compact_now"
        sender.send({"command": heard[0]["id"], "outcome": "accepted"}, topic=f"ack/{CITY}/dev-press-1")
        until(lambda: outcome(bins, first) == "accepted")
        sender.send({"command": heard[0]["id"], "outcome": "done"}, topic=f"ack/{CITY}/dev-press-1")
        until(lambda: outcome(bins, first) == "done")
        again = ask(bins, "press-1", "compact_now", "once")
    assert (again["id"], again["outcome"]) == (first["id"], "done")


def _asked(city, arrived):
    """The command, once the device has heard it: its subscription may still be on its way."""
    command = ask(city, "press-1", "compact_now", "once")
    return command if arrived.wait(0.5) else None


def test_a_burning_compactor_is_not_asked_to_press_but_its_hopper_may_be_locked(bins):
    bins.post("press-2", [{"property": "fire_alarm", "value": 1}])
    assert ask(bins, "press-2", "compact_now", "fire", 409)["code"] == "command.locked"
    assert ask(bins, "press-2", "lock_hopper", "fire-lock")["outcome"] == "pending"


def test_wet_waste_is_not_pressed_until_the_bin_was_emptied(bins):
    assert ask(bins, "wet-1", "compact_now", "wet", 409)["code"] == "command.locked"
    now = datetime.now(UTC)
    wet = Sighting(id="wet-flag-1", bin="press-3", kind="level", seen_at=now, level=0.5, received_at=now, facts={"wet": True})
    with bins.house.records.begin() as connection:
        tap_records.add(connection, [wet])
    assert ask(bins, "press-3", "compact_now", "wet", 409)["code"] == "command.locked"
    emptied = Sighting(id="emptied-1", bin="press-3", kind="emptied", seen_at=now + timedelta(minutes=1), received_at=now)
    with bins.house.records.begin() as connection:
        tap_records.add(connection, [emptied])
    assert ask(bins, "press-3", "compact_now", "dry")["outcome"] == "pending"


def test_a_plain_bin_is_no_compactor_and_its_sensor_takes_only_its_settings(bins):
    assert ask(bins, "df-1", "compact_now", "no", 409)["code"] == "command.unfit"
    assert ask(bins, "press-3", "configure", "no", 409, setting="upload_interval_h", value=4)["code"] == "command.unfit"
    assert ask(bins, "df-1", "configure", "no", 409, setting="upload_interval_h", value=500)["code"] == "downlink.value"
    assert ask(bins, "df-1", "configure", "yes", setting="upload_interval_h", value=4)["outcome"] == "pending"


# --- makers' lists -------------------------------------------------------------------------------------------------


def test_a_list_sent_twice_counts_once_and_a_number_nobody_registered_is_parked(bins):
    now = datetime.now(UTC).replace(microsecond=0)
    called, emptied = now - timedelta(minutes=5), now - timedelta(hours=9)
    collection = {"percentFull": 80, "timestamp": ms(emptied)}
    rows = [
        {"serialNumber": 100_001, "latestFullness": 6, "lastCall": ms(called), "lastCollection": collection},
        {"serialNumber": 999, "latestFullness": 2, "lastCall": ms(called)},
        {"serialNumber": 100_001, "latestFullness": "full"},
    ]
    answers = [post_list(bins, {"assets": rows}) for _ in range(2)]
    bins.recorded()
    assert [(one["accepted"], one["emptied"]) for one in answers] == [(1, 1), (1, 0)]
    assert {one["code"] for one in answers[0]["rejected"]} == {"bigbelly.asset", "bin.serial_unknown"}
    assert bins.rows("big-1", "fill_fraction") == [(0.6, 1)]
    with bins.house.records.read() as connection:
        (seen,) = tap_records.of_bin(connection, "big-1")
    assert (seen.kind, seen.level, seen.seen_at) == ("emptied", 0.8, emptied)


def post_list(city, body, status=202):
    auth = ("dev-yard-1", city.secrets["dev-yard-1"])
    answer = httpx.post(f"{city.url}/api/v1/waste/lists/bigbelly", json=body, auth=auth, timeout=30)
    assert answer.status_code == status, answer.text
    return answer.json()


def ms(when):
    return int(when.timestamp() * 1000)
