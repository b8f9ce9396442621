"""Alarms on both engines: one for each bin, kind and episode, kept with its events, whoever tells it and how often."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from dure.core.errors import InputError, NotFound
from dure.core.observations import Flag
from dure.engines.records import events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarms import Alarm, Holds, Signal
from dure.services.waste.safety.escalation import Due

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
HOLDS = Holds(timedelta(hours=24), timedelta(hours=48))


def said(by: By, on: int, minutes: float = 0.0, bin_id: str = "bin-1", **more: object) -> Signal:
    at = by.at + minutes * MINUTE
    return Signal(**({"bin": bin_id, "kind": "fire", "on": bool(on), "sensed_at": at, "received_at": at} | more))  # type: ignore[arg-type]


def take(records: Records, *signals: Signal) -> list[str]:
    with records.begin() as connection:
        return [one.happened for one in alarm_records.take(connection, signals, signals[-1].received_at, HOLDS)]


def only(records: Records, bin_id: str = "bin-1") -> Alarm:
    with records.read() as connection:
        (one,) = alarm_records.listing(connection, bin_id=bin_id).items
    return one


def told(records: Records, bin_id: str = "bin-1") -> Counter[str]:
    with records.read() as connection:
        return Counter(one.type.rsplit(".", 1)[1] for one in events.listing(connection, subject=bin_id).items)


def test_an_alarm_is_raised_once_and_comes_back_as_it_was_kept(records: Records, by: By) -> None:
    assert take(records, said(by, 1), said(by, 1, 1)) == ["raised", "repeated"]
    assert take(records, said(by, 1)) in ([], ["repeated"])
    one = only(records)
    assert (one.state, one.kind, one.sensed_at, one.doubtful) == ("open", "fire", by.at, False)
    with records.read() as connection:
        assert alarm_records.get(connection, one.id) == one
        assert alarm_records.open_kinds(connection, "bin-1") == {"fire"}
        assert alarm_records.open_by_bin(connection) == {"bin-1": frozenset({"fire"})}
        assert alarm_records.counts(connection) == {"open": 1}
    assert told(records) == {"raised": 1}


def test_kinds_and_bins_are_alarms_of_their_own_and_the_serious_come_first(records: Records, by: By) -> None:
    take(records, said(by, 1, kind="tilt"), said(by, 1), said(by, 1, bin_id="bin-2", kind="hopper_jam"))
    with records.read() as connection:
        assert [one.kind for one in alarm_records.unsettled(connection)] == ["fire", "hopper_jam", "tilt"]
        assert {one.kind for one in alarm_records.unsettled(connection, bin_id="bin-1")} == {"fire", "tilt"}


def test_an_alarm_of_a_doubtful_device_is_kept_and_marked(records: Records, by: By) -> None:
    take(records, said(by, 1, flag=int(Flag.SUSPECT)))
    assert only(records).doubtful


def test_it_closes_when_the_sensor_says_0_and_somebody_has_acknowledged_it(records: Records, by: By) -> None:
    take(records, said(by, 1), said(by, 0, 5))
    one = only(records)
    assert one.state == "open"
    with records.begin() as connection:
        alarm_records.acknowledge(connection, one.id, "seen", By("kim", by.at + 6 * MINUTE))
        alarm_records.acknowledge(connection, one.id, "seen", By("lee", by.at + 7 * MINUTE))
    closed = only(records)
    assert (closed.state, closed.acknowledged_by) == ("closed", "kim")
    assert told(records) == {"raised": 1, "cleared": 1, "acknowledged": 1, "closed": 1}
    with records.read() as connection:
        assert alarm_records.open_kinds(connection, "bin-1") == set()


def test_the_next_1_after_it_closed_is_a_new_alarm(records: Records, by: By) -> None:
    take(records, said(by, 1), said(by, 0, 5))
    with records.begin() as connection:
        alarm_records.acknowledge(connection, only(records).id, "", by)
    assert take(records, said(by, 1, 60)) == ["raised"]
    with records.read() as connection:
        assert [one.state for one in alarm_records.listing(connection).items] == ["open", "closed"]


def test_a_step_is_taken_once_and_not_after_somebody_acknowledged(records: Records, by: By) -> None:
    take(records, said(by, 1))
    one = only(records)
    due = Due(one.id, 2, ("operator",), one.raised_at + 3 * MINUTE)
    with records.begin() as connection:
        stepped = alarm_records.escalate(connection, due, by.at + 3 * MINUTE)
        assert stepped is not None
        assert stepped.escalation == 2
        assert alarm_records.escalate(connection, due, by.at + 4 * MINUTE) is None
        alarm_records.acknowledge(connection, one.id, "", by)
        third = Due(one.id, 3, ("admin",), one.raised_at + 9 * MINUTE)
        assert alarm_records.escalate(connection, third, by.at + 9 * MINUTE) is None
    assert told(records) == {"raised": 1, "escalated": 1, "acknowledged": 1}


def test_who_was_told_and_who_could_not_be_stands_in_the_story(records: Records, by: By) -> None:
    take(records, said(by, 1))
    with records.begin() as connection:
        alarm_records.note_told(connection, only(records).id, "duty", "refused", by.at)
    assert [(one.kind, one.by, one.note) for one in only(records).facts.story[-1:]] == [("told", "duty", "refused")]


def test_a_person_who_looked_closes_it_with_a_word_and_the_sensor_is_not_heard_for_a_day(records: Records, by: By) -> None:
    take(records, said(by, 1))
    one = only(records)
    with pytest.raises(InputError, match="found"), records.begin() as connection:
        alarm_records.close(connection, one.id, " ", by)
    with records.begin() as connection:
        assert alarm_records.close(connection, one.id, "steam", by).state == "closed"
    assert take(records, said(by, 1, 60)) == []
    assert take(records, said(by, 1, 25 * 60)) == ["raised"]


def test_unknown_alarms_and_unreadable_notes_are_refused(records: Records, by: By) -> None:
    take(records, said(by, 1))
    with pytest.raises(NotFound) as unknown, records.begin() as connection:
        alarm_records.acknowledge(connection, "nothing", "", by)
    assert unknown.value.code == "alarm.unknown"
    for note in ("a\0b", "x" * 2_000):
        with pytest.raises(InputError) as refused, records.begin() as connection:
            alarm_records.acknowledge(connection, only(records).id, note, by)
        assert refused.value.code == "alarm.note"
    assert told(records) == {"raised": 1}


def test_what_breaks_with_the_alarm_leaves_neither_alarm_nor_event(records: Records, by: By) -> None:
    def broken() -> None:
        with records.begin() as connection:
            alarm_records.take(connection, [said(by, 1)], by.at, HOLDS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    with records.read() as connection:
        assert alarm_records.listing(connection).items == []
    assert told(records) == {}


def test_a_list_is_paged_newest_first(records: Records, by: By) -> None:
    take(records, *(said(by, 1, n, f"bin-{n}") for n in range(5)))
    with records.read() as connection:
        first = alarm_records.listing(connection, state="open", limit=3)
        rest = alarm_records.listing(connection, state="open", limit=3, after=first.next or "")
    ids = [one.id for one in (*first.items, *rest.items)]
    assert len(set(ids)) == 5
