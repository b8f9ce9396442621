"""Small days of collection for the tests of planning: a depot, a dump, trucks, and bins round about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from dure.routing.measuring import distances_m
from dure.routing.model import Matrix
from dure.services.waste.bins import Depot, DumpSite, Fleet, Truck
from dure.services.waste.model import Bin, Forecast
from dure.services.waste.planning.day import Day
from dure.services.waste.planning.policy import Policy, policy_on
from dure.services.waste.planning.rests import rests_on

ON = date(2026, 11, 25)
H = 3600
CENTRE = (127.0, 37.2)
POLICY: Policy = policy_on(ON)


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Longitude and latitude of metres from the centre."""
    return CENTRE[0] + east_m / 88_600, CENTRE[1] + north_m / 111_195


def travel(profile: str, lon_lat: NDArray[np.float64]) -> Matrix:
    """Crow-fly distances at 10 m/s."""
    metres = np.rint(distances_m(lon_lat[:, None], lon_lat[None])).astype(np.int64)
    return Matrix(profile, metres, -(-metres // 10), estimated=True)


def a_bin(number: int, east_m: float, north_m: float, **fields: object) -> Bin:
    lon, lat = place(east_m, north_m)
    given: dict[str, object] = {"id": f"bin-{number}", "lon": lon, "lat": lat, "capacity_l": 200.0, "service_s": 120}
    return Bin(**{**given, **fields})  # type: ignore[arg-type]


def a_truck(number: int = 1, **fields: object) -> Truck:
    given: dict[str, object] = {
        "id": f"truck-{number}", "depot": "depot", "capacity_l": 3_000.0, "dumps": ("dump",), "shift": (6 * H, 14 * H),
    }  # fmt: skip
    return Truck(**{**given, **fields})  # type: ignore[arg-type]


def a_fleet(trucks: Sequence[Truck] = (), **dump: object) -> Fleet:
    depot, site = place(0, 0), place(3_000, -3_000)
    given: dict[str, object] = {"id": "dump", "lon": site[0], "lat": site[1], "service_s": 600, "windows": ((6 * H, 16 * H),)}
    dumps = [DumpSite(**{**given, **dump})]  # type: ignore[arg-type]
    return Fleet(list(trucks) or [a_truck(1), a_truck(2)], [Depot(id="depot", lon=depot[0], lat=depot[1])], dumps, [])


def a_forecast(bins: Sequence[Bin], risk: Sequence[float], level: Sequence[float] | None = None) -> Forecast:
    n = len(bins)
    fill = np.array(level if level is not None else [0.6] * n, np.float64)
    return Forecast(
        bins=tuple(one.id for one in bins), level=fill, low=fill * 0.8, high=fill * 1.2, risk=np.array(risk, np.float64),
        per_day=np.full(n, 0.2), age_d=np.full(n, 0.5), health=("healthy",) * n,
    )  # fmt: skip


def a_day(bins: Sequence[Bin], risk: Sequence[float], level: Sequence[float] | None = None, **fields: object) -> Day:
    given: dict[str, object] = {
        "on": ON, "bins": tuple(bins), "forecast": a_forecast(bins, risk, level), "fleet": a_fleet(), "policy": POLICY,
        "rests": rests_on(ON), "travel": travel,
    }  # fmt: skip
    return Day(**{**given, **fields})  # type: ignore[arg-type]


def scattered(n: int, seed: int, *, side_m: float = 8_000, **fields: object) -> tuple[list[Bin], list[float], list[float]]:
    """Bins at random places, their risks and levels."""
    chance = np.random.default_rng(seed)
    places = chance.uniform(-side_m / 2, side_m / 2, (n, 2))
    bins = [a_bin(number, *at, **fields) for number, at in enumerate(places.tolist())]  # type: ignore[arg-type]
    return bins, chance.beta(0.5, 1.5, n).round(4).tolist(), chance.uniform(0.1, 1.1, n).round(3).tolist()


def changed(day: Day, **fields: object) -> Day:
    return replace(day, **fields)  # type: ignore[arg-type]
