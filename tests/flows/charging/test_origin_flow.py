"""From what a charger said and meters sent, through bus and telemetry, to the origin of a session and its receipt."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from city_running import PeopledCity, write_city

from dure.core.observations import Reading
from dure.core.time import to_us
from dure.engines.records import events
from dure.services.charging.central.words import Sample, Sampled, TransactionSaid
from dure.services.charging.origin import origin_records, origin_view
from dure.services.charging.origin.explaining import explain
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.origin.split import split_of
from dure.services.charging.pricing import settlement_records
from dure.services.charging.sessions.model import session_id
from dure.services.charging.sessions.session_records import overlapping
from dure.spine.directory import IMPORTER

sys.path.insert(0, str(Path(__file__).parent))
from sessions_running import ASSETS, HEAD, ChargingCity

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MINUTE_US = 60_000_000
QUARTER = timedelta(minutes=15)
IMPORT = "Energy.Active.Import.Register"
SUNNY = (
    "plaza-sun,pv,햇빛,Sun,126.9,37.2,live,,,,plaza,,,,,,,80,",
    "plaza-store,ess,저장,Store,126.9,37.2,live,,,,plaza,,100,,,,,,200",
    "plaza-meter,grid_meter,수전,Meter,126.9,37.2,live,,,,plaza,,,,,,,,",
)
PASSED = {
    ("plaza-sun", "solar_register"): [3_000, 3_000, 0, 0],
    ("plaza-store", "storage_charge_register"): [2_000, 2_000, 0, 0],
    ("plaza-store", "storage_discharge_register"): [0, 0, 1_000, 1_500],
    ("plaza-meter", "grid_import_register"): [0, 0, 0, 500],
}
TAKEN = [1_000, 1_000, 1_000, 2_000]


class SunnyCity(ChargingCity):
    """The plaza with sun, storage and a meter."""

    def __init__(self, folder: Path, at: datetime) -> None:
        write_city(folder / "city", [])
        lines = [f"{HEAD},peak_kw,capacity_kwh", *(f"{one},," for one in ASSETS), *SUNNY]
        (folder / "city" / "assets" / "charging.csv").write_text("\n".join(lines) + "\n", "utf-8")
        PeopledCity.__init__(self, folder, at)

    def sent(self, passed: dict[tuple[str, str], list[int]], start: datetime) -> None:
        """Registers of the site, each quarter."""
        readings = [
            Reading(name, float(10_000 + sum(amounts[:place])), start + place * QUARTER, asset)
            for (asset, name), amounts in passed.items()
            for place in range(len(amounts) + 1)
        ]
        self.call(self.house.intake.accept(IMPORTER, readings, way="import", received_at=self.clock.at))
        self.recorded()


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SunnyCity]:
    running = SunnyCity(tmp_path_factory.mktemp("origin"), NOW).begun()
    yield running
    running.stop()


def charged(city: SunnyCity) -> str:
    """A session of an hour, told out of order."""
    at = [to_us(NOW) + quarter * 15 * MINUTE_US for quarter in range(5)]
    shown = [50_000 + sum(TAKEN[:quarter]) for quarter in range(5)]
    steps = [
        TransactionSaid("plaza-c1", "sun", step, us, us, evse=1, samples=(Sample(us, IMPORT, wh),), token="a" * 64)
        for step, us, wh in (("started", at[0], shown[0]), ("ended", at[4], shown[4]))
    ]
    between = [Sampled("plaza-c1", 1, us, (Sample(us, IMPORT, wh),), "sun") for us, wh in zip(at[1:4], shown[1:4], strict=True)]
    city.said(steps[0], between[1], between[0])
    city.said(steps[1], between[2])
    city.clock.at = NOW + timedelta(minutes=62)
    city.look()
    return session_id("plaza-c1", "sun")


def test_a_session_is_booked_settled_and_told_by_its_origin(city: SunnyCity) -> None:
    ident = charged(city)
    city.sent(PASSED, NOW)
    assert city.call(OriginWatch(city.house).look()) == 4
    with city.house.records.read() as connection:
        split = split_of(connection, ident)
    assert (split.pv_wh, split.ess_pv_wh, split.ess_grid_wh, split.grid_wh) == (2_000, 2_500, 0, 500)
    city.clock.at = NOW + timedelta(hours=2)
    city.call(city.settling.look())
    with city.house.records.read() as connection:
        (kept,) = settlement_records.of_session(connection, ident)
    assert (kept.receipt.origin.known, kept.receipt.origin.renewable_wh, kept.receipt.energy_wh) == (True, 4_500, 5_000)


def test_the_books_are_sound_and_unfold_to_the_reads(city: SunnyCity) -> None:
    with city.house.records.read() as connection:
        assert origin_view.checked(connection, "plaza").sound
        rows = list(origin_records.chain(connection, "plaza"))
    assert [row.factors for row in rows] == ["factors@2026-11"] * 4
    found = explain(city.house, f"charging/session/{session_id('plaza-c1', 'sun')}/origin", overlapping)
    assert found.agrees
    assert [one.wh for one in found.step.parts[4].registers[-1].reads] == [50_000, 51_000]


def test_the_day_is_told_to_the_carbon_ledger_once(city: SunnyCity) -> None:
    quiet = {key: [0] * 48 for key in PASSED}
    start = NOW + timedelta(hours=1)
    for key, amounts in PASSED.items():
        city.sent({key: [sum(amounts), *quiet[key]]}, start - QUARTER)
    city.clock.at = NOW + timedelta(hours=20)
    watch = OriginWatch(city.house)
    city.call(watch.look())
    city.call(watch.look())
    with city.house.records.read() as connection:
        told = events.listing(connection, prefix="charging.energy.renewable").items
        sound = origin_view.checked(connection, "plaza").sound
    assert [(one.data["day"], one.data["evidence"][0]["quantity"]) for one in told] == [("2026-11-24", 4_500)]
    assert sha256("".join(told[0].data["readings"]).encode()).hexdigest() == told[0].data["evidence"][0]["readings_sha256"]
    assert sound
