"""What stations do wrong, and what they are told: first of all tests."""

import pytest
from stations_house import BY, CARD, NOW, NOW_US, Station, add_token, digest_in, house_in

from dure.core.time import to_us
from dure.protocols.ocpp.errors import CallError
from dure.services.charging.stations import station_records
from dure.services.charging.stations.answering import Stations
from dure.services.charging.stations.said import instant_us

SECOND_US = 1_000_000
START = {"connectorId": 1, "idTag": CARD, "meterStart": 1_000, "timestamp": "2026-11-24T03:00:00Z"}
STARTED = {
    "eventType": "Started",
    "timestamp": "2026-11-24T03:00:00Z",
    "triggerReason": "Authorized",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "t1"},
    "evse": {"id": 1, "connectorId": 1},
    "idToken": {"idToken": CARD, "type": "ISO14443"},
}


@pytest.fixture
def house(tmp_path):
    return house_in(tmp_path)


@pytest.fixture
def old(house):
    return Station(house, Stations(house), "cp-16")


@pytest.fixture
def new(house):
    return Station(house, Stations(house), "cp-201")


def test_a_start_sent_again_gets_the_same_number_and_says_the_same(old):
    first, again = old.says("StartTransaction", START), old.says("StartTransaction", START, NOW_US + 30 * SECOND_US)
    assert first.payload["transactionId"] == again.payload["transactionId"] > 0
    assert again.payload["idTagInfo"]["status"] == "Accepted"
    assert (first.words[0].transaction, first.words[0].at_us) == (again.words[0].transaction, again.words[0].at_us)


def test_starts_that_differ_in_anything_get_numbers_of_their_own(old):
    others = [START, START | {"meterStart": 1_001}, START | {"connectorId": 2}, START | {"timestamp": "2026-11-24T03:00:01Z"}]
    assert len({old.says("StartTransaction", one).payload["transactionId"] for one in others}) == 4


def test_a_stop_of_a_transaction_nobody_knows_is_taken(old):
    found = old.says("StopTransaction", {"transactionId": 4711, "meterStop": 5_000, "timestamp": "2026-11-24T04:00:00Z"})
    (word,) = found.words
    assert found.payload == {}
    assert (word.transaction, word.step, word.evse, word.end_wh, word.begin_wh) == ("4711", "ended", 0, 5_000, None)


@pytest.mark.parametrize("number", [0, -1])
def test_stops_without_start_are_told_apart_by_their_time(old, number):
    stop = {"transactionId": number, "meterStop": 5_000, "timestamp": "2026-11-24T04:00:00Z"}
    one = old.says("StopTransaction", stop).words[0]
    other = old.says("StopTransaction", stop | {"timestamp": "2026-11-24T05:00:00Z"}).words[0]
    assert one.transaction != other.transaction
    assert one.transaction.startswith("lost-")


def test_meter_values_of_an_unknown_transaction_are_kept_with_its_name(old):
    value = {"timestamp": "2026-11-24T03:00:00Z", "sampledValue": [{"value": "1200"}]}
    (word,) = old.says("MeterValues", {"connectorId": 1, "transactionId": 99, "meterValue": [value]}).words
    assert (word.transaction, word.evse, word.samples[0].value) == ("99", 1, 1200.0)


def test_a_card_nobody_knows_may_not_charge_and_is_not_named_anywhere(old, new):
    found = old.says("StartTransaction", START | {"idTag": "stranger"})
    assert found.payload["idTagInfo"] == {"status": "Invalid"}
    assert found.payload["transactionId"] > 0
    assert not found.words[0].allowed
    assert "stranger" not in repr(found.words)
    assert old.says("Authorize", {"idTag": "stranger"}).payload == {"idTagInfo": {"status": "Invalid"}}
    asked = new.says("Authorize", {"idToken": {"idToken": "stranger", "type": "ISO14443"}})
    assert asked.payload == {"idTokenInfo": {"status": "Unknown"}}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"blocked": True}, "Blocked"),
        ({"expires_at": NOW}, "Expired"),
        ({"sites": ("elsewhere",)}, "NotAtThisLocation"),
        ({"sites": ("lot",)}, "Accepted"),
        ({}, "Accepted"),
    ],
)
def test_a_card_is_told_what_it_is(house, fields, status):
    add_token(house, "card-2", **fields)
    station = Station(house, Stations(house), "cp-21")
    found = station.says("Authorize", {"idToken": {"idToken": "CARD-2", "type": "ISO14443"}}).payload["idTokenInfo"]
    assert found["status"] == status


def test_one_card_does_not_charge_twice_at_once(old):
    assert old.says("StartTransaction", START).payload["idTagInfo"]["status"] == "Accepted"
    second = START | {"connectorId": 2, "timestamp": "2026-11-24T03:05:00Z"}
    assert old.says("StartTransaction", second).payload["idTagInfo"]["status"] == "ConcurrentTx"


def test_a_card_charges_again_after_it_stopped(old):
    number = old.says("StartTransaction", START).payload["transactionId"]
    old.says("StopTransaction", {"transactionId": number, "meterStop": 2_000, "timestamp": "2026-11-24T04:00:00Z"})
    again = START | {"timestamp": "2026-11-24T05:00:00Z", "meterStart": 2_000}
    assert old.says("StartTransaction", again).payload["idTagInfo"]["status"] == "Accepted"


def test_a_clock_three_years_off_is_answered_with_our_time_and_both_are_kept(old):
    found = old.says("StartTransaction", START | {"timestamp": "2023-11-24T03:00:00Z"})
    assert found.words[0].at_us == to_us(NOW.replace(year=2023))
    assert found.words[0].heard_us == NOW_US
    assert old.says("Heartbeat", {}).payload["currentTime"] == "2026-11-24T03:00:00.000Z"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+14:00", None])
def test_a_time_that_cannot_be_read_is_ours(text):
    assert instant_us(text, 42) == 42


def test_a_time_without_offset_is_utc():
    assert instant_us("2026-11-24T03:00:00", 0) == NOW_US


def test_steps_out_of_order_are_all_said_and_a_late_one_opens_nothing(new):
    ended = STARTED | {"eventType": "Ended", "seqNo": 2, "offline": True}
    del ended["evse"]
    assert new.says("TransactionEvent", ended).words[0].step == "ended"
    late = new.says("TransactionEvent", STARTED | {"offline": True}).words[0]
    assert (late.step, late.seq_no, late.offline) == ("started", 0, True)
    fresh = STARTED | {"transactionInfo": {"transactionId": "t2"}}
    assert new.says("TransactionEvent", fresh).payload["idTokenInfo"]["status"] == "Accepted"


def test_a_step_without_evse_is_put_where_the_transaction_is(new):
    new.says("TransactionEvent", STARTED)
    step = {key: value for key, value in STARTED.items() if key not in {"evse", "idToken"}}
    (word,) = new.says("TransactionEvent", step | {"eventType": "Updated", "seqNo": 1}).words
    assert (word.evse, word.connector) == (1, 1)


@pytest.mark.parametrize(("answer", "status"), [("pending", "Pending"), ("rejected", "Rejected")])
def test_a_station_that_is_not_accepted_says_nothing_of_transactions(house, answer, status):
    with house.records.begin() as connection:
        station_records.admit(connection, "cp-201", answer, "new", BY)
    station = Station(house, Stations(house), "cp-201")
    booted = station.says("BootNotification", {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"})
    assert booted.payload["status"] == status
    assert 60 <= booted.payload["interval"] <= 120
    assert booted.words[0].answer == answer
    with pytest.raises(CallError) as refused:
        station.says("TransactionEvent", STARTED)
    assert refused.value.code == "SecurityError"


def test_another_serial_number_than_registered_is_told(old):
    boot = {"chargePointVendor": "v", "chargePointModel": "m", "chargePointSerialNumber": "other"}
    booted, told = old.says("BootNotification", boot).words
    assert (booted.serial, told.topic) == ("other", "serial_differs")


def test_a_request_for_a_certificate_that_is_none_is_rejected(old, new):
    assert old.says("SignCertificate", {"csr": "none"}).payload == {"status": "Rejected"}
    assert new.says("SignCertificate", {"csr": "none"}).payload["status"] == "Rejected"


def test_no_card_number_is_in_any_word(house, old, new):
    said = [old.says("StartTransaction", START), new.says("TransactionEvent", STARTED)]
    assert CARD not in repr([one.words for one in said])
    assert said[0].words[0].token == said[1].words[0].token == digest_in(house, CARD.lower())
