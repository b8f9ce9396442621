"""The whole service in a running city: a vehicle under a plan, its origin, its settlement; and what must not pass."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from charging_story import CHARGERS, StoryCity
from city_running import until
from sqlalchemy import select

from dure.engines.records.tables import outbox
from dure.services.charging.central import central
from dure.services.charging.origin import split
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.plan_watch import PlanWatch
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.settle_watch import SettleWatch
from dure.services.charging.simulate import SitePlay
from dure.services.charging.simulating.charger_link import ChargerLink
from dure.services.charging.stations.station_watch import StationWatch


class WholeCity(StoryCity):
    """Its rounds by hand, all of them."""

    def begun(self) -> WholeCity:
        super().begun()
        house = self.house
        self.plans, self.stations = PlanWatch(house), StationWatch(house)
        self.origins, self.settling = OriginWatch(house), SettleWatch(house)
        self.passes(60, 20)  # meters need a past before anything can be planned
        return self

    def rounds(self) -> None:
        self.recorded()
        for watch in (self.stations, self.plans, self.origins, self.settling):
            self.call(watch.look())
        self.quiet()

    def lives(self, minutes: int, step: int = 5) -> None:
        for _ in range(minutes // step):
            self.passes(step, step)
            self.rounds()


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = WholeCity(tmp_path_factory.mktemp("whole")).begun()
    yield one
    one.stop()


def test_from_the_plug_to_the_receipt(city):
    city.comes("c-201", need_wh=5_000, minutes=120)
    city.passes(2, 1)
    city.rounds()
    with city.house.records.read() as connection:
        plan = plan_records.newest(connection, "plaza")
        told = plan_records.told(connection, "plaza")
    assert plan is not None
    until(lambda: city.charger("c-201").state.profiles)  # the plan reached the charger as a charging profile
    assert told
    city.lives(140, 20)
    found = city.sessions("c-201")[-1]
    assert found.energy_wh == city.charger("c-201").state.evses[1].register_mj // 3_600_000 > 0
    city.lives(60, 30)
    with city.house.records.read() as connection:
        origin = split.split_of(connection, found.id)
        receipts = settlement_records.of_session(connection, found.id)
        events = [json.loads(text) for text in connection.execute(select(outbox.c.event)).scalars()]
    assert origin is not None
    assert origin.pv_wh + origin.ess_pv_wh + origin.ess_grid_wh + origin.grid_wh == found.energy_wh
    assert receipts
    last = receipts[-1].receipt
    assert (last.energy_wh, last.origin.known) == (found.energy_wh, True)
    assert last.won > 0
    assert city.sessions("c-201")[-1].state == "settled"
    mine = [one["type"] for one in events if found.id in json.dumps(one)]
    assert "charging.session.settled" in mine


def test_a_phone_starts_and_an_operator_stops_by_the_api(city):
    city.comes("c-16", need_wh=9_000, minutes=60, card=-1)
    city.passes(1)
    call = city.asked("operator", "POST", "/charging/evses/e-16/start", status=202, json={})
    until(lambda: city.charger("c-16").state.evses[1].tx)
    city.passes(3)
    assert city.charger("c-16").state.evses[1].register_mj > 0
    assert until(lambda: city.asked("operator", "GET", f"/charging/calls/{call['id']}")["outcome"] == "done")
    session = city.sessions("c-16")[-1]
    body = {"verb": "stop", "arguments": {"transaction": session.transaction}}
    city.asked("operator", "POST", "/charging/stations/c-16/calls", status=202, json=body)
    until(lambda: city.charger("c-16").state.evses[1].tx is None)
    city.quiet()
    assert city.sessions("c-16")[-1].stopped_reason == "Remote"


def test_two_stations_with_one_identity_do_not_hurt_the_books(city):
    before = len(city.sessions("c-21"))
    twin = city.call(_twin(city))
    city.comes("c-21", need_wh=3_000, minutes=30)
    try:
        for _ in range(4):
            city.passes_alone(10)
    finally:
        city.call(twin.end())
    until(lambda: city.link("c-21").charger.online, 60)
    city.quiet()
    found = city.sessions("c-21")[before:]
    assert [one.energy_wh for one in found] == [3_000]


class Twin:
    """A second line with the identity and the secret of a charger that is connected."""

    def __init__(self, city: WholeCity, url: str) -> None:
        play: SitePlay = city.play
        double = play.site.chargers[CHARGERS.index("c-21")]
        made = type(double)(double.made)
        made.speech = type(double.speech)(made)
        self.link = ChargerLink(made, url, city.secrets["dev-c21"], city.house.clock)
        self._task = asyncio.create_task(self.link.run())

    async def end(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


async def _twin(city):
    return Twin(city, f"ws://127.0.0.1:{central.of(city.house).port}/ocpp")


def test_a_station_that_comes_with_the_wrong_secret_is_refused(city):
    async def knock():
        link = ChargerLink(city.charger("c-16"), f"ws://127.0.0.1:{central.of(city.house).port}/ocpp", "wrong", city.house.clock)
        return await asyncio.wait_for(link._once(), 20), link.refused  # noqa: SLF001  # one try of its endless ones

    accepted, why = city.call(knock())
    assert not accepted
    assert "401" in why
    assert central.of(city.house).version_of("dev-c16") == "ocpp1.6"  # the true one stays


def test_while_the_meter_of_the_storage_is_silent_nothing_is_claimed_to_come_from_the_sun_stored(city):
    city.silence("ess")
    city.lives(20, 20)
    city.comes("c-16", need_wh=2_000, minutes=30)
    city.lives(120, 30)
    found = city.sessions("c-16")[-1]
    with city.house.records.read() as connection:
        plan = plan_records.newest(connection, "plaza")
        origin = split.booked(connection, found.id)
    assert plan.plan.policy == "conservative"
    assert origin is not None
    assert (origin.ess_pv_wh, origin.ess_grid_wh) == (0, 0)
    assert origin.pv_wh + origin.grid_wh == found.energy_wh == 2_000
