"""A 2.x station is told what its transaction costs so far, by the prices of its site."""

from datetime import timedelta

from stations_house import CARD, NOW_US, Station, house_in

from dure.engines.records import commands
from dure.services.charging.central.words import Linked
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sites import registered
from dure.services.charging.stations import cost_records, running_costs
from dure.services.charging.stations.answering import Stations
from dure.services.charging.stations.folding import Fold
from dure.services.charging.stations.station_watch import StationWatch

HOUR_US = 3_600_000_000


def step(number, event, wh, at):
    return {
        "eventType": event, "timestamp": at, "triggerReason": "MeterValuePeriodic", "seqNo": number,
        "transactionInfo": {"transactionId": "t1"}, "evse": {"id": 1, "connectorId": 1},
        "idToken": {"idToken": CARD, "type": "ISO14443"},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}],
    }  # fmt: skip


def folded(house, words):
    now = house.clock.now()
    with house.records.begin() as connection:
        rules = session_rules(now.astimezone(house.city.zone).date(), house.city.folder)
        fold(connection, words, Places(registered(connection)), rules, now)
        Fold(connection).take(words)


def test_the_cost_so_far_is_told_and_in_the_end_the_whole(tmp_path):
    house = house_in(tmp_path)
    station = Station(house, Stations(house), "cp-201")
    folded(house, [
        Linked("cp-201", "ocpp2.0.1", NOW_US),
        *station.says("TransactionEvent", step(0, "Started", 0, "2026-11-24T03:00:00Z")).words,
        *station.says("TransactionEvent", step(1, "Updated", 5_000, "2026-11-24T03:30:00Z"), NOW_US + HOUR_US // 2).words,
    ])  # fmt: skip
    house.clock.advance(timedelta(minutes=31))
    assert running_costs.price(house) == []  # nothing has ended
    assert running_costs.price(house) == []
    again = Station(house, Stations(house), "cp-201")
    told = again.says("TransactionEvent", step(2, "Updated", 5_100, "2026-11-24T03:31:00Z"), NOW_US + HOUR_US // 2).payload
    assert 100 < told["totalCost"] / 5 < 1_000  # won for a kWh
    assert told["totalCost"] == int(told["totalCost"])
    ended = again.says("TransactionEvent", step(3, "Ended", 6_000, "2026-11-24T03:32:00Z"), NOW_US + HOUR_US // 2)
    assert "totalCost" not in ended.payload  # it is not known yet
    folded(house, ended.words)
    (final,) = running_costs.price(house)
    assert (final.charger, final.transaction) == ("cp-201", "t1")
    assert final.won > told["totalCost"]
    assert running_costs.price(house) == []


def test_a_running_charge_is_priced_once_a_minute_and_one_of_1_6_not_at_all(tmp_path):
    house = house_in(tmp_path)
    station, old = (Station(house, Stations(house), name) for name in ("cp-201", "cp-16"))
    start = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": "2026-11-24T03:00:00Z"}
    folded(house, [
        Linked("cp-201", "ocpp2.0.1", NOW_US),
        Linked("cp-16", "ocpp1.6", NOW_US),
        *old.says("StartTransaction", start).words,
        *station.says("TransactionEvent", step(0, "Started", 0, "2026-11-24T03:00:00Z")).words,
    ])  # fmt: skip

    def priced():
        running_costs.price(house)
        with house.records.read() as connection:
            return [(one.charger, one.upto_at) for one in cost_records.since(connection, None)]

    first = priced()
    assert [charger for charger, _ in first] == ["cp-201"]
    house.clock.advance(timedelta(seconds=30))
    folded(house, station.says("TransactionEvent", step(1, "Updated", 900, "2026-11-24T03:00:30Z"), NOW_US + 30_000_000).words)
    assert priced() == first
    house.clock.advance(timedelta(seconds=31))
    assert priced() != first


async def test_a_station_is_sent_what_its_charge_cost_in_the_end(tmp_path):
    house = house_in(tmp_path)
    station, watch = Station(house, Stations(house), "cp-201"), StationWatch(house)
    words = [
        Linked("cp-201", "ocpp2.0.1", NOW_US),
        *station.says("TransactionEvent", step(0, "Started", 0, "2026-11-24T03:00:00Z")).words,
    ]
    folded(house, words)
    await watch.look()
    folded(house, station.says("TransactionEvent", step(1, "Ended", 7_000, "2026-11-24T03:00:50Z"), NOW_US + 1).words)
    for _ in range(2):
        await watch.look()
    with house.records.read() as connection:
        (asked,) = commands.listing(connection, asset="cp-201").items
    assert asked.arguments["action"] == "CostUpdated"
    assert asked.arguments["payload"]["transactionId"] == "t1"
    assert asked.arguments["payload"]["totalCost"] > 1_000
