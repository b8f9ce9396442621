"""Buildings with faults put in: hourly electricity of ComStock (simulated, not Korean), faults by a seed, and a peer's rule."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.finding.day_grid import HOUR_US, WORKDAY, DayGrid, day_grid

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")) / "buildings"
ZONE = ZoneInfo("America/New_York")  # schedules of the simulation follow its clock; the file's own is UTC-5 all year
UTC_MINUS_5_US = 5 * HOUR_US
KINDS = ("base +10 %", "weekend on", "stuck meter", "step leak")
ACCEPTED = {
    "base +10 %": ("night_base", "leak"),
    "weekend on": ("weekend",),
    "stuck meter": ("stuck",),
    "step leak": ("leak", "night_base"),
}
NIGHT = slice(0, 5)
STEP_SHARE = (0.4, 1.0)  # of the night's use
LASTS_D = 21
Floats = NDArray[np.float64]


class Faulty(NamedTuple):
    """A building with a fault from a row on; `begin_h` is the local hour at which it begins."""

    grid: DayGrid
    kind: str
    row: int
    excess_share: float


def buildings() -> dict[int, DayGrid]:
    """Each building by its number."""
    file = DATA / "comstock_70_hourly.parquet"
    query = "select id, epoch_us(datetime) at_us, temperature, observed_baseline from read_parquet(?) order by id, datetime"
    found = duckdb.connect().execute(query, [str(file)]).fetchnumpy()
    grids = {}
    for one in np.unique(found["id"]):
        rows = found["id"] == one
        at_us = found["at_us"][rows] + UTC_MINUS_5_US
        air = (np.asarray(found["temperature"][rows], float) - 32) / 1.8
        wh = np.asarray(found["observed_baseline"][rows], float) * 1_000
        grids[int(one)] = day_grid(str(one), (at_us, wh), (ZONE, ()), (at_us, air))
    return grids


def turned(grid: DayGrid, days: int) -> DayGrid:
    """The first days twice: whole weeks, so that the second year has the first as its history."""
    use, air, kind = grid.use[:days], grid.temperature[:days], grid.kind[:days]
    return DayGrid(grid.meter, grid.first, grid.zone, np.vstack([use] * 2), np.vstack([air] * 2), np.concatenate([kind] * 2))


def faulty(grid: DayGrid, kind: str, seed: int, rows: tuple[int, int]) -> Faulty | None:
    """The building with a fault of a kind that begins on a day the seed chooses; None where it would change next to nothing."""
    chance = np.random.default_rng([seed, int(grid.meter), KINDS.index(kind)])
    row = int(chance.integers(*rows))
    use = grid.use.copy()
    night = float(np.nanmean(grid.use[row - 28 : row, NIGHT]))
    last = min(row + LASTS_D, grid.days)
    if kind == "base +10 %":
        use[row:last] += 0.1 * night
    elif kind == "step leak":
        use[row:last] += chance.uniform(*STEP_SHARE) * night
    elif kind == "stuck meter":
        use[row:last] = use[row - 1, -1] if chance.random() < 0.5 else 0.0
    else:
        for day in range(row, last):
            if grid.kind[day] != WORKDAY:
                use[day] = _like_workday(grid, day)
    changed = float(np.nansum(use[row:last]) - np.nansum(grid.use[row:last]))
    share = changed / float(np.nansum(grid.use[row:last]))
    if kind == "weekend on" and share < 0.02:
        return None
    return Faulty(DayGrid(grid.meter, grid.first, grid.zone, use, grid.temperature, grid.kind), kind, row, share)


def _like_workday(grid: DayGrid, day: int) -> Floats:
    """Use of the workday within six weeks whose weather was most like a day's."""
    rows = np.arange(grid.days)
    work = np.flatnonzero((grid.kind == WORKDAY) & (np.abs(rows - day) <= 42))
    away = np.nanmean(np.abs(grid.temperature[work] - grid.temperature[day]), axis=1)
    return grid.use[work[int(np.nanargmin(away))]]


class Peer:
    """What a plain building-data server offers: bounds on each hour, and a static threshold on the day's least use.

    Bounds are the least and highest of the history; thresholds are the city's: 10 % above the usual night.
    """

    def __init__(self, grid: DayGrid, row: int) -> None:
        history = grid.use[:row]
        self.low, self.high = float(np.nanmin(history)), float(np.nanmax(history))
        self.night = 1.1 * float(np.nanmean(history[:, NIGHT]))

    def alarm(self, day: Floats) -> bool:
        """Whether it alarms on a day."""
        outside = bool(np.nanmin(day) < self.low or np.nanmax(day) > self.high)
        return outside or float(np.nanmean(day[NIGHT])) > self.night
