from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest

from dure.core.time import Interval, to_us
from dure.services.environment.grades.advice import (
    ANSWERS,
    advice_rules,
    air_advice,
    may_play_outside,
    noise_advice,
    water_advice,
    weather_advice,
)
from dure.services.environment.grades.air_index import cai, cai_rules
from dure.services.environment.grades.noise import Levels, assess_noise, noise_rules
from dure.services.environment.grades.water_grade import grade_rules, water_grade
from dure.services.environment.grades.weather_levels import level_rules, observed_levels
from dure.services.environment.rules import load_pack

DAY = date(2026, 11, 25)
RULES = advice_rules(load_pack("advice"), DAY)
CAI = cai_rules(load_pack("cai"), DAY)
RIVER = grade_rules(load_pack("river_grade"), DAY)
NOISE = noise_rules(load_pack("noise"), DAY)
WEATHER = level_rules(load_pack("weather_levels"), DAY)
CLEAN = {"pm10": 20.0, "pm2_5": 10.0, "o3": 0.02, "no2": 0.01, "so2": 0.003, "co": 0.4}
RIVER_WHOLE = {
    "ph": 7.2, "bod": 0.8, "toc": 1.5, "suspended_solids": 5.0, "dissolved_oxygen": 9.0, "tp": 0.01, "total_coliform": 20.0,
    "fecal_coliform": 3.0,
}  # fmt: skip


def test_every_grade_and_audience_has_a_text_in_both_languages():
    for grade, audience in product(CAI.grades, RULES.tables["audiences"]):
        row = RULES.tables["air"][f"{grade.id}-{audience}"]
        assert (row.grade, row.audience) == (grade.id, audience)
        assert row.text.ko
        assert row.text.en
    assert set(RULES.tables["air_unknown"]) == set(RULES.tables["audiences"])
    assert set(RULES.tables["air_item"]) == set(CAI.items)
    assert set(RULES.tables["water"]) == {one.id for one in RIVER.grades}
    assert set(RULES.tables["weather"]) == {f"{one.phenomenon}-{one.level}" for one in WEATHER.levels}


def test_advice_for_a_worse_grade_is_never_milder():
    order = ["yes", "care", "no"]
    for audience in RULES.tables["audiences"]:
        answers = [order.index(RULES.tables["air"][f"{grade.id}-{audience}"].answer) for grade in CAI.grades]
        assert answers == sorted(answers)
        assert (answers[0], answers[-1]) == (0, 2)


def test_a_reason_names_the_item_its_value_and_its_grade():
    advice = may_play_outside(RULES, cai(CAI, CLEAN | {"pm2_5": 76.0}))
    assert advice.answer == "no"
    assert advice.reasons[0].ko == "초미세먼지가 76 µg/m³으로 '매우나쁨'"
    assert advice.reasons[0].en == "PM2.5 at 76 µg/m³: 'Very unhealthy'"
    assert "밖에서 놀지 말고" in advice.text.ko
    assert "마스크" in advice.text.ko


@pytest.mark.parametrize(("values", "answer"), [({}, "yes"), ({"pm10": 60.0}, "yes"), ({"o3": 0.1}, "care"), ({"o3": 0.2}, "no")])
def test_may_my_child_play_outside_is_yes_with_care_or_no(values, answer):
    advice = may_play_outside(RULES, cai(CAI, CLEAN | values))
    assert advice.answer == answer
    assert (advice.answer_name, advice.tone, advice.shape) == ANSWERS[answer]
    assert advice.unknown == ()


def test_good_air_gives_one_reason_and_bad_air_all_that_are_bad_the_worst_first():
    assert [one.ko for one in air_advice(RULES, cai(CAI, CLEAN), "everyone").reasons] == ["초미세먼지가 10 µg/m³으로 '좋음'"]
    bad = air_advice(RULES, cai(CAI, {"pm10": 100.0, "pm2_5": 50.0, "o3": 0.1, "no2": 0.07}), "everyone")
    assert [one.ko for one in bad.reasons] == [
        "초미세먼지가 50 µg/m³으로 '나쁨'",
        "미세먼지가 100 µg/m³으로 '나쁨'",
        "오존이 0.100 ppm으로 '나쁨'",
        "이산화질소가 0.070 ppm으로 '나쁨'",
        "나쁜 항목이 4개라 지수에 75점을 더함",
    ]
    assert bad.provisional


@pytest.mark.parametrize("missing", ["pm10", "pm2_5", "o3", "no2"])
@pytest.mark.parametrize("audience", ["everyone", "sensitive", "exercise", "ventilation"])
def test_a_missing_required_item_is_unknown_and_never_good(missing, audience):
    advice = air_advice(RULES, cai(CAI, CLEAN | {missing: None}), audience)
    assert (advice.answer, advice.answer_name.ko) == ("unknown", "알 수 없음")
    assert [one.ko for one in advice.unknown] == [CAI.items[missing].short.ko]
    assert "측정값이 없음" in advice.reasons[-1].ko
    assert advice.tone != "success"


def test_known_bad_air_with_a_missing_item_is_unknown_and_known_very_bad_air_is_no():
    bad = may_play_outside(RULES, cai(CAI, CLEAN | {"o3": None, "pm2_5": 50.0}))
    assert (bad.answer, bad.reasons[0].ko) == ("unknown", "초미세먼지가 50 µg/m³으로 '나쁨'")
    worse = may_play_outside(RULES, cai(CAI, CLEAN | {"o3": None, "pm2_5": 90.0}))
    assert (worse.answer, [one.ko for one in worse.unknown]) == ("no", ["오존"])


def test_no_measurement_at_all_is_unknown_with_all_four_items_named():
    advice = may_play_outside(RULES, cai(CAI, {}))
    assert (advice.answer, len(advice.unknown), len(advice.reasons)) == ("unknown", 4, 1)


def test_the_weather_has_a_say_in_whether_a_child_may_play():
    gale = observed_levels(WEATHER, {"wind_speed": [3.0], "wind_gust": [27.0]})
    advice = may_play_outside(RULES, cai(CAI, CLEAN), gale)
    assert (advice.answer, advice.text.ko) == ("no", "바깥에 나가지 말고 창문에서 떨어져 계세요.")
    assert "기상청의 특보가 아닙니다" in advice.reasons[0].ko
    assert advice.reasons[1].ko == "초미세먼지가 10 µg/m³으로 '좋음'"
    unknown = may_play_outside(RULES, cai(CAI, {}), observed_levels(WEATHER, {"wind_gust": [20.5]}))
    assert unknown.answer == "unknown"
    assert len(unknown.reasons) == 2


def test_weather_that_reaches_no_level_needs_no_advice():
    assert weather_advice(RULES, observed_levels(WEATHER, {"wind_speed": [1.0]})) == ()


@pytest.mark.parametrize(
    ("values", "answer"), [({}, "yes"), ({"toc": 5.0}, "care"), ({"toc": 9.0}, "no"), ({"bod": None}, "unknown")]
)
def test_water_contact_follows_the_whole_grade_only(values, answer):
    advice = water_advice(RULES, water_grade(RIVER, RIVER_WHOLE | values))
    assert advice.answer == answer


def test_partly_measured_water_that_is_bad_is_a_no_with_what_is_missing():
    advice = water_advice(RULES, water_grade(RIVER, {"dissolved_oxygen": 1.0, "ph": 7.0}))
    assert advice.answer == "no"
    assert [one.ko for one in advice.reasons] == ["용존산소(DO) 1 mg/L", "등급에 필요한 항목 6개를 재지 않았습니다."]
    assert "총인(T-P)" in [one.ko for one in advice.unknown]
    assert water_advice(RULES, water_grade(RIVER, {})).answer == "unknown"


@pytest.mark.parametrize(
    ("levels", "answer", "reason"),
    [
        ([60.0] * 16, "yes", "낮 평균 60 dB(A), 기준 65 dB(A)"),
        ([70.0] * 16, "care", "낮 평균 70 dB(A), 기준 65 dB(A)"),
        ([70.0] * 4, "unknown", "낮 시간의 25 %만 측정했습니다."),
    ],
)
def test_noise_is_within_over_or_unknown(levels, answer, reason):
    start = datetime(2026, 11, 24, 21, tzinfo=UTC)
    times = [to_us(start + timedelta(hours=hour)) for hour in range(len(levels))]
    result = assess_noise(NOISE, "roadside_a", "day", Levels(times, levels, 3600), Interval(start, start + timedelta(hours=16)))
    advice = noise_advice(RULES, result)
    assert (advice.answer, advice.reasons[0].ko) == (answer, reason)
