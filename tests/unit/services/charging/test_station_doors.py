"""Who may enter, as a pure decision; who is refused too often; clocks; boot intervals."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records.devices import Credential
from dure.engines.websocket.socket import Peer, Request
from dure.services.charging.central import doors
from dure.services.charging.central.attempts import Attempts, Buckets
from dure.services.charging.central.clock_guard import ClockGuard
from dure.services.charging.central.doors import Let, Turned
from dure.services.charging.central.register import Known
from dure.services.charging.central.retrying import retry_interval_s
from dure.services.charging.model import Charger

AT = datetime(2026, 11, 26, tzinfo=UTC)
SHA = hashlib.sha256(b"secret").hexdigest()
OLD = hashlib.sha256(b"former").hexdigest()
PLAIN = Peer("10.0.0.1", secure=False, certificate=None)
TLS = Peer("10.0.0.1", secure=True, certificate=None)
MUTUAL = Peer("10.0.0.1", secure=True, certificate=b"x")


def known(profile=1, state="live", versions=("ocpp2.0.1", "ocpp1.6")):
    charger = Charger(id="a-1", site="s", name=Text("충", "c"), identity="cp-1", versions=versions, security_profile=profile)
    return Known(charger, Credential(state, SHA, OLD, AT + timedelta(hours=1)), "Operator")


def request(path="/ocpp/cp-1", user="cp-1", password="secret", peer=PLAIN, protocols=("ocpp1.6",)):  # noqa: S107  # of a test
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Request(path, {"Authorization": f"Basic {basic}"}, protocols, peer)


def certified(common, organisation="Operator"):
    """A client certificate, and its serial number as hexadecimal text."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)]
    subject = x509.Name(names)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(AT).not_valid_after(AT + timedelta(days=1))
    certificate = made.sign(key, hashes.SHA256())
    peer = Peer("10.0.0.1", secure=True, certificate=certificate.public_bytes(serialization.Encoding.DER))
    return peer, f"{certificate.serial_number:x}"


def test_a_certificate_that_was_taken_back_does_not_open_the_door():
    (one, serial), (other, _) = certified("cp-1"), certified("cp-1")
    revoked = known(3)._replace(revoked=frozenset({serial}))
    found = [doors.judged(request(peer=peer), revoked, AT) for peer in (one, other)]
    assert isinstance(found[0], Turned)
    assert (found[0].code, found[0].refused().status) == ("station.revoked", 403)
    assert isinstance(found[1], Let)
    again = doors.judged(request(peer=one), known(3), AT)
    assert isinstance(again, Let)
    assert again.certificate == serial


TURNED = [
    ("another path", request("/steve/cp-1"), known(), "station.path"),
    ("no identity", request("/ocpp/"), known(), "station.path"),
    ("two identities", request("/ocpp/cp-1/cp-2"), known(), "station.path"),
    ("unknown", request(), None, "station.unknown"),
    ("a wrong secret", request(password="guess"), known(), "station.credential"),
    ("no secret", request(password=""), known(), "station.credential"),
    ("another's name", request(user="cp-2"), known(), "station.credential"),
    ("revoked", request(), known(state="revoked"), "station.credential"),
    ("plain for profile 2", request(), known(2), "station.profile"),
    ("plain for profile 3", request(), known(3), "station.profile"),
    ("TLS for profile 1", request(peer=TLS), known(), "station.profile"),
    ("TLS for profile 3", request(peer=TLS), known(3), "station.profile"),
    ("a certificate for profile 2", request(peer=MUTUAL), known(2), "station.profile"),
    ("a certificate that is none", request(peer=MUTUAL), known(3), "station.certificate"),
]


@pytest.mark.parametrize(("asked", "who", "code"), [row[1:] for row in TURNED], ids=[row[0] for row in TURNED])
def test_who_is_turned_away_and_why(asked, who, code):
    found = doors.judged(asked, who, AT)
    assert isinstance(found, Turned)
    assert found.code == code
    assert found.refused().status == doors.STATUS[code]
    assert "secret" not in found.refused().why.replace("its secret", "")


def test_a_station_is_let_in_with_its_secret_and_with_the_former_one_for_a_while():
    assert isinstance(doors.judged(request(), known(), AT), Let)
    assert isinstance(doors.judged(request(password="former"), known(), AT), Let)
    assert isinstance(doors.judged(request(password="former"), known(), AT + timedelta(hours=2)), Turned)
    assert isinstance(doors.judged(request(peer=TLS), known(2), AT), Let)


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (("ocpp1.6", "ocpp2.0.1"), "ocpp2.0.1"),
        (("ocpp1.6",), "ocpp1.6"),
        (("ocpp2.1", "ocpp1.6"), "ocpp1.6"),
        (("ocpp1.5",), None),
        ((), None),
    ],
)
def test_the_newest_version_both_know_is_spoken(offered, spoken):
    assert doors.version_of(offered, known().charger) == spoken


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer abc", "Basic Og=="])
def test_a_header_that_cannot_be_read_is_no_name(header):
    assert doors.basic_of({"Authorization": header}) == ("", "")


def test_a_password_may_hold_colons():
    given_text = base64.b64encode(b"cp-1:a:b").decode()
    assert doors.basic_of({"Authorization": f"basic {given_text}"}) == ("cp-1", "a:b")


def test_who_is_refused_waits_after_some_refusals_and_may_come_again_later():
    buckets = Buckets(free_n=3, per_minute=6)
    for _ in range(3):
        assert buckets.wait_s("a", 100) == 0
        buckets.refused("a", 100)
    assert buckets.wait_s("a", 100) > 0
    assert buckets.wait_s("b", 100) == 0
    assert buckets.wait_s("a", 111) == 0


def test_one_station_with_a_wrong_secret_keeps_no_other_of_its_address_out_and_many_do():
    attempts = Attempts()
    for _ in range(100):
        attempts.refused("a", "cp-1", 100)
    assert attempts.wait_s("a", "cp-1", 100) > 0
    assert attempts.wait_s("a", "cp-2", 100) == 0
    for number in range(500):
        attempts.refused("a", f"guess-{number}", 100)
    assert attempts.wait_s("a", "cp-2", 100) > 0
    assert attempts.wait_s("b", "cp-2", 100) == 0


BOOTED = "StatusNotification"


@pytest.mark.parametrize(
    ("action", "ahead", "more", "told"),
    [
        ("StatusNotification", timedelta(days=-3 * 365), {}, True),
        ("StatusNotification", timedelta(seconds=200), {}, False),
        ("TransactionEvent", timedelta(minutes=-6), {}, True),
        ("TransactionEvent", timedelta(days=-2), {"offline": True}, False),
        ("TransactionEvent", timedelta(days=2), {"offline": True}, True),
        ("StartTransaction", timedelta(days=-2), {}, False),
        ("StartTransaction", timedelta(days=2), {}, True),
        ("Heartbeat", timedelta(days=2), {}, False),
    ],
)
def test_a_clock_that_runs_away_is_told_unless_the_message_may_be_late(action, ahead, more, told):
    found = ClockGuard().drifted(action, {"timestamp": (AT + ahead).isoformat()} | more, to_us(AT))
    assert found == (int(ahead.total_seconds()) if told else None)


def test_a_drift_is_told_once():
    guard = ClockGuard()
    payload = {"timestamp": "2023-01-01T00:00:00Z"}
    assert guard.drifted(BOOTED, payload, to_us(AT)) is not None
    assert guard.drifted(BOOTED, payload, to_us(AT)) is None


@given(st.text(max_size=40), st.integers(1, 3_600), st.integers(1, 3_600))
def test_boot_intervals_lie_in_their_span_and_are_the_same_again(identity, least_s, spread_s):
    found = retry_interval_s(identity, least_s, spread_s)
    assert least_s <= found < least_s + spread_s
    assert found == retry_interval_s(identity, least_s, spread_s)


def test_boot_intervals_of_a_thousand_stations_are_spread():
    found = [retry_interval_s(f"cp-{number}", 60, 60) for number in range(1_200)]
    per_second = [found.count(second) for second in range(60, 120)]
    assert max(per_second) < 45
