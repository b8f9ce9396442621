"""Bad values come into a running city by HTTP: each is flagged with its reason, shown to nobody as good, and never lost."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from city_running import until
from environment_running import HOUR, MINUTE, NOW, STREET, EnvironmentCity

from dure.core.time import format_instant

T = "air_temperature"
STEP = 10 * MINUTE
GOOD, SUSPECT, FAIL, MISSING = 1, 3, 4, 9


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Each test uses stations of its own."""
    one = EnvironmentCity(tmp_path_factory.mktemp("bad"), STREET).start()
    yield one
    one.stop()


def at(back):
    """An instant before now, as devices write it."""
    return format_instant(NOW - back)


def test_a_stuck_sensor_is_suspect_after_four_hours_and_hidden_after_eight(city):
    city.series("st-00", T, [20.1, 20.6, *[21.3] * 55], STEP)
    found = city.judged("st-00")
    flags = [flag for _, flag, _ in found]
    assert flags == sorted(flags), "it only gets worse"
    assert flags[:26] == [GOOD] * 26
    assert flags[26:37] == [SUSPECT] * 11, "after four hours"
    assert flags[50:] == [FAIL] * 7, "after eight hours, or sooner where it was too calm all the time"
    assert {check for _, flag, check in found if flag != GOOD} == {"flat_line", "attenuated"}
    story = city.why("st-00", T, NOW)
    assert (story["flag"], story["check"]) == ("fail", "flat_line")
    assert "flat_line: 28800 s, fine within no limit to 28800 s" in " ".join(story["reasons"])
    assert city.latest("st-00") == {}
    value, quality = city.shown("st-00")
    assert "21.3" not in value
    assert quality == "불량"
    page = city.page("/stations/st-00")
    assert "같은 값이 적어도 8.0시간 이어졌습니다. 한계는 8.0시간입니다." in page
    assert "st-00 측정소" in city.page().partition("지금 숨긴 값과 그 까닭")[2]
    assert city.nothing_is_lost("st-00")


def test_a_spike_is_known_one_value_later_and_its_earlier_flag_changes_everywhere(city):
    times = [NOW - 40 * MINUTE, NOW - 20 * MINUTE, NOW]
    city.series("st-01", T, [10.0, 20.0], 20 * MINUTE, times[1])
    assert [flag for _, flag, _ in city.judged("st-01")] == [GOOD, GOOD], "nobody can know yet"
    assert city.latest("st-01") == {T: 20.0}
    with city.listening("st-01") as heard:
        city.series("st-01", T, [10.2], MINUTE)
    assert [(one["value"], one["flag"]) for one in heard] == [(10.2, GOOD)]
    assert city.judged("st-01") == [(10.0, GOOD, "none"), (20.0, FAIL, "spike"), (10.2, GOOD, "none")]
    assert city.latest("st-01") == {T: 10.2}
    story = city.why("st-01", T, times[1])
    assert (story["flag"], story["check"], story["observation"]["value"]) == ("fail", "spike", 20.0)
    assert "spike: 9.9 Cel, fine within no limit to 8 Cel" in " ".join(story["reasons"])
    asked = {"asset": "st-01", "property": T, "start": at(HOUR), "end": at(-HOUR)}
    public = httpx.get(f"{city.url}/api/v1/observations", params=asked, timeout=30)
    assert [one["value"] for one in public.json()["items"]] in ([10.0, 10.2], [10.0, None, 10.2])
    page = city.page("/stations/st-01")
    assert "앞뒤 값의 가운데에서 9.9 °C 벗어났습니다. 한계는 8 °C입니다." in page
    assert city.nothing_is_lost("st-01")


def test_a_newest_value_that_cannot_be_true_leaves_no_newest_value_to_show(city):
    city.series("st-02", T, [20.0], MINUTE, NOW - 2 * HOUR)
    city.series("st-02", T, [20.1], MINUTE, NOW - HOUR)
    assert city.latest("st-02") == {T: 20.1}
    city.series("st-02", T, [62.0], MINUTE)
    assert city.judged("st-02")[-1] == (62.0, FAIL, "above_possible")
    assert city.latest("st-02") == {}
    assert city.nothing_is_lost("st-02")


def test_a_jump_faster_than_the_air_can_change_fails_at_once(city):
    city.series("st-03", T, [20.0, 20.1, 25.3], MINUTE)
    assert city.judged("st-03") == [(20.0, GOOD, "none"), (20.1, GOOD, "none"), (25.3, FAIL, "rate_of_change")]
    story = city.why("st-03", T, NOW)
    assert "rate_of_change: 0.0866667 Cel/s, fine within no limit to 0.05 Cel/s" in " ".join(story["reasons"])
    assert city.latest("st-03") == {}
    assert city.shown("st-03")[1] == "불량"
    assert "시간당 312 °C의 빠르기로 변했습니다. 한계는 시간당 180 °C입니다." in city.page("/stations/st-03")
    assert city.nothing_is_lost("st-03")


@pytest.mark.parametrize(
    ("station", "name", "value", "judged", "reason"),
    [
        ("st-04", T, 85.0, (FAIL, "above_possible"), "above_possible: 85 Cel against 50 Cel"),
        ("st-04", "relative_humidity", -12.0, (FAIL, "below_possible"), "below_possible: -12 % against 0 %"),
        ("st-04", "pm10", 6553.5, (FAIL, "above_possible"), "above_possible: 6553.5 ug/m3 against 3000 ug/m3"),
        ("st-04", "o3", 45.0, (FAIL, "above_possible"), "above_possible: 45 [ppm] against 1 [ppm]"),
        ("st-04", "pm2_5", 620.0, (SUSPECT, "above_likely"), "above_likely: 620 ug/m3 against 500 ug/m3"),
        ("st-05", T, 33.0, (SUSPECT, "outside_climate"), "climatology: 33 Cel"),
        ("st-06", T, -28.0, (FAIL, "outside_climate"), "climatology: -28 Cel, fine within -24 to 33 Cel"),
    ],
)
def test_a_value_out_of_range_is_kept_with_the_limit_it_passed(city, station, name, value, judged, reason):
    flag, check = judged
    city.send(station, [{"property": name, "value": value, "time": at(MINUTE)}])
    assert city.judged(station, name) == [(value, flag, check)]
    story = city.why(station, name, NOW - MINUTE)
    assert any(one.startswith(reason) for one in story["reasons"]), story["reasons"]
    shown, quality = city.shown(station, name)
    assert quality == {SUSPECT: "의심", FAIL: "불량"}[flag]
    assert (name in city.latest(station)) is (flag == SUSPECT)
    assert (f"{value:g}" in shown) is (flag == SUSPECT)
    assert city.nothing_is_lost(station)


@pytest.mark.parametrize("value", [None, "", "NaN", "null", "-"])
def test_a_reading_without_a_value_is_missing_and_never_a_number(city, value):
    station = "st-07"
    reading = {"property": T, "value": value, "time": at(timedelta(minutes=50 - city.sent[station]))}
    city.send(station, [reading], status=202 if value is None else 422)
    if value is None:
        assert city.judged(station)[-1] == (None, MISSING, "missing_value")
        assert city.latest(station) == {}
    assert city.nothing_is_lost(station)


def test_what_cannot_become_a_row_waits_with_its_reason_beside_good_rows(city):
    receipt = city.send(
        "st-08",
        [
            {"property": T, "value": 20.0, "time": at(5 * MINUTE)},
            {"property": T, "value": 20.0, "time": at(4 * MINUTE), "asset": "nowhere"},
            {"property": T, "value": 20.0, "time": at(3 * MINUTE), "asset": "st-00"},
            {"property": "warmth", "value": 20.0, "time": at(2 * MINUTE)},
            {"property": T, "value": 68.0, "unit": "furlong", "time": at(MINUTE)},
            {"property": T, "value": 20.0, "time": at(timedelta(days=-2))},
            {"property": T, "value": 20.0, "time": "1970-01-01T00:00:10Z"},
        ],
    )
    assert (receipt["accepted"], receipt["parked"]) == (1, 6)
    assert sorted(one.code for one in until(lambda: city.waiting("st-08"))) == [
        "asset.not_yours",
        "asset.unknown",
        "property.unknown",
        "reading.time_in_future",
        "reading.time_too_old",
        "unit.unknown",
    ]
    assert city.judged("st-08") == [(20.0, GOOD, "none")]
    assert city.nothing_is_lost("st-08")


def test_the_second_of_two_values_at_one_instant_waits_as_a_conflict(city):
    one = {"property": T, "value": 20.0, "time": at(MINUTE)}
    city.send("st-09", [one])
    city.send("st-09", [one | {"value": 23.0}])
    assert city.judged("st-09") == [(20.0, GOOD, "none")]
    (waiting,) = until(lambda: city.waiting("st-09"))
    assert waiting.code == "reading.conflict"
    assert b"23.0" in waiting.content
    assert city.nothing_is_lost("st-09")


@pytest.mark.parametrize(
    ("name", "value", "unit", "kept"),
    [
        ("o3", 45.0, "[ppb]", 0.045),
        ("no2", 31.0, "ppb", 0.031),
        ("wind_speed", 18.0, "km/h", 5.0),
        (T, 68.0, "[degF]", 20.0),
        ("air_pressure", 101.3, "kPa", 1013.0),
        ("pm2_5", 0.021, "mg/m3", 21.0),
    ],
)
def test_a_unit_that_is_declared_is_converted(city, name, value, unit, kept):
    city.send("st-10", [{"property": name, "value": value, "unit": unit, "time": at(MINUTE)}])
    ((found, flag, _),) = city.judged("st-10", name)
    assert (pytest.approx(found, rel=1e-9), flag) == (kept, GOOD)
    assert city.nothing_is_lost("st-10")


def test_a_clock_nine_hours_ahead_is_suspect_and_one_more_than_a_day_ahead_waits(city):
    city.send("st-11", [{"property": T, "value": 20.0, "time": at(-ahead)} for ahead in (9 * HOUR, 25 * HOUR)])
    assert city.judged("st-11") == [(20.0, SUSPECT, "clock_ahead")]
    assert city.why("st-11", T, NOW + 9 * HOUR)["reasons"] == ["clock_ahead"]
    assert city.shown("st-11")[1] == "의심"
    assert [one.code for one in until(lambda: city.waiting("st-11"))] == ["reading.time_in_future"]
    assert city.nothing_is_lost("st-11")
