"""An alarm as a machine, its escalation, and what the lane takes from judged rows."""

from __future__ import annotations

import base64
import hmac
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError
from dure.core.observations import Batch, Flag
from dure.core.time import to_us
from dure.services.waste.rules import SHIPPED
from dure.services.waste.safety import alarms as machine
from dure.services.waste.safety.alarm_lane import names_alarm
from dure.services.waste.safety.alarm_post import due_receivers, headers_of
from dure.services.waste.safety.alarms import Holds, Signal, advance, signals_of
from dure.services.waste.safety.escalation import Receiver, due_steps, escalation_policy

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOLDS = Holds(timedelta(hours=24), timedelta(hours=48))
POLICY = escalation_policy(date(2026, 11, 25))


def said(on, minutes=0.0, *, flag=Flag.GOOD, late=0.0):
    at = NOW + minutes * MINUTE
    return Signal(bin="bin-1", kind="fire", on=bool(on), sensed_at=at, received_at=at + late * MINUTE, flag=int(flag))


def after(*signals, acknowledge_at=None):
    """The alarm on record after some signals, in the order they came, with the closed one before it."""
    current = last = None
    for number, signal in enumerate(signals):
        if number == acknowledge_at and current is not None:
            current = machine.acknowledged(current, "kim", "seen", NOW)
        step = advance(current, last, signal, signal.received_at, HOLDS)
        if step is not None:
            current, last = (None, step.alarm) if step.alarm.state == "closed" else (step.alarm, last)
    return current, last


def batch_of(*rows):
    """Judged rows of (asset, property, value, flag), a second apart."""
    keys = list(dict.fromkeys((asset, name) for asset, name, _, _ in rows))
    n = len(rows)
    time_us = to_us(NOW) + np.arange(n, dtype=np.int64) * 1_000_000
    series = np.array([keys.index((asset, name)) for asset, name, _, _ in rows], np.int32)
    value = np.array([value for _, _, value, _ in rows], np.float64)
    flag = np.array([int(flag) for *_, flag in rows], np.uint8)
    return Batch(keys, series, time_us, time_us, value, flag, np.zeros(n, np.uint8), np.arange(1, n + 1, dtype=np.int64))


def test_a_one_raises_an_alarm_and_further_ones_are_the_same_alarm():
    current, last = after(said(1), said(1, 1), said(1, 2))
    assert (current.state, current.facts.signals, last) == ("open", 3, None)
    assert [one.kind for one in current.facts.story] == ["raised"]


def test_a_zero_does_not_close_what_nobody_has_acknowledged():
    current, last = after(said(1), said(0, 5))
    assert (current.state, current.over, last) == ("open", True, None)


def test_a_zero_closes_what_somebody_has_acknowledged():
    current, last = after(said(1), said(0, 5), acknowledge_at=1)
    assert current is None
    assert (last.state, last.acknowledged_by) == ("closed", "kim")


def test_an_acknowledgement_closes_what_is_over():
    current, _ = after(said(1), said(0, 5))
    assert machine.acknowledged(current, "kim", "out", NOW + 6 * MINUTE).state == "closed"


def test_acknowledging_twice_changes_nothing():
    current, _ = after(said(1))
    once = machine.acknowledged(current, "kim", "", NOW)
    assert machine.acknowledged(once, "lee", "", NOW + MINUTE) is once


def test_a_fire_that_comes_again_before_anybody_looked_is_told_in_the_same_alarm():
    current, _ = after(said(1), said(0, 5), said(1, 9))
    assert (current.state, current.over) == ("open", False)
    assert [one.kind for one in current.facts.story] == ["raised", "cleared", "again"]


def test_a_new_one_after_the_end_is_a_new_alarm():
    current, last = after(said(1), said(0, 5), said(1, 60), acknowledge_at=1)
    assert current.id != last.id


def test_a_one_that_comes_late_belongs_to_the_alarm_that_is_over():
    current, last = after(said(1), said(1, 4), said(0, 5), said(1, 2, late=10), acknowledge_at=2)
    assert current is None
    assert last.facts.signals == 2


def test_an_older_zero_does_not_clear_a_newer_one():
    current, _ = after(said(1, 5), said(0, 1, late=10))
    assert not current.over


def test_a_zero_that_failed_its_check_clears_nothing():
    current, _ = after(said(1), said(0, 5, flag=Flag.FAIL))
    assert not current.over


@pytest.mark.parametrize("flag", [Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL])
def test_a_doubtful_one_reaches_people_all_the_same_and_is_marked(flag):
    current, _ = after(said(1, flag=flag))
    assert (current.state, current.doubtful) == ("open", True)


def test_a_one_of_eight_hours_ago_raises_and_one_of_last_week_is_history():
    assert after(said(1, late=8 * 60))[0] is not None
    assert after(said(1, late=7 * 24 * 60))[0] is None


def test_a_person_closes_the_alarm_of_a_burnt_sensor_and_is_not_asked_again_for_a_day():
    current, _ = after(said(1))
    closed = machine.closed_by_hand(current, "kim", "sensor burnt", NOW + MINUTE)
    assert closed.state == "closed"
    assert advance(None, closed, said(1, 60), NOW, HOLDS) is None
    assert advance(None, closed, said(1, 25 * 60), NOW, HOLDS).happened == "raised"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30), st.integers(0, 50)), max_size=12))
def test_whatever_comes_in_whatever_order_an_unacknowledged_alarm_is_never_closed(signals):
    current, last = after(*(said(on, minute, late=late) for on, minute, late in signals))
    assert last is None
    assert (current is not None) == any(on for on, _, _ in signals)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=10))
def test_the_same_signals_once_more_change_nothing(signals):
    said_once = [said(on, minute) for on, minute in sorted(signals, key=lambda one: one[1])]
    current, last = after(*said_once)
    for signal in said_once:
        step = advance(current, last, signal, NOW, HOLDS)
        assert step is None or step.happened not in ("raised", "again", "closed") or signal.sensed_at > current.facts.last_on_at


def test_signals_are_taken_from_rows_of_the_three_properties_only():
    batch = batch_of(
        ("bin-1", "fill_fraction", 1.0, Flag.GOOD),
        ("bin-1", "full_alarm", 1.0, Flag.GOOD),
        ("bin-1", "fire_alarm", 1.0, Flag.NOT_EVALUATED),
        ("bin-2", "tilted", 0.0, Flag.GOOD),
        ("bin-2", "hopper_jammed", np.nan, Flag.MISSING),
        ("bin-3", "hopper_jammed", 255.0, Flag.FAIL),
    )
    found = [(one.bin, one.kind, one.on, one.flag, one.seq) for one in signals_of(batch)]
    assert found == [("bin-1", "fire", True, 2, 3), ("bin-2", "tilt", False, 1, 4), ("bin-3", "hopper_jam", True, 4, 6)]


def test_a_time_ahead_of_ours_is_cut_to_when_it_came():
    batch = batch_of(("bin-1", "fire_alarm", 1.0, Flag.GOOD))
    batch.time_us[0] = batch.result_us[0] = to_us(NOW)
    batch.result_us[0] = to_us(NOW - MINUTE)
    assert next(signals_of(batch)).sensed_at == NOW - MINUTE


@pytest.mark.parametrize(
    ("payload", "told"),
    [(b'{"fire_alarm":1}', True), (b"\x01\x00tilted", True), (b'{"fill_fraction":0.4}', False), (b"\xff\xfe", False)],
)
def test_only_messages_that_name_an_alarm_are_judged(payload, told):
    assert names_alarm(payload) is told


def test_the_first_people_are_told_at_once_and_the_next_when_nobody_acknowledges():
    current, _ = after(said(1))
    assert [(one.step, one.roles) for one in due_steps([current], NOW, POLICY)] == [(1, ("operator", "officer"))]
    told = machine.escalated(current, 1, ("operator", "officer"), NOW)
    assert due_steps([told], NOW + MINUTE, POLICY) == []
    assert due_steps([told], NOW + 2 * MINUTE, POLICY)[0].roles == ("operator", "officer", "crew")


def test_steps_that_were_missed_while_nothing_ran_are_told_together():
    current, _ = after(said(1))
    (due,) = due_steps([current], NOW + 60 * MINUTE, POLICY)
    assert (due.step, set(due.roles)) == (3, {"operator", "officer", "crew", "admin"})


def test_nobody_is_told_of_what_somebody_acknowledged():
    current, _ = after(said(1))
    assert due_steps([machine.acknowledged(current, "kim", "", NOW)], NOW + 60 * MINUTE, POLICY) == []


def own_policy(folder, text):
    (folder / "rules" / "waste").mkdir(parents=True)
    (folder / "rules" / "waste" / "escalation.toml").write_text(text, "utf-8")
    return escalation_policy(date(2026, 11, 25), folder)


HEAD = 'id = "escalation"\nversion = "1"\nname = { ko = "시험", en = "Trial" }\n'
DATED = 'effective_from = 2026-01-01\nsource = "trial"\nmark = "own choice"\n'
STEP = f'[[steps]]\nid = "s{{n}}"\nkind = "fire"\nstep = {{n}}\nafter_min = {{at}}\nroles = ["operator"]\n{DATED}'
HOLD = "".join(f'[[holds]]\nid = "{name}"\nafter_h = 24\n{DATED}' for name in ("by_hand", "history"))
RECEIVER = f'[[receivers]]\nid = "duty"\nchannel = "email"\ntarget = "duty@example.org"\nroles = ["operator"]\n{DATED}'


def test_a_city_names_its_own_receivers_and_each_is_told_until_it_was_reached(tmp_path):
    policy = own_policy(tmp_path, HEAD + STEP.format(n=1, at=0) + HOLD + RECEIVER)
    current, _ = after(said(1))
    assert due_receivers(current, policy, NOW) == []  # no step was taken yet
    told = machine.escalated(current, 1, ("operator",), NOW)
    assert [one.id for one in due_receivers(told, policy, NOW)] == ["duty"]
    failed = machine.told(told, "told", NOW, by="duty", note="refused")
    assert due_receivers(failed, policy, NOW) == []
    assert [one.id for one in due_receivers(failed, policy, NOW + MINUTE)] == ["duty"]
    assert due_receivers(machine.told(failed, "told", NOW, by="duty"), policy, NOW + 60 * MINUTE) == []


def test_steps_that_do_not_follow_one_another_are_refused(tmp_path):
    with pytest.raises(ConfigError) as refused:
        own_policy(tmp_path, HEAD + STEP.format(n=1, at=5) + STEP.format(n=2, at=2) + HOLD)
    assert refused.value.code == "rules.invalid"


SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def receiver(secret=""):
    more = {"effective_from": date(2026, 1, 1), "source": "duty roster", "mark": "own choice"}
    return Receiver(id="siren", channel="webhook", target="https://example.org/", roles=("operator",), secret=secret, **more)


def test_a_webhook_with_a_secret_is_signed_as_standard_webhooks_says():
    told = headers_of(receiver(SECRET), "message-1", b"{}", NOW)
    stamp = str(int(NOW.timestamp()))
    mine = hmac.new(b"0123456789abcdef01234567", f"message-1.{stamp}.".encode() + b"{}", "sha256").digest()
    assert told["webhook-signature"] == "v1," + base64.b64encode(mine).decode()
    assert (told["webhook-id"], told["webhook-timestamp"]) == ("message-1", stamp)


def test_a_webhook_without_a_secret_has_its_id_and_no_signature():
    told = headers_of(receiver(), "message-1", b"{}", NOW)
    assert told["webhook-id"] == "message-1"
    assert "webhook-signature" not in told


@pytest.mark.parametrize("secret", ["word", "whsec_c2hvcnQ=", "whsec_!!!!", SECRET.removeprefix("whsec_")])
def test_what_is_no_secret_is_refused_when_the_rules_are_read(tmp_path, secret):
    folder = tmp_path / "rules" / "waste"
    folder.mkdir(parents=True)
    row = 'id = "siren"\nchannel = "webhook"\ntarget = "https://example.org/"\nroles = ["operator"]\n'
    dated = 'effective_from = 2026-01-01\nsource = "duty roster"\nmark = "own choice"\n'
    text = (SHIPPED / "escalation.toml").read_text("utf-8") + f'\n[[receivers]]\n{row}secret = "{secret}"\n{dated}'
    (folder / "escalation.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        escalation_policy(date(2026, 11, 25), tmp_path)
    assert refused.value.code == "rules.invalid"
