"""The life of a ticket: opened once, due in working days, assigned, repaired, tried again on readings, closed or opened again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.core.time import to_us
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.faults.fault_watch import gone, retests
from dure.services.waste.faults.findings import HOUR_US, SENSOR_FAULTS, Found, Series, Window
from dure.services.waste.model import Sighting
from dure.services.waste.tickets import tickets as machine
from dure.services.waste.tickets.retest import retest
from dure.services.waste.tickets.tickets import NOTE_MAX, PARTS_MAX, Repair, Retested, due_on

RULES = fault_rules(date(2026, 11, 25))
NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSED, FAILED, WAITING = (Retested(verdict, Text("말", "words")) for verdict in ("passed", "failed", "waiting"))


def found(fault="stuck", **more):
    return Found(bin="bin-1", fault=fault, since=NOW - HOUR, evidence=Text("그대로", "the same"), numbers={"level": 0.4}, **more)


def ticket(fault="stuck", **more):
    one = found(fault, **more)
    return machine.opened(one, NOW, date(2026, 12, 2), one.evidence)


def kinds(one):
    return [entry.kind for entry in one.facts.story]


@pytest.mark.parametrize(
    ("opened_on", "days", "due"),
    [
        (date(2026, 11, 25), 3, date(2026, 11, 30)),  # Wednesday: over a weekend
        (date(2026, 11, 27), 1, date(2026, 11, 30)),  # Friday
        (date(2026, 11, 28), 1, date(2026, 11, 30)),  # Saturday
        (date(2026, 12, 24), 1, date(2026, 12, 28)),  # Christmas is a Friday
        (date(2026, 9, 23), 1, date(2026, 9, 28)),  # Chuseok: Thursday to Saturday
        (date(2026, 11, 28), 0, date(2026, 11, 30)),  # the same day, if anybody works
        (date(2026, 11, 25), 0, date(2026, 11, 25)),
    ],
)
def test_a_ticket_is_due_in_working_days(opened_on, days, due):
    assert due_on(opened_on, days, RULES.holidays) == due


def test_every_fault_has_a_service_level():
    assert set(SENSOR_FAULTS) | {"broken", "no_access"} == RULES.service.keys()


def test_a_finding_opens_a_ticket_with_its_evidence_and_nobody_owns_it_yet():
    one = ticket()
    assert (one.state, one.owner, one.facts.evidence.en, kinds(one)) == ("open", "", "the same", ["opened"])
    assert one.late(date(2026, 12, 3))
    assert not one.late(date(2026, 12, 2))


def test_what_a_person_saw_gives_one_ticket_for_one_sighting():
    assert ticket("broken", source="tap-1").id == ticket("broken", source="tap-1").id
    assert ticket("broken", source="tap-1").id != ticket("broken", source="tap-2").id


def test_it_is_assigned_repaired_with_a_photo_tried_again_and_closed():
    one = machine.assigned(ticket(), "Kim", "office", NOW)
    one = machine.repaired(one, Repair(photo="photo-1", parts=("sensor",), note="new sensor"), "Kim", NOW + HOUR)
    assert (one.state, one.owner, one.facts.photo, one.facts.parts) == ("repaired", "Kim", "photo-1", ("sensor",))
    assert machine.retested(one, WAITING, NOW + 2 * HOUR) is one
    one = machine.retested(one, PASSED, NOW + 25 * HOUR)
    assert (one.state, one.facts.outcome, one.closed_at) == ("closed", "repaired", NOW + 25 * HOUR)
    assert kinds(one) == ["opened", "assigned", "repaired", "retested", "closed"]
    assert [entry.n for entry in one.facts.story] == [1, 2, 3, 4, 5]


def test_a_failed_re_test_opens_it_again_for_its_owner_and_counts():
    one = machine.repaired(machine.assigned(ticket(), "Kim", "office", NOW), Repair(), "Kim", NOW)
    again = machine.retested(one, FAILED, NOW + HOUR)
    assert (again.state, again.owner, again.facts.reopened_n, kinds(again)[-1]) == ("assigned", "Kim", 1, "reopened")
    second = machine.repaired(again, Repair(note="once more"), "Kim", NOW + 2 * HOUR)
    assert second.facts.repaired_at == NOW + 2 * HOUR


def test_who_repairs_what_nobody_took_owns_it():
    assert machine.repaired(ticket(), Repair(), "Lee", NOW).owner == "Lee"


def test_the_same_step_twice_changes_nothing():
    one = machine.assigned(ticket(), "Kim", "office", NOW)
    assert machine.assigned(one, "Kim", "office", NOW + HOUR) is one
    done = machine.repaired(one, Repair(photo="p"), "Kim", NOW)
    assert machine.repaired(done, Repair(photo="p"), "Kim", NOW + HOUR) is done
    shut = machine.closed(done, "replaced", "a new bin", "Kim", NOW)
    assert machine.closed(shut, "gone", "", "Lee", NOW + HOUR) is shut
    assert machine.gone(shut, Text("", ""), NOW) is shut
    assert machine.retested(shut, FAILED, NOW) is shut


@pytest.mark.parametrize("step", ["assigned", "repaired"])
def test_a_step_that_does_not_fit_the_state_is_refused(step):
    shut = machine.closed(ticket(), "gone", "was nothing", "Kim", NOW)
    with pytest.raises(Conflict) as refused:
        machine.assigned(shut, "Lee", "x", NOW) if step == "assigned" else machine.repaired(shut, Repair(), "x", NOW)
    assert refused.value.code == "ticket.state"


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("ticket.owner", lambda one: machine.assigned(one, "  ", "x", NOW)),
        ("ticket.owner", lambda one: machine.assigned(one, "x" * 200, "x", NOW)),
        ("ticket.owner", lambda one: machine.assigned(one, "a\0b", "x", NOW)),
        ("ticket.outcome", lambda one: machine.closed(one, "burnt", "note", "x", NOW)),
        ("ticket.note", lambda one: machine.closed(one, "gone", " ", "x", NOW)),
        ("ticket.note", lambda one: machine.repaired(one, Repair(note="x" * (NOTE_MAX + 1)), "x", NOW)),
        ("ticket.parts", lambda one: machine.repaired(one, Repair(parts=("x",) * (PARTS_MAX + 1)), "x", NOW)),
        ("ticket.photo", lambda one: machine.repaired(one, Repair(photo="x" * 201), "x", NOW)),
    ],
)
def test_bad_input_is_refused_with_its_code(code, step):
    with pytest.raises(InputError) as refused:
        step(ticket())
    assert refused.value.code == code


def test_a_long_story_keeps_its_end_and_goes_on_counting():
    one = ticket()
    for n in range(machine.STORY_MAX + 10):
        one = machine.assigned(one, f"team {n}", "x", NOW)
    assert len(one.facts.story) == machine.STORY_MAX
    assert one.facts.story[-1].n == machine.STORY_MAX + 11


def window(value, hours=None, now=NOW, **more):
    hours = np.arange(1 - len(value), 1) if hours is None else np.asarray(hours)
    return Window("bin-1", to_us(now), Series(to_us(now) + hours * HOUR_US, np.asarray(value, np.float64)), **more)


def sound(n=200, seed=1):
    hours = np.arange(1 - n, 1)
    return np.clip(0.3 + 0.002 * hours + np.random.default_rng(seed).normal(0, 0.02, n), 0, 1).round(2)


def test_a_repair_holds_when_enough_readings_since_are_sound():
    assert retest("stuck", window(sound()), NOW - 30 * HOUR, RULES).verdict == "passed"


def test_a_repair_is_not_judged_before_there_are_enough_readings():
    assert retest("stuck", window(sound()), NOW - 5 * HOUR, RULES).verdict == "waiting"


def test_a_repair_fails_when_the_fault_shows_again():
    value = sound()
    value[-60:] = 0.4
    result = retest("stuck", window(value), NOW - 60 * HOUR, RULES)
    assert result.verdict == "failed"
    assert "40%" in result.words.en


def test_a_repair_that_changed_nothing_fails_although_the_time_since_alone_is_short():
    value = sound()
    value[-60:] = 0.4
    assert retest("stuck", window(value), NOW - 26 * HOUR, RULES).verdict == "failed"


def test_a_repair_after_which_nothing_is_heard_fails():
    hours = np.arange(-300, -100)
    result = retest("silent", window(sound(), hours), NOW - 60 * HOUR, RULES)
    assert result.verdict == "failed"


def test_only_people_can_say_that_sensor_and_bin_agree_again():
    quiet = window(sound())
    assert retest("contradicted", quiet, NOW - 60 * HOUR, RULES).verdict == "waiting"
    tap = Sighting(id="t", bin="bin-1", kind="emptied", seen_at=NOW - HOUR, level=0.25)
    assert retest("contradicted", window(sound(), sightings=(tap,)), NOW - 60 * HOUR, RULES).verdict == "passed"


@pytest.mark.parametrize("fault", ["broken", "no_access"])
def test_what_a_person_saw_holds_when_a_crew_has_emptied_it_since(fault):
    tap = Sighting(id="t", bin="bin-1", kind="emptied", seen_at=NOW - HOUR, level=0.5)
    assert retest(fault, window([], sightings=()), NOW - 9 * HOUR, RULES).verdict == "waiting"
    assert retest(fault, window([], sightings=(tap,)), NOW - 9 * HOUR, RULES).verdict == "passed"


def test_only_repaired_tickets_are_tried_again():
    one = ticket()
    done = machine.repaired(one, Repair(), "Kim", NOW - 30 * HOUR)
    windows = {"bin-1": window(sound())}
    assert retests([one], windows, RULES) == {}
    assert retests([done], windows, RULES)[done.id].verdict == "passed"
    assert retests([done], {}, RULES) == {}


def test_a_fault_that_went_by_itself_is_over_when_the_readings_pass_its_re_test():
    one = machine.seen(ticket(), found(), NOW - 60 * HOUR)
    windows = {"bin-1": window(sound())}
    assert set(gone([one], [], windows, RULES, NOW)) == {one.id}
    assert gone([one], [found()], windows, RULES, NOW) == {}  # still seen
    fresh = machine.seen(one, found(), NOW - HOUR)
    assert gone([fresh], [], windows, RULES, NOW) == {}  # seen a moment ago
    kept = machine.seen(ticket("not_compacting"), found("not_compacting"), NOW - 60 * HOUR)
    assert gone([kept], [], windows, RULES, NOW) == {}  # a person closes it
