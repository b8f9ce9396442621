"""Stations with a fault stand in a running city: each is found with its reason, what it says is held back, nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from city_running import until
from environment_running import HOUR, MINUTE, NOW, STREET, EnvironmentCity, Weather

from dure.core.time import format_instant
from dure.engines.records import events
from dure.services.environment.watches.diagnosis_watch import DiagnosisWatch
from dure.services.environment.watches.network_watch import NetworkWatch

T, WIND, DUST = "air_temperature", "wind_speed", "pm2_5"
GOOD, SUSPECT, FAIL = 1, 3, 4
WEEK_H = 168
RNG = np.random.default_rng(4)
FIELD = {f"f-{n:02}": (126.9 + x / 88_700, 37.2 + y / 111_320) for n, (x, y) in enumerate(RNG.uniform(-10_000, 10_000, (60, 2)))}


def inner():
    """Three stations well inside the network and far from one another."""
    x, y = (np.array([(p[axis] - (126.9, 37.2)[axis]) * (88_700, 111_320)[axis] for p in FIELD.values()]) for axis in (0, 1))
    middle = np.flatnonzero((np.abs(x) < 6_500) & (np.abs(y) < 6_500))
    apart = np.hypot(x[middle, None] - x[middle], y[middle, None] - y[middle])
    one, other = np.unravel_index(np.argmax(apart), apart.shape)
    third = int(np.argmax(np.minimum(apart[one], apart[other])))
    names = list(FIELD)
    return [names[middle[i]] for i in (one, other, third)]


FIRST, SECOND, MOVED = inner()
ELSEWHERE = FIRST  # where the moved station really stands
KMH, SLOW, EARLY, LATE, TWIN, HOLES, STUCK, SPIKES, ODD = (f"st-{n:02}" for n in range(2, 11))


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A week of a city in which one station of each kind is wrong, looked at by the diagnosis."""
    one = EnvironmentCity(tmp_path_factory.mktemp("faults"), STREET | FIELD).start()
    bring_field(one)
    bring_street(one)
    one.diagnosis = one.watch(DiagnosisWatch, since=NOW - 25 * HOUR)
    one.look(one.diagnosis)
    yield one
    one.stop()


def bring_field(city):
    """Temperatures of sixty stations, two exchanged and one that was moved four days ago."""
    weather = Weather(4, FIELD, WEEK_H)
    table = weather.table(14.0, 1.5, 2.0, 0.2)
    truth = {name: values.copy() for name, values in table.items()}
    table[FIRST], table[SECOND] = truth[SECOND], truth[FIRST]
    table[MOVED][-96:] = np.round(truth[ELSEWHERE][-96:] + weather.rng.normal(0, 0.3, 96), 2)
    city.history(T, table, HOUR)


def bring_street(city):
    """Wind of twelve stations, one in km/h; one station with a wrong clock, two devices, holes, a stuck and a spiking sensor."""
    wind = Weather(5, STREET, WEEK_H).table(5.0, 0.7, 0.5, 0.2)
    wind[KMH] = np.round(wind[KMH] * 3.6, 1)
    city.history(WIND, wind, HOUR)
    calm = 21 + np.cumsum(np.random.default_rng(1).normal(0, 0.2, 60))
    for station, ahead in ((SLOW, -HOUR), (EARLY, 9 * HOUR), (LATE, -9 * HOUR)):
        city.arriving(station, T, np.round(calm[:30], 1).tolist(), 10 * MINUTE, ahead=ahead)
    city.arriving(TWIN, DUST, np.where(np.arange(40) % 2, 38.0, 15.0).tolist(), 5 * MINUTE)
    holed = np.round(np.interp(np.arange(150), np.arange(60) * 2.6, calm), 1)
    holed[(np.arange(150) * 7) % 10 < 3] = np.nan
    city.arriving(HOLES, T, holed.tolist(), 10 * MINUTE)
    city.arriving(STUCK, T, [20.0, *[21.0] * 49], 12 * MINUTE)
    spiking = np.round(calm[:60], 1)
    spiking[5::9] = 85.0
    city.arriving(SPIKES, T, spiking.tolist(), 10 * MINUTE)


@pytest.mark.parametrize(
    ("station", "kind", "says"),
    [
        (KMH, "unit_mixed", {"sent_in": ["km/h"], "factor": 3.6}),
        (FIRST, "swapped", {"place_of": SECOND}),
        (SECOND, "swapped", {"place_of": FIRST}),
        (MOVED, "moved", {}),
        (SLOW, "clock_off", {"hours": -1}),
        (EARLY, "clock_off", {"hours": 9}),
        (LATE, "clock_off", {"hours": -9}),
        (TWIN, "doubled", {"sign": "levels_in_turn", "low": 15.0, "high": 38.0}),
        (STUCK, "stuck", {}),
        (SPIKES, "spiking", {"readings": 60}),
        (HOLES, "gaps", {"expected": 144, "came": 101}),
    ],
)
def test_a_fault_of_a_station_is_found_with_its_numbers(city, station, kind, says):
    finding = city.findings(station)[kind]
    assert {name: finding["evidence"][name] for name in says} == says
    assert city.nothing_is_lost(station)


def test_faultless_stations_have_no_finding_of_place_unit_or_clock(city):
    faulty = {KMH, FIRST, SECOND, MOVED, SLOW, EARLY, LATE, TWIN, HOLES, STUCK, SPIKES}
    rows = city.ask("/environment/findings", state="open", limit=1000)["items"]
    assert [(one["asset"], one["kind"], one["evidence"]) for one in rows if one["asset"] not in faulty] == []


@pytest.mark.parametrize(
    ("station", "name", "kind", "flag", "check"),
    [
        (KMH, WIND, "unit_mixed", FAIL, "unit_doubtful"),
        (FIRST, T, "swapped", FAIL, "station_doubtful"),
        (MOVED, T, "moved", SUSPECT, "station_doubtful"),
        (EARLY, T, "clock_off", SUSPECT, "clock_off"),
        (TWIN, DUST, "doubled", SUSPECT, "station_doubtful"),
    ],
)
def test_what_a_faulty_station_says_next_is_held_back_and_names_the_finding(city, station, name, kind, flag, check):
    last = city.judged(station, name)[-1][0]
    assert city.until_check(station, name, last, check) == (last, flag, check)
    story = city.why(station, name, city.clock.at)
    finding = city.findings(station)[kind]["id"]
    assert any(one.startswith(f"finding {finding}: {kind} since 2026-11-20") for one in story["reasons"]), story["reasons"]
    assert (name in city.latest(station)) is (flag == SUSPECT)
    shown, quality = city.shown(station, name)
    assert quality == {SUSPECT: "의심", FAIL: "불량"}[flag]
    assert (city.written(name, last) in shown) is (flag == SUSPECT)
    assert (f"{station} 측정소" in city.page().partition("지금 숨긴 값과 그 까닭")[2]) is (flag == FAIL)
    assert city.nothing_is_lost(station)


def test_what_came_before_a_finding_but_bears_its_fault_is_held_back_too(city):
    assert len(city.judged(KMH, WIND)) > 24
    city.look(city.diagnosis)  # what came while the finding was on its way to the assessor is taken by the next look
    until(lambda: {(flag, check) for _, flag, check in city.judged(KMH, WIND)} == {(FAIL, "unit_doubtful")})


def test_a_finding_that_a_person_closes_lets_new_values_through_and_stays_closed(city):
    finding = city.findings(KMH)["unit_mixed"]["id"]
    closed = city.settle(finding, "기기 설정을 m/s로 고쳤습니다.")
    assert (closed["state"], closed["note"], closed["by"] != "") == ("closed", "기기 설정을 m/s로 고쳤습니다.", True)
    assert city.until_check(KMH, WIND, 5.0, "none") == (5.0, GOOD, "none")
    assert city.latest(KMH)[WIND] == 5.0
    city.look(city.diagnosis)
    assert "unit_mixed" not in city.findings(KMH), "what was sent before it was closed counts no more"
    assert city.ask("/environment/findings", asset=KMH, state="closed")["items"][0]["note"] == "기기 설정을 m/s로 고쳤습니다."
    with city.house.records.read() as connection:
        told = events.listing(connection, prefix="environment.finding.", subject=KMH, limit=100).items
    assert {"environment.finding.opened", "environment.finding.closed"} == {one.type for one in told}
    assert city.nothing_is_lost(KMH)


def test_a_value_unlike_its_neighbours_is_taken_back_with_who_was_asked(city):
    for number, station in enumerate(STREET):
        value = 330.0 if station == ODD else 30.0 + number % 5
        city.send(station, [{"property": "pm10", "value": value, "time": format_instant(city.clock.at)}])
    assert city.latest(ODD)["pm10"] == 330.0
    network = city.watch(NetworkWatch)
    with city.listening(ODD) as heard:
        city.look(network)
    assert [(one["value"], one["flag"]) for one in heard if one["property"] == "pm10"] == [(None, FAIL)]
    assert city.judged(ODD, "pm10") == [(330.0, FAIL, "unlike_neighbours")]
    others = {city.judged(one, "pm10")[-1][1:] for one in STREET if one != ODD}
    assert others == {(GOOD, "none"), (SUSPECT, "clock_off"), (SUSPECT, "station_doubtful")}, "one wrong one condemns no other"
    assert "pm10" not in city.latest(ODD)
    said = next(one for one in city.why(ODD, "pm10", city.clock.at)["reasons"] if "differs" in one)
    assert "differs by 29" in said
    assert "the neighbours say 3" in said
    assert "(st-11, st-09" in said
    city.clock.at += MINUTE
    (verdict,) = city.ask("/environment/verdicts", asset=ODD, property="pm10")["items"]
    assert (verdict["check"], verdict["flag"], verdict["detail"]["value"]) == ("unlike_neighbours", FAIL, 330.0)
    assert city.shown(ODD, "pm10")[1] == "불량"
    assert "이웃" in city.page(f"/stations/{ODD}", property="pm10")
    city.look(network)
    assert len(city.ask("/environment/verdicts", asset=ODD, property="pm10")["items"]) == 1, "a value is judged once"
    assert city.nothing_is_lost(ODD)


def test_the_map_between_stations_leaves_out_what_failed_and_says_why(city):
    drawn = city.ask("/environment/surface", property="pm10")
    assert drawn["map"] is not None, drawn["missing"]
    assert ODD not in [one["asset"] for one in drawn["used"]]
    (left_out,) = [one for one in drawn["not_used"] if one["asset"] == ODD]
    assert left_out["code"] == "failed"
    assert max(one["estimate"] for one in drawn["zones"] if one["estimate"] is not None) < 40
