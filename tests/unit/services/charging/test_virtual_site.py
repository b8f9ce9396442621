"""Virtual sites: their books close, the same seed plays the same day, what they remember carries on."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from charging_site_made import MINUTE_US, NOON_US, site
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.charging.model import Solar, Storage
from dure.services.charging.simulating import virtual_sun
from dure.services.charging.simulating.charger_state import MJ_PER_WH
from dure.services.charging.simulating.virtual_site import SiteState, VirtualSite
from dure.services.charging.simulating.virtual_storage import StorageState, VirtualStorage

STORAGE = Storage(id="ess", site="s", capacity_wh=10_000, charge_w=5_000, discharge_w=4_000, reserve_fraction=0.2)
PANELS = Solar(id="pv", site="s", peak_w=10_000)


def balance_wh(one, reads):
    evses = sum(state.register_mj // MJ_PER_WH for charger in one.chargers for state in charger.state.evses.values())
    meter, sun, store = reads["gm-1"], reads["pv-1"], reads["ess-1"]
    given_wh = meter["grid_import_register"] + sun["solar_register"] + store["storage_discharge_register"]
    taken_wh = meter["grid_export_register"] + meter["site_load_register"] + store["storage_charge_register"] + evses
    return given_wh - taken_wh


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_comes_in_goes_out_to_the_wh_at_every_minute(seed):
    one = site(seed=seed)
    for _ in one.advance(one.state.at_us + 24 * 60 * MINUTE_US):
        assert balance_wh(one, one.reads()) == 0
    assert one.reads()["pv-1"]["solar_register"] > 50_000
    assert sum(state.register_mj for charger in one.chargers for state in charger.state.evses.values()) > 0


def test_steps_of_any_length_keep_the_balance_and_registers_only_count_up():
    one = site()
    before = {}
    for step in (7, 61, 13, 300, 1, 899):
        list(one.advance(one.state.at_us + step * 1_000_000))
        for asset, values in one.reads().items():
            for name, value in values.items():
                if name.endswith("_register"):
                    assert value >= before.get((asset, name), 0)
                    before[asset, name] = value
    list(one.advance(one.state.at_us + MINUTE_US - one.state.at_us % MINUTE_US))
    assert balance_wh(one, one.reads()) == 0


def test_one_seed_plays_one_day():
    first, second = site(), site()
    list(first.advance(NOON_US))
    list(second.advance(NOON_US))
    assert msgspec.json.encode(first.state) == msgspec.json.encode(second.state)


def test_a_site_that_is_started_again_goes_on_as_if_it_had_never_stopped():
    whole, halved = site(), site()
    list(whole.advance(NOON_US))
    list(halved.advance(NOON_US - 180 * MINUTE_US))
    kept = msgspec.json.decode(msgspec.json.encode(halved.state), type=SiteState)
    again = site()
    for charger in again.chargers:
        charger.state = kept.chargers[charger.charger.id]
    again = VirtualSite(again.site, again.chargers, kept, halved.around)
    list(again.advance(NOON_US))
    assert msgspec.json.encode(again.state) == msgspec.json.encode(whole.state)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-30_000, 30_000), st.integers(1, 900)), max_size=30), st.floats(0, 1))
def test_storage_neither_overflows_nor_goes_below_what_must_stay_and_loses_what_it_must(steps, filled):
    one = VirtualStorage(STORAGE, filled=filled)
    begin_mj = one.state.held_mj
    for lacking_w, seconds in steps:
        before = one.state.held_mj
        one.flow(0, seconds * 1_000_000, lacking_w)
        assert 0 <= one.state.held_mj <= STORAGE.capacity_wh * MJ_PER_WH
        assert one.state.held_mj >= min(before, STORAGE.reserve_fraction * STORAGE.capacity_wh * MJ_PER_WH) - 2
    lost = one.state.charged_mj - one.state.discharged_mj - (one.state.held_mj - begin_mj)
    assert lost >= -len(steps)


def test_storage_does_what_it_is_told_until_then_and_serves_itself_afterwards():
    one = VirtualStorage(STORAGE)
    body = msgspec.json.encode(
        {"id": "c1", "name": "set_power", "arguments": {"power_w": 3_000, "until": "1970-01-01T00:10:00Z"}}
    )
    assert msgspec.json.decode(one.obey(body, 0)) == {"command": "c1", "outcome": "done", "why": ""}
    one.flow(0, MINUTE_US, 2_000)
    assert one.state.power_w == pytest.approx(3_000)
    one.flow(10 * MINUTE_US, MINUTE_US, 2_000)
    assert one.state.power_w == pytest.approx(-2_000)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "not known to this device"),
        (b'{"name": "explode"}', "not known to this device"),
        (b'{"name": "set_power", "arguments": {"power_w": "much"}}', "power_w is no number"),
        (b'{"name": "set_power", "arguments": {"power_w": 9000}}', "outside what the storage can do"),
        (b'{"name": "set_power", "arguments": {"power_w": 100, "until": "soon"}}', "until is no time"),
    ],
)
def test_storage_refuses_what_it_cannot_do_and_says_why(body, why):
    one = VirtualStorage(STORAGE, StorageState(0))
    told = msgspec.json.decode(one.obey(body, 0))
    assert (told["outcome"], told["why"]) == ("rejected", why)
    assert one.state.set_w is None


def test_the_sun_is_dark_at_night_stronger_at_noon_and_never_more_than_its_peak():
    place = (126.8, 37.2)
    noon, night = (virtual_sun.power_w(1, PANELS, place, at) for at in (NOON_US, NOON_US + 12 * 60 * MINUTE_US))
    assert night == 0
    assert 0 < noon <= PANELS.peak_w
    day = [virtual_sun.power_w(1, PANELS, place, NOON_US + n * 10 * MINUTE_US) for n in range(-36, 36)]
    assert max(day) <= PANELS.peak_w


def test_a_clear_day_of_june_gives_what_a_clear_sky_gives():
    table = virtual_sun.clear_day(126.8, 37.2, 30.0, 180.0, date(2026, 6, 15))
    kwh_m2 = table[:-1].sum() * virtual_sun.STEP_S / 3_600_000
    assert 6.5 < kwh_m2 < 9.0  # Ineichen and Perez on a plane of 30 degrees at 37 north
