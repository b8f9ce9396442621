"""What stations are asked: each verb becomes a message that is valid by the official schema of each version."""

import pytest
from schema_examples import problems

from dure.core.errors import InputError
from dure.services.charging.stations.verbs import VERBS, question

AT = "2026-11-24T03:00:00Z"
PROFILE_16 = {
    "chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]},
}  # fmt: skip
PROFILE_2 = {
    "id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute",
    "chargingSchedule": [{"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16.1}]}],
}  # fmt: skip
ENTRY = {"CARD1": {"status": "Accepted", "group": "FLEET", "expires": AT}, "CARD2": {"status": "Accepted"}}
USUAL = {"request": 7, "remote_start": 8}
ARGUMENTS = {
    "start": [{"token": "CARD"}, {"token": "CARD", "evse": 1, "group": "FLEET"}],
    "stop": [{"transaction": "12"}],
    "unlock": [{"evse": 1}, {"evse": "2"}],
    "reset": [{}, {"hard": True}, {"hard": "yes"}],
    "availability": [{}, {"operative": False, "evse": 1}],
    "trigger": [
        {"message": "StatusNotification", "evse": 1},
        {"message": "SignChargingStationCertificate"},
        {"message": "LogStatusNotification"},
    ],
    "read_settings": [{}],
    "clear_cache": [{}],
    "list_version": [{}],
    "send_list": [{"version": 1, "entries": ENTRY}, {"version": 2, "entries": {}}, {"version": 2, "differential": True}],
    "reserve": [{"token": "CARD", "until": AT, "reservation": 3, "evse": 1}],
    "cancel_reservation": [{"reservation": 3}],
    "clear_profile": [{}, {"profile": 1}, {"evse": 1, "purpose": "TxDefaultProfile"}],
    "read_schedule": [{"evse": 1}],
    "update_firmware": [
        {"location": "https://a.kr/f", "at": AT},
        {"location": "https://a.kr/f", "at": AT, "signature": "s", "certificate": "c"},
    ],
    "fetch_log": [{"location": "https://a.kr/l"}, {"location": "https://a.kr/l", "security": True}],
    "transfer": [{"vendor": "kr.maker"}, {"vendor": "kr.maker", "message": "m", "data": "d"}],
}  # fmt: skip
NEW = {
    "show_message": [{"id": 1, "text": "환영합니다", "language": "ko"}, {"id": 1, "text": "x", "until": AT, "transaction": "t"}],
    "clear_message": [{"id": 1}],
    "tell_cost": [{"won": 3_200, "transaction": "t"}],
}
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
CASES = [(verb, version, n) for verb, listed in ARGUMENTS.items() for version in VERSIONS for n in range(len(listed))]


@pytest.mark.parametrize(("verb", "version", "n"), CASES)
def test_a_verb_is_a_valid_message_of_each_version(verb, version, n):
    action, payload = question(verb, version, USUAL | ARGUMENTS[verb][n])
    assert problems(version, action, "request", payload) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_settings_and_profiles_are_asked_in_the_words_of_the_version(version):
    name = "HeartbeatInterval" if version == "ocpp1.6" else "OCPPCommCtrlr.HeartbeatInterval"
    profile = PROFILE_16 if version == "ocpp1.6" else PROFILE_2
    for verb, arguments in (
        ("read_settings", {"names": [name]}),
        ("change_setting", {"name": name, "value": "60"}),
        ("set_profile", {"evse": 1, "profile": profile}),
        ("start", {"token": "C", "evse": 1, "profile": profile}),
    ):
        action, payload = question(verb, version, USUAL | arguments)
        assert problems(version, action, "request", payload) == []


@pytest.mark.parametrize("version", VERSIONS[1:])
@pytest.mark.parametrize(("verb", "n"), [(verb, n) for verb, listed in NEW.items() for n in range(len(listed))])
def test_displays_and_costs_are_for_2_x(verb, n, version):
    action, payload = question(verb, version, NEW[verb][n])
    assert problems(version, action, "request", payload) == []
    with pytest.raises(InputError) as refused:
        question(verb, "ocpp1.6", NEW[verb][n])
    assert refused.value.code == "call.unfit"


def test_tariffs_are_for_2_1():
    tariff = {"tariffId": "t", "currency": "KRW", "energy": {"prices": [{"priceKwh": 347.2}]}}
    action, payload = question("set_tariff", "ocpp2.1", {"evse": 0, "tariff": tariff})
    assert problems("ocpp2.1", action, "request", payload) == []
    with pytest.raises(InputError) as refused:
        question("set_tariff", "ocpp2.0.1", {"tariff": tariff})
    assert refused.value.code == "call.unfit"


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("unlock", {}),
        ("unlock", {"evse": True}),
        ("unlock", {"evse": "one"}),
        ("start", {"token": ""}),
        ("start", {"token": 7}),
        ("reset", {"hard": "maybe"}),
        ("set_profile", {"evse": 1}),
        ("set_profile", {"evse": 1, "profile": []}),
        ("send_list", {"version": 1, "entries": []}),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused(verb, arguments):
    with pytest.raises(InputError) as refused:
        question(verb, "ocpp2.1", USUAL | arguments)
    assert refused.value.code == "call.argument"


def test_every_verb_is_tried_here():
    assert set(VERBS) == {*ARGUMENTS, *NEW, "set_profile", "change_setting", "set_tariff"}
