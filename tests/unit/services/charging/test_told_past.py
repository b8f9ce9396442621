"""The demo's past: what its chargers could not tell is told whole before the meters of their site speak."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from planned_house import SITE, kept, measured, planned_house, settled_city

from dure.city import read_city
from dure.engines.clock import FixedClock
from dure.services.charging import simulate
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.sessions.session_records import overlapping
from dure.services.charging.simulate import How, SitePlay, sites_simulated
from dure.services.charging.simulating.demo_study import DemoStudy
from dure.services.charging.sites import registered
from dure.services.charging.sizing import study_records

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 6, 15, 3, 0, tzinfo=UTC)


@pytest.fixture
def play(tmp_path: Path) -> SitePlay:
    """A site with a past of half a day, whose chargers have all of it still to tell."""
    how = How(url="ws://127.0.0.1:1", folder=tmp_path, past=timedelta(hours=12))
    one = SitePlay(CITY, next(iter(sites_simulated(CITY))), FixedClock(NOW), how)
    one.catch_up()
    one.linked(how.url, {charger.charger.identity: "secret" for charger in one.site.chargers})
    return one


def queues(play: SitePlay) -> list[list[object]]:
    return [charger.state.queue for charger in play.site.chargers]  # type: ignore[misc]  # what is in them does not matter


async def tell_slowly(play: SitePlay, pause_s: float) -> None:
    """Each charger gets rid of a message now and then."""
    while any(queues(play)):
        await asyncio.sleep(pause_s)
        for queue in queues(play):
            del queue[:1]


def test_as_long_as_the_chargers_get_on_their_meters_wait_until_all_is_told(
    play: SitePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "LOOK_S", 0.005)

    async def told() -> int:
        for queue in queues(play):
            del queue[20:]
        slow = asyncio.create_task(tell_slowly(play, 0.02))
        left = await play.told_all(0.2)  # all of it takes twice as long
        await slow
        return left

    assert any(queues(play))
    assert asyncio.run(told()) == 0


def test_chargers_that_nobody_lets_in_do_not_hold_their_meters_up_for_ever(
    play: SitePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate, "LOOK_S", 0.005)
    before = sum(len(queue) for queue in queues(play))
    assert asyncio.run(play.told_all(0.05)) == before > 0


def test_the_demo_asks_for_one_study_once_the_books_of_its_site_have_begun(tmp_path: Path) -> None:
    house = planned_house(tmp_path)
    settled_city(house, house.clock.now())
    demo = DemoStudy(house)
    assert asyncio.run(demo.look()) == 0
    kept(house, "sun", "solar_register", 5, 1_000)
    measured(house, "sun", "solar_register", 5_000)
    with house.records.read() as connection:
        site = registered(connection).sites[SITE]
    OriginDesk(house, overlapping).book(site)
    assert [asyncio.run(demo.look()), asyncio.run(demo.look())] == [1, 0]
    with house.records.read() as connection:
        (study,) = study_records.listing(connection)
    assert (study.site, study.state) == (SITE, "running")


def test_books_do_not_begin_before_all_meters_of_a_site_said_something_or_the_deadline_is_over(tmp_path: Path) -> None:
    house = planned_house(tmp_path)
    settled_city(house, house.clock.now())
    watch = OriginWatch(house)
    kept(house, "sun", "solar_register", 5, 1_000)
    measured(house, "sun", "solar_register", 5_000)
    assert asyncio.run(watch.look()) == 0
    for name in ("storage_charge_register", "storage_discharge_register"):
        measured(house, "store", name, 0)
    assert asyncio.run(watch.look()) > 0


def test_a_meter_that_never_says_anything_does_not_hold_the_books_up_for_ever(tmp_path: Path) -> None:
    house = planned_house(tmp_path)
    settled_city(house, house.clock.now())
    watch = OriginWatch(house)
    kept(house, "sun", "solar_register", 5, 1_000)
    measured(house, "sun", "solar_register", 5_000)
    assert asyncio.run(watch.look()) == 0
    house.clock.advance(timedelta(hours=3))  # type: ignore[attr-defined]  # a test's clock
    assert asyncio.run(watch.look()) > 0
