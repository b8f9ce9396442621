"""Proofs on both engines: partners that sign, places that show codes, bags that are weighed, photos known again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from carbon_practice_world import BY, NOW, SECRET, available, conserved, count, fund, member, photo, setting, wallet
from PIL import ImageOps
from sqlalchemy import insert, update

from dure.core.errors import Conflict, InputError, NotAllowed, NotFound, NotSignedIn
from dure.core.text import Text
from dure.core.time import format_instant
from dure.engines.records.tables_carbon_claims import carbon_weighings
from dure.engines.records.tables_carbon_practices import carbon_practice_acts, carbon_practice_nonces, carbon_practice_photos
from dure.services.carbon.ledger import accounts
from dure.services.carbon.practising import (
    bag_desk,
    partner_desk,
    photo_desk,
    photo_index,
    place_desk,
    practice_desk,
    practice_records,
)
from dure.services.carbon.practising.partner_desk import Partner, Signed, Told
from dure.services.carbon.practising.photo_desk import Sent
from dure.services.carbon.practising.photo_index import PhotoIndex
from dure.services.carbon.practising.place_desk import Place
from dure.services.carbon.practising.proving import drawn
from dure.services.carbon.practising.signing import signature

CAFE = Partner(id="cafe", name=Text("카페"), practices=("tumbler", "e-receipt", "shared-bike"))
PLAZA = Place(id="plaza", name=Text("광장"), practices=("tumbler", "own-bag"), turn_s=60, lat=37.2, lon=127.07)


def partner(records):
    with records.begin() as connection:
        return partner_desk.put(connection, CAFE, BY, SECRET)


def code(records, person="person-1"):
    with records.read() as connection:
        return practice_records.member(connection, person).code


def said(records, **changes):
    words = {"practice": "tumbler", "member": code(records), "quantity": 1, "done_at": format_instant(NOW), "reference": "R-1"}
    return Told(**words | changes)


def signed(key, body=b"{}", at=NOW, nonce="n" * 16, partner_id="cafe"):
    time = format_instant(at)
    return Signed(partner_id, time, nonce, signature(key, partner_id, time, nonce, body), body)


def told(records, request, key=None, at=NOW):
    """Both steps of a partner's proof in one transaction, as the API takes them."""
    with records.begin() as connection:
        one = partner_desk.checked(connection, signed(key, msgspec.json.encode(request), at), setting(at), SECRET)
        return partner_desk.prove(connection, one, request, setting(at))


def test_a_signed_proof_of_a_partner_is_decided_at_once(records):
    fund(records)
    member(records)
    act = told(records, said(records), partner(records))
    assert (act.state, act.facts["partner"], wallet(records)) == ("awarded", "cafe", 300)


@pytest.mark.parametrize(
    "change",
    [
        {"partner": "caf3"}, {"time": "2026-11-24T03:00:01Z"}, {"nonce": "m" * 16}, {"signature": "0" * 64}, {"body": b"{ }"},
        {"signature": ""},
    ],
    ids=str,
)  # fmt: skip
def test_anything_else_than_what_was_signed_is_refused(records, change):
    good = signed(partner(records))
    with records.begin() as connection, pytest.raises(NotSignedIn) as refused:
        partner_desk.checked(connection, good._replace(**change), setting(), SECRET)
    assert refused.value.code == "practice.signature"


@pytest.mark.parametrize("skew", [timedelta(minutes=-6), timedelta(minutes=3)], ids=["behind", "ahead"])
def test_a_request_of_another_time_is_refused(records, skew):
    key = partner(records)
    with records.begin() as connection, pytest.raises(InputError) as refused:
        partner_desk.checked(connection, signed(key, at=NOW + skew), setting(), SECRET)
    assert refused.value.code == "practice.clock_skew"


def test_a_request_sent_again_is_refused_until_its_nonce_is_too_old_and_forgotten(records):
    key = partner(records)
    with records.begin() as connection:
        partner_desk.checked(connection, signed(key), setting(), SECRET)
    with records.begin() as connection, pytest.raises(Conflict) as refused:
        partner_desk.checked(connection, signed(key), setting(), SECRET)
    assert refused.value.code == "practice.nonce_used"
    with records.begin() as connection:
        assert partner_desk.forget_nonces(connection, NOW + timedelta(minutes=6)) == 0
        assert partner_desk.forget_nonces(connection, NOW + timedelta(minutes=7)) == 1
    assert count(records, carbon_practice_nonces) == 0


def test_an_old_key_and_an_ended_partner_are_worth_nothing(records):
    old = partner(records)
    with records.begin() as connection:
        new = partner_desk.change_key(connection, "cafe", BY, SECRET)
    with records.begin() as connection, pytest.raises(NotSignedIn):
        partner_desk.checked(connection, signed(old), setting(), SECRET)
    with records.begin() as connection:
        partner_desk.checked(connection, signed(new), setting(), SECRET)
        partner_desk.end(connection, "cafe", BY)
    with records.begin() as connection, pytest.raises(NotSignedIn):
        partner_desk.checked(connection, signed(new, nonce="k" * 16), setting(), SECRET)


def test_a_reference_told_again_in_the_same_words_is_what_was_decided_and_in_others_a_replay(records):
    fund(records)
    member(records)
    partner(records)
    with records.begin() as connection:
        first = partner_desk.prove(connection, CAFE, said(records), setting())
    later = said(records, done_at=format_instant(NOW + timedelta(minutes=1)))
    with records.begin() as connection:
        again = partner_desk.prove(connection, CAFE, said(records), setting(NOW + timedelta(minutes=2)))
        other = partner_desk.prove(connection, CAFE, later, setting(NOW + timedelta(minutes=2)))
    assert (again, other.code, wallet(records)) == (first, "practice.replayed", 300)


def test_a_partner_proves_only_what_it_may_and_only_for_a_member(records):
    member(records)
    partner(records)
    with records.begin() as connection, pytest.raises(NotAllowed):
        partner_desk.prove(connection, CAFE, said(records, practice="refill"), setting())
    with records.begin() as connection, pytest.raises(NotFound) as refused:
        partner_desk.prove(connection, CAFE, said(records, member="XXXXXXXXXX"), setting())
    assert refused.value.code == "practice.member_unknown"


@pytest.mark.parametrize(
    ("minutes", "metres", "state", "reason"),
    [
        (30, 6_000, "awarded", "practice.proved"),
        (10, 5_000, "doubtful", "practice.unlikely_speed"),
        (5, 5_000, "refused", "practice.impossible_speed"),
        (0, 5_000, "refused", "practice.reversed"),
        (60, 200_000, "refused", "practice.absurd"),
    ],
)
def test_a_ride_is_as_fast_as_a_bicycle(records, minutes, metres, state, reason):
    fund(records)
    member(records)
    ride = said(
        records, practice="shared-bike", quantity=metres, done_at=format_instant(NOW - timedelta(minutes=minutes)),
        ended_at=format_instant(NOW),
    )  # fmt: skip
    with records.begin() as connection:
        act = partner_desk.prove(connection, CAFE, ride, setting())
    assert (act.state, act.code) == (state, reason)
    assert wallet(records) == (600 if state == "awarded" else 0)


def place(records, one=PLAZA):
    with records.begin() as connection:
        return place_desk.put(connection, one, setting(), BY)


def scan(records, shown_at=NOW, at=NOW, person="person-1", practice="tumbler", one=PLAZA):
    text = str(place_desk.shown(one, SECRET, shown_at))
    with records.begin() as connection:
        return place_desk.prove(connection, person, (practice, text), setting(at), SECRET)


def test_a_code_proves_once_for_each_person_and_turn(records):
    fund(records)
    place(records)
    member(records)
    member(records, "person-2")
    found = [scan(records).code, scan(records).code, scan(records, person="person-2").code]
    later = NOW + timedelta(minutes=30)
    assert [*found, scan(records, later, later).code] == [
        "practice.proved",
        "practice.replayed",
        "practice.proved",
        "practice.proved",
    ]


def test_a_code_of_before_of_tomorrow_of_elsewhere_or_forged_proves_nothing(records):
    fund(records)
    place(records)
    member(records)
    assert scan(records, NOW - timedelta(minutes=5)).code == "practice.code_old"
    assert scan(records, NOW + timedelta(minutes=5)).code == "practice.code_wrong"
    for text in ("plaza.1.00000000000000000000", "nowhere.1.00000000000000000000", "scribble"):
        with records.begin() as connection:
            assert place_desk.prove(connection, "person-1", ("tumbler", text), setting(), SECRET).code == "practice.code_wrong"
    assert scan(records, practice="cup-return").code == "practice.code_wrong"


def test_somebody_slow_may_scan_the_code_before(records):
    fund(records)
    place(records)
    member(records)
    assert scan(records, NOW - timedelta(seconds=50)).state == "awarded"


def test_two_places_far_apart_within_minutes_are_looked_at_by_a_person(records):
    fund(records)
    place(records)
    busan = msgspec.structs.replace(PLAZA, id="busan", lat=35.1, lon=129.0)
    place(records, busan)
    member(records)
    soon = NOW + timedelta(minutes=20)
    assert [scan(records).code, scan(records, soon, soon, one=busan).code] == ["practice.proved", "practice.far_apart"]


def weighed(records, bag="bag-1", mass_g=4_200, at=NOW, ident="wgh-1"):
    row = {
        "id": ident, "bag": bag, "scale": "scale-1", "material": "paper", "mass_g": mass_g, "weighed_at": at,
        "readings_sha256": "0" * 64, "state": "kept", "kept_at": at,
    }  # fmt: skip
    with records.begin() as connection:
        connection.execute(insert(carbon_weighings).values(row))


def take(records, bag="bag-1", person="person-1"):
    with records.begin() as connection:
        return bag_desk.take(connection, person, bag, setting())


def test_a_bag_that_was_weighed_is_paid_by_the_kilogram_once(records):
    fund(records)
    member(records)
    assert (take(records), take(records)) == (True, False)
    weighed(records)
    with records.read() as connection:
        assert bag_desk.fresh(connection) == [("wgh-1", "bag-1", "person-1")]
    with records.begin() as connection:
        first = bag_desk.prove(connection, "person-1", "bag-1", setting())
        second = bag_desk.prove(connection, "person-1", "bag-1", setting())
    with records.read() as connection:
        assert bag_desk.fresh(connection) == []
    assert (first.won, first.state, second.code, wallet(records)) == (1_260, "awarded", "practice.replayed", 1_260)


def test_a_bag_of_somebody_else_or_not_weighed_proves_nothing(records):
    member(records)
    take(records, person="person-2")
    with pytest.raises(Conflict):
        take(records)
    take(records, "bag-2")
    with records.begin() as connection:
        foreign = bag_desk.prove(connection, "person-1", "bag-1", setting())
        light = bag_desk.prove(connection, "person-1", "bag-2", setting())
    assert (foreign.code, light.code) == ("practice.bag_unknown", "practice.not_weighed")


def test_a_weighing_taken_back_takes_its_reward_back(records):
    fund(records)
    member(records)
    take(records)
    weighed(records)
    with records.begin() as connection:
        act = bag_desk.prove(connection, "person-1", "bag-1", setting())
        connection.execute(update(carbon_weighings).values(state="undone"))
        assert bag_desk.undone(connection) == [act.id]
        gone = bag_desk.take_back(connection, act.id, setting())
    assert (gone.state, gone.code, wallet(records)) == ("withdrawn", "practice.undone", 0)
    assert available(records, accounts.budget("green-practice")) == 1_000_000
    assert conserved(records)


def begin(records, person="person-1", practice="refill", at=NOW):
    with records.begin() as connection:
        return practice_desk.start(connection, person, practice, setting(at))


def send(records, seen, index=None, person="person-1", practice="refill", at=NOW + timedelta(minutes=5)):
    with records.begin() as connection:
        sent = Sent(practice, seen, photo_desk.new_blob())
        return photo_desk.prove(connection, person, sent, setting(at), index or PhotoIndex())


def unsampled(taken_at=NOW + timedelta(minutes=1), first=1):
    """A photo that no lot draws for a person to look at."""
    seeds = (seed for seed in range(first, first + 50) if not drawn(f"photo/{photo(seed, taken_at).pixels_sha256}", 0.1))
    return next(seeds)


def test_a_photo_taken_after_the_start_counts_and_its_copy_does_not_whoever_sends_it(records):
    fund(records)
    member(records)
    member(records, "person-2")
    begin(records)
    begin(records, "person-2")
    at, index, seed = NOW + timedelta(minutes=1), PhotoIndex(), unsampled()
    first = send(records, photo(seed, at), index)
    again = send(records, photo(seed, at), index, "person-2")
    turned = send(records, photo(seed, at, ImageOps.mirror), PhotoIndex(), "person-2")
    assert [first.code, again.code, turned.code] == ["practice.proved", "practice.photo_copied", "practice.photo_copied"]
    assert (count(records, carbon_practice_photos), wallet(records, "person-2")) == (1, 0)


@pytest.mark.parametrize(
    ("taken", "state", "reason"),
    [
        (timedelta(minutes=-10), "refused", "practice.photo_time"),
        (timedelta(minutes=30), "refused", "practice.photo_time"),
        (None, "doubtful", "practice.photo_undated"),
    ],
    ids=["before", "future", "undated"],
)
def test_when_a_photo_was_taken_decides(records, taken, state, reason):
    fund(records)
    member(records)
    begin(records)
    act = send(records, photo(1, None if taken is None else NOW + taken))
    assert (act.state, act.code) == (state, reason)


def test_a_photo_of_what_a_person_always_looks_at_waits_for_them(records):
    fund(records)
    member(records)
    begin(records, practice="tree")
    at = NOW + timedelta(minutes=1)
    act = send(records, photo(1, at), practice="tree")
    assert (act.state, act.code, wallet(records)) == ("doubtful", "practice.review", 0)


def test_photos_of_places_nobody_gets_between_so_fast_are_looked_at_by_a_person(records):
    fund(records)
    member(records)
    codes, index = [], PhotoIndex()
    for n, (minutes, where) in enumerate([(1, (37.0, 127.0)), (4, (35.0, 129.0))]):
        begin(records, practice=("refill", "own-container")[n])
        at = NOW + timedelta(minutes=minutes)
        seeds = (seed for seed in range(1 + 50 * n, 51 + 50 * n) if not drawn(f"photo/{photo(seed, at).pixels_sha256}", 0.1))
        sent = send(records, photo(next(seeds), at, where=where), index, practice=("refill", "own-container")[n])
        codes.append((sent.code, sent.state))
    assert codes == [("practice.proved", "awarded"), ("practice.far_apart", "doubtful")]


def test_an_erased_photo_is_known_no_more_also_by_who_remembered_it(records):
    fund(records)
    member(records)
    member(records, "person-2")
    begin(records)
    begin(records, "person-2")
    at, index, seed = NOW + timedelta(minutes=1), PhotoIndex(), unsampled()
    act = send(records, photo(seed, at), index)
    assert send(records, photo(seed, at), index, "person-2").code == "practice.photo_copied"
    with records.begin() as connection:
        assert photo_index.erase(connection, [act.id], NOW) == 1
        connection.execute(update(carbon_practice_acts).where(carbon_practice_acts.c.id == act.id).values(once=None))
        (gone,) = photo_index.gone(connection)
        assert (gone.whole, gone.blob.startswith("carbon/practice/")) == (True, True)
        photo_index.settled(connection, gone)
    assert send(records, photo(seed, at), index, "person-2").code == "practice.proved"


def test_old_photos_go_and_their_hashes_stay(records):
    fund(records)
    member(records)
    begin(records)
    at, index, seed = NOW + timedelta(minutes=1), PhotoIndex(), unsampled()
    send(records, photo(seed, at), index)
    with records.begin() as connection:
        assert photo_index.grow_old(connection, NOW + timedelta(days=1)) == 1
        (gone,) = photo_index.gone(connection)
        photo_index.settled(connection, gone)
        assert photo_index.gone(connection) == []
        assert PhotoIndex().nearest(connection, photo(seed, at)) == 0
