"""The demo's virtual bins: one seed, one city; what their sensors say, and how each fault shows."""

import statistics
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import log
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.city import read_city
from dure.core.assets import AssetKinds
from dure.core.errors import ConfigError
from dure.core.properties import Properties
from dure.protocols.bytemap import decode, readings_of
from dure.protocols.chirpstack import parse as parse_uplink
from dure.protocols.codecs import shipped
from dure.running.parts import SERVICES
from dure.services.waste.bins import bins_of, fleet_of
from dure.services.waste.devices import bigbelly
from dure.services.waste.model import Bin
from dure.services.waste.simulate import Hopper, bins_simulated
from dure.services.waste.simulating.bin_payloads import ENCODERS, bigbelly_list, uplink
from dure.services.waste.simulating.virtual_bins import FAULTS, VirtualBin, level, measured, of_day, rate_of, rounds_of, thrown_in

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
HOURS = [NOW - timedelta(hours=n) for n in range(72, 0, -1)]
BINS = bins_simulated(CITY, NOW)
BY_FAULT = {one.fault: one for one in BINS if one.fault}
SEED = CITY.seed


def emptied(one, back=timedelta(days=30)):
    return rounds_of(SEED, one, NOW - back, NOW)


def said(one, name, instants=HOURS):
    return [found[name] for at in instants if name in (found := measured(SEED, one, at, emptied(one)))]


# --- the city's list -----------------------------------------------------------------------------------------------


def test_the_demo_city_lists_sixty_bins_with_trucks_a_depot_and_two_disposal_sites_inside_its_zones():
    assets = CITY.assets()
    found, fleet = bins_of(assets), fleet_of(assets)
    assert (len(found.bins), len(fleet.trucks), len(fleet.depots), len(fleet.dumps)) == (60, 3, 1, 2)
    assert found.rejected == fleet.rejected == CITY.notices == []
    assert all(one.demo for group in (found.bins, *fleet[:3]) for one in group)
    assert {one.bin_class for one in found.bins} == {"street", "market", "park", "stop"}


def test_every_stream_of_the_demo_has_a_truck_and_a_place_to_unload():
    fleet = fleet_of(CITY.assets())
    streams = {one.stream for one in bins_of(CITY.assets()).bins}
    assert streams <= {stream for truck in fleet.trucks for stream in truck.streams}
    assert all(truck.dumps for truck in fleet.trucks)


def test_what_the_bins_of_the_demo_observe_is_registered():
    properties = Properties(one for service in SERVICES for one in service.properties())
    kinds = AssetKinds(kind for service in SERVICES for kind in service.kinds())
    waste = [one for one in CITY.assets() if kinds[one.kind].service == "waste"]
    assert [name for one in waste for name in one.attributes.get("properties", ()) if name not in properties] == []


def test_the_demo_shows_each_fault_once():
    assert sorted(one.fault for one in BINS if one.fault) == sorted(set(FAULTS) - {""})


ODD = [
    {"speaks": "morse"},
    {"fault": "haunted"},
    {"speaks": "em400"},
    {"speaks": "bigbelly", "serial": "x"},
    {"capacity_l": "?"},
]


@pytest.mark.parametrize("change", ODD)
def test_a_row_the_simulator_cannot_play_is_refused_by_name(change):
    asset = next(one for one in CITY.assets() if one.attributes.get("speaks") == "compactor")
    odd = msgspec.structs.replace(asset, attributes={**asset.attributes, **change})
    city = CITY.__class__(**{name: getattr(CITY, name) for name in CITY.__slots__} | {"asset_list": (odd,)})
    with pytest.raises(ConfigError, match=odd.id):
        bins_simulated(city, NOW)


# --- how bins fill -------------------------------------------------------------------------------------------------


def test_rates_are_lognormal_as_measured_in_philadelphia():
    rates = [log(rate_of(1, f"bin-{n}")) for n in range(2_000)]
    assert statistics.median(rates) == pytest.approx(log(0.117), abs=0.05)
    assert statistics.stdev(rates) == pytest.approx(0.75, abs=0.08)


def test_days_scatter_about_the_rate_with_half_of_it():
    one = "bin-1"
    days = [of_day(3, one, (NOW - timedelta(days=n)).date()) / rate_of(3, one) for n in range(1_400)]
    assert statistics.mean(days) == pytest.approx(1.0, abs=0.05)
    assert statistics.stdev(days) == pytest.approx(0.5, abs=0.06)


def test_an_emptied_bin_is_empty_and_what_is_thrown_in_adds_up():
    one = BINS[0]
    at = NOW - timedelta(hours=30)
    assert level(SEED, one, at, [at]) == 0.0
    assert level(SEED, one, NOW, [at]) == pytest.approx(thrown_in(SEED, one, at, NOW))


_INSTANTS = st.datetimes(datetime(2026, 2, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the strategy adds the zone


@given(_INSTANTS, _INSTANTS, _INSTANTS)
def test_waste_only_ever_comes_in_and_adds_up_over_any_cut(a, b, c):
    start, middle, end = sorted((a, b, c))
    parts = thrown_in(SEED, BINS[3], start, middle) + thrown_in(SEED, BINS[3], middle, end)
    assert thrown_in(SEED, BINS[3], start, end) == pytest.approx(parts, abs=1e-9)
    assert min(thrown_in(SEED, BINS[3], start, middle), thrown_in(SEED, BINS[3], middle, end)) >= -1e-12


@given(_INSTANTS, st.sampled_from(BINS))
def test_any_instant_gives_the_same_in_any_order(at, one):
    first = measured(SEED, one, at, emptied(one))
    measured(SEED, one, at + WEEK, emptied(one))
    assert measured(SEED, one, at, emptied(one)) == first


def test_the_crew_comes_in_the_morning_and_the_busier_bin_more_often():
    by_rate = sorted(BINS, key=lambda one: rate_of(SEED, one.bin.id))
    assert len(emptied(by_rate[-1])) > len(emptied(by_rate[0]))
    hours = {at.astimezone(CITY.zone).hour for one in BINS for at in emptied(one)}
    assert hours <= {6, 7, 8, 9, 10, 11}


# --- what sensors say ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speech", ["df702", "em400"])
def test_the_bytes_of_a_sensor_decode_to_what_it_measured(speech):
    one = next(known for known in BINS if known.speech == speech and not known.fault)
    values = measured(SEED, one, NOW, emptied(one))
    sent = parse_uplink(uplink(one.dev_eui, one.codec, values, NOW, 5))
    codec = shipped(one.codec)
    assert (sent.dev_eui, sent.f_port, sent.f_cnt) == (one.dev_eui, ENCODERS[one.codec][0], 5)
    scale = {"mm": 0.001, "%": 0.01}
    found = readings_of(decode(codec, sent.f_port, sent.payload), codec.properties).readings
    assert {one.property: one.value * scale.get(one.unit, 1) for one in found} == pytest.approx(values, abs=0.006)


def test_a_list_reads_back_as_the_bins_that_were_written():
    found = bigbelly.parse(bigbelly_list([("7", 0.6, NOW, NOW - WEEK), ("8", 0.0, NOW, None)]))
    assert [(one.asset, one.value, one.time) for one in found.readings] == [("7", 0.6, NOW), ("8", 0.0, NOW)]
    assert [(one.serial, one.at) for one in found.emptied] == [("7", NOW - WEEK)]


def test_counters_only_count_up():
    for name in ("deposits_total", "compactions_total"):
        one = next(known for known in BINS if known.speech == "compactor" and not known.fault)
        assert all(before <= after for before, after in pairwise(said(one, name)))


def test_a_bin_without_a_sensor_says_nothing():
    one = next(known for known in BINS if known.speech == "none")
    assert measured(SEED, one, NOW, ()) == {}


# --- faults --------------------------------------------------------------------------------------------------------


def test_before_its_fault_shows_a_bin_is_like_any_other():
    for one in BY_FAULT.values():
        healthy = msgspec.structs.replace(one, fault="")
        at = NOW - timedelta(days=5)
        assert measured(SEED, one, at, emptied(one)) == measured(SEED, healthy, at, emptied(one))


def test_a_silent_bin_says_nothing():
    assert measured(SEED, BY_FAULT["silent"], NOW, emptied(BY_FAULT["silent"])) == {}


def test_a_stuck_sensor_repeats_itself_to_the_millimetre():
    assert len(set(said(BY_FAULT["stuck"], "distance"))) == 1


def test_a_covered_sensor_measures_next_to_nothing_even_after_the_bin_was_emptied():
    assert set(said(BY_FAULT["blocked"], "distance")) == {0.04}


def test_a_jumping_sensor_jumps_in_a_third_of_its_readings():
    distances = said(BY_FAULT["jumping"], "distance")
    far = sum(abs(after - before) > 0.2 for before, after in pairwise(distances))
    assert far >= len(distances) // 6


def test_a_low_battery_says_so():
    assert set(said(BY_FAULT["low_battery"], "battery_low")) == {1.0}


def test_a_contradicted_sensor_shows_less_than_half_of_an_overflowing_bin():
    one = msgspec.structs.replace(BY_FAULT["contradicted"], fault_from=NOW - timedelta(days=30))
    month = [NOW - timedelta(hours=n) for n in range(29 * 24, 0, -1)]
    over = [at for at in month if level(SEED, one, at, emptied(one)) > 1]
    assert over
    depth_m, full_m = one.bin.depth_m, one.bin.full_m
    shown = [(depth_m - distance) / (depth_m - full_m) for distance in said(one, "distance", over)]
    assert max(shown) < 0.7


def test_a_compactor_that_does_not_press_takes_waste_and_counts_no_presses():
    one = BY_FAULT["not_compacting"]
    assert len(set(said(one, "compactions_total"))) == 1
    assert said(one, "deposits_total")[-1] > said(one, "deposits_total")[0]


# --- commands ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "name", "outcome", "locked", "presses"),
    [
        ([], "compact_now", "done", False, 1),
        ([], "lock_hopper", "done", True, 0),
        (["lock_hopper"], "compact_now", "rejected", True, 0),
        (["lock_hopper"], "unlock_hopper", "done", False, 0),
        ([], "dance", "rejected", False, 0),
    ],
)
def test_a_virtual_compactor_does_what_it_is_told_and_says_what_became_of_it(before, name, outcome, locked, presses):
    hopper = Hopper()
    for earlier in before:
        hopper.obey(msgspec.json.encode({"id": "0", "name": earlier}))
    answer = msgspec.json.decode(hopper.obey(msgspec.json.encode({"id": "c-1", "name": name})))
    assert (answer["command"], answer["outcome"], hopper.locked, hopper.presses) == ("c-1", outcome, locked, presses)


def test_a_virtual_compactor_rejects_what_it_cannot_read():
    assert msgspec.json.decode(Hopper().obey(b"\xff"))["outcome"] == "rejected"


def test_a_bin_of_another_city_zone_is_played_by_its_own_clock():
    utc = VirtualBin(bin=Bin(id="x", lon=0, lat=0), zone=UTC)
    assert thrown_in(1, utc, NOW, NOW + timedelta(hours=1)) != thrown_in(
        1, VirtualBin(bin=utc.bin), NOW, NOW + timedelta(hours=1)
    )
