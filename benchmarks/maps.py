"""Maps between stations: 50,000 cells from 500 stations, as ``make bench NAME=maps``.

A map is what a minute brings: new values at the same stations. Ours solves the weights once and then multiplies; the peer,
PyKrige 1.7.3, solves every cell again: the same 16 neighbours, variogram and coordinates, in its C and its loop back end, and
vectorised with all stations (full kriging). The field is one draw of the variogram that both are given.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from report import Row, tell, write

from dure.services.environment.maps.surface import Mapper, Reliability, Surface
from dure.services.environment.maps.variogram import FitRule, Usual, Variogram, fit, semivariance

SIDE_M = 50_000
NEIGHBOURS = 16
VARIOGRAM = Variogram(model="spherical", psill=30.0, range_m=15_000, nugget=3.0)
RULE = Reliability(sd_share_max=0.95, ranges_max=1.0)
FIT = FitRule(
    models=("spherical", "exponential", "gaussian"), stations_min=8, times_min=6, pairs_min=20, lags=12, lag_share=0.6, ranges=40,
    range_m_min=1_000, range_m_max=60_000, gain_min=0.6, nugget_share_max=0.9, gaussian_nugget_min=0.02,
)  # fmt: skip
USUAL = Usual(model="exponential", range_m=20_000, nugget_share=0.2, sd=6.0)


class City:
    """Stations at random places, cells on a lattice, and draws of the field at the stations."""

    def __init__(self, stations: int, cells: int, draws: int) -> None:
        chance = np.random.default_rng(8)
        self.stations = chance.uniform(0, SIDE_M, (stations, 2))
        rows = round((cells / 1.25) ** 0.5)
        self.lattice = (np.linspace(0, SIDE_M, cells // rows), np.linspace(0, SIDE_M, rows))
        self.cells = np.stack(np.meshgrid(*self.lattice), axis=-1).reshape(-1, 2)
        apart = np.hypot(*(self.stations[:, None] - self.stations[None]).transpose(2, 0, 1))
        root = np.linalg.cholesky(VARIOGRAM.sill - semivariance(VARIOGRAM, apart) + 1e-9 * np.eye(stations))
        self.draws = 60 + (root @ chance.normal(size=(stations, draws))).T

    def mapper(self) -> Mapper:
        return Mapper(self.stations, self.cells, VARIOGRAM, RULE)

    def pykrige(self, values: np.ndarray) -> Any:
        from pykrige.ok import OrdinaryKriging

        given = {"psill": VARIOGRAM.psill, "range": VARIOGRAM.range_m, "nugget": VARIOGRAM.nugget}
        return OrdinaryKriging(*self.stations.T, values, variogram_model=VARIOGRAM.model, variogram_parameters=given)


def took_s(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds of one piece of work, and its result."""
    before = time.perf_counter()
    result = work()
    return time.perf_counter() - before, result


def peer_map(city: City, values: np.ndarray, backend: str) -> tuple[float, Any]:
    """A map of the peer: seconds and (values, variances)."""
    only = {} if backend == "vectorized" else {"n_closest_points": NEIGHBOURS}
    return took_s(lambda: city.pykrige(values).execute("points", *city.cells.T, backend=backend, **only))


def cross_validation(city: City, values: np.ndarray) -> float:
    """Leave-one-out RMSE of full kriging: each station from all the others."""
    n = len(values)
    apart = np.hypot(*(city.stations[:, None] - city.stations[None]).transpose(2, 0, 1))
    matrix = np.ones((n + 1, n + 1))
    matrix[:n, :n], matrix[n, n] = semivariance(VARIOGRAM, apart), 0.0
    off = []
    for one in range(n):
        rest = np.arange(n + 1) != one
        weight = np.linalg.solve(matrix[np.ix_(rest, rest)], matrix[rest, one])[:-1]
        off.append(float(weight @ values[rest[:-1]]) - values[one])
    return float(np.sqrt(np.mean(np.square(off))))


def measure(city: City) -> list[Row]:
    values = city.draws[0]
    setup_s, mapper = took_s(city.mapper)
    first_s, found = took_s(lambda: mapper.surface(values, 0.0))
    assert isinstance(found, Surface)
    assert found.clipped == 0
    update_ms = statistics.median(took_s(lambda row=row: mapper.surface(row, 0.0))[0] for row in city.draws) * 1_000
    dropped = values.copy()
    dropped[7] = np.nan
    drop_ms = took_s(lambda: mapper.surface(dropped, 0.0))[0] * 1_000
    back_ms = took_s(lambda: mapper.surface(values, 0.0))[0] * 1_000
    city.pykrige(values).execute("points", *city.cells[:9].T, backend="C", n_closest_points=NEIGHBOURS)  # imports, not counted
    c_s, (peer, variance) = peer_map(city, values, "C")
    loop_s, (looped, _) = peer_map(city, values, "loop")
    full_s, (whole, _) = peer_map(city, values, "vectorized")
    size = f"{len(city.cells):,} cells from {len(values)} stations"
    fit_ms = took_s(lambda: fit(city.stations, city.draws[:24], FIT, USUAL))[0] * 1_000
    rows = [
        row(f"map update, {size}", update_ms, "ms", bar=50, peer=(c_s * 1_000, "PyKrige 16 nearest, C")),
        row("the same beside the peer's loop", update_ms, "ms", peer=(loop_s * 1_000, "PyKrige 16 nearest, loop")),
        row("the same beside full kriging", update_ms, "ms", peer=(full_s * 1_000, "PyKrige all stations, vectorised")),
        row("set-up: neighbours and weights", setup_s + first_s, "s", peer=(c_s, "PyKrige C, every map")),
        row("update after one station dropped out", drop_ms, "ms"),
        row("update after it came back", back_ms, "ms"),
        row("largest difference of values", float(np.abs(found.estimate - peer).max()), "unit", bar=1e-6),
        row("largest difference of values to the loop", float(np.abs(found.estimate - looped).max()), "unit", bar=1e-6),
        row("largest difference of sd", float(np.abs(found.sd - np.sqrt(variance)).max()), "unit", bar=1e-6),
        row("mean difference to full kriging, of the field's sd", _share(found.estimate - whole), "1"),
        row("variogram fitted from 24 hours", fit_ms, "ms"),
        row("share inside the 80 % interval, mean of draws", _within(mapper, city), "1", better="higher"),
    ]
    beside = (cross_validation(city, values), "all other stations")
    return [*rows, row("leave-one-out RMSE, 16 nearest", found.score.rmse, "unit", peer=beside)]


def _share(off: np.ndarray) -> float:
    return float(np.mean(np.abs(off))) / VARIOGRAM.sd


def _within(mapper: Mapper, city: City) -> float:
    found = [mapper.surface(draw) for draw in city.draws]
    return statistics.mean(one.score.within_80 for one in found if isinstance(one, Surface))


def row(
    figure: str, ours: float, unit: str, *, bar: float | None = None, peer: tuple[float, str] | None = None, better: Any = "lower"
) -> Row:
    return Row(
        figure=figure, ours=ours, unit=unit, better=better, bar=bar, peer=peer and peer[0], peer_name=peer[1] if peer else ""
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2,000 cells from 100 stations, nothing kept")
    options = parser.parse_args()
    city = City(100, 2_000, 24) if options.quick else City(500, 50_000, 40)
    (tell if options.quick else write)("maps", measure(city))


if __name__ == "__main__":
    main()
