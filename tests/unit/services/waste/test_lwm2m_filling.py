"""LwM2M object 3435 and FIWARE entities: percent, fractions and states to properties.

Sources: OpenMobileAlliance/lwm2m-registry 3435.xml; RFC 8428 (SenML); smart-data-models/dataModel.WasteManagement @952dca8.
The examples are our own: the registry has none, and the data models' may fail their own schema.
"""

import json
from datetime import UTC, datetime

import pytest

from dure.services.waste.devices import fiware_containers, lwm2m_filling
from dure.services.waste.devices.delivered import Emptied

BASE = "urn:dev:ops:32473-bin-7/3435/0/"
AT = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
NAME = "urn:dev:ops:32473-bin-7"


def senml(*records):
    return lwm2m_filling.parse(json.dumps(records).encode())


def fiware(*entities):
    return fiware_containers.parse(json.dumps({"data": entities}).encode())


def told(found):
    return {one.property: (one.value, one.unit, one.time, one.asset) for one in found.readings}


# --- LwM2M ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{}", b"7", b'{"e": 1}', b"\xff\xfe"])
def test_a_pack_that_is_none_is_refused_as_a_whole(body):
    assert [one.code for one in lwm2m_filling.parse(body).rejected] == ["lwm2m.malformed"]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"n": "urn:x/3411/0/1", "v": 5}, "lwm2m.name"),
        ({"v": 5}, "lwm2m.name"),
        ([1], "lwm2m.name"),
        ({"n": BASE + "2", "vs": "half"}, "lwm2m.value"),
        ({"n": BASE + "2", "v": None}, "lwm2m.value"),
        ({"n": BASE + "2", "v": 5, "t": "noon"}, "reading.time_unreadable"),
    ],
)
def test_a_bad_record_is_named_and_its_neighbours_are_kept(record, code):
    found = senml(record, {"n": BASE + "2", "v": 55})
    assert [(one.row, one.code) for one in found.rejected] == [(1, code)]
    assert told(found)["fill_fraction"][0] == 55


def test_a_pack_with_base_name_and_time_gives_percent_and_alarms():
    found = senml(
        {"bn": BASE, "bt": AT.timestamp(), "n": "2", "v": 55},
        {"n": "5", "vb": False},
        {"n": "13", "vb": True},
        {"n": "21", "vb": False},
        {"n": "22", "vb": True},
        {"n": "4", "v": 80},
        {"n": "19", "v": 12},
    )
    assert found.rejected == []
    assert told(found) == {
        "fill_fraction": (55, "%", AT, NAME),
        "full_alarm": (0, "1", AT, NAME),
        "tilted": (1, "1", AT, NAME),
        "lid_open": (0, "1", AT, NAME),
        "fire_alarm": (1, "1", AT, NAME),
    }


def test_without_a_percentage_the_level_is_a_share_of_the_height():
    assert told(senml({"bn": BASE, "n": "1", "v": 120}, {"n": "3", "v": 30}))["fill_fraction"][:2] == (0.25, "1")
    both = senml({"bn": BASE, "n": "1", "v": 120}, {"n": "3", "v": 30}, {"n": "2", "v": 26})
    assert [(one.value, one.unit) for one in both.readings] == [(26, "%")]
    assert senml({"bn": BASE, "n": "1", "v": 0}, {"n": "3", "v": 30}).readings == []


def test_a_relative_time_is_the_moment_of_arrival():
    assert told(senml({"n": BASE + "2", "v": 55, "t": -3}))["fill_fraction"][2] is None


def test_two_instances_of_one_device_do_not_mix_their_heights():
    found = senml({"n": "x/3435/0/1", "v": 100}, {"n": "x/3435/1/3", "v": 50})
    assert found.readings == found.rejected == []


# --- FIWARE --------------------------------------------------------------------------------------------------------

PLAIN = {
    "id": "wastecontainer:1",
    "type": "WasteContainer",
    "fillingLevel": 0.7,
    "temperature": 21,
    "status": "ok",
    "dateObserved": "2026-11-24T00:00:00Z",
    "dateLastEmptying": "2026-11-23T00:00:00Z",
}
NORMALISED = {
    "id": "wastecontainer:1",
    "type": "WasteContainer",
    "fillingLevel": {"type": "Property", "value": 0.7},
    "temperature": {"type": "Property", "value": 21},
    "status": {"type": "Property", "value": "ok"},
    "dateObserved": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-24T00:00:00Z"}},
    "dateLastEmptying": {"type": "Property", "value": {"@type": "DateTime", "@value": "2026-11-23T00:00:00Z"}},
}


@pytest.mark.parametrize(
    ("entity", "code"),
    [
        ({**PLAIN, "type": "Room"}, "fiware.entity"),
        ({**PLAIN, "id": 5}, "fiware.entity"),
        ("text", "fiware.entity"),
        ({**PLAIN, "fillingLevel": "high"}, "fiware.value"),
        ({**PLAIN, "fillingLevel": True}, "fiware.value"),
        ({**PLAIN, "dateObserved": "yesterday"}, "reading.time_unreadable"),
    ],
)
def test_a_bad_entity_is_named_and_its_neighbours_are_kept(entity, code):
    found = fiware(entity, PLAIN)
    assert [(one.row, one.code) for one in found.rejected] == [(1, code)]
    assert told(found)["fill_fraction"][0] == 0.7


def test_both_forms_of_an_entity_say_the_same():
    assert fiware(PLAIN) == fiware(NORMALISED)
    assert fiware(PLAIN).emptied == [Emptied("wastecontainer:1", datetime(2026, 11, 23, tzinfo=UTC), None)]
    assert told(fiware(PLAIN)) == {
        "fill_fraction": (0.7, "1", AT, "wastecontainer:1"),
        "device_temperature": (21, "Cel", AT, "wastecontainer:1"),
        "fire_alarm": (0, "1", AT, "wastecontainer:1"),
        "tilted": (0, "1", AT, "wastecontainer:1"),
        "lid_open": (0, "1", AT, "wastecontainer:1"),
    }


@pytest.mark.parametrize(
    ("status", "alarms"),
    [
        ("burning", {"fire_alarm": 1, "tilted": 0, "lid_open": 0}),
        (["dropped", "lidOpen"], {"fire_alarm": 0, "tilted": 1, "lid_open": 1}),
        ("unknown", {}),
        (None, {}),
    ],
)
def test_a_status_is_alarms_and_an_unknown_one_is_none(status, alarms):
    found = told(fiware({**PLAIN, "status": status}))
    assert {name: found[name][0] for name in ("fire_alarm", "tilted", "lid_open") if name in found} == alarms
