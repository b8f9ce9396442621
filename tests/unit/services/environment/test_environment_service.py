from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from structlog.testing import capture_logs

from dure.city import read_city
from dure.core.assets import Asset, AssetKinds
from dure.core.observations import Batch
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records import assets, events, outbox
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.environment.model import KINDS, PROPERTIES
from dure.services.environment.service import EnvironmentService
from dure.services.environment.watches.silence_watch import BACK, SILENT, SilenceWatch
from dure.spine.directory import Directory
from dure.spine.live import Live

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(tmp_path):
    """The parts of a house that the watch looks at; all are the real ones."""
    records = Records(f"sqlite:///{tmp_path}/records.db")
    records.migrate()
    with records.begin() as connection:
        for one, kind in (("a", "station"), ("b", "river_point"), ("bin", "waste_bin")):
            assets.add(connection, Asset(id=one, city="hwaseong", kind=kind, name=Text(one), state="live"), By("test", START))
    properties = Properties(PROPERTIES)
    CITY.apply_ranges(properties)
    directory = Directory(records, "hwaseong")
    directory.refresh()
    yield SimpleNamespace(
        city=CITY,
        clock=FixedClock(START),
        properties=properties,
        kinds=AssetKinds(KINDS),
        records=records,
        live=Live(),
        directory=directory,
    )
    records.close()


def hear(house, *assets_heard, property_id="air_temperature"):
    now_us = to_us(house.clock.now())
    n = len(assets_heard)
    whole = np.full(n, now_us, np.int64)
    ones = np.ones(n, np.uint8)
    keys = [(one, property_id) for one in assets_heard]
    house.live.update(Batch(keys, np.arange(n, dtype=np.int32), whole, whole, np.ones(n), ones, 0 * ones, whole))


def told(house):
    with house.records.read() as connection:
        return [(one.type, one.subject) for one in reversed(events.listing(connection, prefix="environment.").items)]


async def test_a_station_that_falls_silent_is_told_once_and_once_when_it_is_back(house):
    watch = SilenceWatch(house)
    hear(house, "a")
    with capture_logs() as logs:
        for _ in range(10):
            house.clock.advance(MINUTE)
            await watch.look()
        assert watch.silent == {"a"}
        hear(house, "a")
        for _ in range(2):
            await watch.look()
            house.clock.advance(MINUTE)
    assert told(house) == [(SILENT, "a"), (BACK, "a")]
    assert [(one["event"], one["log_level"], one["asset"]) for one in logs] == [
        ("station.silent", "warning", "a"),
        ("station.back", "info", "a"),
    ]
    assert watch.silent == frozenset()


async def test_both_changes_wait_in_the_outbox_for_other_services(house):
    watch = SilenceWatch(house)
    hear(house, "a")
    house.clock.advance(4 * MINUTE)
    await watch.look()
    with house.records.begin() as connection:
        (claim,) = outbox.claim(connection, house.clock.now())
    assert (claim.event.type, claim.event.subject) == (SILENT, "a")
    assert claim.event.data == {"last_at": "2026-11-24T03:00:00Z", "period_s": 60}


async def test_a_restart_repeats_nothing_and_remembers_who_was_silent(house):
    hear(house, "a")
    watch = SilenceWatch(house)
    house.clock.advance(5 * MINUTE)
    await watch.look()
    again = SilenceWatch(house)
    for _ in range(5):
        house.clock.advance(MINUTE)
        await again.look()
    assert told(house) == [(SILENT, "a")]
    hear(house, "a")
    await again.look()
    assert told(house) == [(SILENT, "a"), (BACK, "a")]


async def test_two_watches_of_one_city_tell_one_story(house):
    hear(house, "a")
    watches = [SilenceWatch(house), SilenceWatch(house)]
    house.clock.advance(5 * MINUTE)
    for watch in watches:
        await watch.look()
    assert told(house) == [(SILENT, "a")]


async def test_after_a_pause_of_the_program_itself_no_station_is_called_silent_at_once(house):
    hear(house, "a", "b")
    house.clock.advance(timedelta(hours=5))
    watch = SilenceWatch(house)
    await watch.look()
    assert told(house) == []


async def test_a_slow_river_point_has_three_of_its_own_periods(house):
    watch = SilenceWatch(house)
    hear(house, "b", property_id="toc")
    house.clock.advance(15 * MINUTE)
    await watch.look()
    assert told(house) == []
    house.clock.advance(MINUTE)
    await watch.look()
    assert told(house) == [(SILENT, "b")]


async def test_assets_of_other_services_retired_and_unknown_ones_are_not_watched(house):
    with house.records.begin() as connection:
        assets.set_state(connection, "a", "retired", By("test", START))
    house.directory.refresh()
    hear(house, "a", "bin", "nobody")
    watch = SilenceWatch(house)
    house.clock.advance(timedelta(days=1))
    await watch.look()
    assert told(house) == []


async def test_the_service_registers_its_nouns():
    service = EnvironmentService()
    assert service.name == "environment"
    assert {kind.id for kind in service.kinds()} == {"station", "river_point", "lake_point", "noise_point"}
    assert "pm2_5" in {one.id for one in service.properties()}
