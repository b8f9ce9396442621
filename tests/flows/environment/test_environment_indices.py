"""Air comes into a running city for half a day: indices with their steps, missing items told as missing, one message an alert."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import numpy as np
import pytest
from environment_running import HOUR, MINUTE, NOW, STREET, EnvironmentCity

from dure.core.time import to_us
from dure.services.environment.grades.air_index import cai_of_hours
from dure.services.environment.grades.grading import Grading
from dure.services.environment.watches.rounds import Grades

TEN = 10 * MINUTE
LAST = NOW.replace(minute=0) - TEN  # the last reading of the hour that has settled
HOURS_N = 13
AIR = {
    "pm10": (48.0, 4.0),
    "pm2_5": (24.0, 2.0),
    "o3": (0.034, 0.003),
    "no2": (0.021, 0.002),
    "so2": (0.003, 0.0004),
    "co": (0.5, 0.05),
}
WHOLE, NO_OZONE, PPB, SPIKED = "st-00", "st-01", "st-02", "st-03"
DUST = "pm2_5"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Used in the order of the tests: the day goes on."""
    one = EnvironmentCity(tmp_path_factory.mktemp("air"), STREET).start()
    yield one
    one.stop()


def wave(middle, size, n=HOURS_N * 6, digits=4):
    return np.round(middle + size * np.sin(np.arange(n) * 0.7), digits)


def breathe(city, station, leave_out=(), factor=None):
    """Ten-minute values of every item of the index, and what their hours are."""
    hours = {}
    for name, (middle, size) in AIR.items():
        if name not in leave_out:
            values = wave(middle, size) * (factor or {}).get(name, 1)
            city.history(name, {station: values}, TEN, LAST)
            hours[name] = values.reshape(HOURS_N, 6).mean(axis=1).tolist()
    return hours


def grade(city):
    """A round of indices and alerts, as a house that was just started does it."""
    city.call(city.watch(Grades).often())
    city.recorded()


def told_today(city):
    """The index on the public page, if there is one."""
    return re.findall(r'class="figure-value">(\d+)<', city.page())


def index_of(city, station):
    return {one["name"]: one for one in city.ask("/environment/indices", asset=station)["items"]}["cai"]["result"]


def test_an_index_that_lacks_a_required_item_is_unknown_and_never_good(city):
    breathe(city, NO_OZONE, leave_out=["o3"])
    grade(city)
    found = index_of(city, NO_OZONE)
    assert (found["index"], found["grade"], found["missing"]) == (None, None, ["o3"])
    page = city.page()
    answer = page.partition('class="answer-word"')[2].partition("</p>")[0]
    assert "알 수 없음" in answer
    assert "필요한 항목의 값이 없어 지수를 낼 수 없습니다." in page
    assert "값이 없는 항목: 오존" in page.replace("</span> ", "").replace(" <span", "<span")
    assert "필요한 항목의 값이 없어 지수를 낼 수 없습니다." in city.page(f"/stations/{NO_OZONE}")
    assert city.judged(NO_OZONE, "cai") == [], "no index is told where there is none"
    assert city.nothing_is_lost(NO_OZONE)


def test_values_that_failed_make_no_index(city):
    breathe(city, PPB, factor={"o3": 1000})
    assert {flag for _, flag, _ in city.judged(PPB, "o3")} == {4}
    grade(city)
    found = index_of(city, PPB)
    assert (found["index"], found["missing"]) == (None, ["o3"])
    assert city.shown(PPB, "o3")[1] == "불량"
    assert city.nothing_is_lost(PPB)


def test_the_index_of_a_station_is_that_of_the_hours_it_sent_and_explains_itself(city):
    hours = breathe(city, WHOLE)
    grade(city)
    rules = Grading(city.house.city).rules(to_us(NOW.replace(minute=0)))
    expected = cai_of_hours(rules.cai, hours)
    found = index_of(city, WHOLE)
    assert expected.index is not None
    assert (found["index"], found["grade"], found["deciding"]) == (expected.index, expected.grade, expected.deciding)
    assert [one["sub_index"] for one in found["steps"]] == [one.sub_index for one in expected.steps]
    assert (float(expected.index), 1, "none") in city.judged(WHOLE, "cai")
    story = city.why(WHOLE, "cai", NOW.replace(minute=0))
    assert (
        story["reasons"][0]
        == f"index {expected.index}: highest {expected.highest} by {expected.deciding}, bonus {expected.bonus}"
    )
    assert any(one.startswith("pm10: C24E") for one in story["reasons"])
    assert told_today(city) == [str(expected.index)]


def test_a_suspect_value_is_left_out_of_the_mean_of_its_hour(city):
    breathe(city, SPIKED, leave_out=["co"])
    values = wave(*AIR["co"])
    good = values[-6:][[0, 1, 2, 4, 5]]
    values[-3] += 4.0
    city.history("co", {SPIKED: values}, TEN, LAST)
    assert [flag for _, flag, _ in city.judged(SPIKED, "co")][-6:] == [1, 1, 1, 3, 1, 1]
    grade(city)
    step = next(one for one in index_of(city, SPIKED)["steps"] if one["item"] == "co")
    assert step["value"] == pytest.approx(good.mean(), abs=1e-9)


@pytest.mark.slow
def test_an_index_of_before_a_long_pause_is_not_told_as_the_index_of_today(city):
    assert len(told_today(city)) == 1
    city.stop()
    city.clock.at += timedelta(days=3)
    city.start()
    grade(city)
    assert told_today(city) == []
    assert "알 수 없" in city.page().partition('aria-labelledby="play"')[2].partition("</section>")[0]
    assert "통합대기환경지수" not in city.page(f"/stations/{WHOLE}").partition("지금 값")[0]


def inbox(client):
    return [one for one in client.get("/environment/inbox").raise_for_status().json()["items"] if "초미세먼지" in one["subject"]]


def dusty(city, hours, value):
    """Two more hours or one, at every station; the clock goes with them."""
    city.clock.at += hours * HOUR
    end = city.clock.at.replace(minute=0) - TEN
    city.history(DUST, {station: wave(value, 2.0, hours * 6) for station in STREET}, TEN, end)


def alerts(city, state):
    return city.ask("/environment/alerts", state=state, rule="air-warning-pm2-5")["items"]


def again(city):
    """The same house, started once more on its data."""
    city.stop()
    city.start()


@pytest.mark.slow
def test_an_alert_opens_once_tells_each_subscriber_once_survives_restarts_and_closes(city):
    with city.operator() as client:
        client.post("/environment/subscriptions", json={"channel": "in_app", "rules": ["air-warning"]}).raise_for_status()
        dusty(city, 1, 90.0)
        grade(city)
        assert (alerts(city, "open"), inbox(client)) == ([], []), "one hour is not two"
        dusty(city, 1, 90.0)
        grade(city)
        (opened,) = alerts(city, "open")
        assert (opened["level"], opened["scope"]) == (1, "testville")
        assert len(inbox(client)) == 1
        token = client.headers["authorization"]
    assert "지금 내려진 알림" in city.page()
    again(city)
    with httpx.Client(base_url=f"{city.url}/api/v1", headers={"Authorization": token}, timeout=30) as client:
        for _ in range(2):
            grade(city)
        client.post(f"/environment/alerts/{opened['id']}/acknowledge", json={"note": "보고 있음"}).raise_for_status()
        assert [one["id"] for one in alerts(city, "open")] == [opened["id"]]
        assert len(inbox(client)) == 1, "a restart tells nobody twice"
        dusty(city, 1, 50.0)
        grade(city)
        assert len(alerts(city, "open")) == 1, "50 is not below 35"
        dusty(city, 1, 20.0)
        grade(city)
        assert alerts(city, "open") == []
        (closed,) = alerts(city, "closed")
        assert closed["id"] == opened["id"]
        assert len(inbox(client)) == 2
    assert "지금 내려진 알림" not in city.page()
