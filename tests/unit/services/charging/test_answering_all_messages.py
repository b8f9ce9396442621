"""Every message a station may send, in each version, gets an answer valid by the official schema, or an honest refusal."""

import msgspec
import pytest
from schema_examples import actions, example, problems
from stations_house import VERSION_OF, Station, house_in

from dure.protocols.ocpp.errors import CallError
from dure.services.charging.central.words import Word
from dure.services.charging.stations.answering import HANDLERS, Stations

# OCPP 1.6 edition 2, section 4 with the security whitepaper; OCPP 2.0.1 and 2.1 part 2: what the station asks.
STATION_16 = (
    *("Authorize", "BootNotification", "DataTransfer", "DiagnosticsStatusNotification", "FirmwareStatusNotification"),
    *("Heartbeat", "LogStatusNotification", "MeterValues", "SecurityEventNotification", "SignCertificate"),
    *("SignedFirmwareStatusNotification", "StartTransaction", "StatusNotification", "StopTransaction"),
)
STATION_201 = (
    *("Authorize", "BootNotification", "ClearedChargingLimit", "DataTransfer", "FirmwareStatusNotification"),
    *("Get15118EVCertificate", "GetCertificateStatus", "Heartbeat", "LogStatusNotification", "MeterValues"),
    *("NotifyChargingLimit", "NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEVChargingNeeds"),
    *("NotifyEVChargingSchedule", "NotifyEvent", "NotifyMonitoringReport", "NotifyReport"),
    *("PublishFirmwareStatusNotification", "ReportChargingProfiles", "ReservationStatusUpdate"),
    *("SecurityEventNotification", "SignCertificate", "StatusNotification", "TransactionEvent"),
)
MORE_21 = (
    *("BatterySwap", "ClosePeriodicEventStream", "GetCertificateChainStatus", "NotifyDERAlarm", "NotifyDERStartStop"),
    *("NotifyPriorityCharging", "NotifySettlement", "OpenPeriodicEventStream", "PullDynamicScheduleUpdate"),
    *("ReportDERControl", "VatNumberValidation"),
)
ASKED = {"cp-16": STATION_16, "cp-201": STATION_201, "cp-21": (*STATION_201, *MORE_21)}
REFUSED = {("cp-21", "BatterySwap"): "NotSupported"}
CASES = [(name, action, full) for name, listed in ASKED.items() for action in listed for full in (False, True)]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return house_in(tmp_path_factory.mktemp("stations"))


@pytest.fixture(scope="module")
def stations(house):
    return Stations(house)


@pytest.mark.parametrize(("name", "action", "full"), [case for case in CASES if case[:2] not in REFUSED])
def test_a_message_is_answered_by_its_schema(house, stations, name, action, full):
    station = Station(house, stations, name)
    payload = example(station.version, action, full=full)
    assert problems(station.version, action, "request", payload) == []
    found = station.says(action, payload)
    assert problems(station.version, action, "response", found.payload) == []
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(list(found.words)), type=list[Word])
    assert kept == list(found.words)


@pytest.mark.parametrize("name", list(VERSION_OF))
def test_handlers_are_exactly_what_stations_ask(name):
    assert sorted(HANDLERS[VERSION_OF[name]]) == sorted(ASKED[name])


@pytest.mark.parametrize("name", list(VERSION_OF))
def test_what_only_a_central_system_asks_is_not_supported(house, stations, name):
    station = Station(house, stations, name)
    for action in set(actions(station.version)) - set(ASKED[name]):
        with pytest.raises(CallError) as refused:
            station.says(action, {})
        assert refused.value.code == "NotSupported"


@pytest.mark.parametrize(("name", "action"), list(REFUSED))
def test_what_makes_no_sense_here_is_refused_by_name(house, stations, name, action):
    station = Station(house, stations, name)
    with pytest.raises(CallError) as refused:
        station.says(action, example(station.version, action, full=True))
    assert refused.value.code == REFUSED[name, action]
