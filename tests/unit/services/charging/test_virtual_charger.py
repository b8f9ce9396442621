"""Virtual chargers in memory: what they say is valid by the official schemas, and they obey."""

from __future__ import annotations

import json

import msgspec
import pytest
from charging_site_made import MINUTE_US, NOON_US, charger, visit
from official_schemas import check_request, check_response

from dure.protocols.ocpp.errors import CallError
from dure.services.charging.model import VERSIONS
from dure.services.charging.simulating import asked_2, asked_16
from dure.services.charging.simulating.charger_state import ChargerState
from dure.services.charging.simulating.speech_16 import numbered

TOKEN = "DEMO0004"  # card 3 of the visit
PHONE = "GUEST"


class Talk:
    """The other end, in memory: checks each message and gives the usual answer."""

    def __init__(self, one, *, online=True, good=True):
        self.one, self.good, self.heard = one, good, []
        self.at_us = NOON_US
        if online:
            one.connected(NOON_US)
        self.take()

    def take(self):
        while self.one.state.queue and self.one.online:
            said = self.one.state.queue.pop(0)
            payload = numbered(self.one, said)
            check_request(self.one.version, said.action, payload)
            self.heard.append((said.action, payload))
            self.one.speech.answered(said, self.answer(said.action), self.at_us)

    def answer(self, action):
        status = "Accepted" if self.good else "Invalid"
        if self.one.version == "ocpp1.6":
            return {"idTagInfo": {"status": status}} | ({"transactionId": 41} if action == "StartTransaction" else {})
        return {"idTokenInfo": {"status": status}} if action in {"Authorize", "TransactionEvent"} else {}

    def play(self, minutes, step=1):
        for _ in range(int(minutes / step)):
            self.at_us += step * MINUTE_US
            self.one.flow(self.at_us - step * MINUTE_US, step * MINUTE_US)
            self.one.look(self.at_us)
            self.one.minute(self.at_us)
            self.take()

    def ask(self, action, payload):
        payload = json.loads(json.dumps(payload))
        check_request(self.one.version, action, payload)
        answer = self.one.speech.asked(action, payload, self.at_us)
        check_response(self.one.version, action, answer)
        self.take()
        return answer

    def actions(self):
        return [action for action, _ in self.heard]

    def steps(self):
        return [payload["eventType"] for action, payload in self.heard if action == "TransactionEvent"]

    def profile(self, purpose="TxProfile", limit=8.0, unit="A", **more):
        schedule = {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
        kind = {"stackLevel": 1, "chargingProfilePurpose": purpose, "chargingProfileKind": "Relative"} | more
        if self.one.version == "ocpp1.6":
            return {"connectorId": 1, "csChargingProfiles": kind | {"chargingProfileId": 5, "chargingSchedule": schedule}}
        return {"evseId": 1, "chargingProfile": kind | {"id": 5, "chargingSchedule": [schedule | {"id": 1}]}}

    def remote_start(self, number=1, token=PHONE):
        if self.one.version == "ocpp1.6":
            return self.ask("RemoteStartTransaction", {"connectorId": number, "idTag": token})
        wanted = {"evseId": number, "idToken": {"idToken": token, "type": "Central"}, "remoteStartId": 9}
        return self.ask("RequestStartTransaction", wanted)

    def remote_stop(self):
        if self.one.version == "ocpp1.6":
            return self.ask("RemoteStopTransaction", {"transactionId": 41})
        return self.ask("RequestStopTransaction", {"transactionId": self.one.state.evses[1].tx.key})


@pytest.mark.parametrize("version", VERSIONS)
def test_a_vehicle_comes_charges_and_goes_in_valid_words(version):
    talk = Talk(charger(version))
    one = talk.one
    one.plug(1, visit(minutes=90, tells=True), NOON_US)
    talk.play(120)
    assert one.state.evses[1].car is None
    assert one.state.evses[1].register_mj == 7_000 * 3_600_000  # what it needed, not a Wh less or more
    if version == "ocpp1.6":
        order = [action for action in talk.actions() if action in {"Authorize", "StartTransaction", "StopTransaction"}]
        assert order == ["Authorize", "StartTransaction", "StopTransaction"]
        stop = dict(talk.heard)["StopTransaction"]
        assert (stop["transactionId"], stop["meterStop"]) == (41, 7_000)
    else:
        assert talk.steps()[0] == "Started"
        assert talk.steps()[-1] == "Ended"
        numbers = [payload["seqNo"] for action, payload in talk.heard if action == "TransactionEvent"]
        assert numbers == list(range(len(numbers)))
        assert "NotifyEVChargingNeeds" in talk.actions()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_card_that_is_refused_charges_nothing_and_its_driver_goes(version):
    talk = Talk(charger(version), good=False)
    talk.one.plug(1, visit(), NOON_US)
    talk.play(10)
    assert talk.one.state.evses[1].register_mj == 0
    assert talk.one.state.evses[1].car is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_profile_limits_the_transaction_it_is_for(version):
    talk = Talk(charger(version))
    assert talk.ask("SetChargingProfile", talk.profile())["status"] == "Rejected"  # no transaction yet
    talk.one.plug(1, visit(need_wh=20_000), NOON_US)
    talk.play(2)
    assert talk.ask("SetChargingProfile", talk.profile(limit=8.0))["status"] == "Accepted"
    talk.play(1)
    assert talk.one.state.evses[1].power_w == pytest.approx(8 * 220)
    assert talk.ask("SetChargingProfile", talk.profile(limit=5.9))["status"] == "Accepted"
    talk.play(2)
    assert talk.one.state.evses[1].power_w == 0  # below 6 A no vehicle charges
    assert talk.one.state.evses[1].status == "SuspendedEVSE"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_phone_starts_and_stops_a_vehicle_that_waits(version):
    talk = Talk(charger(version))
    talk.one.plug(1, visit(card=-1, need_wh=20_000), NOON_US)
    talk.play(1)
    assert talk.one.state.evses[1].tx is None
    assert talk.remote_start()["status"] == "Accepted"
    talk.play(5)
    assert talk.one.state.evses[1].power_w > 0
    assert talk.remote_start()["status"] == "Rejected"  # it charges already
    assert talk.remote_stop()["status"] == "Accepted"
    talk.play(5)
    assert (talk.one.state.evses[1].tx, talk.one.state.evses[1].power_w) == (None, 0)
    assert talk.remote_start()["status"] == "Rejected"  # no restart until it was unplugged


@pytest.mark.parametrize("version", VERSIONS)
def test_a_start_without_a_vehicle_waits_for_one_and_then_gives_up(version):
    talk = Talk(charger(version))
    assert talk.remote_start()["status"] == "Accepted"
    talk.one.plug(1, visit(card=-1), talk.at_us)
    assert talk.one.state.evses[1].tx is not None
    assert talk.remote_start(2)["status"] == "Accepted"
    talk.play(5)
    talk.one.plug(2, visit(card=-1), talk.at_us)
    assert talk.one.state.evses[2].tx is None


@pytest.mark.parametrize("version", VERSIONS)
def test_what_happens_without_a_connection_is_told_afterwards_in_order(version):
    talk = Talk(charger(version), online=False)
    talk.one.plug(1, visit(minutes=40), NOON_US)
    talk.play(60)
    kept = ChargerState(**{name: getattr(talk.one.state, name) for name in ChargerState.__struct_fields__})
    again = Talk(charger(version, state=msgspec.json.decode(msgspec.json.encode(kept), type=ChargerState)))
    told = [one for one in again.heard if one[0] in {"StartTransaction", "StopTransaction", "TransactionEvent"}]
    if version == "ocpp1.6":
        assert [action for action, _ in told] == ["StartTransaction", "StopTransaction"]
        assert told[1][1]["transactionId"] == 41
    else:
        assert all(payload["offline"] for _, payload in told)
        assert [payload["seqNo"] for _, payload in told] == list(range(len(told)))
    assert not again.one.state.queue


@pytest.mark.parametrize("version", VERSIONS)
def test_the_station_shares_what_it_has_among_its_vehicles(version):
    talk = Talk(charger(version))
    for number in (1, 2):
        talk.one.plug(number, visit(need_wh=20_000), NOON_US)
    talk.play(2)
    purpose = "ChargePointMaxProfile" if version == "ocpp1.6" else "ChargingStationMaxProfile"
    wanted = talk.profile(purpose, limit=8_000, unit="W", chargingProfileKind="Absolute")
    wanted["connectorId" if version == "ocpp1.6" else "evseId"] = 0
    assert talk.ask("SetChargingProfile", wanted)["status"] == "Accepted"
    talk.play(1)
    assert [round(one.power_w) for one in talk.one.state.evses.values()] == [4_000, 4_000]


REQUESTS_16 = [
    ("ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, "Accepted"),
    ("ChangeAvailability", {"connectorId": 9, "type": "Inoperative"}, "Rejected"),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, "Accepted"),
    ("ChangeConfiguration", {"key": "HeartbeatInterval", "value": "often"}, "Rejected"),
    ("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "9"}, "Rejected"),
    ("ChangeConfiguration", {"key": "Nonsense", "value": "9"}, "NotSupported"),
    ("GetConfiguration", {}, None),
    ("GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]}, None),
    ("ClearCache", {}, "Accepted"),
    ("Reset", {"type": "Soft"}, "Accepted"),
    ("UnlockConnector", {"connectorId": 1}, "Unlocked"),
    ("UnlockConnector", {"connectorId": 9}, "NotSupported"),
    ("TriggerMessage", {"requestedMessage": "MeterValues"}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "StatusNotification", "connectorId": 1}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "BootNotification"}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "Heartbeat", "connectorId": 7}, "Rejected"),
    ("ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}, "NotImplemented"),
    ("GetLocalListVersion", {}, None),
    (
        "SendLocalList",
        {
            "listVersion": 1,
            "updateType": "Full",
            "localAuthorizationList": [{"idTag": TOKEN, "idTagInfo": {"status": "Accepted"}}],
        },
        "Accepted",
    ),
    ("ReserveNow", {"connectorId": 1, "expiryDate": "2026-06-15T04:00:00Z", "idTag": TOKEN, "reservationId": 5}, "Accepted"),
    ("ReserveNow", {"connectorId": 9, "expiryDate": "2026-06-15T04:00:00Z", "idTag": TOKEN, "reservationId": 6}, "Rejected"),
    ("CancelReservation", {"reservationId": 77}, "Rejected"),
    ("ClearChargingProfile", {}, "Unknown"),
    ("GetCompositeSchedule", {"connectorId": 1, "duration": 600, "chargingRateUnit": "A"}, "Accepted"),
    ("GetDiagnostics", {"location": "https://files.test/"}, None),
    ("UpdateFirmware", {"location": "https://files.test/f", "retrieveDate": "2026-06-15T04:00:00Z"}, None),
    ("GetLog", {"logType": "DiagnosticsLog", "requestId": 3, "log": {"remoteLocation": "https://files.test/"}}, "Accepted"),
    ("DataTransfer", {"vendorId": "org.test"}, "UnknownVendorId"),
    ("CertificateSigned", {"certificateChain": "x"}, "Rejected"),
]
HEARTBEAT = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
REQUESTS_2 = [
    ("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}}, "Accepted"),
    ("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 9}}, "Rejected"),
    ("GetVariables", {"getVariableData": [HEARTBEAT, {"component": {"name": "X"}, "variable": {"name": "Y"}}]}, None),
    ("SetVariables", {"setVariableData": [HEARTBEAT | {"attributeValue": "60"}, HEARTBEAT | {"attributeValue": "often"}]}, None),
    ("GetBaseReport", {"requestId": 2, "reportBase": "FullInventory"}, "Accepted"),
    ("Reset", {"type": "OnIdle"}, "Accepted"),
    ("UnlockConnector", {"evseId": 1, "connectorId": 1}, "Unlocked"),
    ("UnlockConnector", {"evseId": 9, "connectorId": 1}, "UnknownConnector"),
    ("TriggerMessage", {"requestedMessage": "MeterValues"}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "BootNotification"}, "Accepted"),
    ("TriggerMessage", {"requestedMessage": "SignV2GCertificate"}, "NotImplemented"),
    ("GetLocalListVersion", {}, None),
    (
        "SendLocalList",
        {
            "versionNumber": 1,
            "updateType": "Differential",
            "localAuthorizationList": [
                {"idToken": {"idToken": TOKEN, "type": "ISO14443"}, "idTokenInfo": {"status": "Accepted"}}
            ],
        },
        "Accepted",
    ),
    (
        "ReserveNow",
        {"id": 5, "evseId": 1, "expiryDateTime": "2026-06-15T04:00:00Z", "idToken": {"idToken": TOKEN, "type": "ISO14443"}},
        "Accepted",
    ),
    ("CancelReservation", {"reservationId": 77}, "Rejected"),
    ("ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 3}}, "Unknown"),
    ("GetChargingProfiles", {"requestId": 4, "chargingProfile": {}}, "NoProfiles"),
    ("GetCompositeSchedule", {"evseId": 1, "duration": 600}, "Accepted"),
    ("GetTransactionStatus", {"transactionId": "none"}, None),
    ("CostUpdated", {"totalCost": 120, "transactionId": "none"}, None),
    (
        "SetDisplayMessage",
        {"message": {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "Hello"}}},
        "Accepted",
    ),
    ("GetDisplayMessages", {"requestId": 1}, "Unknown"),
    ("ClearDisplayMessage", {"id": 3}, "Unknown"),
    ("GetLog", {"logType": "DiagnosticsLog", "requestId": 3, "log": {"remoteLocation": "https://files.test/"}}, "Accepted"),
    (
        "UpdateFirmware",
        {"requestId": 3, "firmware": {"location": "https://files.test/f", "retrieveDateTime": "2026-06-15T04:00:00Z"}},
        "Accepted",
    ),
    ("ClearCache", {}, "Accepted"),
    ("DataTransfer", {"vendorId": "org.test"}, "UnknownVendorId"),
]


@pytest.mark.parametrize(("action", "payload", "status"), REQUESTS_16)
def test_a_16_station_answers_what_it_is_asked(action, payload, status):
    talk = Talk(charger("ocpp1.6"))
    assert talk.ask(action, payload).get("status") == status


@pytest.mark.parametrize("version", ["ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize(("action", "payload", "status"), REQUESTS_2)
def test_a_2_station_answers_what_it_is_asked(version, action, payload, status):
    talk = Talk(charger(version))
    assert talk.ask(action, payload).get("status") == status


def test_every_request_a_station_answers_is_in_a_table():
    assert {action for action, *_ in REQUESTS_16} | {
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "SetChargingProfile",
        "InstallCertificate",
        "GetInstalledCertificateIds",
    } == set(asked_16.HANDLERS)
    assert {action for action, *_ in REQUESTS_2} | {
        "RequestStartTransaction",
        "RequestStopTransaction",
        "SetChargingProfile",
        "CertificateSigned",
        "InstallCertificate",
        "GetInstalledCertificateIds",
        "GetReport",
    } == set(asked_2.HANDLERS)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_station_does_not_know_it_says_with_the_standards_code(version):
    with pytest.raises(CallError) as caught:
        charger(version).speech.asked("Nonsense", {}, NOON_US)
    assert caught.value.code == "NotImplemented"


def test_a_reserved_place_is_for_its_card_until_it_expires():
    talk = Talk(charger("ocpp2.0.1"))
    talk.ask(
        "ReserveNow",
        {"id": 5, "evseId": 1, "expiryDateTime": "2026-06-15T03:10:00Z", "idToken": {"idToken": "ME", "type": "ISO14443"}},
    )
    assert talk.one.state.evses[1].status == "Reserved"
    assert talk.remote_start(1, "YOU")["status"] == "Rejected"
    talk.play(11)
    assert talk.one.state.evses[1].status == "Available"


def test_a_register_that_is_reset_begins_at_nought():
    one = charger("ocpp1.6", "register_reset")
    one.state.evses[1].register_mj = 5_000 * 3_600_000
    one.minute(NOON_US - NOON_US % (6 * 60 * MINUTE_US))
    assert one.shown_wh(1, NOON_US) == 0


def test_a_register_that_runs_backwards_does_so_for_two_minutes_of_ten():
    one = charger("ocpp2.1", "backwards")
    one.state.evses[1].register_mj = 5_000 * 3_600_000
    shown = [one.shown_wh(1, NOON_US - NOON_US % (10 * MINUTE_US) + n * MINUTE_US) for n in range(10)]
    assert shown == [5_000] * 8 + [4_993] * 2


def test_a_station_whose_clock_is_off_says_times_three_years_ago():
    talk = Talk(charger("ocpp2.0.1", "clock_off"))
    assert talk.heard[0][1]["timestamp"].startswith("2023-06-16")
