"""The log of messages: within its budget, newest first, without what is secret, and kept on the disk where it is wanted."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from dure.core.time import to_us
from dure.engines.records.store import Records
from dure.services.charging.central import kept_messages, message_log
from dure.services.charging.central.kept_messages import KeptMessages
from dure.services.charging.central.message_log import MessageLog, digest_of, redacted

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
NOW_US = to_us(NOW)
DIGEST = digest_of(b"key")
SECRET = "04A1B2C3D4E5F6"


def test_the_oldest_of_all_go_first_when_the_budget_is_used_up():
    log = MessageLog(bytes_max=10 * 300)
    for number in range(100):
        log.note(f"cp-{number % 2}", number, b"[3,%d,{}]" % number + b" " * 90, out=False)
    kept = [one.at_us for name in ("cp-0", "cp-1") for one in log.shown(name, DIGEST)]
    assert sorted(kept) == list(range(100 - len(kept), 100))
    assert 5 <= len(kept) <= 10
    assert [one.at_us for one in log.shown("cp-1", DIGEST, limit=2)] == [99, 97]


TOKEN = {"idToken": SECRET, "type": "ISO14443", "additionalInfo": [{"additionalIdToken": SECRET, "type": "x"}]}
PASSWORD = {"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": SECRET}
NETWORK = {"apn": {"apn": "a", "apnUserName": "u", "apnPassword": SECRET}, "vpn": {"password": SECRET}}
MESSAGES = [
    ("Authorize 1.6", {"idTag": SECRET}),
    ("parent", {"idTagInfo": {"status": "Accepted", "parentIdTag": SECRET}}),
    ("Authorize 2.0.1", {"idToken": TOKEN}),
    ("group", {"idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": SECRET, "type": "Central"}}}),
    ("local list", {"localAuthorizationList": [{"idTag": SECRET}, {"idToken": {"idToken": SECRET, "type": "eMAID"}}]}),
    ("certificate", {"certificate": SECRET, "iso15118CertificateHashData": [{"serialNumber": SECRET}]}),
    ("request", {"csr": SECRET}),
    ("setting 1.6", {"key": "AuthorizationKey", "value": SECRET}),
    ("settings 1.6", {"configurationKey": [{"key": "AuthorizationKey", "readonly": False, "value": SECRET}]}),
    ("setting 2.0.1", {"setVariableData": [PASSWORD]}),
    ("network", {"connectionData": NETWORK}),
    ("upload", {"location": f"ftp://user:{SECRET}@host/x"}),
    ("maker's own", {"vendorId": "v", "data": SECRET}),
    ("signed values", {"signedMeterValue": {"signedMeterData": SECRET, "publicKey": SECRET}}),
    ("customer", {"customerIdentifier": SECRET}),
]  # fmt: skip


@pytest.mark.parametrize("payload", [row[1] for row in MESSAGES], ids=[row[0] for row in MESSAGES])
def test_secrets_are_shown_as_digests(payload):
    shown = json.dumps(redacted(json.dumps([2, "1", "Action", payload]).encode(), DIGEST))
    assert SECRET not in shown


def test_the_same_secret_has_the_same_digest_and_other_things_stay():
    message = json.dumps([2, "1", "StartTransaction", {"connectorId": 1, "idTag": SECRET, "meterStart": 5}]).encode()
    assert redacted(message, DIGEST) == [2, "1", "StartTransaction", {"connectorId": 1, "idTag": DIGEST(SECRET), "meterStart": 5}]
    assert redacted(json.dumps([2, "1", "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}]).encode(), DIGEST)[
        3
    ] == {
        "key": "HeartbeatInterval",
        "value": "60",
    }


@pytest.mark.parametrize("message", [b"garbage 04A1B2C3D4E5F6", b"\xff", b"[" * 3000])
def test_what_cannot_be_read_is_not_shown(message):
    assert redacted(message, DIGEST) == ["unreadable", f"{len(message)} bytes"]


def authorize(identity, number):
    return b'[2,"%d","Authorize",{"idTag":"%s"}]' % (number, SECRET.encode()), identity


def records_in(folder):
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    return records


async def test_messages_of_chargers_whose_log_is_kept_are_on_the_disk_without_secrets(tmp_path):
    records, log = records_in(tmp_path), MessageLog()
    log.kept = frozenset({"cp-1"})
    for number in range(6):
        message, identity = authorize(f"cp-{number % 2}", number)
        log.note(identity, NOW_US + number, message, out=bool(number % 3))
    assert await KeptMessages(records, log, DIGEST, "w").write() == 3
    assert await KeptMessages(records, log, DIGEST, "w").write() == 0
    records.close()
    again = records_in(tmp_path)  # after a restart
    with again.read() as connection:
        found = kept_messages.of_station(connection, "cp-1", NOW + timedelta(hours=1))
        assert kept_messages.of_station(connection, "cp-0", NOW + timedelta(hours=1)) == []
        assert len(kept_messages.of_station(connection, "cp-1", NOW + timedelta(microseconds=4))) == 2
    assert found == log.shown("cp-1", DIGEST)
    assert [one.at_us - NOW_US for one in found] == [5, 3, 1]
    assert SECRET not in json.dumps([one.message for one in found])
    with again.begin() as connection:
        raw = connection.execute(text("select messages from charging_messages")).scalar_one()
        assert SECRET.encode() not in zlib.decompress(raw)
        assert kept_messages.expire(connection, NOW + timedelta(days=99), 100) == 0
        assert kept_messages.expire(connection, NOW + timedelta(days=101), 100) == 1
    again.close()


async def test_what_finds_no_room_to_be_kept_is_counted_and_held_up_by_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(message_log, "DUE_MAX", 100)
    records, log = records_in(tmp_path), MessageLog()
    log.kept = frozenset({"cp-1"})
    for number in range(5):
        log.note("cp-1", NOW_US + number, b"[3,1,{}]" + b" " * 40, out=False)
    assert len(log.shown("cp-1", DIGEST)) == 5
    due, lost_n = log.taken()
    assert (len(due), lost_n) == (2, 3)
    assert log.taken() == ([], 0)
    records.close()
