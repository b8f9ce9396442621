import math
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from dure.city import read_city
from dure.core.units import conversion
from dure.protocols.chirpstack import parse
from dure.protocols.codecs import shipped
from dure.protocols.lorawan import uplink_readings
from dure.services.environment.model import PROPERTIES
from dure.services.environment.simulate import stations_of
from dure.services.environment.virtual_city import values
from dure.services.environment.virtual_payloads import ENCODERS, chirpstack_uplink

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
LORAWAN = [one for one in stations_of(CITY) if one.protocol == "chirpstack"]
NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
UNITS = {one.id: one.unit for one in PROPERTIES}
# How finely each payload can say a value, in the property's own unit.
STEP = {
    "relative_humidity": 0.5,
    "pm10": 0.1,
    "pm2_5": 0.1,
    "battery_voltage": 0.001,
    "battery_fraction": 0.01,
    "water_level": 0.001,
}


def test_every_encoder_is_used_by_the_demo_city():
    assert {one.codec for one in LORAWAN} == set(ENCODERS)


@pytest.mark.parametrize("one", LORAWAN, ids=lambda one: one.device)
def test_what_a_virtual_lorawan_station_sends_decodes_to_what_it_measured(one):
    measured = values(CITY.seed, one.station, NOON)
    uplink = parse(chirpstack_uplink(one.dev_eui, one.codec, measured, NOON, 7))
    found = uplink_readings(uplink, shipped(one.codec))
    assert found.rejected == []
    for reading in found.readings:
        if reading.property not in measured:
            continue
        scale, offset = conversion(reading.unit or UNITS[reading.property], UNITS[reading.property])
        assert math.isclose(scale * reading.value + offset, measured[reading.property], abs_tol=STEP.get(reading.property, 0.11))
    assert set(measured) <= {reading.property for reading in found.readings}
    assert (uplink.dev_eui, uplink.f_cnt, uplink.received_at) == (one.dev_eui, 7, NOON)


def test_the_first_counter_is_left_out_as_protobuf_does():
    one = LORAWAN[0]
    message = chirpstack_uplink(one.dev_eui, one.codec, values(CITY.seed, one.station, NOON), NOON, 0)
    assert "fCnt" not in msgspec.json.decode(message)
    assert parse(message).f_cnt == 0


def test_a_repeated_uplink_has_the_same_deduplication_id_and_the_next_another():
    one = LORAWAN[0]
    measured = values(CITY.seed, one.station, NOON)
    keys = [parse(chirpstack_uplink(one.dev_eui, one.codec, measured, NOON, count)).dedup_key for count in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
