"""A 2.x station is told what its transaction costs so far, by the prices of its site."""

from datetime import timedelta

from stations_house import CARD, NOW_US, Station, house_in

from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sites import registered
from dure.services.charging.stations.answering import Stations

HOUR_US = 3_600_000_000


def step(number, event, wh, at):
    return {
        "eventType": event, "timestamp": at, "triggerReason": "MeterValuePeriodic", "seqNo": number,
        "transactionInfo": {"transactionId": "t1"}, "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": CARD, "type": "ISO14443"},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}],
    }  # fmt: skip


def test_the_cost_so_far_is_told_and_is_that_of_the_session(tmp_path):
    house = house_in(tmp_path)
    station = Station(house, Stations(house), "cp-201")
    words = [
        *station.says("TransactionEvent", step(0, "Started", 0, "2026-11-24T03:00:00Z")).words,
        *station.says("TransactionEvent", step(1, "Updated", 5_000, "2026-11-24T03:30:00Z"), NOW_US + HOUR_US // 2).words,
    ]
    house.clock.advance(timedelta(minutes=31))
    now = house.clock.now()
    with house.records.begin() as connection:
        rules = session_rules(now.astimezone(house.city.zone).date(), house.city.folder)
        fold(connection, words, Places(registered(connection)), rules, now)
    with house.records.read() as connection:
        (session,) = session_records.running(connection)
    again = Station(house, Stations(house), "cp-201")
    told = again.says("TransactionEvent", step(2, "Updated", 5_100, "2026-11-24T03:31:00Z"), NOW_US + HOUR_US // 2).payload
    assert session.energy_wh == 5_000
    assert 100 < told["totalCost"] / 5 < 1_000  # won for a kWh
    assert told["totalCost"] == int(told["totalCost"])
    ended = again.says("TransactionEvent", step(3, "Ended", 5_200, "2026-11-24T03:32:00Z"), NOW_US + HOUR_US // 2).payload
    assert "totalCost" not in ended
