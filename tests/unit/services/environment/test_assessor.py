"""The assessor of the recorder: state across batches, late rows, holds, spikes known late, and a restart."""

from __future__ import annotations

import numpy as np
import pytest

from dure.core.observations import Batch, Check, Flag
from dure.core.properties import Properties
from dure.core.quality import clock_ahead, gross_range, quarantine, ranges_of
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.checks.assessor import QualityAssessor
from dure.services.environment.checks.quality import Limits, compiled_kernel, interpreted_kernel
from dure.services.environment.model import PROPERTIES

US = 1_000_000
START_US = 1_763_600_400 * US
STATION, OTHER = ("station-1", "air_temperature"), ("station-2", "air_temperature")
RAIN = ("station-1", "precipitation")
LIMITS = {
    "air_temperature": Limits(
        climate_suspect=dict.fromkeys(range(1, 13), (-20, 40)),
        climate_fail=dict.fromkeys(range(1, 13), (-30, 45)),
        spike_suspect=3,
        spike_fail=8,
        flat_suspect_s=600,
        flat_fail_s=1200,
        flat_tolerance=0.05,
        gap_s=7200,
    )
}
RANGES = Properties(PROPERTIES)


def rows(*observed: tuple, quarantined: bool = False, arrived_us: int | None = None) -> Batch:
    """Rows (key, minute, value) as the judge of the house hands them over."""
    keys = list(dict.fromkeys(key for key, _, _ in observed))
    series = np.array([keys.index(key) for key, _, _ in observed], np.int32)
    time_us = np.array([START_US + round(minute * 60 * US) for _, minute, _ in observed], np.int64)
    result_us = time_us if arrived_us is None else np.full(len(time_us), arrived_us, np.int64)
    value = np.array([value for _, _, value in observed], float)
    flag, check = gross_range(value, series, ranges_of([RANGES[name] for _, name in keys]))
    clock_ahead(flag, check, time_us, result_us)
    quarantine(flag, check, np.full(len(value), quarantined))
    return Batch(keys, series, time_us, result_us, value, flag, check, np.zeros(len(value), np.int64))


@pytest.fixture(params=["compiled", "interpreted"])
def assessor(request):
    return QualityAssessor(LIMITS, kernel=compiled_kernel() if request.param == "compiled" else interpreted_kernel())


def flags(answer) -> list[int]:
    return answer.flag.tolist()


def test_a_spike_is_told_of_the_row_before_when_the_next_value_comes(assessor):
    assessor.assess(rows((STATION, 0, 10), (OTHER, 0, 10)))
    assert flags(assessor.assess(rows((STATION, 1, 25)))) == [1]
    answer = assessor.assess(rows((OTHER, 1, 10), (STATION, 2, 10)))
    assert flags(answer) == [1, 1]
    told = answer.revised
    assert [(told.keys[i], t, f, c) for i, t, f, c in zip(told.series, told.time_us, told.flag, told.check, strict=True)] == [
        (STATION, START_US + 60 * US, Flag.FAIL, Check.SPIKE)
    ]


def test_a_spike_inside_a_batch_is_flagged_in_it(assessor):
    answer = assessor.assess(rows((STATION, 0, 10), (STATION, 1, 25), (STATION, 2, 10), (STATION, 3, 10)))
    assert (answer.flag[1], answer.check[1]) == (Flag.FAIL, Check.SPIKE)
    assert len(answer.revised) == 0


def test_a_stuck_sensor_becomes_suspect_and_then_fails(assessor):
    answers = [assessor.assess(rows((STATION, minute, 7.0))) for minute in range(25)]
    assert [int(one.flag[0]) for one in answers] == [1] * 10 + [3] * 10 + [4] * 5
    assert answers[-1].check.tolist() == [Check.FLAT_LINE]


def test_an_impossible_value_is_no_neighbour_and_keeps_its_reason(assessor):
    answer = assessor.assess(rows((STATION, 0, 10), (STATION, 1, 85), (STATION, 2, 10), (STATION, 3, 10)))
    assert flags(answer) == [1, 4, 1, 1]
    assert answer.check.tolist() == [0, Check.ABOVE_POSSIBLE, 0, 0]


def test_a_missing_value_stays_missing(assessor):
    answer = assessor.assess(rows((STATION, 0, 10), (STATION, 1, float("nan"))))
    assert flags(answer) == [1, 9]
    assert answer.check.tolist() == [0, Check.MISSING_VALUE]


def test_a_property_without_limits_keeps_its_flags(assessor):
    answer = assessor.assess(rows(*[(RAIN, minute, 0.0) for minute in range(40)], (RAIN, 40, 60)))
    assert flags(answer) == [1] * 40 + [3]
    assert answer.check[-1] == Check.ABOVE_LIKELY


def test_late_rows_are_judged_by_themselves_and_change_nothing(assessor):
    assessor.assess(rows((STATION, 0, 10), (STATION, 10, 10.3)))
    late = assessor.assess(rows((STATION, 5, 30), (STATION, 10, 30), (STATION, 6, 42)))
    assert flags(late) == [1, 1, 3]
    assert len(assessor.assess(rows((STATION, 11, 10))).revised) == 0


def test_a_clock_far_ahead_does_not_stop_the_judgement_of_what_follows(assessor):
    assessor.assess(rows((STATION, 0, 10), (STATION, 600, 10), arrived_us=START_US))
    answers = [assessor.assess(rows((STATION, minute, 10))) for minute in range(1, 25)]
    assert flags(answers[-1]) == [4]


def test_quarantined_rows_stay_so_but_feed_the_state(assessor):
    first = assessor.assess(rows(*[(STATION, minute, 7.0) for minute in range(15)], quarantined=True))
    assert flags(first) == [2] * 15
    assert first.check.tolist() == [Check.QUARANTINE] * 10 + [Check.FLAT_LINE] * 5
    assert flags(assessor.assess(rows((STATION, 15, 7.0)))) == [3]


def test_a_quarantined_row_fails_when_its_value_does(assessor):
    answer = assessor.assess(rows(*[(STATION, minute, 7.0) for minute in range(22)], quarantined=True))
    assert flags(answer) == [2] * 20 + [4] * 2


def test_an_empty_batch_is_answered_by_nothing(assessor):
    assert len(assessor.assess(rows((STATION, 0, 1)).take(np.empty(0, np.intp))).flag) == 0


def test_rows_of_a_held_series_and_of_a_held_asset_get_at_least_that_flag():
    holds = {(STATION[0], ""): (3, int(Check.STATION_DOUBTFUL)), OTHER: (4, int(Check.HELD_BY_PERSON))}
    assessor = QualityAssessor(LIMITS, lambda: holds, kernel=compiled_kernel())
    answer = assessor.assess(rows((STATION, 0, 10), (RAIN, 0, 0), (OTHER, 0, 10), (STATION, 1, 85), (RAIN, 1, float("nan"))))
    assert flags(answer) == [3, 3, 4, 4, 9]
    assert answer.check.tolist() == [43, 43, 51, Check.ABOVE_POSSIBLE, Check.MISSING_VALUE]
    holds.clear()
    assert flags(assessor.assess(rows((STATION, 2, 10), (OTHER, 2, 10)))) == [1, 1]


def test_of_two_holds_the_worse_counts():
    holds = {("station-1", ""): (4, int(Check.CLOCK_OFF)), STATION: (3, int(Check.DRIFTING))}
    answer = QualityAssessor(LIMITS, lambda: holds, kernel=compiled_kernel()).assess(rows((STATION, 0, 10)))
    assert (flags(answer), answer.check.tolist()) == ([4], [Check.CLOCK_OFF])


def test_a_spike_of_a_row_held_as_failed_is_not_told_again():
    holds = {STATION: (4, int(Check.HELD_BY_PERSON))}
    assessor = QualityAssessor(LIMITS, lambda: holds, kernel=compiled_kernel())
    assessor.assess(rows((STATION, 0, 10), (STATION, 1, 25)))
    assert len(assessor.assess(rows((STATION, 2, 10))).revised) == 0


def test_flags_only_get_worse(assessor):
    batch = rows(*[(STATION, minute, 45.0) for minute in range(3)])
    assert batch.flag.tolist() == [3, 3, 3]
    assert assessor.assess(batch).flag.min() >= 3
    assert batch.flag.tolist() == [3, 3, 3]


@pytest.mark.parametrize("cut", [1, 9, 12, 21, 29])
def test_after_a_restart_the_flags_are_those_of_one_that_never_stopped(tmp_path, cut):
    rng = np.random.default_rng(3)
    value = np.where(np.arange(40) < 25, 7.0, np.round(10 + rng.normal(0, 1, 40), 1))
    value[[29, 33]] = 24.0, 90.0
    batches = [rows((STATION, minute, v), (OTHER, minute + 0.5, v + 1), (RAIN, minute, 0)) for minute, v in enumerate(value)]
    steady, before, after = (QualityAssessor(LIMITS, kernel=compiled_kernel()) for _ in range(3))
    wanted = [steady.assess(batch) for batch in batches]
    store = DuckTelemetry(tmp_path / "t.duckdb")
    for number, batch in enumerate(batches[:cut]):
        answer = before.assess(batch)
        kept = Batch(batch.keys, batch.series, batch.time_us, batch.result_us, batch.value, answer.flag, answer.check, batch.seq)
        store.append(kept, {"OBS": number + 1}, answer.revised)
    after.warm(store, int(batches[cut - 1].time_us.max()) + US)
    store.close()
    for batch, whole in zip(batches[cut:], wanted[cut:], strict=True):
        answer = after.assess(batch)
        assert flags(answer) == flags(whole)
        assert answer.check.tolist() == whole.check.tolist()
        assert answer.revised.time_us.tolist() == whole.revised.time_us.tolist()


def test_the_first_rows_are_judged_while_the_loop_is_still_compiled(tmp_path):
    assessor = QualityAssessor(LIMITS)
    store = DuckTelemetry(tmp_path / "t.duckdb")
    assessor.warm(store, START_US)
    store.close()
    answers = [assessor.assess(rows((STATION, minute, 7.0))) for minute in range(25)]
    assert [int(one.flag[0]) for one in answers] == [1] * 10 + [3] * 10 + [4] * 5
