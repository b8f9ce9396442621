"""A flag is revised after its reading was stored: every answer, open pages and a restart show it."""

from __future__ import annotations

import contextlib
import json
import threading

import httpx
import numpy as np
from city_running import reading, until

from dure.core.observations import Check, Flag, Revisions
from dure.core.time import parse_instant, to_us

T = "air_temperature"


def revision(asset, time, flag, check):
    return Revisions(
        [(asset, T)],
        np.zeros(1, np.int32),
        np.array([to_us(parse_instant(time))], np.int64),
        np.array([flag], np.uint8),
        np.array([check], np.uint8),
    )


def revise(city, *row):
    seq = city.call(city.house.intake.revise(revision(*row), source="environment"))
    city.recorded()
    return seq


@contextlib.contextmanager
def listening(city, asset):
    """The first change that an open public page of one station hears."""
    heard, ready = [], threading.Event()

    def hear():
        with httpx.stream("GET", f"{city.url}/api/v1/stream", params={"asset": asset}, timeout=60) as answer:
            for line in answer.iter_lines():
                ready.set()
                if line.startswith("data: ["):
                    heard.extend(json.loads(line[6:]))
                    return

    thread = threading.Thread(target=hear)
    thread.start()
    assert ready.wait(30)
    yield heard
    thread.join(30)


def asked(city, path, **query):
    with city.operator() as client:
        answer = client.get(path, params=query).raise_for_status()
        return answer.json()["items"]


def test_a_revised_flag_is_in_every_answer_on_open_pages_and_there_after_a_restart(own_city):
    city = own_city.start()
    first, last = reading(20.5, 300), reading(21.5, 240)
    city.post("st-01", [first, last])
    assert city.latest("st-01") == {T: 21.5}
    with listening(city, "st-01") as heard:
        revise(city, "st-01", last["time"], Flag.FAIL, Check.UNLIKE_NEIGHBOURS)
    assert [(one["value"], one["flag"]) for one in heard] == [(None, 4)], "the public's screens let go of the value"
    assert city.latest("st-01") == {}

    def everywhere():
        latest = asked(city, "/latest", asset="st-01")
        rows = asked(city, "/observations", asset="st-01", property=T, start=first["time"])
        return [(one["value"], one["flag"]) for one in latest], [(one["value"], one["flag"], one["check"]) for one in rows]

    def rolled_up():
        found = city.house.telemetry.rollup(T, "hour", to_us(parse_instant(first["time"])), 2**61, assets=["st-01"])
        return (int(found.n_good.sum()), int(found.n_fail.sum())) == (1, 1)

    expected = [(21.5, 4)], [(20.5, 1, "none"), (21.5, 4, "unlike_neighbours")]
    assert everywhere() == expected
    until(rolled_up)
    city.stop()
    city.start()
    city.recorded()
    assert everywhere() == expected
    assert rolled_up()
    revise(city, "st-01", last["time"], Flag.GOOD, Check.RELEASED_BY_PERSON)
    assert city.latest("st-01") == {T: 21.5}
    with city.operator() as client:
        story = client.get(f"/explain/st-01:{T}:{last['time']}").raise_for_status().json()
    assert (story["flag"], story["check"], story["reasons"]) == ("good", "released_by_person", ["released_by_person"])


def test_flags_that_cannot_be_read_are_parked_and_the_stream_goes_on(own_city):
    city = own_city.start()
    seq = city.call(city.house.bus.publish("flags.testville.1.environment", b"\x01\x02"))
    city.post("st-02", [reading(20.0)])
    (item,) = city.until_parked("environment", 1)
    assert (item.code, seq > 0) == ("flags.unreadable", True)
    assert city.latest("st-02") == {T: 20.0}


def test_a_lost_telemetry_file_comes_back_with_the_last_flags(own_city):
    city = own_city.start()
    times = [reading(20.0 + k / 10, 3000 - 600 * k) for k in range(4)]
    city.post("st-03", times)
    revise(city, "st-03", times[1]["time"], Flag.FAIL, Check.SPIKE)
    revise(city, "st-03", times[2]["time"], Flag.SUSPECT, Check.DRIFTING)
    revise(city, "st-03", times[1]["time"], Flag.SUSPECT, Check.SPIKE)
    before = city.all_rows()
    city.stop()
    for name in ("telemetry.duckdb", "telemetry.duckdb.wal"):
        (city.settings.data / name).unlink(missing_ok=True)
    city.start()
    until(lambda: len(city.all_rows()) >= len(before))
    city.recorded()
    assert city.all_rows() == before
    assert [flag for _, flag in city.rows("st-03")] == [1, 3, 3, 1]
