"""The journal folded into the tables of chargers, exactly once; and answers that are the same after a restart."""

import asyncio
from datetime import timedelta

import pytest
from stations_house import CARD, NOW, NOW_US, Station, digest_in, house_in

from dure.services.charging.central import journal_records
from dure.services.charging.central.journal_records import Kept
from dure.services.charging.central.words import Happened, Linked, Unlinked
from dure.services.charging.stations import call_records, certificate_records, station_records
from dure.services.charging.stations.answering import Stations
from dure.services.charging.stations.station_watch import StationWatch

START = {"connectorId": 1, "idTag": CARD, "meterStart": 1_000, "timestamp": "2026-11-24T03:00:00Z"}
BOOT = {"chargePointVendor": "Maker", "chargePointModel": "One", "firmwareVersion": "1.2"}


@pytest.fixture
def house(tmp_path):
    return house_in(tmp_path)


def keep(house, seq, words, writer="w1"):
    with house.records.begin() as connection:
        assert journal_records.append(connection, Kept(writer, seq, NOW_US, len(words), journal_records.pack(words)))


def fold(house):
    return asyncio.run(StationWatch(house).look())


def test_states_connectors_and_events_of_a_station_are_folded_once(house):
    station = Station(house, Stations(house), "cp-16")
    said = [
        (Linked("cp-16", "ocpp1.6", NOW_US),),
        station.says("BootNotification", BOOT).words,
        station.says("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "SuspendedEV"}).words,
        station.says(
            "StatusNotification",
            {"connectorId": 2, "errorCode": "GroundFailure", "status": "Faulted", "vendorErrorCode": "E7"},
        ).words,
        station.says(
            "SecurityEventNotification", {"type": "TamperDetectionActivated", "timestamp": "2026-11-24T03:00:00Z"}
        ).words,
    ]
    for seq, words in enumerate(said, start=1):
        keep(house, seq, words)
    assert (fold(house), fold(house)) == (5, 0)
    with house.records.read() as connection:
        state = station_records.states(connection)["cp-16"]
        connectors = station_records.connectors(connection, "cp-16")
        events = station_records.happenings(connection, charger="cp-16").items
    assert (state.linked, state.version, state.boot["firmware"]) == (True, "ocpp1.6", "1.2")
    assert [(one.evse, one.status, one.detail, one.error) for one in connectors] == [
        (1, "occupied", "SuspendedEV", ""),
        (2, "faulted", "Faulted", "GroundFailure"),
    ]
    assert [(one.topic, one.facts["type"]) for one in events] == [("security", "TamperDetectionActivated")]


def test_two_writers_have_cursors_of_their_own(house):
    keep(house, 1, (Linked("cp-16", "ocpp1.6", NOW_US),), "w1")
    keep(house, 1, (Linked("cp-21", "ocpp2.1", NOW_US),), "w2")
    fold(house)
    keep(house, 2, (Unlinked("cp-21", NOW_US + 1, "gone"),), "w2")
    fold(house)
    with house.records.read() as connection:
        states = station_records.states(connection)
        assert station_records.positions(connection) == {"w1": 1, "w2": 2}
    assert (states["cp-16"].linked, states["cp-21"].linked) == (True, False)


@pytest.mark.parametrize("folded", [False, True], ids=["from-the-journal", "from-the-tables"])
def test_after_a_restart_a_start_keeps_its_number_and_a_card_still_charges_once(house, folded):
    station = Station(house, Stations(house), "cp-16")
    first = station.says("StartTransaction", START)
    keep(house, 1, first.words)
    if folded:
        fold(house)
    again = Station(house, Stations(house), "cp-16")
    assert again.says("StartTransaction", START).payload == first.payload
    second = START | {"connectorId": 2, "timestamp": "2026-11-24T03:05:00Z"}
    assert again.says("StartTransaction", second).payload["idTagInfo"]["status"] == "ConcurrentTx"
    stop = {"transactionId": first.payload["transactionId"], "meterStop": 2_000, "timestamp": "2026-11-24T04:00:00Z"}
    (word,) = again.says("StopTransaction", stop).words
    assert (word.evse, word.token) == (1, digest_in(house, CARD))


def test_an_ended_transaction_stays_ended_after_a_restart(house):
    station = Station(house, Stations(house), "cp-16")
    first = station.says("StartTransaction", START)
    stop = {"transactionId": first.payload["transactionId"], "meterStop": 2_000, "timestamp": "2026-11-24T04:00:00Z"}
    keep(house, 1, [*first.words, *station.says("StopTransaction", stop).words])
    fold(house)
    again = Stations(house)
    assert again.memory.running == {}
    other = Station(house, again, "cp-201")
    started = {
        "eventType": "Started", "timestamp": "2026-11-24T05:00:00Z", "triggerReason": "Authorized", "seqNo": 0,
        "transactionInfo": {"transactionId": "t9"}, "evse": {"id": 1}, "idToken": {"idToken": CARD, "type": "ISO14443"},
    }  # fmt: skip
    assert other.says("TransactionEvent", started).payload["idTokenInfo"]["status"] == "Accepted"


def test_what_a_station_reports_is_known_by_name(house):
    station = Station(house, Stations(house), "cp-201")
    attribute = {"value": "300", "mutability": "ReadWrite"}
    report = {
        "requestId": 1, "generatedAt": "2026-11-24T03:00:00Z", "seqNo": 0,
        "reportData": [
            {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}, "variableAttribute": [attribute]},
            {
                "component": {"name": "SecurityCtrlr"},
                "variable": {"name": "BasicAuthPassword"},
                "variableAttribute": [{"value": "very secret"}],
            },
        ],
    }  # fmt: skip
    keep(house, 1, station.says("NotifyReport", report).words)
    fold(house)
    with house.records.read() as connection:
        known = {one.name: one.value["attributes"][0]["value"] for one in station_records.reports(connection, "cp-201")}
    assert known == {"OCPPCommCtrlr.HeartbeatInterval": "300", "SecurityCtrlr.BasicAuthPassword": "…"}


def test_answers_to_calls_are_kept_and_followed(house):
    facts = {
        "call": "c1", "action": "GetConfiguration", "payload": {}, "code": "", "why": "",
        "answer": {"configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]},
    }  # fmt: skip
    keep(house, 1, (Happened("cp-16", "call", NOW_US, NOW_US, facts),))
    fold(house)
    with house.records.read() as connection:
        assert call_records.answers(connection, ["c1"])["c1"].answer == facts["answer"]
        (known,) = station_records.reports(connection, "cp-16", "configuration")
        assert station_records.happenings(connection).items == []
    assert (known.name, known.value) == ("HeartbeatInterval", {"value": "300", "readonly": False})


def test_a_certificate_is_signed_for_the_station_that_asked(house):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())

    def csr(name):
        built = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        return built.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    station = Station(house, Stations(house), "cp-201")
    assert station.says("SignCertificate", {"csr": csr("another")}).payload["status"] == "Rejected"
    asked = station.says("SignCertificate", {"csr": csr("serial-cp-201")})
    assert asked.payload == {"status": "Accepted"}
    keep(house, 1, asked.words)
    fold(house)
    with house.records.read() as connection:
        (kept,) = certificate_records.of_charger(connection, "cp-201")
    chain = x509.load_pem_x509_certificates(kept.pem.encode())
    chain[0].verify_directly_issued_by(chain[1])
    assert chain[0].public_key() == key.public_key()
    assert "CN=serial-cp-201" in kept.subject
    assert NOW + timedelta(days=390) < kept.expires_at
