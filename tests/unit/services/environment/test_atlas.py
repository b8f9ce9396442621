"""The city's maps as they are asked for: which stations make them, when they are made anew, what the routes answer."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import httpx
import msgspec
import numpy as np
import pytest
from fastapi import FastAPI

from dure.city import read_city
from dure.core.access import ANONYMOUS
from dure.core.assets import Asset, AssetKinds
from dure.core.errors import Unavailable
from dure.core.geo import at
from dure.core.observations import Batch, Flag
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment import rules
from dure.services.environment.api import surface_api
from dure.services.environment.maps.atlas import Atlas
from dure.services.environment.maps.surface import NoSurface, Surface
from dure.services.environment.model import KINDS, PROPERTIES
from dure.spine.live import Live

HWASEONG = Path(__file__).resolve().parents[4] / "examples/hwaseong"
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PM = next(one for one in PROPERTIES if one.id == "pm2_5")
CITY = read_city(HWASEONG)
SHIPPED = Path(rules.__file__).with_name("rules") / "surface.toml"


@pytest.fixture(scope="module", autouse=True)
def coarse_city(tmp_path_factory):
    """The city with cells of a kilometre, by its own rules: maps are made at once."""
    folder = tmp_path_factory.mktemp("city")
    (folder / "rules").mkdir()
    words = SHIPPED.read_text("utf-8")
    assert "cell_m = 250 " in words
    (folder / "rules" / "surface.toml").write_text(words.replace("cell_m = 250 ", "cell_m = 1000 "), "utf-8")
    Network.city = dataclasses.replace(CITY, folder=folder)


class Clock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class Away:
    def rollup(self, *_: object, **__: object) -> None:
        raise Unavailable("telemetry.unavailable", "away")


class Network:
    """A house with stations on a lattice over the city and a smooth field of PM2.5 at them."""

    city = CITY

    def __init__(self, telemetry: object, stations: int = 30) -> None:
        self.clock, self.live, self.seq = Clock(), Live(), 0
        self.house = SimpleNamespace(
            city=self.city,
            clock=self.clock,
            properties=Properties(PROPERTIES),
            kinds=AssetKinds(KINDS),
            live=self.live,
            telemetry=telemetry,
        )
        chance = np.random.default_rng(2)
        west, south, east, north = CITY.bounds
        self.lon, self.lat = chance.uniform(west, east, stations), chance.uniform(south, north, stations)
        self.field = 20 + 8 * np.sin((self.lon - west) * 12) + chance.normal(0, 1, stations)
        self.assets = {
            f"s{i:02d}": Asset(
                id=f"s{i:02d}",
                city=CITY.id,
                kind="station",
                name=Text(f"측정소 {i}"),
                place=at(self.lon[i], self.lat[i]),
                state="live",
            )
            for i in range(stations)
        }
        self.tell(dict(zip(self.assets, self.field.tolist(), strict=True)))
        self.atlas = Atlas(self.house)

    def tell(self, values: dict[str, float], flag: Flag = Flag.GOOD, back_s: int = 0) -> None:
        """Newest values, told now."""
        self.seq += 1
        time_us = to_us(self.clock.now()) + self.seq - back_s * 1_000_000
        n = len(values)
        times, ones = np.full(n, time_us), np.full(n, int(flag), np.uint8)
        keys = [(name, "pm2_5") for name in values]
        rows = np.arange(n, dtype=np.int32)
        self.live.update(Batch(keys, rows, times, times, np.array(list(values.values())), ones, np.zeros(n, np.uint8), times))

    def map(self, known=PM):
        """The map after the shortest time between two maps has passed."""
        self.clock.at += timedelta(seconds=6)
        return asyncio.run(self.atlas.sheet(known, self.assets))

    def ask(self, path: str, staff: bool = False, **headers: str) -> httpx.Response:
        app = FastAPI()
        app.state.house, app.state.atlas, app.state.sight = self.house, self.atlas, self
        app.include_router(surface_api.routes(self.house))
        if staff:
            self.house.people = SimpleNamespace(
                actor=lambda *_: msgspec.structs.replace(ANONYMOUS, id="p", roles=frozenset({"operator"}))
            )
            headers["authorization"] = "Bearer token"

        async def asked() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                return await client.get(path, headers=headers)

        return asyncio.run(asked())

    async def of_filter(self, *, everything: bool) -> dict[str, Asset]:  # noqa: ARG002  # the register answers alike here
        return self.assets


@pytest.fixture
def network(tmp_path):
    store = DuckTelemetry(tmp_path / "t.duckdb")
    yield Network(store)
    store.close()


def codes(sheet) -> dict[str, str]:
    return {one.asset.id: one.code for one in sheet.stations if one.code}


def test_a_map_is_made_of_good_values_and_covers_the_city(network):
    sheet = network.map()
    assert isinstance(sheet.surface, Surface)
    assert sheet.surface.score.n == 30
    assert sheet.surface.score.rmse < sheet.surface.score.rmse_of_mean
    assert len(sheet.surface.estimate) == len(sheet.grid.cell) > 500


@pytest.mark.parametrize(
    ("flag", "code"),
    [(Flag.SUSPECT, "suspect"), (Flag.FAIL, "failed"), (Flag.NOT_EVALUATED, "not_evaluated"), (Flag.MISSING, "missing")],
)
def test_a_value_that_is_not_good_is_left_out_with_its_reason(network, flag, code):
    before = network.map().surface.estimate
    network.tell({"s03": 300.0 if flag != Flag.MISSING else float("nan")}, flag)
    sheet = network.map()
    assert codes(sheet) == {"s03": code}
    assert sheet.surface.sites == 29
    assert sheet.surface.estimate.max() < before.max() + 5


def test_a_station_that_is_overdue_is_left_out_without_any_new_value(network):
    network.map()
    network.clock.at += timedelta(seconds=4 * PM.period_s)
    network.tell({name: 20.0 + i for i, name in enumerate(network.assets) if name != "s05"})
    assert codes(network.map()) == {"s05": "late"}


def test_stations_on_trial_far_away_or_without_a_place_are_left_out(network):
    network.assets["s01"] = msgspec.structs.replace(network.assets["s01"], state="quarantined")
    network.assets["s02"] = msgspec.structs.replace(network.assets["s02"], place=None)
    network.assets["s04"] = msgspec.structs.replace(network.assets["s04"], place=at(129.0, 35.2))
    network.assets["s06"] = msgspec.structs.replace(network.assets["s06"], state="retired")
    assert codes(network.map()) == {"s01": "on_trial", "s02": "no_place", "s04": "too_far"}


def test_many_visitors_cost_one_map(network):
    network.clock.at += timedelta(seconds=6)

    async def crowd():
        return await asyncio.gather(*(network.atlas.sheet(PM, network.assets) for _ in range(50)))

    sheets = asyncio.run(crowd())
    assert network.atlas.made == 1
    assert all(one is sheets[0] for one in sheets)


def test_a_map_is_made_anew_when_a_value_changes_and_only_then(network):
    first = network.map()
    assert network.map().surface is first.surface
    network.tell({"s03": 99.0})
    assert network.map().surface is not first.surface
    assert network.atlas.made == 2


def test_a_station_that_moved_is_taken_at_its_new_place(network):
    network.map()
    network.assets["s03"] = msgspec.structs.replace(network.assets["s03"], place=at(126.9, 37.15))
    moved = network.map()
    assert network.atlas.made == 2
    assert isinstance(moved.surface, Surface)


def test_the_variogram_is_fitted_once_an_hour(network):
    first = network.map().fitted
    network.tell({"s03": 99.0})
    assert network.map().fitted is first
    network.clock.at += timedelta(hours=1)
    network.tell(dict(zip(network.assets, network.field.tolist(), strict=True)))
    assert network.map().fitted is not first


def test_history_makes_the_variogram_the_citys_own(network):
    hours = np.arange(1, 24)
    for name, value in zip(network.assets, network.field, strict=True):
        time = to_us(NOW) - hours * 3_600_000_000
        n = len(time)
        rows = np.zeros(n, np.int32), time, time, value + 0.3 * np.sin(hours), np.ones(n, np.uint8), np.zeros(n, np.uint8), time
        network.house.telemetry.append(Batch([(name, "pm2_5")], *rows), {})
    fitted = network.map().fitted
    assert fitted.times >= 20
    assert fitted.gain > 0.6
    assert not set(fitted.reasons) & {"too_few_times", "no_structure"}


def test_without_history_or_while_telemetry_is_away_the_usual_variogram_stands_in_and_says_so(network):
    assert network.map().fitted.reasons == ("too_few_times",)
    assert Network(Away()).map().fitted.reasons == ("too_few_times",)


def test_two_stations_make_no_map_and_the_answer_says_why():
    network = Network(Away(), stations=2)
    assert network.map().surface == NoSurface("too_few_stations", 2, 3)
    found = network.ask("/environment/surface?property=pm2_5").json()
    assert found["map"] is None
    assert found["missing"]["code"] == "too_few_stations"
    assert found["missing"]["why"]["ko"]
    assert network.ask("/environment/surface.geojson?property=pm2_5").json()["features"] == []
    assert network.ask("/environment/surface.csv?property=pm2_5").text == "lon,lat,estimate,sd,reliable\n"


def test_a_property_that_is_not_mapped_says_why(network):
    found = network.ask("/environment/surface?property=noise_leq").json()
    assert (found["map"], found["missing"]["code"]) == (None, "not_mapped")
    assert found["missing"]["why"]["en"].startswith("Noise")


def test_packed_cells_are_the_map(network):
    found = network.ask("/environment/surface?property=pm2_5").json()
    surface = network.map().surface
    packed = found["map"]
    estimate = np.frombuffer(base64.b64decode(packed["estimate"]["values"]), "<i2") * packed["estimate"]["step"]
    np.testing.assert_allclose(estimate, surface.estimate, atol=0.051)
    covered = np.unpackbits(np.frombuffer(base64.b64decode(packed["covered"]), np.uint8))
    assert covered.sum() == len(estimate)
    reliable = np.unpackbits(np.frombuffer(base64.b64decode(packed["reliable"]), np.uint8))[: len(estimate)]
    assert reliable.sum() == surface.reliable.sum()
    assert sum(one["cells"] for one in found["zones"]) == len(estimate)


def test_who_has_the_map_already_is_told_so(network):
    first = network.ask("/environment/surface?property=pm2_5")
    again = network.ask("/environment/surface?property=pm2_5", **{"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


def test_the_public_sees_no_station_on_trial_and_no_value_that_failed(network):
    network.assets["s01"] = msgspec.structs.replace(network.assets["s01"], state="quarantined")
    network.tell({"s03": 900.0}, Flag.FAIL)
    network.tell({"s04": 400.0}, Flag.SUSPECT)
    public = network.ask("/environment/surface?property=pm2_5")
    staff = network.ask("/environment/surface?property=pm2_5", staff=True)
    assert {one["asset"]: one["value"] for one in public.json()["not_used"]} == {"s03": None, "s04": 400.0}
    assert {one["asset"]: one["value"] for one in staff.json()["not_used"]}["s03"] == 900.0
    assert {one["asset"] for one in staff.json()["not_used"]} == {"s01", "s03", "s04"}
    assert public.headers["cache-control"].startswith("public")
    assert staff.headers["cache-control"].startswith("private")
    assert public.json()["map"] == staff.json()["map"]


def test_coarse_cells_are_few_and_hold_the_mean(network):
    features = network.ask("/environment/surface.geojson?property=pm2_5").json()["features"]
    surface = network.map().surface
    assert 100 < len(features) <= 600
    estimates = [one["properties"]["estimate"] for one in features]
    assert min(estimates) >= surface.estimate.min() - 0.1
    assert max(estimates) <= surface.estimate.max() + 0.1
    assert all(0 <= one["properties"]["reliable_share"] <= 1 for one in features)


def test_the_table_has_a_line_for_each_cell(network):
    lines = network.ask("/environment/surface.csv?property=pm2_5").text.splitlines()
    assert lines[0] == "lon,lat,estimate,sd,reliable"
    assert len(lines) == len(network.map().grid.cell) + 1
