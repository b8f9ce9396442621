"""When a rule of the place stops a session, and when it does not."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from said_words import BEGAN

from dure.core.text import Text
from dure.core.time import to_us
from dure.services.charging.model import Evse, Site
from dure.services.charging.sessions.model import Session
from dure.services.charging.sessions.place_rules import Stopped, overstays, place_rules, stop_due

RULES = place_rules(date(2026, 11, 24))
FAST = Evse(id="e", charger="c", number=1, name=Text("급속", "Fast"), power_w=50_000.0, phases=())
SLOW = msgspec.structs.replace(FAST, power_w=7_000.0)
SITE = Site(id="s", name=Text("곳", "Site"), lon=127, lat=37, contract_w=1e5, stops_at_80=True)


def due(minutes: float = 10, *, evse: Evse = FAST, site: Site = SITE, before: Stopped | None = None, **more: Any) -> str | None:
    session = Session(
        id="cs-1", charger="c", site="s", transaction="1", state="running", started_at=BEGAN, evse="e"
    )  # fmt: skip
    found = stop_due(msgspec.structs.replace(session, **more), (site, evse), RULES, BEGAN + timedelta(minutes=minutes), before)
    return None if found is None else found.reason


def test_a_subsidised_fast_charger_stops_at_80_percent_or_after_50_minutes() -> None:
    assert [due(soc=0.79), due(soc=0.8), due(49.9), due(50)] == [None, "soc_reached", None, "time_reached"]


@pytest.mark.parametrize("where", [{"evse": SLOW}, {"site": msgspec.structs.replace(SITE, stops_at_80=False)}])
def test_it_holds_at_subsidised_fast_chargers_only(where: dict[str, Any]) -> None:
    assert due(600, soc=0.99, **where) is None


def test_a_target_stops_anywhere_and_only_when_both_are_known() -> None:
    assert due(evse=SLOW, soc=0.9, target_soc=0.9) == "target_reached"
    assert [due(evse=SLOW, soc=0.89, target_soc=0.9), due(evse=SLOW, target_soc=0.9)] == [None, None]


def test_after_a_stop_nothing_begins_again_before_the_vehicle_was_unplugged() -> None:
    before = Stopped(session="cs-0", evse="e", reason="target_reached", decided_at=BEGAN - timedelta(minutes=1))
    itself = msgspec.structs.replace(before, session="cs-1")
    assert [due(before=before), due(before=itself), due()] == ["no_restart", None, None]


def test_a_session_that_is_over_is_not_stopped() -> None:
    assert due(600, soc=1.0, state="ended") is None


def test_a_session_told_of_afterwards_is_not_stopped_before_its_station_has_caught_up() -> None:
    newest = BEGAN + timedelta(minutes=15)
    told = [{"heard_us": to_us(newest + timedelta(minutes=late))} for late in (0.1, 600)]
    assert [due(700, last_at=newest, facts=one) for one in told] == ["time_reached", None]


def test_the_cap_of_underground_car_parks_is_to_be_confirmed_and_held_only_where_the_city_says_so() -> None:
    row = next(one for one in RULES.stops if one.id == "underground")
    assert (row.soc, row.holds, row.provisional) == (0.9, "stops_at_90", True)


def test_a_vehicle_overstays_sooner_at_a_fast_charger() -> None:
    assert [overstays(timedelta(hours=2), one, RULES) for one in (50_000.0, 7_000.0)] == [True, False]
    assert overstays(timedelta(hours=15), 7_000.0, RULES)
