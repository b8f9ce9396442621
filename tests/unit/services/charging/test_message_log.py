"""The log of messages: within its budget, newest first, and without what is secret."""

from __future__ import annotations

import json

import pytest

from dure.services.charging.central.message_log import MessageLog, digest_of, redacted

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
