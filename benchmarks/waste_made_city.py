"""A city of 5,000 bins on 16 km by 16 km of made-up streets: 22 trucks of two kinds, a garage, two disposal sites elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from scipy.stats import gamma

from dure.engines.roads.profiles import vehicle_profiles
from dure.routing.graph import Graph, graph_of
from dure.routing.hierarchy import Hierarchy
from dure.routing.matrix import prepared, travel
from dure.routing.model import Matrix
from dure.routing.streets import StreetPlan, made_up_streets
from dure.services.waste.bins import Depot, DumpSite, Fleet, Truck
from dure.services.waste.model import Bin, Forecast
from dure.services.waste.planning.day import Day
from dure.services.waste.planning.policy import policy_on
from dure.services.waste.planning.rests import rests_on

ON = date(2026, 11, 25)
H = 3_600
PROFILE = "truck"
NOISE = 0.7  # coefficient of variation of a day's waste
SINCE_D = 5.5  # bins were last emptied so many days ago at most
SNAP_M = 500.0


class MadeCity:
    """Streets, bins, trucks and what is known of the bins."""

    def __init__(self, bins_n: int = 5_000, seed: int = 1, side_km: float = 16.0, trucks_n: int = 22) -> None:
        chance = np.random.default_rng(seed)
        network = made_up_streets(StreetPlan(side_km=side_km), vehicle_profiles(ON), seed)
        self.graph: Graph = graph_of(network, PROFILE)
        self.hierarchy: Hierarchy = prepared(self.graph)
        self.row: dict[bytes, int] = {}
        self.kept: Matrix
        corner, size = network.lon_lat.min(axis=0), np.ptp(network.lon_lat, axis=0)
        self.lon_lat = corner + (0.02 + 0.96 * chance.random((bins_n, 2))) * size
        garage, *dumps = (corner + np.array(at) * size for at in ((0.42, 0.55), (0.12, 0.2), (0.85, 0.75)))
        rate = chance.lognormal(np.log(0.117), 0.75, bins_n)
        level = np.minimum(chance.gamma(chance.uniform(0, SINCE_D, bins_n) / NOISE**2 + 1e-9, rate * NOISE**2), 1.25)
        room = np.maximum(1 - level, 0)
        risk = np.where(room > 0, gamma.sf(room, 1 / NOISE**2, scale=rate * NOISE**2), 1.0)
        self.bins = tuple(
            Bin(id=f"bin-{row:04d}", lon=lon, lat=lat, capacity_l=240.0, service_s=60)
            for row, (lon, lat) in enumerate(self.lon_lat.tolist())
        )
        self.forecast = Forecast(
            bins=tuple(one.id for one in self.bins), level=level, low=level * 0.8, high=level * 1.2, risk=risk, per_day=rate,
            age_d=np.ones(bins_n), health=("healthy",) * bins_n,
        )  # fmt: skip
        self.fleet = Fleet(
            [_truck(number) for number in range(trucks_n)], [Depot(id="garage", lon=garage[0], lat=garage[1])],
            [
                DumpSite(id=f"dump-{number}", lon=at[0], lat=at[1], service_s=900, windows=((6 * H, 17 * H),))
                for number, at in enumerate(dumps)
            ], [],
        )  # fmt: skip

    def travel(self, _profile: str, lon_lat: np.ndarray) -> Matrix:
        """Along the streets; the last places asked for are kept, as the house keeps them."""
        names = [one.tobytes() for one in np.ascontiguousarray(lon_lat)]
        if not self.row.keys() >= set(names):
            self.row = {name: row for row, name in enumerate(names)}
            self.kept = travel(self.graph, lon_lat, SNAP_M, self.hierarchy).matrix
        return self.kept.take([self.row[name] for name in names])

    def day(self, **fields: object) -> Day:
        given = {
            "on": ON, "bins": self.bins, "forecast": self.forecast, "fleet": self.fleet, "policy": policy_on(ON),
            "rests": rests_on(ON), "travel": self.travel,
        }  # fmt: skip
        return Day(**{**given, **fields})  # type: ignore[arg-type]


def _truck(number: int) -> Truck:
    large = number % 2 == 0
    return Truck(
        id=f"truck-{number:02d}", depot="garage", capacity_l=14_000.0 if large else 8_000.0, dumps=("dump-0", "dump-1"),
        shift=(6 * H, 13 * H),
    )  # fmt: skip


def at(hours: float) -> datetime:
    return datetime(ON.year, ON.month, ON.day, tzinfo=UTC) + timedelta(hours=hours)
