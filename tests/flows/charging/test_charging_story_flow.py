"""Vehicles at a running city: from the plug to the session, each version of OCPP, with lines that break and phones that start."""

from __future__ import annotations

import pytest
from charging_story import CHARGERS, StoryCity
from city_running import until


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = StoryCity(tmp_path_factory.mktemp("story")).begun()
    yield one
    one.stop()


def ended(city, charger):
    found = city.sessions(charger)[-1]
    assert found.state in {"ended", "settled"}
    return found


@pytest.mark.parametrize("charger", CHARGERS)
def test_a_vehicle_comes_charges_what_it_needs_and_goes(city, charger):
    before_wh = city.charger(charger).state.evses[1].register_mj // 3_600_000
    city.comes(charger, need_wh=3_000, minutes=35)
    city.passes(41)
    found = ended(city, charger)
    assert (found.energy_wh, found.trust, found.begin_wh) == (3_000, "measured", before_wh)
    assert found.token
    assert "DEMO" not in str(found)
    assert city.states()[found.evse].status == "available"


def test_registers_of_vehicles_are_observations_of_their_evse(city):
    city.recorded()
    values = [value for value, _ in city.rows("e-201", "evse_register")]
    assert values == sorted(values)
    assert values[-1] - values[0] == 3_000
    assert max(value for value, _ in city.rows("e-201", "evse_power")) == 7_000
    assert city.rows("e-21", "vehicle_soc")


def test_the_meters_of_the_site_are_observations_that_balance(city):
    city.passes(1)

    until(lambda: _balances(city))  # time stands still: what the meters said last comes one after the other


def _balances(city):
    city.recorded()
    sun, bought, sold = (
        city.rows(*of)[-1][0] for of in (("pv", "solar_register"), ("gm", "grid_import_register"), ("gm", "grid_export_register"))
    )
    load = city.rows("gm", "site_load_register")[-1][0]
    taken, given = (city.rows("ess", f"storage_{way}_register")[-1][0] for way in ("charge", "discharge"))
    evses = sum(one.state.evses[1].register_mj // 3_600_000 for one in map(city.charger, CHARGERS))
    return bought - sold == load + evses + taken - given - sun


def test_a_card_nobody_knows_charges_nothing(city):
    before = len(city.sessions("c-201"))
    city.comes("c-201", card=-2, minutes=30)
    city.passes(8)
    assert city.charger("c-201").state.evses[1].car is None  # its driver went
    assert len(city.sessions("c-201")) == before


@pytest.mark.parametrize("charger", CHARGERS)
def test_what_happened_while_the_line_was_lost_is_told_later_with_its_own_times(city, charger):
    link, before = city.link(charger), len(city.sessions(charger))
    link.is_cut = True
    city.call(_break_off(link))
    until(lambda: not link.charger.online)
    begun = city.clock.at
    city.comes(charger, need_wh=2_000, minutes=25)
    city.passes(32)
    assert len(city.sessions(charger)) == before
    link.is_cut = False
    until(lambda: link.charger.online)
    city.quiet()
    assert len(city.sessions(charger)) == before + 1
    found = ended(city, charger)
    assert found.energy_wh == 2_000
    assert abs((found.started_at - begun).total_seconds()) <= 60
    assert (found.ended_at - found.started_at).total_seconds() <= 26 * 60


async def _break_off(link):
    link.break_off()


@pytest.mark.parametrize("lost", [1, 2, 4])
def test_a_line_that_breaks_again_and_again_doubles_nothing_and_loses_nothing(city, lost):
    before = len(city.sessions("c-201"))
    city.comes("c-201", need_wh=2_000, minutes=30)
    for n in range(34):
        if n % (2 * lost) == 0:
            city.call(_break_off(city.link("c-201")))
        city.passes(1)
        until(lambda: city.link("c-201").charger.online)
    city.quiet()
    assert len(city.sessions("c-201")) == before + 1
    assert ended(city, "c-201").energy_wh == 2_000
