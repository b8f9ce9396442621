"""The demo's virtual meters: one seed, one city; what they count, how each fault shows, and that the wire gives it back."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.city import read_city
from dure.core.assets import AssetKinds
from dure.core.errors import ConfigError
from dure.core.properties import Properties
from dure.core.time import parse_instant, to_us
from dure.protocols.bytemap import decode, readings_of
from dure.protocols.chirpstack import parse as parse_uplink
from dure.protocols.codec_model import load_codec
from dure.running.parts import SERVICES
from dure.services.buildings.importing.bills import Ground, read_bills
from dure.services.buildings.reads.deriving import derive
from dure.services.buildings.reads.model import Exchange, Read, Register
from dure.services.buildings.rules import load_trust
from dure.services.buildings.simulate import meters_simulated
from dure.services.buildings.simulating.demo_began import began, keep
from dure.services.buildings.simulating.meter_payloads import history, uplink
from dure.services.buildings.simulating.virtual_bills import OIL, bills_of, files_of, form_of
from dure.services.buildings.simulating.virtual_buildings import FAULTS, HOUR_US, WH_PER_L, chances, uses
from dure.services.buildings.simulating.virtual_registers import Counter, first_hour
from dure.services.buildings.sites import sites_of
from dure.services.environment.virtual_weather import climate_of

FOLDER = Path(__file__).parents[4] / "examples" / "hwaseong"
CITY = read_city(FOLDER)
BEGAN = datetime(2026, 11, 26, 5, 0, tzinfo=UTC)
NOW = to_us(BEGAN) // HOUR_US
METERS = meters_simulated(CITY, BEGAN)
BY_ID = {one.meter.id: one for one in METERS}
BY_FAULT = {one.fault: one for one in METERS if one.fault}
CLIMATE = climate_of(CITY)
TODAY = date(2026, 11, 26)


def used(one, first, n):
    return uses(CITY.seed, one, first, n, CLIMATE(one.station, np.arange(first, first + n)))


# --- the city's list -----------------------------------------------------------------------------------------------


def test_the_demo_city_has_fifteen_buildings_inside_its_zones_and_meters_of_every_supply_it_shows():
    sites = sites_of(one for one in CITY.assets() if one.kind in {"building", "meter"})
    assert (sites.rejected, CITY.notices) == ([], [])
    assert (len(sites.buildings), len(sites.meters), len(METERS)) == (15, 38, 38)
    assert all(one.demo and one.zone for one in sites.buildings.values())
    assert {one.fuel for one in sites.meters.values()} == {
        "electricity", "city_gas", "heat", "water", "pv", "diesel", "kerosene",
    }  # fmt: skip
    assert len({one.number for one in sites.meters.values() if one.number}) == 37


def test_what_the_meters_of_the_demo_observe_is_registered():
    properties = Properties(one for service in SERVICES for one in service.properties())
    kinds = AssetKinds(kind for service in SERVICES for kind in service.kinds())
    own = [one for one in CITY.assets() if kinds[one.kind].service == "buildings"]
    assert [name for one in own for name in one.attributes.get("properties", ()) if name not in properties] == []


def test_the_demo_shows_each_fault_once_and_one_measure():
    assert sorted(one.fault for one in METERS if one.fault) == sorted(set(FAULTS) - {""})
    assert [one.meter.id for one in METERS if one.measure_at] == ["m-bongdam-town-el"]
    assert BY_ID["m-bongdam-town-el"].measure_at.isoformat() == "2026-04-01T00:00:00+09:00"


ODD = [{"speaks": "morse"}, {"fault": "haunted"}, {"speaks": "em300"}, {"fuel": "wood"}, {"fuel": "city_gas", "fault": "leak"}]


@pytest.mark.parametrize("change", ODD)
def test_a_row_the_simulator_cannot_play_is_refused_by_name(change):
    listed = [one for one in CITY.assets() if one.kind == "building" or one.id == "m-bansong-office-el"]
    odd = [
        msgspec.structs.replace(one, attributes={**one.attributes, **change}) if one.kind == "meter" else one for one in listed
    ]
    city = CITY.__class__(**{name: getattr(CITY, name) for name in CITY.__slots__} | {"asset_list": tuple(odd)})
    with pytest.raises(ConfigError, match="m-bansong-office-el"):
        meters_simulated(city, BEGAN)


# --- what passes a meter -------------------------------------------------------------------------------------------


@given(st.sampled_from([one for one in METERS if one.speech != "formula"]), st.integers(0, 9_000), st.integers(1, 60))
def test_any_hours_asked_alone_are_as_in_a_longer_run(one, back, n):
    first = NOW - 9_100
    whole = used(one, first, 9_100)
    assert np.array_equal(used(one, first + back, n)[:60], whole[back : back + n])
    assert whole.min() >= 0


def test_chances_depend_on_seed_name_and_number_alone_and_fill_the_unit():
    numbers = np.arange(20_000)
    found = chances(1, "a", numbers)
    assert np.array_equal(found[7:9], chances(1, "a", numbers[7:9]))
    assert not np.array_equal(found, chances(2, "a", numbers))
    assert not np.array_equal(found, chances(1, "b", numbers))
    assert abs(found.mean() - 0.5) < 0.01
    assert 0 < found.min() < found.max() < 1
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 0.03


def test_an_office_rests_at_night_and_weekends_and_cools_in_summer():
    one = BY_ID["m-bansong-office-el"]
    monday = to_us(datetime(2026, 6, 29, 15, tzinfo=UTC)) // HOUR_US  # midnight of Tuesday in Korea
    day = used(one, monday, 24)
    assert day[10:16].mean() > 2.5 * day[:5].mean()
    sunday = used(one, monday + 24 * 5, 24)
    assert sunday[10:16].mean() < 0.6 * day[10:16].mean()
    heat = BY_ID["m-bansong-office-heat"]
    january, july = (to_us(datetime(2026, month, 12, tzinfo=UTC)) // HOUR_US for month in (1, 7))
    assert used(heat, january, 168).sum() > 8 * used(heat, july, 168).sum()


def test_the_measure_saves_on_the_same_days_what_it_should():
    one = BY_ID["m-bongdam-town-el"]
    without = msgspec.structs.replace(one, measure_at=None)
    since = to_us(one.measure_at) // HOUR_US
    assert np.array_equal(used(one, since - 720, 720), used(without, since - 720, 720))
    saved = 1 - used(one, since, 4_000).sum() / used(without, since, 4_000).sum()
    assert 0.08 < saved < 0.22


@pytest.mark.parametrize(("fault", "low", "high"), [("leak", 1.2, 3.0), ("weekend_on", 1.02, 1.4), ("stuck", 0, 0)])
def test_a_fault_shows_from_its_hour_on_and_not_before(fault, low, high):
    one = BY_FAULT[fault]
    sound = msgspec.structs.replace(one, fault="")
    since = one.fault_us // HOUR_US
    assert np.array_equal(used(one, since - 500, 500), used(sound, since - 500, 500))
    weeks = used(one, since, 24 * 28).sum() / used(sound, since, 24 * 28).sum()
    assert low <= weeks <= high


# --- registers -----------------------------------------------------------------------------------------------------


@given(st.sampled_from([one for one in METERS if one.speech in {"register", "em300"} and not one.fault]), st.data())
def test_a_register_counts_what_passed_in_any_order_it_is_asked(one, data):
    hours = data.draw(st.lists(st.integers(0, 300), min_size=2, max_size=5, unique=True))
    counter = Counter(CITY.seed, one, CLIMATE)
    first = first_hour(one)
    shown = {hour: counter.at((first + hour) * HOUR_US) for hour in hours}
    low, high = min(hours), max(hours)
    passed = int(used(one, first, 301)[low:high].sum())
    assert abs(shown[high] - shown[low] - passed) <= one.meter.resolution
    assert shown[low] <= counter.at((first + low) * HOUR_US + HOUR_US // 2) <= counter.at((first + low + 1) * HOUR_US)


def reads_of(one, hours=288):
    counter = Counter(CITY.seed, one, CLIMATE)
    first = first_hour(one)
    return counter, [
        Read(datetime.fromtimestamp((first + n) * 3_600, UTC), counter.at((first + n) * HOUR_US)) for n in range(hours)
    ]


def derived(one, reads, exchanges=()):
    meter = one.meter
    register = Register(
        book=meter.supply.book, rate_max_per_h=meter.rate_max_per_h, size=meter.register_size, resolution=meter.resolution
    )
    return derive(reads, register, load_trust(TODAY), exchanges)


def test_an_exchanged_meter_that_is_reported_loses_nothing():
    one = BY_FAULT["exchanged"]
    counter, reads = reads_of(one)
    last, first = counter.at_exchange()
    found = derived(one, reads, [Exchange(BEGAN - timedelta(days=4), last, first)])
    assert sum(delta.amount for delta in found.deltas) == used(one, first_hour(one), 287).sum()


def test_a_register_that_sometimes_says_nothing_is_there_is_not_believed():
    one = BY_FAULT["glitch"]
    reads = reads_of(one)[1]
    assert sum(read.value == 0 for read in reads) >= 1
    found = derived(one, reads)
    assert sum(delta.amount for delta in found.deltas) == used(one, first_hour(one), 287).sum()


def test_a_stuck_register_stands_still():
    one = BY_FAULT["stuck"]
    values = [read.value for read in reads_of(one)[1]]
    assert len(set(values[-100:])) == 1
    assert len(set(values[:150])) == 150


# --- on the wire ---------------------------------------------------------------------------------------------------


def test_the_bytes_of_the_pulse_counter_decode_to_what_it_showed():
    one = BY_ID["m-namyang-hall-water"]
    codec = load_codec((FOLDER / "codecs" / "milesight-em300-di.toml").read_text("utf-8"))
    shown = Counter(CITY.seed, one, CLIMATE).at(to_us(BEGAN))
    sent = parse_uplink(uplink(one.dev_eui, shown, 0.93, BEGAN, 3))
    found = readings_of(decode(codec, sent.f_port, sent.payload), codec.properties)
    assert {(one.property, one.value, one.unit) for one in found.readings} == {
        ("water_register", float(shown), "L"),
        ("battery_fraction", 93.0, "%"),
    }


def test_a_past_goes_in_batches_that_hold_each_hour_once():
    rows = [(hour * HOUR_US, hour) for hour in range(4_500)]
    bodies = [json.loads(body)["readings"] for body in history("electricity_use", rows)]
    assert [len(body) for body in bodies] == [2_000, 2_000, 500]
    sent = [(to_us(parse_instant(one["time"])), one["values"]["electricity_use"]) for body in bodies for one in body]
    assert sent == rows


# --- bills ---------------------------------------------------------------------------------------------------------


BILLED = [one for one in METERS if one.meter.fuel != "pv" and one.speech != "formula" and one.meter.part == "main"]
ROWS = [row for one in BILLED for row in bills_of(CITY.seed, one, CLIMATE, TODAY, 26)]
FILES = files_of(ROWS)


def test_every_supplier_gives_out_a_file_the_importer_reads_whole():
    ground = Ground(burnt="GCV", meters={one.meter.number: one.meter.fuel for one in BILLED})
    assert sorted(FILES) == ["city_gas.csv", "electricity.csv", "heat.csv", "oil.csv", "water.csv"]
    for name, body in FILES.items():
        found = read_bills(body, ground)
        own = [row for row in ROWS if f"{form_of(row)}.csv" == name]
        assert found.rejected == ()
        books = {one.meter.number: one.meter.supply.book for one in BILLED}
        read = {(bill.meter, bill.start, bill.end): bill.amount.book(books[bill.meter]) for bill in found.accepted}
        assert read == {(row.meter.meter.number, row.start, row.end): row.amount for row in own}
        assert all(bill.won == row.won for bill, row in zip(found.accepted, sorted(own, key=_order), strict=True))


def _order(row):
    return row.end, row.meter.meter.id


def test_bills_follow_each_other_to_the_last_that_has_come_and_two_are_late_where_that_is_the_fault():
    for one in BILLED:
        own = [row for row in ROWS if row.meter is one]
        assert all(before.end == after.start for before, after in pairwise(own))
        late_d = (TODAY - own[-1].end).days
        assert 0 <= late_d < 31 or (one.fault == "missing_bill" and 61 <= late_d < 93)


def test_a_bill_says_what_the_interval_meter_counted():
    one = BY_ID["m-bansong-office-el"]
    bill = next(row for row in ROWS if row.meter is one and row.start == date(2026, 3, 1))
    first = to_us(datetime(2026, 2, 28, 15, tzinfo=UTC)) // HOUR_US
    assert bill.amount == used(one, first, 31 * 24).sum()


def test_a_stove_that_burns_less_than_a_litre_an_hour_has_bills_all_the_same():
    for one in BILLED:
        if one.meter.fuel in OIL:
            litres = sum(row.amount for row in ROWS if row.meter is one) / 26 * 12
            assert 3 < litres * WH_PER_L[one.meter.fuel] / 1_000 / one.building.area_m2 < 150  # kWh/m2 a year


# --- where it began ------------------------------------------------------------------------------------------------


def test_a_demo_that_starts_again_goes_on_from_where_it_began(tmp_path):
    one = began(tmp_path, BEGAN + timedelta(minutes=12))
    assert (one.began_at, one.past_sent) == (BEGAN, False)
    keep(tmp_path, msgspec.structs.replace(one, past_sent=True))
    assert began(tmp_path, BEGAN + timedelta(days=3)) == msgspec.structs.replace(one, past_sent=True)
