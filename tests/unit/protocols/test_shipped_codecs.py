"""Every shipped codec against every example of its devices: the decoded object must be equal, exactly.

Vectors: ../shared/data/environment/lorawan_uplink_vectors.json (TheThingsNetwork/lorawan-devices, Apache-2.0, and
chirpstack-device-profiles, MIT), each checked there with the maker's own decoder.
"""

import json
import re
import sys

import pytest

from dure.core.observations import Rejected
from dure.core.units import conversion
from dure.protocols.bytemap import decode, load_codec, readings_of
from dure.protocols.codecs import shipped, shipped_names
from dure.protocols.mapping import load_mapping
from dure.running.parts import SERVICES

EXACT_SENSORS_MIN = 62
# Sensors without a codec, and why.
NOT_COVERED = {
    "mcci/model4841": "its decoder computes AQI, dew point and heat index from tables beyond the payload",
    "mcci/model4931": "as mcci/model4841",
}
# Fields in which the maker's published decoder is wrong by its own bytes; ours decodes what was sent.
MAKER_FAULTS = {"radionode/rn320pmt": {"co2": "the maker's decoder returns the constant 265; the bytes say 400"}}


def equal(a, b):
    """As JSON compares: 20 and 20.0 are equal, True and 1 are not."""
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(equal, a, b))
    return a == b


@pytest.fixture(scope="module")
def vectors(environment_data):
    devices = json.loads((environment_data / "lorawan_uplink_vectors.json").read_text("utf-8"))["devices"]
    return {f"{device['vendor']}/{device['device']}": device["examples"] for device in devices}


@pytest.fixture(scope="module")
def codecs():
    return {device: shipped(name) for name in shipped_names() for device in shipped(name).about.devices}


def test_every_example_of_every_shipped_codec_decodes_exactly(vectors, codecs, capsys):
    exact, examples, differing, table = 0, 0, [], []
    for device, cases in vectors.items():
        if device not in codecs:
            table.append(f"{device:45} {'-':>7}  {NOT_COVERED.get(device, 'UNEXPLAINED')}")
            continue
        faults = MAKER_FAULTS.get(device, {})
        good = 0
        for case in cases:
            found = decode(codecs[device], case["f_port"], bytes.fromhex(case["payload_hex"]))
            wanted = case["decoded"]
            if isinstance(found, Rejected):
                differing.append((device, case["payload_hex"], found.code))
            elif equal(found, wanted):
                good += 1
            elif not equal(
                {k: v for k, v in found.items() if k not in faults}, {k: v for k, v in wanted.items() if k not in faults}
            ):
                differing.append((device, case["payload_hex"], found))
        exact += good == len(cases)
        examples += good
        table.append(f"{device:45} {good:>3}/{len(cases):<3}  {'; '.join(faults.values())}")
    with capsys.disabled():
        total = sum(map(len, vectors.values()))
        table.append(f"exact: {exact} of {len(vectors)} sensors, {examples} of {total} examples")
        sys.stdout.write("\n" + "\n".join(table) + "\n")
    assert differing == []
    assert exact >= EXACT_SENSORS_MIN
    assert set(vectors) - set(codecs) == set(NOT_COVERED)


def test_every_codec_names_its_source_and_at_least_one_property():
    for name in shipped_names():
        codec = shipped(name)
        assert codec.about.source, name
        assert codec.about.devices, name
        assert codec.properties, name


def test_every_codec_is_listed_in_the_pages(request):
    for language in ("en", "ko"):
        text = (request.config.rootpath / "docs" / language / "codecs.md").read_text("utf-8")
        assert [name for name in shipped_names() if f"`{name}`" not in text] == []


def test_the_examples_of_the_pages_work(request):
    for language in ("en", "ko"):
        text = (request.config.rootpath / "docs" / language / "codecs.md").read_text("utf-8")
        first, _presence, _records, *mappings = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
        acme = load_codec(first)
        assert decode(acme, 2, bytes.fromhex("24085c00")) == {"battery": 3.6, "temperature": 21.4, "cover_open": False}
        assert decode(acme, 2, bytes.fromhex("247fff01")) == {"battery": 3.6, "cover_open": True}
        assert len([load_mapping(one) for one in mappings]) == 3


def test_telemetry_of_every_codec_gives_readings(vectors, codecs):
    """Every sensor but those whose examples hold no measurement gives at least one reading, and none is rejected."""
    silent = []
    for device, codec in ((device, codec) for device, codec in codecs.items() if device in vectors):
        decoded = [decode(codec, case["f_port"], bytes.fromhex(case["payload_hex"])) for case in vectors[device]]
        parsed = [readings_of(found, codec.properties) for found in decoded]
        assert [one for each in parsed for one in each.rejected] == [], device
        if not any(each.readings for each in parsed):
            silent.append(device)
    assert silent == []


def test_every_property_of_every_codec_is_registered_with_a_unit_that_converts():
    registered = {one.id: one.unit for service in SERVICES for one in service.properties()}
    for name in shipped_names():
        for target in shipped(name).properties.values():
            conversion(target.unit or registered[target.property], registered[target.property])
