"""Alarms of a running city: from a device's MQTT message to a person, whatever else the city is doing, and once."""

from __future__ import annotations

import asyncio
import dataclasses
import http.server
import json
import sqlite3
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from city_running import CITY, CityRunning, ago, settings_of, until, write_city

from dure.city import read_city
from dure.engines.records import cursors, events
from dure.engines.records.audit import By
from dure.running.parts import ALL, open_house
from dure.services.waste.rules import SHIPPED
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarm_lane import AlarmLane
from dure.services.waste.safety.escalation_watch import EscalationWatch
from dure.spine.seeding import read_secrets

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
REACHES_S = 5.0  # issue 4: an alarm goes to a person within that time
BINS = [
    "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,stream",
    *(f"bin-{n:02},bin,통 {n},Bin {n},126.9,37.2,live,dev-bin-{n:02},,,general" for n in range(1, 41)),
    "young-1,bin,새 통,New bin,126.9,37.2,quarantined,dev-young-1,,,general",
]


class Receiver(http.server.BaseHTTPRequestHandler):
    """A webhook that keeps what it hears."""

    heard: ClassVar[list[dict]] = []
    signatures: ClassVar[list[str]] = []

    def do_POST(self):
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.signatures.append(self.headers["webhook-signature"])
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class WithoutRecorder(CityRunning):
    """A city whose telemetry is not written at all."""

    async def _main(self):
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        city = read_city(Path(self.settings.city_dir))
        async with open_house(self.settings, city, parts=ALL - {"recorder", "web"}) as self.house:
            self.mqtt_port = json.loads((self.settings.data / "address.json").read_bytes())["mqtt_port"]
            self.secrets = read_secrets(self.settings.data)
            self._ready.set()
            await asyncio.Event().wait()


def city_in(folder, kind=CityRunning, **more):
    write_city(folder / "city", ["st-01"])
    (folder / "city" / "assets" / "waste.csv").write_text("\n".join(BINS) + "\n", "utf-8")
    return kind(settings_of(folder, **more))


@pytest.fixture(scope="module")
def bins(tmp_path_factory):
    one = city_in(tmp_path_factory.mktemp("alarms")).start()
    yield one
    one.stop()


def alarms(city, bin_id):
    """Every alarm of a bin, newest first."""
    with city.house.records.read() as connection:
        return alarm_records.listing(connection, bin_id=bin_id).items


def send(city, bin_id, **values):
    with city.device(bin_id) as sender:
        sender.send(values)


def told(city, bin_id):
    """Types of events of a bin and how often each."""
    with city.house.records.read() as connection:
        return Counter(one.type for one in events.listing(connection, subject=bin_id).items)


def raised_after(city, bin_id, sent):
    """Seconds until the alarm stands in the records."""
    begun = time.monotonic()
    sent()
    until(lambda: alarms(city, bin_id))
    return time.monotonic() - begun


def test_a_fire_is_in_the_records_and_told_within_five_seconds(bins):
    heard = []

    async def hear(message):
        heard.append(json.loads(message.payload))

    bins.call(bins.house.bus.subscribe(f"event.{CITY}.waste.alarm.raised", hear))
    begun = time.monotonic()
    assert raised_after(bins, "bin-01", lambda: send(bins, "bin-01", fire_alarm=1, fill_fraction=0.4)) < REACHES_S
    until(lambda: heard)
    assert time.monotonic() - begun < REACHES_S
    assert (heard[0]["subject"], heard[0]["data"]["kind"]) == ("bin-01", "fire")
    (alarm,) = alarms(bins, "bin-01")
    assert (alarm.kind, alarm.state, alarm.doubtful) == ("fire", "open", False)
    until(lambda: alarms(bins, "bin-01")[0].escalation == 1)  # the first people are told by the step that is due at once


def test_a_fire_of_a_device_in_quarantine_reaches_people_and_says_so(bins):
    assert raised_after(bins, "young-1", lambda: send(bins, "young-1", fire_alarm=1)) < REACHES_S
    assert alarms(bins, "young-1")[0].doubtful


def test_a_full_bin_is_no_alarm_and_a_fire_is_not_merged_with_it(bins):
    send(bins, "bin-02", full_alarm=1, fill_fraction=1.0)
    send(bins, "bin-03", full_alarm=1, hopper_jammed=1, tilted=1, fire_alarm=1)
    until(lambda: len(alarms(bins, "bin-03")) == 3)
    assert alarms(bins, "bin-02") == []
    with bins.house.records.read() as connection:
        assert alarm_records.open_kinds(connection, "bin-03") == {"fire", "tilt", "hopper_jam"}


def test_an_alarm_is_over_when_the_sensor_says_so_and_somebody_has_acknowledged_it(bins):
    send(bins, "bin-04", fire_alarm=1)
    (alarm,) = until(lambda: alarms(bins, "bin-04"))
    send(bins, "bin-04", fire_alarm=0)
    until(lambda: alarms(bins, "bin-04")[0].over)
    assert alarms(bins, "bin-04")[0].state == "open"
    with bins.house.records.begin() as connection:
        alarm_records.acknowledge(connection, alarm.id, "it was a cigarette", By("kim", bins.house.clock.now()))
    assert alarms(bins, "bin-04")[0].state == "closed"
    assert {one: n for one, n in told(bins, "bin-04").items() if one.startswith("waste.alarm.")} == {
        "waste.alarm.raised": 1,
        "waste.alarm.cleared": 1,
        "waste.alarm.acknowledged": 1,
        "waste.alarm.closed": 1,
    }


def test_an_alarm_does_not_wait_for_a_planner_that_has_the_processor(bins):
    stop = threading.Event()

    def plan():
        while not stop.is_set():
            sum(number * number for number in range(10_000))

    planners = [threading.Thread(target=plan) for _ in range(3)]
    for one in planners:
        one.start()
    try:
        assert raised_after(bins, "bin-05", lambda: send(bins, "bin-05", tilted=1)) < REACHES_S
    finally:
        stop.set()
        for one in planners:
            one.join()


def test_an_alarm_comes_as_soon_as_records_that_were_away_are_back(bins):
    other = sqlite3.connect(bins.settings.data / "records.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # nobody else writes
    with bins.device("bin-07") as sender:
        sender.send({"fire_alarm": 1})
        time.sleep(1.5)
        assert alarms(bins, "bin-07") == []
        other.execute("ROLLBACK")
        other.close()
        begun = time.monotonic()
        until(lambda: alarms(bins, "bin-07"))
    assert time.monotonic() - begun < REACHES_S
    assert told(bins, "bin-07")["waste.alarm.raised"] == 1


def test_an_alarm_sent_again_and_late_is_one(bins):
    first = ago(3_600)
    for _ in range(3):
        send(bins, "bin-08", time=first, fire_alarm=1)
    send(bins, "bin-08", time=ago(1_800), fire_alarm=1)
    until(lambda: alarms(bins, "bin-08") and alarms(bins, "bin-08")[0].facts.signals == 2)
    assert len(alarms(bins, "bin-08")) == 1


def test_a_second_lane_beside_the_first_raises_nothing_twice(bins):
    async def both():
        lane = asyncio.create_task(AlarmLane(bins.house).run())
        await asyncio.sleep(1.5)
        lane.cancel()
        await asyncio.gather(lane, return_exceptions=True)

    send(bins, "bin-09", fire_alarm=1)
    bins.call(both())
    until(lambda: alarms(bins, "bin-09"))
    assert told(bins, "bin-09")["waste.alarm.raised"] == 1


def test_an_alarm_nobody_acknowledges_goes_to_the_next_people(bins):
    send(bins, "bin-10", fire_alarm=1)
    until(lambda: alarms(bins, "bin-10") and alarms(bins, "bin-10")[0].escalation == 1)

    class Later:
        def now(self):
            return bins.house.clock.now() + timedelta(minutes=3)

    watch = EscalationWatch(dataclasses.replace(bins.house, clock=Later()))
    assert bins.call(watch.look()) >= 1
    (alarm,) = alarms(bins, "bin-10")
    assert alarm.escalation == 2
    assert "crew" in alarm.facts.story[-1].roles
    assert told(bins, "bin-10")["waste.alarm.escalated"] == 1


def test_a_city_ended_in_the_middle_of_alarms_has_each_of_them_once(tmp_path):
    city = city_in(tmp_path).start()
    names = [f"bin-{n:02}" for n in range(1, 41)]
    for name in names[:20]:
        send(city, name, fire_alarm=1)  # returns at the broker's acknowledgement
    city.stop()
    city.start()
    for name in names[10:]:
        send(city, name, fire_alarm=1)
    until(lambda: all(alarms(city, name) for name in names))
    assert {name: len(alarms(city, name)) for name in names} == dict.fromkeys(names, 1)
    assert {name: told(city, name)["waste.alarm.raised"] for name in names} == dict.fromkeys(names, 1)
    city.stop()


def test_without_any_recorder_receivers_are_told_and_one_that_cannot_be_reached_is_tried_again(tmp_path):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    city = city_in(tmp_path, WithoutRecorder, webhook_private_ok=True)
    own = tmp_path / "city" / "rules" / "waste"
    own.mkdir(parents=True)
    dated = 'effective_from = 2026-01-01\nsource = "duty roster"\nmark = "own choice"\nroles = ["operator"]\n'
    hook = f"http://127.0.0.1:{server.server_port}/hook"
    receivers = (
        f'[[receivers]]\nid = "siren"\nchannel = "webhook"\ntarget = "{hook}"\nsecret = "{SECRET}"\n{dated}'
        f'[[receivers]]\nid = "mail"\nchannel = "email"\ntarget = "duty@example.org"\n{dated}'
    )
    (own / "escalation.toml").write_text((SHIPPED / "escalation.toml").read_text("utf-8") + receivers, "utf-8")
    city.start()
    try:
        send(city, "bin-01", fire_alarm=1)
        until(lambda: Receiver.heard, REACHES_S)
        until(lambda: len([one for one in alarms(city, "bin-01")[0].facts.story if one.kind == "told"]) >= 2)
    finally:
        city.stop()
        server.shutdown()
        server.server_close()
    (heard,) = Receiver.heard
    assert Receiver.signatures[0].startswith("v1,")
    assert (heard["subject"], heard["data"]["kind"], heard["data"]["title"]) == ("bin-01", "fire", "[화재 경보] 통 1")
    story = {one.by: one.note for one in alarms(city, "bin-01")[0].facts.story if one.kind == "told"}
    assert story["siren"] == ""
    assert "mail" in story["mail"]  # no mail server is set: written down, tried again


def test_the_cursor_is_kept_with_the_alarms_or_neither(bins):
    house = bins.house
    lane = AlarmLane(house)
    lane._cursor = "waste-alarms:trial"  # noqa: SLF001  # a lane of a stream of its own
    with pytest.raises(AttributeError):
        lane._keep([object()], 7)  # noqa: SLF001  # a bug in the middle of the transaction
    with house.records.read() as connection:
        assert cursors.get(connection, "waste-alarms:trial") == 0
