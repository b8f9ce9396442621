"""Batches of taps from phones that were long without a network: nothing is lost, nothing counts twice."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from dure.core.assets import Asset
from dure.core.errors import InputError, TooLarge
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets, events, parked
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_waste import waste_plans
from dure.services.waste.driving import tap_desk, tap_records
from dure.services.waste.driving.taps import Tap

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CREW = By("person-1", NOW)
SHIFT = NOW - timedelta(hours=8)


@pytest.fixture
def records(tmp_path):
    store = Records(f"sqlite:///{tmp_path}/records.db")
    store.migrate()
    with store.begin() as connection:
        for number in range(5):
            register(connection, f"bin-{number:03}")
        for id_, version, state in (("plan-a", 1, "superseded"), ("plan-b", 2, "published")):
            connection.execute(
                waste_plans.insert().values(
                    id=id_, day="2026-11-25", version=version, state=state, made_at=SHIFT, person="", inputs_sha256="", inputs={},
                    plan={"routes": []}, decision="",
                )
            )  # fmt: skip
    yield store
    store.close()


def register(connection, id_):
    asset = Asset(id=id_, city="hwaseong", kind="bin", name=Text(id_, id_), place=place_at(127.0, 37.2), state="live")
    assets.add(connection, asset, By("test", SHIFT))


def tap(number, **more):
    at = SHIFT + timedelta(minutes=number)
    words = {
        "id": f"phone-1-{number:04}",
        "bin": f"bin-{number % 5:03}",
        "kind": "emptied",
        "level": 0.5,
        "seen_at": at.isoformat(),
    }
    return Tap(**{**words, "truck": "truck-1", "plan": "plan-b", **more})


def sightings(records):
    with records.read() as connection:
        return tap_records.between(connection, SHIFT - timedelta(days=20), NOW + timedelta(days=1))


def waiting(records):
    with records.read() as connection:
        return parked.listing(connection).items


def collected(records):
    with records.read() as connection:
        return events.listing(connection, prefix="waste.bin.collected", limit=1_000).items


def test_a_shift_sent_eight_hours_late_twice_and_in_any_order_is_there_once(records):
    shift = [tap(number) for number in range(120)]
    first = tap_desk.take(records, shift[::-1], CREW)
    assert {one.state for one in first} == {"kept"}
    again = tap_desk.take(records, [*shift[60:], *shift[:60], *shift], By("person-1", NOW + timedelta(hours=8)))
    assert {one.state for one in again} == {"known"}
    kept = sightings(records)
    assert [one.id for one in kept] == [one.id for one in shift]
    assert [one.seen_at for one in kept] == [SHIFT + timedelta(minutes=number) for number in range(120)]
    assert len(collected(records)) == 120
    assert waiting(records) == []


def test_a_tap_on_a_stale_plan_is_kept_and_answered_with_the_newer_one(records):
    (told,) = tap_desk.take(records, [tap(1, plan="plan-a")], CREW)
    assert (told.state, told.code, told.plan) == ("kept", "plan.stale", "plan-b")
    assert sightings(records)[0].plan == "plan-a"


def test_what_cannot_be_kept_is_parked_once_with_all_it_said_and_the_rest_is_kept(records):
    batch = [tap(1), tap(2, bin="bin-new", note="새 통"), tap(3, level=99), tap(4)]
    told = tap_desk.take(records, batch, CREW)
    assert [one.state for one in told] == ["kept", "parked", "parked", "kept"]
    tap_desk.take(records, batch, CREW)
    held = {one.code: json.loads(one.content) for one in waiting(records)}
    assert set(held) == {"tap.bin_unknown", "tap.level"}
    assert held["tap.bin_unknown"]["note"] == "새 통"
    assert held["tap.bin_unknown"]["person"] == "person-1"
    assert len(sightings(records)) == 2


def test_a_parked_tap_comes_in_when_its_bin_is_registered(records):
    tap_desk.take(records, [tap(2, bin="bin-new"), tap(3, bin="bin-new", level=99)], CREW)
    with records.begin() as connection:
        register(connection, "bin-new")
    tap_desk.take(records, [tap(9)], By("person-2", NOW + timedelta(hours=1)))
    came = next(one for one in sightings(records) if one.bin == "bin-new")
    assert (came.person, came.seen_at) == ("person-1", SHIFT + timedelta(minutes=2))
    assert came.received_at == NOW + timedelta(hours=1)
    assert [one.code for one in waiting(records)] == ["tap.bin_unknown"]


def test_a_tap_taken_back_counts_no_longer_and_stays_in_the_book(records):
    undo = Tap(id="phone-1-undo", undoes="phone-1-0001")
    told = tap_desk.take(records, [tap(1), tap(2), undo, undo], CREW)
    assert [one.state for one in told] == ["kept", "kept", "undone", "known"]
    assert [one.id for one in sightings(records)] == ["phone-1-0002"]
    with records.read() as connection:
        assert "undone_at" in tap_records.find(connection, ["phone-1-0001"])["phone-1-0001"].facts
        assert set(tap_records.newest_emptying(connection)) == {"bin-002"}
        assert [one.type for one in events.listing(connection, prefix="waste.sighting").items] == ["waste.sighting.undone"]


def test_a_photo_that_follows_is_put_to_its_tap(records):
    tap_desk.take(records, [tap(1, kind="broken", level=None)], CREW)
    (told,) = tap_desk.take(records, [tap(1, kind="broken", level=None, photo="waste/photos/ab.jpg")], CREW)
    assert told.state == "known"
    assert sightings(records)[0].photo == "waste/photos/ab.jpg"


@pytest.mark.parametrize("body", [b"", b"[]", b'{"taps": 3}', b"\xff", b'{"taps": {"id": 1}}'])
def test_a_body_that_holds_no_taps_is_refused_whole(body):
    with pytest.raises(InputError) as refused:
        tap_desk.read_taps(body)
    assert refused.value.code == "taps.malformed"


def test_one_tap_of_another_shape_does_not_hold_up_the_others(records):
    body = msgspec.json.encode({"taps": [7, {"id": "phone-1-0077", "level": "much"}, tap(1)]})
    told = tap_desk.take(records, tap_desk.read_taps(body), CREW)
    assert [one.state for one in told] == ["parked", "parked", "kept"]
    assert len(waiting(records)) == 2


def test_too_many_taps_at_once_are_refused_whole():
    with pytest.raises(TooLarge) as refused:
        tap_desk.read_taps(msgspec.json.encode({"taps": [{}] * (tap_desk.TAPS_MAX + 1)}))
    assert refused.value.code == "taps.too_many"
