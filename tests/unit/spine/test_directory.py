"""The register in memory: who may write for what."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dure.core.assets import Asset
from dure.core.errors import Unavailable
from dure.core.text import Text
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.spine.directory import IMPORTER, PARENTS_MAX, Directory

BY = By("test", datetime(2026, 11, 24, tzinfo=UTC))
EUI = "24e124136b502217"
DEPTH = PARENTS_MAX + 2
# A site with a mast with a sensor; a chain deeper than anyone may ask; a station alone.
TREE = [
    ("site", None),
    ("mast", "site"),
    ("sensor", "mast"),
    ("alone", None),
    ("deep-0", None),
    *((f"deep-{n}", f"deep-{n - 1}") for n in range(1, DEPTH)),
]


@pytest.fixture
def records(tmp_path):
    store = Records(f"sqlite:///{tmp_path}/records.sqlite")
    store.migrate()
    with store.begin() as connection:
        for name, parent in TREE:
            state = "quarantined" if name == "alone" else "live"
            assets.add(connection, Asset(id=name, city="c", kind="station", name=Text(name), parent=parent, state=state), BY)
        for name, asset, eui in (("gateway", "site", None), ("probe", "sensor", EUI), ("diver", "deep-0", None)):
            devices.add(connection, devices.Device(id=name, asset=asset, city="c", dev_eui=eui), BY)
    yield store
    store.close()


@pytest.fixture
def directory(records):
    one = Directory(records, "c")
    one.refresh()
    return one


@pytest.mark.parametrize(
    ("device", "asset", "may"),
    [
        ("probe", "sensor", True),
        ("probe", "mast", False),
        ("probe", "site", False),
        ("probe", "alone", False),
        ("gateway", "site", True),
        ("gateway", "mast", True),
        ("gateway", "sensor", True),
        ("gateway", "alone", False),
        ("gateway", "no-such", False),
        ("diver", f"deep-{PARENTS_MAX}", True),
        ("diver", f"deep-{DEPTH - 1}", False),
        (IMPORTER, "alone", True),
        ("stranger", "alone", False),
        ("", "alone", False),
    ],
)
def test_a_device_writes_for_its_asset_and_what_stands_below_it(directory, device, asset, may):
    assert directory.may_write(device, asset) is may


def test_a_device_named_as_the_importer_has_no_more_rights_than_any(directory, records):
    with records.begin() as connection:
        devices.add(connection, devices.Device(id=IMPORTER, asset="alone", city="c"), BY)
    directory.refresh()
    assert not directory.may_write(IMPORTER, "site")


def test_entries_are_found_by_name_and_by_eui(directory):
    assert directory.by_dev_eui(EUI).id == "probe"
    assert directory.by_dev_eui("0" * 16) is None
    assert (directory.asset_of("probe"), directory.asset_of("stranger")) == ("sensor", None)
    assert directory.has_asset("alone")
    assert (directory.live_from_seq("site"), directory.live_from_seq("alone"), directory.live_from_seq("no")) == (0, None, None)
    assert (directory.is_public("site"), directory.is_public("alone"), directory.is_public("no")) == (True, False, False)
    assert (directory.is_quarantined("probe"), directory.is_quarantined("stranger")) == (True, False)


async def test_a_change_is_read_at_once_and_those_who_remember_are_told(directory, records):
    told = []
    directory.on_change(lambda: told.append(directory.generation))
    with records.begin() as connection:
        devices.add(connection, devices.Device(id="new", asset="alone", city="c"), BY)
    await directory.refresh_if_changed()  # nobody said so yet: this first call reads because it is the first
    await directory.changed()
    assert directory.asset_of("new") == "alone"
    assert told == [2]


class Fading:
    """Records that answer once and are away from then on."""

    def __init__(self, records):
        self._records = [records]

    def read(self):
        if not self._records:
            raise Unavailable("records.away", "The records do not answer.")
        return self._records.pop().read()


async def test_the_last_register_stays_in_force_while_the_records_are_away(records):
    directory = Directory(Fading(records), "c")
    await directory.refresh_if_changed()
    await directory.changed()
    assert directory.may_write("probe", "sensor")


def test_a_few_new_things_are_learnt_without_reading_the_whole_register(directory, records):
    with records.begin() as connection:
        for name in ("new", "other"):
            assets.add(connection, Asset(id=name, city="c", kind="station", name=Text(name)), BY)
            devices.add(connection, devices.Device(id=f"dev-{name}", asset=name, city="c", dev_eui=f"{len(name):016x}"), BY)
    before = directory.generation
    directory.learn(["new"], ["dev-new"])
    assert directory.generation == before + 1
    assert directory.by_dev_eui(f"{3:016x}").asset == "new"
    assert (directory.has_asset("new"), directory.has_asset("other"), directory.has_asset("site")) == (True, False, True)
    directory.refresh()
    assert directory.has_asset("other")
