"""How long a vehicle stays after its session is what was seen of it, and never more."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from planned_house import NOW as DAY
from planned_house import planned_house, settled_city
from planned_house import session as running
from sqlalchemy import select

from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records.tables import events
from dure.services.charging.model import Evse, Site
from dure.services.charging.publishing.place_notes import notes_of
from dure.services.charging.sessions.live_states import EvseState, Link
from dure.services.charging.sessions.model import Session
from dure.services.charging.sessions.place_rules import place_rules, stop_due
from dure.services.charging.sessions.stay_records import Stay
from dure.services.charging.sessions.stay_watch import StayWatch, stay_of

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
END = NOW + timedelta(minutes=30)
LINK = Link(charger="c", linked=True, linked_us=to_us(NOW))


def session(**more: Any) -> Session:
    usual: dict[str, Any] = {"id": "cs-1", "charger": "c", "site": "s", "transaction": "1", "evse": "e", "started_at": NOW}
    return Session(**(usual | {"state": "ended", "ended_at": END} | more))


def state(status: Any, minute: float, free: float | None = None) -> EvseState:
    found = EvseState(evse="e", charger="c", number=1, status=status, since_at=NOW + timedelta(minutes=minute))
    if free is not None:
        found.available_us = to_us(NOW + timedelta(minutes=free))
    return found


STAYS = Stay(session="cs-1", evse="e", ended_at=END)


def test_a_vehicle_that_stands_there_after_its_end_stays() -> None:
    assert stay_of(session(), None, (state("occupied", 0, free=-5), LINK), None) == STAYS


def test_a_vehicle_that_left_with_its_end_is_not_kept() -> None:
    assert stay_of(session(), None, (state("available", 31, free=31), LINK), None) is None


@pytest.mark.parametrize(
    ("seen", "following", "minutes"),
    [
        ((state("available", 75, free=75), LINK), None, 75),
        ((state("occupied", 90, free=75), LINK), None, 75),
        ((state("occupied", 0), LINK), NOW + timedelta(minutes=80), 80),
        ((state("occupied", 90, free=85), LINK), NOW + timedelta(minutes=80), 80),
        ((state("faulted", 50), LINK), None, 50),
        ((state("unavailable", 10), LINK), None, 30),
        ((None, LINK), None, 30),
        ((state("occupied", 0), Link(charger="c", linked=False, linked_us=to_us(NOW + timedelta(minutes=40)))), None, 40),
    ],
    ids=["free", "free-and-taken", "next-session", "earlier-counts", "faulted", "never-before-the-end", "unknown", "away"],
)
def test_it_left_when_that_was_seen_and_what_nobody_saw_is_not_charged(seen: Any, following: Any, minutes: int) -> None:
    found = stay_of(session(), STAYS, seen, following)
    assert found is not None
    assert found.left_at == NOW + timedelta(minutes=minutes)


def test_a_running_session_is_only_looked_at_for_overstaying() -> None:
    found = stay_of(session(state="running", ended_at=None), None, (state("occupied", 0), LINK), None)
    assert found == Stay(session="cs-1", evse="e")


def test_the_cap_of_90_percent_holds_only_where_the_register_says_so_and_is_told_as_to_be_confirmed() -> None:
    rules = place_rules(NOW.date())
    evse = Evse(id="e", charger="c", number=1, name=Text("구", "EVSE"), power_w=7_000)
    plain = Site(id="s", name=Text("곳", "Site"), lon=127, lat=37, contract_w=1e5)
    capped = msgspec.structs.replace(plain, stops_at_90=True)
    full = session(state="running", ended_at=None, soc=0.9)
    assert stop_due(full, (plain, evse), rules, NOW) is None
    due = stop_due(full, (capped, evse), rules, NOW)
    assert due is not None
    assert (due.reason, due.limit, due.basis.provisional) == ("soc_reached", 0.9, True)
    assert stop_due(msgspec.structs.replace(full, soc=0.89), (capped, evse), rules, NOW) is None
    assert [note.provisional for note in notes_of(capped, evse, rules) if "90" in note.text.en] == [True]
    assert not any("90" in note.text.en for note in notes_of(plain, evse, rules))


def test_a_vehicle_of_days_ago_does_not_overstay_while_its_station_is_only_telling_of_it(tmp_path: Path) -> None:
    house = planned_house(tmp_path)
    settled_city(house, DAY)
    begun = DAY - timedelta(hours=30)
    running(house, "past", "cp-a", 1, started_at=begun, last_at=begun + timedelta(hours=1), facts={"heard_us": to_us(DAY)})
    running(house, "here", "cp-b", 1, started_at=begun, last_at=DAY, facts={"heard_us": to_us(DAY)})
    asyncio.run(StayWatch(house).look())
    with house.records.read() as connection:
        told = connection.execute(select(events.c.subject).where(events.c.type == "charging.vehicle.overstays")).scalars().all()
    assert told == ["cp-b-1"]
