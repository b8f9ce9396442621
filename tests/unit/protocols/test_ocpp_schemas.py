"""The official schemas: all there, right with decimals, and each violation with the code of its version."""

from __future__ import annotations

import pytest

from dure.core.errors import ConfigError
from dure.protocols.ocpp import actions, schemas
from dure.protocols.ocpp.errors import CallError

V16, V201, V21 = "ocpp1.6", "ocpp2.0.1", "ocpp2.1"
STAMP = "2026-11-26T09:00:00Z"


def refusal(version, action, payload, *, sent=False):
    with pytest.raises(CallError) as found:
        schemas.check_asked(version, action, payload, sent=sent)
    return found.value


def test_every_version_has_all_its_messages():
    """78 schemas of 1.6 with the security whitepaper, 128 of 2.0.1, 181 of 2.1 (one message of 2.1 has no answer)."""
    counts = {
        version: sum(1 + (pair.response is not None) for pair in schemas.validators(version).values())
        for version in (V16, V201, V21)
    }
    assert counts == {V16: 78, V201: 128, V21: 181}


@pytest.mark.parametrize("version", [V16, V201, V21])
def test_every_message_is_asked_by_a_side(version):
    for action in schemas.validators(version):
        asked_by = (actions.station_asks(version, action), actions.central_asks(version, action))
        assert any(asked_by) or action in actions.SENDS, action
        assert not all(asked_by) or action == "DataTransfer", action


def profile(limit):
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Absolute", "chargingSchedule": schedule,
        },
    }  # fmt: skip


def test_limits_of_1_6_are_tenths_and_every_tenth_is_one():
    for tenths in range(1, 641):
        schemas.check_asking(V16, "SetChargingProfile", profile(tenths / 10))


@pytest.mark.parametrize("limit", [6.05, 0.01, 31.99, 16.000_1])
def test_what_is_no_tenth_is_refused(limit):
    with pytest.raises(CallError):
        schemas.check_asking(V16, "SetChargingProfile", profile(limit))


BOOT = {"reason": "PowerUp", "chargingStation": {"model": "m", "vendorName": "v"}}
EVENT = {
    "eventType": "Started", "timestamp": STAMP, "triggerReason": "CablePluggedIn", "seqNo": 0,
    "transactionInfo": {"transactionId": "t1"},
}  # fmt: skip
STOP = {"meterStop": 1, "timestamp": STAMP, "transactionId": 1}
VIOLATIONS = [
    ("a field is missing", V201, "BootNotification", {"reason": "PowerUp"}, "OccurrenceConstraintViolation"),
    ("a field is missing in 1.6", V16, "StopTransaction", {"meterStop": 1}, "OccurenceConstraintViolation"),
    ("too few items", V201, "TransactionEvent", EVENT | {"meterValue": []}, "OccurrenceConstraintViolation"),
    ("another type", V201, "TransactionEvent", EVENT | {"seqNo": "0"}, "TypeConstraintViolation"),
    ("another type in 1.6", V16, "StopTransaction", STOP | {"meterStop": "1"}, "TypeConstraintViolation"),
    ("no time", V201, "TransactionEvent", EVENT | {"timestamp": "yesterday"}, "TypeConstraintViolation"),
    ("a time without offset", V16, "StopTransaction", STOP | {"timestamp": "2026-11-26T09:00:00"}, "TypeConstraintViolation"),
    ("a word that is none", V201, "BootNotification", BOOT | {"reason": "Boredom"}, "PropertyConstraintViolation"),
    ("too long", V16, "Authorize", {"idTag": "x" * 21}, "PropertyConstraintViolation"),
    ("an unknown field", V201, "Heartbeat", {"mood": "good"}, "FormatViolation"),
    ("an unknown field in 1.6", V16, "Heartbeat", {"mood": "good"}, "FormationViolation"),
    ("no such action", V201, "Sing", {}, "NotImplemented"),
    ("an action of another version", V201, "StartTransaction", {}, "NotImplemented"),
    ("what the central system asks", V201, "Reset", {"type": "Immediate"}, "NotSupported"),
    ("missing first, then the type", V201, "BootNotification", {"chargingStation": 1}, "OccurrenceConstraintViolation"),
    ("the type first, then the word", V201, "BootNotification", BOOT | {"reason": 7}, "TypeConstraintViolation"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("version", "action", "payload", "code"), [row[1:] for row in VIOLATIONS], ids=[row[0] for row in VIOLATIONS]
)
def test_each_violation_has_its_code(version, action, payload, code):
    assert refusal(version, action, payload).code == code


def test_a_description_names_the_field_and_never_its_value():
    error = refusal(V16, "Authorize", {"idTag": "04AABBCCDDEEFF-very-secret"})
    assert error.description == "idTag: maxLength"


def test_custom_data_is_allowed_where_the_standard_allows_it():
    schemas.check_asked(V201, "Heartbeat", {"customData": {"vendorId": "v", "anything": [1, {"a": None}]}})


def test_a_stream_is_sent_and_a_question_is_not():
    stream = {"id": 1, "pending": 0, "basetime": STAMP, "data": [{"t": 0.0, "v": "1"}]}
    schemas.check_asked(V21, "NotifyPeriodicEventStream", stream, sent=True)
    assert refusal(V21, "NotifyPeriodicEventStream", stream).code == "NotSupported"
    assert refusal(V21, "Heartbeat", {}, sent=True).code == "NotSupported"


def test_our_answers_and_questions_are_checked_too():
    schemas.check_answer(V201, "Heartbeat", {"currentTime": STAMP})
    with pytest.raises(CallError):
        schemas.check_answer(V201, "Heartbeat", {})
    with pytest.raises(CallError, match="NotImplemented"):
        schemas.check_asking(V201, "Heartbeat", {})


def test_without_the_bundle_it_is_said_how_to_make_it():
    with pytest.raises(ConfigError) as found:
        schemas.bundle("not-there.json.gz")
    assert found.value.code == "ocpp.no_schemas"
