"""The small pure pieces of the watches: what stands beside a value, how findings are merged, what people are told."""

import numpy as np
import pytest

from dure.core.observations import Check, Flag
from dure.services.environment.checks.quality_reasons import Reason
from dure.services.environment.checks.quality_words import test_words as words_of_test
from dure.services.environment.checks.quality_words import verdict_words
from dure.services.environment.faults.diagnosis_finding import Finding
from dure.services.environment.faults.diagnosis_window import Window
from dure.services.environment.faults.findings import Verdict
from dure.services.environment.neighbours.network import surround
from dure.services.environment.watches.calibration_watch import nearest
from dure.services.environment.watches.diagnosis_watch import own_period_s, plain, same_stations, seen_of
from dure.services.environment.watches.network_watch import revisions_of

S = 1_000_000


@pytest.mark.parametrize(
    ("there", "values", "expected"),
    [
        ([], [], [np.nan, np.nan]),
        ([0], [5.0], [5.0, np.nan]),
        ([0, 90 * S], [5.0, 6.0], [5.0, 6.0]),
        ([-200 * S, 400 * S], [5.0, 6.0], [np.nan, np.nan]),
    ],
)
def test_what_stands_beside_a_value_is_the_nearest_in_time_and_nothing_far_away(there, values, expected):
    found = nearest(np.array([0, 100 * S]), np.array(there, np.int64), np.array(values, float), 60 * S)
    np.testing.assert_equal(found, expected)


def finding(kind, property_id, confidence=0.5, since_us=0):
    evidence = {"factor": np.float64(3.6), "odd": float("nan"), "n": np.int64(3)}
    return Finding(kind=kind, asset="a", property=property_id, confidence=confidence, since_us=since_us, evidence=evidence)


def test_what_speaks_of_the_whole_station_stands_once_with_the_quantities_that_showed_it():
    (moved,) = seen_of([finding("moved", "pm10", 0.5, 5), finding("moved", "air_temperature", 0.9, 9)])
    assert (moved.asset, moved.property, moved.kind) == ("a", "", "moved")
    assert moved.evidence["properties"] == ["air_temperature", "pm10"]
    assert moved.evidence["confidence"] == 0.9


def test_what_speaks_of_one_series_stands_by_itself_in_plain_numbers():
    one, other = seen_of([finding("unit_mixed", "wind_speed"), finding("unit_mixed", "air_pressure")])
    assert {one.property, other.property} == {"wind_speed", "air_pressure"}
    assert plain({"factor": np.float64(3.6), "odd": float("nan")}) == {"factor": 3.6, "odd": None}


def test_a_station_that_speaks_more_slowly_than_usual_is_judged_by_its_own_pace():
    assert own_period_s(np.arange(10) * 600 * S, 60.0) == 600.0
    assert own_period_s(np.arange(10) * 60 * S, 600.0) == 600.0
    assert own_period_s(np.array([0]), 60.0) == 60.0


def window(name, assets):
    n = len(assets)
    lon = np.array([126.8 + 0.01 * int(one[1:]) for one in assets])
    values = np.arange(n)[:, None] + np.zeros((1, 4))
    return Window(name, list(assets), 0, S, values, surround(lon, np.full(n, 37.2), radius_m=50_000))


def test_quantities_are_compared_over_the_stations_they_share():
    cut = same_stations([window("t", ["s0", "s1", "s2", "s3", "s4"]), window("h", ["s1", "s2", "s3", "s4"])])
    assert [one.assets for one in cut] == [["s1", "s2", "s3", "s4"]] * 2
    assert cut[0].values[:, 0].tolist() == [1.0, 2.0, 3.0, 4.0]
    alone = window("t", ["s1", "s2", "s3", "s4"]).places
    kept = cut[0].places.index[:, : alone.index.shape[1]]
    np.testing.assert_array_equal(kept, alone.index)
    np.testing.assert_allclose(cut[0].places.distance_m[:, : alone.index.shape[1]], alone.distance_m)
    assert same_stations([window("t", ["s0", "s1"])]) == []


def test_verdicts_become_new_flags_of_their_rows():
    verdicts = [
        Verdict(asset="a", property="t", time_us=at, check=40, flag=flag, statistic=9.0, threshold=3.0, detail={})
        for at, flag in ((1, 3), (2, 4))
    ]
    found = revisions_of(verdicts)
    assert (found.keys, found.series.tolist(), found.time_us.tolist()) == ([("a", "t")], [0, 0], [1, 2])
    assert (found.flag.tolist(), found.check.tolist()) == ([Flag.SUSPECT, Flag.FAIL], [Check.UNLIKE_NEIGHBOURS] * 2)


def reason(check, statistic, fail, unit="value"):
    return Reason(
        test="", check=check, flag=4, statistic=statistic, unit=unit, suspect=(None, None), fail=fail, start_us=0,
        end_us=6 * 3600 * S, n_values=9,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("one", "ko", "en"),
    [
        (reason(Check.FLAT_LINE, 28_800.0, (None, 14_400.0), "s"), "8.0시간", "8.0 h or more; the limit is 4.0 h"),
        (reason(Check.SPIKE, 12.5, (None, 8.0)), "12.5 ℃", "12.5 ℃"),
        (reason(Check.RATE_OF_CHANGE, 0.01, (None, 0.005), "value/s"), "시간당 36 ℃", "36 ℃ per hour; the limit is 18"),
        (reason(Check.ATTENUATED, 0.001, (0.02, None)), "0.001 ℃", "over 6 h"),
        (reason(Check.OUTSIDE_CLIMATE, 39.0, (-20.0, 30.0)), "-20 – 30", "39 ℃"),
        (reason(Check.NONE, 99.0, (-50.0, 50.0)), "-50 – 50", "possible"),
    ],
)
def test_a_test_says_in_both_languages_what_it_compared_with_what(one, ko, en):
    said = words_of_test(one, "℃")
    assert ko in said.ko
    assert en in said.en


def test_the_neighbours_say_how_far_away_a_value_is_and_how_many_they_are():
    one = Verdict(
        asset="a", property="t", time_us=1, check=40, flag=4, statistic=-9.25, threshold=3.0, detail={"neighbours": ["b", "c"]}
    )
    said = verdict_words(one, "℃")
    assert "이웃 2곳" in said.ko
    assert "9.25 ℃" in said.en
