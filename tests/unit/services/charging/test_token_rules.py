"""Tokens by digest, payloads under seal, local lists and reservations."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stations_house import BY, CARD, NOW, NOW_US, add_token, digest_in, house_in

from dure.core.errors import ConfigError, Conflict, InputError
from dure.services.charging.stations import reservation_records, reserving, restoring
from dure.services.charging.stations.reservation_records import Reservation
from dure.services.charging.tokens import list_records, token_desk, token_records
from dure.services.charging.tokens.local_list import built
from dure.services.charging.tokens.sealing import names_token, opened, redacted, seal
from dure.services.charging.tokens.token_key import FILE, token_key
from dure.services.charging.tokens.tokens import Token, digest, judged

KEY = b"k" * 32
PAYLOADS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return house_in(tmp_path_factory.mktemp("tokens"))


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=40))
def test_letter_case_and_blanks_around_do_not_count(text):
    assert digest(text.upper(), KEY) == digest(f" {text.lower()} ", KEY)


def test_a_digest_needs_the_key():
    assert digest(CARD, KEY) != digest(CARD, b"l" * 32)
    assert len(digest(CARD, KEY)) == 32


def test_the_key_is_made_once_and_is_private(tmp_path):
    assert token_key(tmp_path) == token_key(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with pytest.raises(ConfigError) as refused:
        token_key(tmp_path)
    assert refused.value.code == "secrets.exposed"


@pytest.mark.parametrize(
    ("fields", "running", "verdict"),
    [
        ({"concurrent_n": 0}, 100, "Accepted"),
        ({"concurrent_n": 2}, 1, "Accepted"),
        ({"concurrent_n": 2}, 2, "ConcurrentTx"),
        ({"blocked": True, "expires_at": NOW}, 0, "Blocked"),
        ({"expires_at": NOW + timedelta(microseconds=1)}, 0, "Accepted"),
        ({"expires_at": NOW}, 0, "Expired"),
    ],
)
def test_a_token_is_judged_by_its_fields(fields, running, verdict):
    assert judged(Token(digest="d", **fields), NOW_US, running, "lot").verdict == verdict


@given(st.dictionaries(st.text(max_size=8), PAYLOADS, max_size=3))
def test_a_sealed_payload_opens_with_its_key_only(payload):
    sealed = seal(payload, KEY)
    assert opened(sealed, KEY) == payload
    with pytest.raises(InputError) as refused:
        opened(sealed, b"l" * 32)
    assert refused.value.code == "call.sealed"


@pytest.mark.parametrize(
    "payload",
    [
        {"idTag": "SECRET"},
        {"localAuthorizationList": [{"idTag": "SECRET"}]},
        {"idToken": {"idToken": "SECRET", "type": "ISO14443", "additionalInfo": [{"additionalIdToken": "SECRET", "type": "x"}]}},
        {"key": "AuthorizationKey", "value": "SECRET"},
        {"setVariableData": [{"variable": {"name": "BasicAuthPassword"}, "attributeValue": "SECRET"}]},
    ],
)
def test_tokens_and_passwords_are_found_and_hidden(payload):
    assert names_token(payload)
    assert "SECRET" not in repr(redacted(payload, lambda text: digest(text, KEY)))


def test_a_payload_without_tokens_is_shown_as_it_is():
    payload = {"key": "HeartbeatInterval", "value": "300"}
    assert not names_token(payload)
    assert redacted(payload, lambda _: "#") == payload


def test_a_local_list_holds_only_good_tokens_for_offline_use():
    known = {
        digest(name, KEY): Token(digest=digest(name, KEY), **fields)
        for name, fields in {
            "good": {"group": "FLEET"},
            "blocked": {"blocked": True},
            "online": {"offline": False},
            "over": {"expires_at": NOW},
            "elsewhere": {"sites": ("other",)},
        }.items()
    }
    found = built(["good", "good", "blocked", "online", "over", "elsewhere", "stranger"], known, KEY, "lot", NOW)
    assert found.entries == {"good": {"status": "Accepted", "group": "FLEET"}}
    assert (found.digests, found.left_out) == ([digest("good", KEY)], 5)
    with pytest.raises(InputError) as refused:
        built([f"c{n}" for n in range(501)], {digest(f"c{n}", KEY): Token(digest="d") for n in range(501)}, KEY, "lot", NOW)
    assert refused.value.code == "token.list"


def test_versions_of_a_list_grow_and_an_old_answer_means_nothing(house):
    with house.records.begin() as connection:
        assert list_records.sent(connection, "cp-16", ["b", "a"], NOW) == 1
        assert list_records.sent(connection, "cp-16", ["a"], NOW) == 2
        list_records.settle(connection, "cp-16", 1, accepted=True, at=NOW)
        assert list_records.get(connection, "cp-16").state == "sent"
        list_records.settle(connection, "cp-16", 2, accepted=False, at=NOW)
        assert list_records.get(connection, "cp-16").state == "refused"


def test_a_guest_is_good_at_one_site_for_one_charge_and_is_forgotten_later(house):
    with house.records.begin() as connection:
        made = token_desk.guest(connection, "lot", 24, KEY, BY)
        assert len(made.text) <= 20
        assert judged(made.token, NOW_US, 0, "lot").allowed
        assert not judged(made.token, NOW_US, 0, "elsewhere").allowed
        assert token_desk.forget_guests(connection, NOW + timedelta(hours=24)) == 0
        assert token_desk.forget_guests(connection, NOW + timedelta(hours=25)) == 1
        assert token_records.find(connection, [made.token.digest]) == {}


def test_a_reservation_moves_one_way(house):
    with house.records.begin() as connection:
        usual = {"charger": "cp-16", "evse": 1, "token": "d", "made_at": NOW, "changed_at": NOW}
        one = reservation_records.add(connection, Reservation(id=0, expires_at=NOW + timedelta(hours=1), **usual))
        two = reservation_records.add(connection, Reservation(id=0, expires_at=NOW + timedelta(hours=2), **usual))
        assert two.id == one.id + 1
        assert reservation_records.move(connection, one.id, "reserved", NOW)
        assert reservation_records.move(connection, one.id, "used", NOW)
        assert not reservation_records.move(connection, one.id, "reserved", NOW)
        assert reservation_records.expire(connection, NOW + timedelta(hours=3)) == 1
        assert reservation_records.standing(connection) == []


def test_a_reservation_of_an_offline_station_is_cancelled_at_once(house):
    add_token(house, "reserving")
    with pytest.raises(Conflict) as refused:
        asyncio.run(reserving.reserve(house, "cp-201", 1, "reserving", NOW + timedelta(hours=1), BY))
    assert refused.value.code == "station.offline"
    with house.records.read() as connection:
        assert reservation_records.standing(connection, "cp-201") == []
    with pytest.raises(InputError) as late:
        asyncio.run(reserving.reserve(house, "cp-201", 1, "reserving", NOW + timedelta(days=2), BY))
    assert late.value.code == "reservation.until"
    assert digest_in(house, "RESERVING") == digest_in(house, "reserving")


def test_tokens_are_read_again_only_when_others_changed(house):
    watching = restoring.Watching()

    def news():
        with house.records.read() as connection:
            return sorted(one.label for one in restoring.news(house, connection, watching).tokens)

    first = news()
    assert first
    assert news() == []
    add_token(house, "04BB", label="late", changed_at=house.clock.now() - timedelta(seconds=20))  # begun earlier, kept later
    assert "late" in news()
    assert news() == []
    house.clock.advance(timedelta(seconds=61))
    assert "late" in news()
    house.clock.advance(timedelta(hours=1))
    add_token(house, "04BB", label="late", blocked=True)
    assert "late" in news()
