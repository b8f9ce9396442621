"""Plans of a site as it runs: made when something changed, kept before they are told, told only when they differ."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from planned_house import NOW, SITE, Recorded, kept, linked, measured, planned_house, session, settled_city

from dure.core.errors import NotFound
from dure.core.time import to_us
from dure.engines.records import assets, decisions
from dure.engines.records.audit import By
from dure.services.charging.model import Site
from dure.services.charging.planning import backtest_records, plan_records
from dure.services.charging.planning.backtest_records import Backtest
from dure.services.charging.planning.cost import kept_won_kwh
from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.packing import digest, packed
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_records import Kept
from dure.services.charging.planning.plan_rules import planning_rules
from dure.services.charging.planning.plan_source import PlanSource
from dure.services.charging.planning.plan_words import why_of
from dure.services.charging.planning.planned import planned
from dure.services.charging.planning.site_lp import SiteSolver
from dure.services.charging.sites import registered
from dure.spine.house import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = planned_house(tmp_path)
    settled_city(made, NOW)
    measured(made, "sun", "solar_power", 10_000)
    measured(made, "store", "storage_soc", 0.5)
    return made


def newest(house: House) -> Kept:
    with house.records.read() as connection:
        found = plan_records.newest(connection, SITE)
    assert found is not None
    return found


def site_of(house: House) -> Site:
    with house.records.read() as connection:
        return registered(connection).sites[SITE]


def look(desk: PlanDesk) -> int:
    return asyncio.run(desk.look())


def test_a_new_session_is_planned_and_its_charger_told_in_its_own_version(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    session(house, "s1", "cp-a", 1, need_wh=None, transaction="7")
    assert look(desk) == 1
    plan = newest(house)
    assert plan.head.policy == "lp"
    assert plan.head.cause == "session"
    assert plan.plan.ev_w[0, 0] >= 1_320
    (told,) = said.taken("plan")
    assert told.target == "cp-a-1"
    assert told.limits_w[0] == pytest.approx(plan.plan.ev_w[0, 0], abs=0.1)
    assert told.point is not None
    assert told.point.transaction == "7"


def test_a_session_its_station_only_tells_of_afterwards_is_not_planned(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    long_ago = NOW - timedelta(hours=30)
    session(house, "past", "cp-a", 1, started_at=long_ago, last_at=long_ago, facts={"heard_us": to_us(NOW)})
    session(house, "here", "cp-b", 1, facts={"heard_us": to_us(NOW)})
    look(desk)
    assert [one.id for one in newest(house).problem.needs] == ["here"]
    assert [one.target for one in said.taken("plan")] == ["cp-b-1"]


def test_while_a_station_catches_up_its_places_keep_what_they_may_draw(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    look(desk)
    share_w = next(one.limits_w[0] for one in said.taken("default") if one.target == "cp-a-1")
    assert share_w > 0
    long_ago = NOW - timedelta(hours=30)
    session(house, "past", "cp-a", 1, started_at=long_ago, last_at=long_ago, facts={"heard_us": to_us(NOW)})
    assert PlanSource(house).seen(site_of(house), NOW).held["cp-a-1"][0] == share_w


def test_a_session_told_late_is_planned_once_its_station_says_no_more(house: House) -> None:
    long_ago = NOW - timedelta(hours=2)
    session(house, "late", "cp-a", 1, started_at=long_ago, last_at=long_ago, facts={"heard_us": to_us(NOW)})
    house.clock.advance(timedelta(minutes=16))  # type: ignore[attr-defined]  # a test's clock
    look(PlanDesk(house, Recorded()))
    assert [one.id for one in newest(house).problem.needs] == ["late"]


def test_nothing_new_is_neither_planned_nor_told_again(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    session(house, "s1", "cp-a", 1)
    look(desk)
    said.said.clear()
    assert look(desk) == 0
    house.clock.advance(timedelta(seconds=45))  # type: ignore[attr-defined]  # a test's clock
    measured(house, "sun", "solar_power", 10_000)
    measured(house, "store", "storage_soc", 0.5)
    assert look(desk) == 0
    assert said.said == []


def test_a_plan_is_kept_as_a_decision_and_is_made_again_bit_by_bit(house: House) -> None:
    desk = PlanDesk(house, Recorded())
    session(house, "s1", "cp-a", 1)
    look(desk)
    plan = newest(house)
    with house.records.read() as connection:
        decision = decisions.get(connection, plan.head.id)
    assert decision.inputs["problem_sha256"] == digest(packed(plan.problem))
    again, _ = planned(SiteSolver(), plan.problem)
    np.testing.assert_allclose(again.ev_w, plan.plan.ev_w, atol=0.5)
    assert decision.result["policy"] == "lp"


def test_every_charger_holds_a_safe_share_that_keeps_the_contract(house: House) -> None:
    said = Recorded()
    look(PlanDesk(house, said))
    defaults = said.taken("default")
    assert {one.target for one in defaults} == {"cp-a-1", "cp-a-2", "cp-b-1", "cp-b-2"}
    assert sum(one.limits_w[0] for one in defaults) <= 40_000
    assert {one.target for one in said.taken("station")} == {"cp-a", "cp-b"}


def test_a_charger_that_boots_is_told_its_safe_share_again_and_one_that_only_lost_its_link_is_not(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    look(desk)
    said.said.clear()
    house.clock.advance(timedelta(seconds=60))  # type: ignore[attr-defined]  # a test's clock
    with house.records.begin() as connection:
        linked(connection, "cp-a", "ocpp2.0.1", house.clock.now() - timedelta(seconds=10), booted_at=NOW - timedelta(hours=1))
        linked(connection, "cp-b", "ocpp2.0.1", house.clock.now() - timedelta(seconds=10))
    look(desk)
    assert {one.target for one in said.taken("default")} == {"cp-b-1", "cp-b-2"}


def test_a_charger_that_is_not_connected_is_told_nothing(house: House) -> None:
    with house.records.begin() as connection:
        linked(connection, "cp-a", "", NOW)
    said = Recorded()
    look(PlanDesk(house, said))
    assert {one.target for one in said.taken("default")} == {"cp-b-1", "cp-b-2"}


def test_a_lost_storage_meter_makes_the_plan_conservative(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    session(house, "s1", "cp-a", 1)
    look(desk)
    house.clock.advance(timedelta(seconds=1_000))  # type: ignore[attr-defined]  # a test's clock
    measured(house, "sun", "solar_power", 10_000)
    said.said.clear()
    look(desk)
    plan = newest(house)
    assert plan.head.policy == "conservative"
    assert plan.head.facts["lost"] == ["storage"]
    assert not plan.plan.charge_w.any()
    assert not plan.plan.discharge_w.any()
    assert said.taken("storage") == []


def test_a_lost_solar_meter_means_no_sun(house: House) -> None:
    house.clock.advance(timedelta(seconds=1_000))  # type: ignore[attr-defined]  # a test's clock
    measured(house, "store", "storage_soc", 0.5)
    look(PlanDesk(house, Recorded()))
    plan = newest(house)
    assert plan.head.facts["lost"] == ["sun"]
    assert not plan.problem.pv_w.any()
    assert plan.head.policy == "conservative"


def test_a_register_tells_the_sun_where_no_power_is_sent(tmp_path: Path) -> None:
    made = planned_house(tmp_path)
    settled_city(made, NOW)
    kept(made, "sun", "solar_register", hours=1, watt=6_000)
    measured(made, "store", "storage_soc", 0.5)
    look(PlanDesk(made, Recorded()))
    assert newest(made).problem.pv_w[0] == pytest.approx(6_000)


def test_the_peak_of_the_billing_period_is_read_from_the_grid_meter(house: House) -> None:
    with house.records.begin() as connection:
        one = assets.get(connection, SITE)
        meter = type(one)(
            id="grid", kind="grid_meter", name=one.name, city=one.city, place=one.place, parent=SITE, state="live"
        )  # fmt: skip
        assets.add(connection, meter, By("test", NOW))
    kept(house, "grid", "grid_import_register", hours=3, watt=12_000)
    kept(house, "grid", "site_load_register", hours=3, watt=2_000)
    look(PlanDesk(house, Recorded()))
    plan = newest(house)
    assert plan.problem.peak_w == pytest.approx(12_000)
    assert plan.problem.load_w[0] == pytest.approx(2_000)


def test_a_vehicle_that_takes_nothing_keeps_its_least_power_and_no_place_in_the_plan(house: House) -> None:
    said = Recorded()
    session(house, "s1", "cp-a", 1, charging_state="SuspendedEV")
    look(PlanDesk(house, said))
    assert newest(house).problem.needs[0].need_wh == 0
    (told,) = said.taken("plan")
    assert set(told.limits_w) == {1_320.0}


def test_a_contract_below_its_own_load_is_planned_and_told(tmp_path: Path) -> None:
    made = planned_house(tmp_path)
    settled_city(made, NOW, contract_kw="1")
    measured(made, "store", "storage_soc", 0.0)
    session(made, "s1", "cp-a", 1)
    look(PlanDesk(made, Recorded()))
    plan = newest(made)
    assert plan.head.unmet_wh > 0
    assert plan.plan.over_w.max() < 1
    assert "shared" in plan.head.facts["reasons"]


def test_a_load_above_the_contract_is_a_reason_with_a_code(tmp_path: Path) -> None:
    made = planned_house(tmp_path)
    settled_city(made, NOW, contract_kw="1")
    with made.records.begin() as connection:
        one = assets.get(connection, "sun")
        meter = type(one)(
            id="meter", kind="grid_meter", name=one.name, city=one.city, place=one.place, parent=SITE, state="live"
        )  # fmt: skip
        assets.add(connection, meter, By("test", NOW))
    measured(made, "store", "storage_soc", 0.0)
    kept(made, "meter", "site_load_register", 1.0, 5_000)
    look(PlanDesk(made, Recorded()))
    plan = newest(made)
    assert plan.head.facts["over_w"] == pytest.approx(4_000, abs=10)
    assert "contract.exceeded" in plan.head.facts["reasons"]
    assert any("contract power" in one("en") for one in why_of(plan.head.facts, plan.plan))


def test_a_plan_can_be_asked_for_and_a_site_that_is_not_there_is_refused(house: House) -> None:
    desk = PlanDesk(house, Recorded())
    assert asyncio.run(desk.plan(SITE)).head.cause == "asked"
    with pytest.raises(NotFound) as caught:
        asyncio.run(desk.plan("nowhere"))
    assert caught.value.code == "charging.unknown"


def test_who_comes_next_is_planned_with_who_is_there(house: House) -> None:
    desk = PlanDesk(house, Recorded())
    session(house, "s1", "cp-a", 1)
    look(desk)
    house.clock.advance(timedelta(seconds=15))  # type: ignore[attr-defined]  # a test's clock
    session(house, "s2", "cp-b", 1)
    assert look(desk) == 1
    assert {one.id for one in newest(house).problem.needs} == {"s1", "s2"}


def test_what_is_left_in_the_storage_is_worth_what_the_live_recipe_says(house: House) -> None:
    recipe = Recipe(name="even", arrivals=False, kept_share=1.0)
    row = Backtest(site=SITE, day=NOW.date(), recipe="even", made_at=NOW, days_n=14, won=1.0, live=True,
                   facts={"recipe": msgspec.to_builtins(recipe)})  # fmt: skip
    session(house, "s1", "cp-a", 1)
    desk = PlanDesk(house, Recorded())
    before = asyncio.run(desk.plan(SITE)).problem
    with house.records.begin() as connection:
        backtest_records.store(connection, [row])
    after = asyncio.run(desk.plan(SITE)).problem
    assert before.end_won_kwh == 0.0
    assert after.end_won_kwh == kept_won_kwh(after, 1.0) > 0.0


def test_two_sites_on_one_line_keep_it_together(house: House) -> None:
    by = By("test", NOW)
    with house.records.begin() as connection:
        one = assets.get(connection, SITE)
        feeder = type(one)(
            id="line", kind="feeder", name=one.name, city=one.city, place=one.place, attributes={"limit_kw": "9"}, state="live"
        )  # fmt: skip
        assets.add(connection, feeder, by)
        for name in ("lot2", "lot3"):
            site = type(one)(
                id=name, kind="charging_site", name=one.name, city=one.city, place=one.place, state="live",
                attributes={"contract_kw": "40", "feeder": "line"},
            )  # fmt: skip
            charger = type(one)(
                id=f"{name}-c", kind="charger", name=one.name, city=one.city, place=one.place, parent=name, state="live"
            )
            evse = type(one)(
                id=f"{name}-c-1", kind="evse", name=one.name, city=one.city, place=one.place, parent=f"{name}-c", state="live"
            )  # fmt: skip
            for each in (site, charger, evse):
                assets.add(connection, each, by)
    for name in ("lot2", "lot3"):
        session(house, f"s-{name}", f"{name}-c", 1, site=name)
    look(PlanDesk(house, Recorded()))
    with house.records.read() as connection:
        found = [plan_records.newest(connection, name) for name in ("lot2", "lot3")]
    drawn = sum(one.plan.import_w for one in found if one is not None)
    assert drawn.max() > 7_000
    assert drawn.max() <= 9_000 + 1


def test_the_same_question_has_the_very_plan_kept_before(house: House) -> None:
    desk = PlanDesk(house, Recorded())
    asyncio.run(desk.plan(SITE))
    before = newest(house)
    marked = Kept(
        msgspec.structs.replace(before.head, id="cp-marked", made_at=NOW + timedelta(seconds=1)), before.problem,
        msgspec.structs.replace(before.plan, reasons=("stopped: as marked",)),
    )  # fmt: skip
    with house.records.begin() as connection:
        plan_records.add(connection, marked)
    again = asyncio.run(desk.plan(SITE))
    assert packed(again.plan) == packed(marked.plan)
    measured(house, "sun", "solar_power", 12_000)
    assert asyncio.run(desk.plan(SITE)).plan.reasons == ()


def test_between_two_plans_the_storage_follows_the_meter(house: House) -> None:
    said = Recorded()
    desk = PlanDesk(house, said)
    look(desk)
    (first,) = said.taken("storage")
    plan = newest(house)
    exchange = plan.plan.import_w[0] - plan.plan.export_w[0]
    house.clock.advance(timedelta(seconds=30))  # type: ignore[attr-defined]  # a test's clock
    measured(house, "sun", "solar_power", 7_000)
    measured(house, "store", "storage_soc", 0.5)
    assert look(desk) == 0
    (now,) = said.taken("storage")
    assert now.limits_w[0] == pytest.approx(first.limits_w[0] - 3_000, abs=1)
    assert 7_000 + exchange - now.limits_w[0] == pytest.approx(0, abs=1)
    measured(house, "sun", "solar_power", 7_200)  # less than a hundredth of its power
    look(desk)
    assert said.taken("storage") == []


def test_what_the_storage_cannot_even_out_wants_another_plan(tmp_path: Path) -> None:
    made = planned_house(tmp_path)
    settled_city(made, NOW, contract_kw="15")
    measured(made, "sun", "solar_power", 14_000)
    measured(made, "store", "storage_soc", 0.0)
    for i, number in enumerate((1, 2)):
        for charger in ("cp-a", "cp-b"):
            session(made, f"s{i}{charger}", charger, number, transaction=str(i))
    desk = PlanDesk(made, Recorded())
    look(desk)
    assert newest(made).plan.ev_w[:, 0].sum() > 20_000
    made.clock.advance(timedelta(seconds=90))  # type: ignore[attr-defined]  # a test's clock
    measured(made, "sun", "solar_power", 0)
    measured(made, "store", "storage_soc", 0.0)
    assert look(desk) == 1
    plan = newest(made)
    assert plan.head.cause == "drift"
    assert plan.plan.import_w[0] <= 15_000 + 1
    assert look(desk) == 0


def test_a_plan_looks_as_far_ahead_as_recipes_are_rehearsed() -> None:
    steps = planning_rules(NOW.date()).steps
    assert {one.horizon for one in forecast_rules(NOW.date()).recipes} == {steps}
