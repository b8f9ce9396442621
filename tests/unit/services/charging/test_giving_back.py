"""Energy back from vehicles (V2G): off by default, asked only of chargers that can be asked, priced by its own wear."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from planned_house import CITY, NOW, SITE, Recorded, kept, linked, measured, planned_house, session, settled_city
from test_set_points import AT, DIRECT, ONE_PHASE, is_valid

from dure.core.assets import Asset
from dure.core.errors import InputError
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.charging.pages import plan_pages
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_rules import planning_rules
from dure.services.charging.planning.set_points import SetPoint, set_profile
from dure.services.charging.sessions import wish_records
from dure.services.charging.sessions.wish_records import Wish
from dure.web.i18n import Speech

RULES = planning_rules(NOW.date())


def short_site(folder: Path, *, version: str = "ocpp2.1", site: str = "yes", evse: str = "yes", **vehicle: Any) -> Any:
    """A site with 2 kW, a vehicle in a hurry, and a full one that stays long at a place with V2G; its plan, and what was told."""
    house = planned_house(folder)
    settled_city(house, NOW, contract_kw="2", v2g=site)
    by = By("test", NOW)
    with house.records.begin() as connection:
        for key, kind, parent, attributes in (
            ("cp-v", "charger", SITE, {}), ("cp-v-1", "evse", "cp-v", {"v2g": evse, "power_kw": "10", "phases": "dc"}),
        ):  # fmt: skip
            one = Asset(
                id=key, kind=kind, name=Text(key, key), city=house.city.id, place=place_at(126.83, 37.2), parent=parent,
                attributes=attributes, state="live",
            )  # fmt: skip
            assets.add(connection, one, by)
        linked(connection, "cp-v", version, NOW)
    measured(house, "sun", "solar_power", 0)
    measured(house, "store", "storage_soc", 0.0)
    hours = {one: NOW + timedelta(hours=one) for one in (1, 9)}
    session(house, "hurry", "cp-a", 1)
    asked = {"need_wh": 0, "departs_at": hours[9]} | {
        name: vehicle.pop(name) for name in ("need_wh", "departs_at") if name in vehicle
    }
    session(house, "full", "cp-v", 1, **({"soc": 0.9, "energy_wh": 0} | vehicle))
    with house.records.begin() as connection:
        wish = Wish(id="w1", evse="cp-a-1", session="hurry", made_at=NOW, need_wh=6_000, departs_at=hours[1])
        wish_records.add(connection, wish)
        wish_records.add(connection, Wish(id="w2", evse="cp-v-1", session="full", made_at=NOW, **asked))
    said = Recorded()
    asyncio.run(PlanDesk(house, said).look())
    with house.records.read() as connection:
        return house, plan_records.newest(connection, SITE), said


def powers(found: Any, ident: str) -> Any:
    return next(row for one, row in zip(found.problem.needs, found.plan.ev_w, strict=True) if one.id == ident)


def test_a_full_vehicle_helps_one_in_a_hurry_and_is_told_so_in_2_1(tmp_path: Path) -> None:
    _, found, said = short_site(tmp_path)
    assert float(found.plan.unmet_wh.sum()) < 1
    assert powers(found, "full")[0] < -1_000
    assert found.plan.import_w.max() <= 2_001
    told = next(one for one in said.taken("plan") if one.target == "cp-v-1")
    assert told.limits_w[0] == pytest.approx(powers(found, "full")[0], abs=0.1)
    assert min(told.limits_w[1:]) >= 0  # when the link is lost it ends
    assert told.point is not None
    period = set_profile("ocpp2.1", told.point, 220)["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    assert (period["operationMode"], period["setpoint"] < 0, period["limit"]) == ("CentralSetpoint", True, 0)
    assert found.head.facts["gives_back"] == {"full": pytest.approx(4_000, abs=100)}


def test_the_picture_of_the_plan_has_what_vehicles_give_as_a_source(tmp_path: Path) -> None:
    _, found, _ = short_site(tmp_path)
    chart = plan_pages.flows_chart(found, Speech("en", CITY.zone), 2_000)
    assert [one.id for one in chart.series][-1] == "from-vehicle"
    assert chart.stacks[0].parts[-1] == pytest.approx(4, abs=0.1)  # kW in the first hour


def test_it_is_given_back_what_it_gave_before_it_leaves(tmp_path: Path) -> None:
    _, found, _ = short_site(tmp_path, need_wh=2_000)
    row, hours = powers(found, "full"), found.problem.step_h
    assert row.sum() * hours == pytest.approx(2_000, abs=1)
    assert -(row[row < 0].sum() * hours) > 3_000


def test_its_wear_is_a_cost_of_the_plan(tmp_path: Path) -> None:
    _, found, _ = short_site(tmp_path)
    assert found.problem.back_won_kwh == RULES.back_won_kwh > 0


@pytest.mark.parametrize("off", [{"site": "no"}, {"evse": "no"}])
def test_without_both_switches_nothing_is_given_back_nor_told(tmp_path: Path, off: dict[str, str]) -> None:
    _, found, _ = short_site(tmp_path, **off)
    assert [one.back_wh for one in found.problem.needs] == [0.0, 0.0]
    assert float(found.plan.ev_w.min()) >= 0
    assert found.head.facts["gives_back"] == {}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"version": "ocpp1.6"}, "v2g.version"),
        ({"version": "ocpp2.0.1"}, "v2g.version"),
        ({"departs_at": None}, "v2g.departure"),
        ({"need_wh": None}, "v2g.departure"),
        ({"soc": None}, "v2g.charge"),
    ],
)
def test_who_may_not_give_back_is_told_with_a_code(tmp_path: Path, given: dict[str, Any], code: str) -> None:
    _, found, _ = short_site(tmp_path, **given)
    assert found.head.facts["gives_back"] == {"full": code}
    assert float(found.plan.ev_w.min()) >= 0


def test_what_must_stay_in_a_vehicle_stays(tmp_path: Path) -> None:
    _, found, _ = short_site(tmp_path, soc=RULES.back_soc_least + 0.01)
    row = powers(found, "full")
    assert -(row[row < 0].sum() * found.problem.step_h) <= 0.01 * RULES.vehicle_wh + 1


def test_what_a_vehicle_gave_back_is_needed_again(tmp_path: Path) -> None:
    house, _, said = short_site(tmp_path, need_wh=2_000, energy_wh=2_000, started_at=NOW - timedelta(hours=1))
    kept(house, "cp-v-1", "evse_return_register", 0.5, 3_000, 50_000)
    house.clock.advance(timedelta(minutes=1))
    with house.records.read() as connection:
        asyncio.run(PlanDesk(house, said).plan(SITE))
        found = plan_records.newest(connection, SITE)
    one = next(each for each in found.problem.needs if each.id == "full")
    assert (one.given_wh, one.need_wh) == (pytest.approx(500, abs=1), pytest.approx(1_500, abs=1))


@pytest.mark.parametrize("evse", [ONE_PHASE, DIRECT], ids=["alternating", "direct"])
def test_a_set_point_below_zero_is_valid_in_2_1_and_refused_before(evse: Any) -> None:
    point = SetPoint(evse=evse, limits_w=(-3_000.4, 0.0, 1_500.9), start_at=AT, step_s=900, transaction="7")
    payload = set_profile("ocpp2.1", point, 220)
    assert is_valid("ocpp2.1", payload)
    found = payload["chargingProfile"]["chargingSchedule"][0]
    assert found["chargingRateUnit"] == "W"
    assert [one["setpoint"] for one in found["chargingSchedulePeriod"]] == [-3_000, 0, 1_500]
    assert [(one["limit"], one["dischargeLimit"]) for one in found["chargingSchedulePeriod"]] == [(0, -3_000), (0, 0), (1_500, 0)]
    for version in ("ocpp1.6", "ocpp2.0.1"):
        with pytest.raises(InputError) as refused:
            set_profile(version, msgspec.structs.replace(point, transaction="7"), 220)  # type: ignore[arg-type]
        assert refused.value.code == "v2g.version"
