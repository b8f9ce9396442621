"""What a session costs so far is shown at the station, and never as the last word."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from stations_house import CARD, NOW, NOW_US, Station, digest_in, house_in

from dure.core.time import day_of, format_instant, from_us
from dure.services.charging import sites
from dure.services.charging.central.words import Linked, Sample, TransactionSaid
from dure.services.charging.pricing.cost_watch import CostWatch
from dure.services.charging.sessions.folding import fold
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.stations.answering import Stations

MIN = 60_000_000


def said(house: Any, charger: str, step: Any, minute: int, wh: int) -> TransactionSaid:
    at = NOW_US + minute * MIN
    sample = Sample(at, "Energy.Active.Import.Register", wh)
    return TransactionSaid(charger, "t", step, at, at, evse=1, token=digest_in(house, CARD), samples=(sample,))


def taken(house: Any, *words: Any) -> None:
    rules = session_rules(day_of(NOW, house.city.zone), house.city.folder)
    with house.records.begin() as connection:
        fold(connection, words, Places(sites.registered(connection)), rules, NOW)


def event(kind: str, seq: int) -> dict[str, Any]:
    return {
        "eventType": kind, "timestamp": format_instant(from_us(NOW_US)), "triggerReason": "MeterValuePeriodic", "seqNo": seq,
        "transactionInfo": {"transactionId": "t"},
    }  # fmt: skip


def test_a_station_that_can_show_it_is_told_what_its_session_costs_so_far(tmp_path: Path) -> None:
    house = house_in(tmp_path)
    for charger, version in (("cp-201", "ocpp2.0.1"), ("cp-16", "ocpp1.6")):
        taken(
            house, Linked(charger, version, NOW_US), said(house, charger, "started", -30, 0),
            said(house, charger, "updated", -1, 3_000),
        )  # fmt: skip
    watch = CostWatch(house)
    assert [asyncio.run(watch.look()), asyncio.run(watch.look())] == [1, 0]
    taken(house, said(house, "cp-201", "updated", 0, 3_000))
    station = Station(house, Stations(house), "cp-201")
    running = station.says("TransactionEvent", event("Updated", 2))
    ended = station.says("TransactionEvent", event("Ended", 3))
    house.records.close()
    assert running.payload["totalCost"] == 973  # 3 kWh at 324.4 won
    assert "totalCost" not in ended.payload
