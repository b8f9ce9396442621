"""Server-sent events: a value is on an open page within a second, each change is encoded once, breaks are healed."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import httpx
import pytest

from dure.web.api.sight import Sight
from dure.web.api.stream import BACKLOG_MAX, Broadcast, Filter, Frame, Page

T = "2026-11-24T02:{:02}:{:02}Z"


def reading(value, minute, second=0, name="air_temperature"):
    return {"property": name, "value": value, "time": T.format(minute, second)}


class Events:
    """The events of one open page."""

    def __init__(self, lines):
        self._lines = lines

    def next(self):
        event = {}
        for line in self._lines:
            if not line and "data" in event:
                return event["event"], int(event["id"]), json.loads(event["data"])
            name, _, value = line.partition(": ")
            event[name] = value
        raise AssertionError("the stream ended")


@contextmanager
def following(running, query=None, token="", last_event_id=""):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers |= {"Last-Event-ID": last_event_id} if last_event_id else {}
    with httpx.stream("GET", f"{running.url}/api/v1/stream", params=query or {}, headers=headers, timeout=20) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = Events(answer.iter_lines())
        assert events.next()[0] == "ready"
        yield events


def test_a_value_is_on_an_open_page_within_a_second(running, send):
    took = []
    with following(running, {"asset": "st-01"}) as events:
        for number in range(3):
            began = time.perf_counter()
            assert send("st-01", [reading(1.25 + number, 38 + number)]).status_code == 202
            name, _, values = events.next()
            took.append(time.perf_counter() - began)
            told = {"asset": "st-01", "property": "air_temperature", "time": f"2026-11-24T02:{38 + number}:00Z"}
            assert (name, values) == ("values", [told | {"value": 1.25 + number, "flag": 1}])
    assert min(took) < 1, took  # one of three: other tests share the machine


def test_a_page_hears_only_what_it_asked_for(running, send):
    query = {"property": "air_temperature", "bbox": "126.825,37.1,126.835,37.3"}  # holds st-02 alone
    with following(running, query) as events:
        send("st-03", [reading(1.0, 41)])
        send("st-02", [reading(2.0, 41, name="relative_humidity")])
        send("st-02", [reading(3.0, 41)])
        assert [one["value"] for one in events.next()[2]] == [3.0]


def test_the_public_does_not_hear_what_is_quarantined_hidden_or_wrong_and_staff_do(running, send):
    with following(running) as public, following(running, token=running.tokens["operator"]) as staff:
        sent = [("st-new", 4.0, 42), ("st-hidden", 5.0, 42), ("st-02", -300.0, 42), ("st-02", 6.0, 43)]
        for asset, value, minute in sent:  # one by one: values that arrive together may be told together, the newest only
            send(asset, [reading(value, minute)])
            assert [one["value"] for one in staff.next()[2]] == [value]
        assert [one["value"] for one in public.next()[2]] == [6.0]


def test_after_a_break_a_page_gets_what_changed_meanwhile(running, send):
    with following(running, {"asset": "st-04"}) as events:
        send("st-04", [reading(1.0, 44)])
        _, last, _ = events.next()
    answer = send("st-04", [reading(2.0, 45), reading(50.0, 45, name="relative_humidity")], params={"wait": "stored"})
    assert answer.json()["stored"] is True
    with following(running, {"asset": "st-04"}, last_event_id=str(last)) as events:
        name, seen, values = events.next()
    assert (name, {one["property"]: one["value"] for one in values}) == (
        "values",
        {"air_temperature": 2.0, "relative_humidity": 50.0},
    )
    assert seen > last


def test_a_page_may_begin_with_all_newest_values(running, send):
    send("st-05", [reading(9.0, 46)], params={"wait": "stored"})
    with following(running, {"asset": "st-05", "after": 0}) as events:
        assert [one["value"] for one in events.next()[2]] == [9.0]


def test_an_id_of_another_stream_brings_everything(running, send):
    send("st-05", [reading(9.5, 47)], params={"wait": "stored"})
    with following(running, {"asset": "st-05"}, last_event_id="999999999999") as events:
        assert [one["value"] for one in events.next()[2]] == [9.5]


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "9" * 30, "１"])
def test_a_last_event_id_that_is_none_is_refused(running, text):
    answer = httpx.get(f"{running.url}/api/v1/stream", headers={"Last-Event-ID": text.encode()})
    assert (answer.status_code, answer.json()["code"]) == (422, "stream.last_event_id")


def test_a_change_is_encoded_once_for_all_pages_with_the_same_filter(running, send, operator):
    with following(running, {"asset": "st-06"}) as first, following(running, {"asset": "st-06"}) as second:
        before = operator.get("/health").json()
        assert before["pages_open"] >= 2
        send("st-06", [reading(1.5, 48)])
        assert first.next()[2] == second.next()[2]
        assert operator.get("/health").json()["events_encoded"] == before["events_encoded"] + 1


async def test_a_page_slower_than_its_backlog_is_told_that_it_missed_something():
    page = Page(0)
    for seq in range(BACKLOG_MAX + 5):
        page.give(Frame(seq, b""))
    assert page.missed
    assert page.take() == []


def test_filters_are_equal_when_they_ask_the_same():
    one = Filter(frozenset({"a", "b"}), frozenset(), None, everything=False)
    assert one == Filter(frozenset({"b", "a"}), frozenset(), None, everything=False)


def test_a_quiet_line_is_kept_open_and_a_page_that_fell_behind_catches_up(running, send):
    wanted = Filter(frozenset(), frozenset({"st-08"}), None, everything=False)

    async def watch():
        broadcast = Broadcast(running.house.live, Sight(running.house), heartbeat_s=0.05)
        events = broadcast.events(wanted, None)
        first, second = await anext(events), await anext(events)
        (page,) = broadcast.following(wanted)
        page.missed, page.sent = True, 0
        page.give(Frame(1, b"lost"))
        third = await anext(events)
        await events.aclose()
        return first, second, third, broadcast.pages

    send("st-08", [reading(8.5, 50)], params={"wait": "stored"})
    first, second, third, left = running.call(watch())
    assert first.startswith(b"retry: 2000\nevent: ready\nid: ")
    assert second == b": still here\n\n"
    assert b'"value":8.5' in third
    assert left == 0
