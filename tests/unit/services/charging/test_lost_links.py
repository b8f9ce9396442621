"""Lost links: whoever comes and whatever still runs, all chargers together keep the contract."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from planned_house import CHARGERS, NOW, SITE, Recorded, linked, measured, planned_house, session, settled_city
from structlog.testing import capture_logs

from dure.core.time import to_us
from dure.engines.records.tables_charging_stations import charging_stations as stations
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_records import Kept
from dure.services.charging.planning.plan_watch import HouseTelling
from dure.services.charging.planning.set_points import set_profile
from dure.services.charging.planning.telling import Wanted
from dure.services.charging.simulating.charging_limits import Asked, Limits, allowed_w, placed, read
from dure.services.charging.sites import registered
from dure.spine.house import House

CONTRACT_W = 15_000.0


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = planned_house(tmp_path)
    settled_city(made, NOW, contract_kw="15")
    measured(made, "sun", "solar_power", 0)
    measured(made, "store", "storage_soc", 0.0)
    return made


def newest(house: House) -> Kept:
    with house.records.read() as connection:
        found = plan_records.newest(connection, SITE)
    assert found is not None
    return found


def hold(kept: dict[str, list[Limits]], said: Recorded, running: dict[str, str], at_us: int) -> None:
    """What chargers hold after they were told."""
    for one, version in said.said:
        if one.point is None:
            continue
        payload = set_profile(version, one.point, 220.0)
        profile = payload["csChargingProfiles" if version == "ocpp1.6" else "chargingProfile"]
        limits = read(one.point.evse.number, profile, running.get(one.target, ""), at_us)
        kept[one.target] = placed(kept.get(one.target, []), limits)
    said.said.clear()


def most_w(kept: dict[str, list[Limits]], running: dict[str, str], at_us: int) -> float:
    """Most that all may draw at an instant, each by its running transaction or by a newcomer's."""
    whole = 0.0
    for target, limits in kept.items():
        keys = {"newcomer", running.get(target, "newcomer")}
        number = int(target[-1])
        whole += max(
            min(allowed_w(limits, Asked(evse=number, at_us=at_us, transaction=key, begun_us=at_us)), 7_000) for key in keys
        )
    return whole


@pytest.mark.parametrize("sessions_n", [1, 2, 3])
def test_when_every_link_is_lost_newcomers_and_running_plans_keep_the_contract(house: House, sessions_n: int) -> None:
    said, kept = Recorded(), {}
    places = list(product(CHARGERS, (1, 2)))[:sessions_n]
    running = {f"{charger}-{number}": f"{charger}-{number}" for charger, number in places}
    look = PlanDesk(house, said).look
    asyncio.run(look())
    hold(kept, said, running, to_us(NOW))
    for i, (charger, number) in enumerate(places):
        session(house, f"s{i}", charger, number)
    asyncio.run(look())
    hold(kept, said, running, to_us(NOW))
    minutes = range(0, 240, 5)
    drawn = [most_w(kept, running, to_us(NOW + timedelta(minutes=one))) for one in minutes]
    assert max(drawn) <= CONTRACT_W + 1
    assert drawn[0] > 6_000  # a plan is in force
    newcomers = [most_w(kept, {}, to_us(NOW + timedelta(minutes=one))) for one in minutes]
    assert newcomers[-1] > 0.8 * CONTRACT_W  # when no plan holds any more everyone has the safe share again


def test_what_a_charger_without_a_link_may_still_draw_is_left_to_it(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    for i, charger in enumerate(CHARGERS):
        session(house, f"s{i}", charger, 1)
    asyncio.run(desk.look())
    lost = {one.target: one for one in said.taken("plan")}["cp-a-1"]
    assert lost.limits_w[0] > 1_000
    a_second_later(house)
    with house.records.begin() as connection:
        linked(connection, "cp-a", "ocpp1.6", NOW)
        _unlink(connection, "cp-a")
    assert asyncio.run(desk.look()) == 1
    plan = newest(house)
    assert plan.head.cause == "link"
    assert [one.id for one in plan.problem.needs] == ["s1"]
    assert plan.plan.ev_w[0, 0] + lost.limits_w[0] <= CONTRACT_W + 1
    assert plan.problem.load_w[0] == pytest.approx(lost.limits_w[0], abs=1)
    assert plan.plan.over_w.max() < 1


def test_a_charger_that_never_came_takes_nothing_from_the_others(house: House) -> None:
    with house.records.begin() as connection:
        _unlink(connection, "cp-a")
    session(house, "s1", "cp-b", 1)
    asyncio.run(PlanDesk(house, Recorded()).look())
    assert not newest(house).problem.load_w.any()


def test_a_link_that_comes_back_is_planned_with_again(house: House) -> None:
    desk = PlanDesk(house, Recorded())
    session(house, "s0", "cp-a", 1)
    asyncio.run(desk.look())
    with house.records.begin() as connection:
        _unlink(connection, "cp-a")
    a_second_later(house)
    asyncio.run(desk.look())
    a_second_later(house)
    with house.records.begin() as connection:
        linked(connection, "cp-a", "ocpp1.6", house.clock.now())
    assert asyncio.run(desk.look()) == 1
    assert [one.id for one in newest(house).problem.needs] == ["s0"]


def test_a_default_that_allows_less_stays_until_it_must_change(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    session(house, "s0", "cp-a", 1)
    asyncio.run(desk.look())
    assert _least(said.taken("default")) < 3_000
    house.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]  # a test's clock
    asyncio.run(desk.look())
    assert said.taken("default") == []


def _least(told: list[Wanted]) -> float:
    return min(one.limits_w[0] for one in told)


def a_second_later(house: House) -> None:
    house.clock.advance(timedelta(seconds=1))  # type: ignore[attr-defined]  # a test's clock


def _unlink(connection: object, charger: str) -> None:

    connection.execute(stations.update().where(stations.c.charger == charger).values(linked=False))  # type: ignore[attr-defined]


def test_what_could_not_be_told_is_logged_once_however_often_it_is_tried(house: House) -> None:
    with house.records.begin() as connection:
        _unlink(connection, "cp-a")
        site = registered(connection).sites[SITE]
    telling = HouseTelling(house)
    most = Wanted(target="cp-a", purpose="station", limits_w=(14_000.0,))
    with capture_logs() as logs:
        for _ in range(3):
            assert asyncio.run(telling.tell(site, most, "ocpp1.6", NOW)) is None
    assert [one["event"] for one in logs] == ["set_point.not_told"]
