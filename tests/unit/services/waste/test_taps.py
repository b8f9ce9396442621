"""What becomes of one tap: bad input first, then the same tap again, stale plans, and taking back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.waste.driving.taps import AGE_MAX, CLOCK_AHEAD_MAX, LEVELS, Known, PlanSeen, Tap, judged, sighting_of

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
BINS = frozenset({"bin-001", "bin-002"})
GOOD = Tap(id="phone-1-0001", bin="bin-001", kind="emptied", level=0.75, seen_at="2026-11-25T11:40:00+09:00", truck="truck-1")


def told(tap, known=None):
    return judged(tap, known or Known(BINS), "person-1", NOW)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": ""}, "tap.id"),
        ({"id": "no spaces please"}, "tap.id"),
        ({"bin": "bin-999"}, "tap.bin_unknown"),
        ({"kind": "exploded"}, "tap.kind"),
        ({"kind": "report"}, "tap.kind"),
        ({"level": 7.5}, "tap.level"),
        ({"level": -0.1}, "tap.level"),
        ({"level": float("nan")}, "tap.level"),
        ({"kind": "level", "level": None}, "tap.level"),
        ({"seen_at": "yesterday"}, "tap.time"),
        ({"seen_at": "2026-11-25T11:40:00"}, "tap.time"),
        ({"seen_at": "2026-11-25T14:00:00+09:00"}, "tap.time_future"),
        ({"seen_at": "2026-11-01T11:40:00+09:00"}, "tap.time_old"),
        ({"photo": "../../etc/passwd\n"}, "tap.name"),
        ({"undoes": "phone-1-9999"}, "tap.unknown"),
    ],
)
def test_a_tap_that_cannot_be_is_parked_with_its_code(change, code):
    found = told(msgspec.structs.replace(GOOD, **change))
    assert (found.answer.state, found.answer.code) == ("parked", code)
    assert found.answer.why
    assert found.sighting is None


def test_a_tap_is_kept_as_the_sighting_it_tells_of():
    found = told(msgspec.structs.replace(GOOD, note="뚜껑이\x07 빡빡함"))
    assert found.answer.state == "kept"
    assert found.answer.code == ""
    kept = found.sighting
    assert (kept.bin, kept.kind, kept.level, kept.truck, kept.person) == ("bin-001", "emptied", 0.75, "truck-1", "person-1")
    assert kept.seen_at == datetime(2026, 11, 25, 2, 40, tzinfo=UTC)
    assert kept.received_at == NOW
    assert kept.facts == {"note": "뚜껑이  빡빡함"}


def test_a_clock_a_little_ahead_is_set_back_to_now():
    ahead = (NOW + CLOCK_AHEAD_MAX - timedelta(seconds=1)).isoformat()
    assert told(msgspec.structs.replace(GOOD, seen_at=ahead)).sighting.seen_at == NOW


def test_a_tap_eight_hours_old_is_kept_at_the_time_it_was_made():
    found = told(msgspec.structs.replace(GOOD, seen_at="2026-11-24T19:00:00Z"))
    assert found.sighting.seen_at == datetime(2026, 11, 24, 19, tzinfo=UTC)


def test_the_same_tap_again_is_known_and_another_under_its_id_is_parked():
    kept = sighting_of(GOOD, BINS, "person-1", NOW - timedelta(minutes=15))
    known = Known(BINS, {}, {GOOD.id: kept})
    assert told(GOOD, known).answer.state == "known"
    other = told(msgspec.structs.replace(GOOD, level=0.25), known)
    assert (other.answer.state, other.answer.code) == ("parked", "tap.changed")


@pytest.mark.parametrize(
    ("plans", "code", "newer"),
    [
        ({"plan-1": PlanSeen("published")}, "", ""),
        ({"plan-1": PlanSeen("superseded", "plan-2")}, "plan.stale", "plan-2"),
        ({"plan-1": PlanSeen("superseded")}, "plan.stale", ""),
        ({}, "plan.unknown", ""),
    ],
)
def test_a_tap_on_a_plan_that_is_not_in_force_is_kept_and_says_so(plans, code, newer):
    found = told(msgspec.structs.replace(GOOD, plan="plan-1"), Known(BINS, plans))
    assert (found.answer.state, found.answer.code, found.answer.plan) == ("kept", code, newer)
    assert found.sighting.plan == "plan-1"


def test_a_tap_taken_back_twice_is_taken_back_once():
    kept = sighting_of(GOOD, BINS, "person-1", NOW)
    undo = Tap(id="phone-1-0002", undoes=GOOD.id)
    first = told(undo, Known(BINS, {}, {GOOD.id: kept}))
    assert (first.answer.state, first.undoes) == ("undone", GOOD.id)
    gone = msgspec.structs.replace(kept, facts={"undone_at": "2026-11-25T03:00:00Z"})
    assert told(undo, Known(BINS, {}, {GOOD.id: gone})).answer.state == "known"


@given(
    st.builds(
        Tap,
        id=st.text(max_size=90),
        bin=st.sampled_from(["bin-001", "", "bin-999", "\x00"]),
        kind=st.sampled_from(["emptied", "level", "blocked", "broken", "report", ""]),
        level=st.none() | st.floats(),
        seen_at=st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30),
        truck=st.text(max_size=20),
        plan=st.sampled_from(["", "plan-1"]),
        photo=st.text(max_size=20),
        note=st.text(max_size=600),
        undoes=st.sampled_from(["", "", "phone-1-0001"]),
    )
)
def test_whatever_a_phone_sends_has_an_answer_and_what_is_kept_is_possible(tap):
    found = told(tap)
    assert (found.sighting is not None) == (found.answer.state == "kept")
    assert (found.answer.state == "parked") == (found.sighting is None)
    if found.sighting is not None:
        assert found.sighting.bin in BINS
        assert found.sighting.level is None or 0 <= found.sighting.level <= 1.25
        assert NOW - AGE_MAX <= found.sighting.seen_at <= NOW


def test_every_level_a_driver_can_touch_is_kept():
    for number, level in enumerate(LEVELS):
        assert told(msgspec.structs.replace(GOOD, id=f"phone-1-{number:04}", level=level)).sighting.level == level
