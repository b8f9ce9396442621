"""From a meter's register, sent by MQTT, to its intervals and its months; again, late, estimated, exchanged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from reads_running import BuildingsCity, registers

from dure.core.time import to_us
from dure.services.buildings.intervals.interval_reasons import reasons_of

NOON = datetime(2026, 5, 10, 3, 0, tzinfo=UTC)  # noon in Korea
START = datetime(2026, 4, 28, 15, 0, tzinfo=UTC)  # midnight in Korea, two days before May
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = BuildingsCity(tmp_path_factory.mktemp("reads"), NOON).begun()
    yield one
    one.stop()


def sent(city, meter, start, values, property_id="electricity_register", step=HOUR):
    with city.device(meter) as device:
        device.send(registers(property_id, start, values, step))
    city.until_rows(meter, 1, property_id)
    city.recorded()


def test_1_registers_by_mqtt_become_intervals_and_months(city):
    sent(city, "e-main", START, [1_000_000 + 1_000 * n for n in range(24 * 5 + 1)])
    reads, months = city.look()
    assert (reads, months) == (120, 2)  # none of the formula: its other meter has not sent yet
    found = city.intervals("e-main")
    assert len(found) == 120
    assert found.amount.tolist() == [1_000] * 120
    assert (city.month("e-main", "2026-04").amount, city.month("e-main", "2026-05").amount) == (48_000, 72_000)
    assert city.month("e-main", "2026-04").coverage == pytest.approx(2 / 30, abs=1e-6)


def test_2_the_same_round_again_books_nothing_even_by_a_watch_that_knows_nothing(city):
    assert city.look() == (0, 0)
    city.begin_anew()
    assert city.look()[0] == 0
    assert city.intervals("e-main").entries.max() == 1


def test_3_a_late_read_corrects_its_hours_by_differences(city):
    before = city.intervals("e-main").amount.sum()
    with city.device("e-main") as device:  # half past one: 900 of the 1,000 had passed already
        device.send(registers("electricity_register", START + 1.5 * HOUR, [1_001_900]))
    city.until_rows("e-main", 122, "electricity_register")
    city.begin_anew()
    city.look()
    found = city.intervals("e-main")
    assert found.amount.sum() == before
    assert found.entries[:3].tolist() == [1, 1, 1]  # the hour's own sum is the same


def test_4_a_sub_meter_and_the_formula_follow(city):
    sent(city, "e-sub", START, [400 * n for n in range(24 * 5 + 1)])
    city.look()
    assert city.month("e-rest", "2026-05").amount == 72_000 - 28_800
    assert city.month("e-rest", "2026-05").source == "formula"
    answer = city.asked("operator", "GET", "/buildings/hall/balances", params={"first": "2026-05", "last": "2026-05"})
    assert [one["code"] for one in answer["items"]] == ["balance.unknown"]  # the month is not over


def test_5_an_exchange_that_is_noted_closes_the_gap(city):
    at = START + timedelta(days=5, minutes=30)
    sent(city, "e-main", START + timedelta(days=5, hours=1), [5_200, 6_200])
    city.look()
    assert city.intervals("e-main").start_us[-1] == to_us(START + timedelta(days=5, hours=-1))  # not decided yet
    body = {"at": at.isoformat(), "last": 1_120_600, "first": 5_000}
    city.asked("operator", "POST", "/buildings/meters/e-main/exchanges", json=body, status=201)
    city.look()
    found = city.intervals("e-main")
    tail = found.amount[found.start_us >= to_us(START + timedelta(days=5))].tolist()
    assert tail == [600 + 200, 1_000]
    assert city.asked("operator", "GET", "/buildings/meters/e-main/exchanges")["items"][0]["first"] == 5_000


def test_6_a_meter_read_once_a_day_becomes_days_and_months_but_no_hours(city):
    sent(city, "w-main", START + timedelta(minutes=10), [10_000 + 700 * n for n in range(6)], "water_register", timedelta(days=1))
    city.look()
    assert len(city.intervals("w-main", "water_use")) == 0
    april, may = city.month("w-main", "2026-04"), city.month("w-main", "2026-05")
    assert (april.amount, april.measured, april.source) == (1_400, 1_400, "bills")
    assert may.amount == 2_100
    assert city.look() == (0, 0)


def test_7_what_was_known_then_is_answered_then(city):
    then = city.clock.at
    city.later(days=40)
    city.look()
    path = "/buildings/meters/e-main/months"
    now = city.asked("officer", "GET", path, params={"first": "2026-05", "last": "2026-05"})["items"]
    assert now[0]["facts"].get("running") is None
    old = city.asked("officer", "GET", path, params={"first": "2026-04", "last": "2026-04", "as_of": then.isoformat()})["items"]
    assert old[0]["amount"] == 48_000


def test_8_a_spike_is_set_aside_and_explained(city):
    start = city.clock.at - timedelta(hours=20)
    values = [90_000 + 400 * n for n in range(19)]
    values[8] = 9_000_000
    sent(city, "e-sub", start.replace(minute=0), values)
    city.look()
    hours = city.intervals("e-sub")
    tail = hours.amount[hours.start_us >= to_us(start.replace(minute=0))]
    assert tail.tolist() == [400] * len(tail)
    with city.house.records.read():
        spike = city.house.telemetry.observation(("e-sub", "electricity_register"), to_us(start.replace(minute=0) + 8 * HOUR))
    assert "read.spike" in reasons_of(city.house, spike)[0]
    usual = city.house.telemetry.observation(("e-sub", "electricity_register"), to_us(start.replace(minute=0) + 3 * HOUR))
    assert reasons_of(city.house, usual)[0].startswith("400 Wh since the read before")


def test_9_a_meter_that_sends_its_use_by_quarters_has_hours_and_months(city):
    start = city.clock.at.replace(minute=0) - timedelta(days=2)
    sent(city, "w-main", start, [5] * 8, "water_use", timedelta(minutes=15))
    hours = city.intervals("w-main", "water_use")
    assert hours.amount.tolist() == [20, 20]
    city.later(days=1)
    city.begin_anew()
    city.look()
    assert city.month("w-main", f"{start:%Y-%m}").amount == 40
