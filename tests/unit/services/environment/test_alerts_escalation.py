from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dure.services.environment.alerting.alert_rules import escalation_policy
from dure.services.environment.alerting.escalation import Waiting, due_escalations, next_step

SEOUL = ZoneInfo("Asia/Seoul")
POLICY = escalation_policy(date(2026, 11, 24))
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # 12:00 in Seoul
NIGHT = datetime(2026, 11, 24, 14, 0, tzinfo=UTC)  # 23:00 in Seoul
MINUTE = timedelta(minutes=1)


def due(level, alarmed_at, now, done=0, *, acknowledged=False):
    found = due_escalations([Waiting("a", level, alarmed_at, done, acknowledged)], now, POLICY, SEOUL)
    return [(one.step, one.roles) for one in found]


def test_nobody_is_told_before_the_time_has_come():
    assert due(2, NOON, NOON + 19 * MINUTE) == []
    assert due(2, NOON, NOON + 20 * MINUTE) == [(1, ("operator",))]


def test_steps_follow_one_another():
    taken = []
    for minute in range(70):
        for step, roles in due(2, NOON, NOON + minute * MINUTE, done=len(taken)):
            taken.append((minute, step, roles))
    assert taken == [(20, 1, ("operator",)), (40, 2, ("officer",)), (60, 3, ("admin",))]


def test_an_acknowledged_alert_goes_no_further():
    assert due(3, NOON, NOON + 600 * MINUTE, acknowledged=True) == []


def test_after_the_last_step_nothing_is_due():
    assert next_step(Waiting("a", 2, NOON, 3), POLICY, SEOUL) is None


def test_at_night_a_low_level_waits_for_seven_in_the_morning():
    morning = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    step = next_step(Waiting("a", 1, NIGHT, 0), POLICY, SEOUL)
    assert step is not None
    assert step.due_at == morning
    assert due(1, NIGHT, morning - MINUTE) == []
    assert due(1, NIGHT, morning) == [(1, ("operator",))]


def test_a_high_level_does_not_wait():
    assert due(2, NIGHT, NIGHT + 20 * MINUTE) == [(1, ("operator",))]


@pytest.mark.parametrize("level", [1, 2, 3])
def test_the_oldest_is_told_first_and_every_reason_is_in_both_languages(level):
    waiting = [Waiting(name, level, NOON + n * MINUTE, 0) for n, name in enumerate("cba")]
    found = due_escalations(waiting, NOON + 300 * MINUTE, POLICY, SEOUL)
    assert [one.alert for one in found] == ["c", "b", "a"]
    assert all(one.reason.ko and one.reason.en for one in found)
