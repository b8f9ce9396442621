"""Many devices at once, on both engines: all or none, each with its secret and its line in the audit log."""

from __future__ import annotations

from datetime import date

import pytest

from dure.core.assets import Asset, AssetKind
from dure.core.errors import Conflict, InputError, NotSignedIn
from dure.core.text import Text
from dure.engines.records import assets, audit, devices, parked
from dure.engines.records.devices import Device
from dure.engines.records.parked import Parked
from dure.services.environment.enrolling import enrolment_records
from dure.services.environment.enrolling.enrolment import read_items
from dure.services.environment.enrolling.enrolment_plan import plan
from dure.services.environment.enrolling.enrolment_rows import Ground

CITY = "hwaseong"
EUI = "24e124136b502217"
GROUND = Ground(
    city=CITY,
    kinds=(AssetKind("station", Text("측정소", "Station"), "environment"),),
    codecs=frozenset({"milesight-am308"}),
    properties=(),
    bounds=(126.7, 37.0, 127.2, 37.3),
    today=date(2026, 11, 24),
)


def device(number, **more):
    return Device(**{"id": f"dev-{number}", "asset": "aws-1", "city": CITY} | more)


def enrol(records, items, by, *, update=False):
    read = read_items(items, GROUND).enrolments

    def planned(known):
        return plan(read, known, CITY, lambda _: "z1", update=update)

    return enrolment_records.keep_chunk(records, read, planned, CITY, by)[0]


def test_many_devices_are_added_with_a_secret_each_and_told_in_the_log(records, station, by):
    with records.begin() as connection:
        secrets = devices.add_many(connection, [device(n) for n in range(1_100)], by)
    assert len(set(secrets.values())) == 1_100
    with records.read() as connection:
        found = devices.authenticate(connection, "dev-7", secrets["dev-7"], by.at)
        assert (found.asset, found.state, found.created_at) == (station.id, "quarantined", by.at)
        assert audit.listing(connection, object_id="dev-7").items[0].detail == {"added": {"asset": "aws-1", "dev_eui": None}}
        assert audit.verify(connection) is None


@pytest.mark.usefixtures("station")
def test_a_device_without_a_secret_cannot_sign_in_until_it_is_given_one(records, by):
    with records.begin() as connection:
        assert devices.add_many(connection, [device(1, dev_eui=EUI)], by, without_secret={"dev-1"}) == {}
    for guess in ("", "x"):
        with records.read() as connection, pytest.raises(NotSignedIn):
            devices.authenticate(connection, "dev-1", guess, by.at)
    with records.begin() as connection:
        secret = devices.rotate(connection, "dev-1", by)
    with records.read() as connection:
        assert devices.authenticate(connection, "dev-1", secret, by.at).id == "dev-1"
        with pytest.raises(NotSignedIn):
            devices.authenticate(connection, "dev-1", "", by.at)


@pytest.mark.parametrize("second", [{"id": "dev-1"}, {"dev_eui": EUI}])
@pytest.mark.usefixtures("station")
def test_one_device_that_is_there_already_stops_all(records, by, second):
    with records.begin() as connection:
        devices.add_many(connection, [device(1, dev_eui=EUI)], by)
    with pytest.raises(Conflict), records.begin() as connection:
        devices.add_many(connection, [device(2), device(3, **second)], by)
    with records.read() as connection:
        assert devices.find(connection, ["dev-2", "dev-3"]) == {}


@pytest.mark.usefixtures("station")
def test_a_device_of_an_unknown_asset_stops_all(records, by):
    with pytest.raises(InputError) as refused, records.begin() as connection:
        devices.add_many(connection, [device(1), device(2, asset="nowhere")], by)
    assert refused.value.code == "asset.unknown"
    with records.begin() as connection:
        devices.add_many(connection, [device(1)], by)
    with pytest.raises(InputError), records.begin() as connection:
        devices.change_many(connection, [device(1, asset="nowhere")], by)


@pytest.mark.usefixtures("station")
def test_many_devices_are_changed_and_only_those_that_differ_are_told(records, by):
    with records.begin() as connection:
        devices.add_many(connection, [device(1), device(2), device(3)], by)
        changed = [device(1, codec="c", dev_eui=EUI), device(2), device(9)]
        assert devices.change_many(connection, changed, by) == 1
        assert devices.change_many(connection, changed, by) == 0
    with records.read() as connection:
        assert devices.by_dev_euis(connection, [EUI, "0" * 16])[EUI].codec == "c"
        assert [len(audit.listing(connection, object_id=f"dev-{n}").items) for n in (1, 2)] == [2, 1]


@pytest.mark.usefixtures("station")
def test_a_batch_is_kept_once_and_changed_only_when_asked(records, by):
    items = [{"device": "a-1", "name": "동탄", "lon": 127.07, "lat": 37.2}]
    items.append({"dev_eui": EUI, "name": "병점", "codec": "milesight-am308"})
    first = enrol(records, items, by)
    assert [(one.state, bool(one.secret)) for one in first] == [("new", True), ("new", False)]
    assert [one.code for one in first[0].noticed] == ["enrolment.same_place"]  # the fixture's station is there
    assert [one.state for one in enrol(records, items, by)] == ["unchanged"] * 2
    items[0]["name"] = "새 이름"
    assert [one.state for one in enrol(records, items, by)] == ["differs", "unchanged"]
    assert [one.state for one in enrol(records, items, by, update=True)] == ["changed", "unchanged"]
    with records.read() as connection:
        assert assets.get(connection, "dongtan").name.ko == "새 이름"
        assert audit.verify(connection) is None


@pytest.mark.usefixtures("station")
def test_an_enrolment_beside_another_one_is_planned_anew(records, by):
    read = read_items([{"device": "a-1", "asset": "aws-1"}], GROUND).enrolments
    beside = []

    def planned(known):
        if not beside:  # what another process adds meanwhile shows as a conflict
            beside.append(True)
            raise Conflict("device.exists", "added meanwhile")
        return plan(read, known, CITY, lambda _: None, update=False)

    ((one,), _) = enrolment_records.keep_chunk(records, read, planned, CITY, by)
    assert one.state == "new"


def test_readings_that_wait_for_a_device_are_found_oldest_first(records, by):
    def waiting(key, name, code="device.unknown", state="parked"):
        return Parked(id=key, received_at=by.at, way="lorawan", device=name, code=code, why="", content=b"", state=state)

    kept = [waiting("b", EUI), waiting("a", EUI), waiting("c", "dev-1", "codec.unknown"), waiting("d", EUI, "unit.unknown")]
    with records.begin() as connection:
        parked.park(connection, [*kept, waiting("e", EUI, state="replayed"), waiting("f", "other")])
    with records.read() as connection:
        assert [one.id for one in enrolment_records.waiting(connection, [EUI, "dev-1"])] == ["a", "b", "c"]
        assert enrolment_records.waiting_n(connection, [EUI, "dev-1", "none"]) == {EUI: 2, "dev-1": 1}


@pytest.mark.usefixtures("station")
def test_the_codec_of_a_label_is_proposed_by_its_siblings(records, by):
    with records.begin() as connection:
        items = [device(n, dev_eui=f"24e124136b50000{n}", codec="am308" if n else "am319") for n in range(3)]
        devices.add_many(connection, items, by)
    with records.read() as connection:
        assert enrolment_records.usual_codec(connection, EUI) == "am308"
        assert enrolment_records.usual_codec(connection, "a" * 16) == ""


@pytest.mark.usefixtures("station")
def test_labels_are_found_by_words_or_by_name(records, by):
    other = Asset(id="st-2", city=CITY, kind="station", name=Text("병점", "Byeongjeom"))
    with records.begin() as connection:
        assets.add(connection, other, by)
        devices.add_many(connection, [device(1), device(2, asset="st-2"), device(3)], by)
        devices.revoke(connection, "dev-3", by)
    with records.read() as connection:
        assert [one.id for one, _ in enrolment_records.labelled(connection, "", [], 10)] == ["dev-1", "dev-2"]
        assert [asset.id for _, asset in enrolment_records.labelled(connection, "병점", [], 10)] == ["st-2"]
        assert [one.id for one, _ in enrolment_records.labelled(connection, "", ["dev-1", "nobody"], 10)] == ["dev-1"]
