"""What is ClickHouse's own: no transaction over rows and cursor, an engine that goes away, a cluster's tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from telemetry_engines import ClickHouseEngine, Wire, open_store
from telemetry_oracle import DAY, HOUR, T0, S, batch, every_row
from telemetry_writer import message

from dure.core.errors import ConfigError, Unavailable
from dure.core.properties import Property
from dure.engines.telemetry.clickhouse import ClickHouseTelemetry
from dure.engines.telemetry.clickhouse_tables import TABLES, address_of, definition
from dure.engines.telemetry.clickhouse_upkeep import Upkeep

TORN = Path(__file__).parent / "telemetry_torn_writer.py"


@pytest.fixture
def engine(wire):
    made = ClickHouseEngine(wire)
    yield made
    made.close()


def test_a_writer_killed_between_rows_and_cursor_loses_and_doubles_nothing(engine):
    for step, code in (("rows", 9), ("cursor", 9), ("cursor", 9), ("none", 0), ("rows", 9), ("cursor", 9), ("none", 0)):
        done = subprocess.run([sys.executable, str(TORN), "clickhouse", engine.url("k"), step], check=False)
        assert done.returncode == code
    store = engine.store("k")
    assert store.cursor("OBS") == 6
    expected = sorted(row[:3] for seq in range(1, 7) for row in message(seq))
    assert [row[:3] for row in every_row(store)] == expected
    assert sum(count for _, count in store.totals("day", 0, T0 + DAY).values()) == len(expected)


def test_a_writer_killed_between_rows_flags_and_cursor_loses_no_revision(engine):
    for step, code in (("none", 0), ("rows", 9), ("flags", 9), ("cursor", 9), ("none", 0), ("flags", 9), ("none", 0)):
        done = subprocess.run([sys.executable, str(TORN), "clickhouse", engine.url("k"), step, "revise"], check=False)
        assert done.returncode == code
    store = engine.store("k")
    assert store.cursor("OBS") == 9
    failed = {row[:3] for row in every_row(store) if row[5] == 4}
    assert failed == {message(seq)[0][:3] for seq in (1, 3, 4, 6, 7)}
    assert store.rollup("temp", "day", 0, T0 + DAY).n_fail.sum() + store.rollup("rain", "day", 0, T0 + DAY).n_fail.sum() == 5


def test_an_insert_sent_again_by_the_network_is_dropped_by_its_token(engine):
    store = engine.store()
    some = batch([("a", "temp", T0 + i * S, float(i)) for i in range(100)])
    store.append(some, {"OBS": 1})
    store._store_rows(some)  # noqa: SLF001  # the very same insert once more, past our own check
    assert store.count() == 100


def test_a_reader_sees_the_series_of_every_writer(engine):
    reader = engine.store()
    one, other = engine.store(), engine.store()
    one.append(batch([("a", "temp", T0, 1.0)]), {"OBS-1": 1})
    other.append(batch([("b", "temp", T0, 3.0)]), {"OBS-2": 1})
    assert sorted(reader.keys()) == [("a", "temp"), ("b", "temp")]
    assert list(reader.rollup("temp", "hour", T0, T0 + 1).asset) == ["a", "b"]
    assert list(reader.totals("day", T0, T0 + 1).values()) == [(4.0, 2)]
    assert (reader.cursor("OBS-1"), reader.cursor("OBS-2")) == (1, 1)


def test_the_engine_killed_while_rows_arrive_loses_nothing_acknowledged(tmp_path):
    wire = Wire(tmp_path / "wire")
    store = open_store("clickhouse", wire.url("k"))
    kept = 0
    for seq in range(1, 8):
        store.append(batch(message(seq)), {"OBS": seq})
        kept = seq
    wire.kill()
    with pytest.raises(Unavailable, match=r"telemetry\.down"):
        store.append(batch(message(8)), {"OBS": 8})
    with pytest.raises(Unavailable, match=r"telemetry\.down"):
        store.check()
    again = Wire(tmp_path / "wire", wire.port)
    try:
        assert store.cursor("OBS") == kept
        assert store.append(batch([row for seq in (7, 8) for row in message(seq)]), {"OBS": 8}).fresh.sum() == 40
        assert len(every_row(store)) == 8 * 40
    finally:
        store.close()
        again.kill()


def test_a_wrong_password_and_a_wrong_address_are_said(wire):
    with pytest.raises(ConfigError, match=r"telemetry\.sign_in"):
        ClickHouseTelemetry(wire.url("x").replace("wire-secret", "guess"))
    for wrong in ("http://localhost/x", "clickhouse:///x", "clickhouse://h/x;y", "clickhouse://h/x?engine=1"):
        with pytest.raises(ConfigError, match=r"config\.invalid"):
            ClickHouseTelemetry(wrong)
    store = ClickHouseTelemetry(wire.url("closing"))
    store.close()
    with pytest.raises(Unavailable, match=r"telemetry\.closed"):
        store.count()


TEMP = Property(id="temp", name={"ko": "기온", "en": "Temperature"}, unit="Cel", fail_min=-60, fail_max=60, retention_d=3)


@pytest.mark.parametrize(("step", "time"), [("_insert_parts", 3), ("_mark_sealed", 1), ("_note", 2), ("_note", 3)])
def test_an_expiry_killed_at_any_step_is_carried_on(engine, step, time):
    store = engine.store()
    rows = [("a", "temp", T0 + i * HOUR, 1.0) for i in range(72)] + [("a", "temp", T0 + S, 1.0, 1, T0 + 40 * DAY)]
    store.append(batch(rows), {})

    class Killed(Exception):
        pass

    class Mortal(Upkeep):
        steps = time

    def die(self, *args, **options):
        self.steps -= 1
        if not self.steps:
            raise Killed
        return getattr(Upkeep, step)(self, *args, **options)

    setattr(Mortal, step, die)
    dying = Mortal(store._client, store._address, store._writing, store._stamp)  # noqa: SLF001  # a kill inside
    with pytest.raises(Killed):
        dying.expire("temp", T0 // DAY * DAY + 10 * DAY, T0 + 30 * DAY)
    again = engine.store()
    assert again.count() == 1
    again.append(batch([("a", "temp", T0 + 2 * S, 1.0)]), {})
    assert sum(count for _, count in again.totals("day", 0, T0 + 90 * DAY).values()) == 74
    while again.maintain(now_us=T0 + 50 * DAY):
        pass
    assert sum(count for _, count in again.totals("hour", 0, T0 + 90 * DAY).values()) == 74
    assert again.expire([TEMP], now_us=T0 + 60 * DAY, archived_until_us=T0 + 59 * DAY) == 2
    assert sum(count for _, count in again.totals("month", 0, T0 + 90 * DAY).values()) == 74


def test_a_cluster_has_replicated_tables_behind_distributed_ones():
    address = address_of("clickhouse://u:p%40w@ch:9000/city?cluster=prod&secure=1")
    assert (address.password, address.port, address.secure) == ("p@w", 9000, True)
    local, distributed = definition(TABLES[0], address)
    assert "observations_local ON CLUSTER `prod`" in local
    assert "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/city/observations', '{replica}')" in local
    assert distributed.endswith("ENGINE = Distributed(`prod`, `city`, observations_local, cityHash64(asset))")
    assert address.settings["select_sequential_consistency"] == 1
