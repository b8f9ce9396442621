"""Energy by month and fuel of one building or of many, as charts draw it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.portfolio import BuildingMonth

COVERAGE_FULL = 0.995


class Cell(NamedTuple):
    """One month.

    Attributes
    ----------
    by_fuel : final energy of each fuel that is known [Wh]
    unsure_wh : of it estimated, substituted or filled [Wh]
    complete : whether everything that occurs in the span is known, or filled
    before_wh : of the same month a year earlier [Wh]; None: nothing is known
    """

    month: str
    by_fuel: Mapping[Fuel, int]
    unsure_wh: float
    complete: bool
    before_wh: int | None

    @property
    def energy_wh(self) -> int:
        """All fuels together."""
        return sum(self.by_fuel.values())


def month_cells(rows: Sequence[BuildingMonth], months: Sequence[str]) -> list[Cell]:
    """A cell for each month up to the last of which something is known; all of them when nothing is."""
    wanted = set(months)
    by_month: dict[str, list[BuildingMonth]] = {}
    for row in rows:
        if SUPPLIES[row.fuel].energy:
            by_month.setdefault(row.month, []).append(row)
    last = max((month for month in by_month if month in wanted), default="")
    shown = [month for month in months if month <= last] or list(months)
    needed = len({(row.building, row.fuel) for month in shown for row in by_month.get(month, ())})
    return [_cell(month, by_month, needed) for month in shown]


def _cell(month: str, by_month: Mapping[str, Sequence[BuildingMonth]], needed: int) -> Cell:
    listed = by_month.get(month, ())
    earlier = by_month.get(f"{int(month[:4]) - 1:04}{month[4:]}", ())
    by_fuel: dict[Fuel, int] = {}
    for row in listed:
        by_fuel[row.fuel] = by_fuel.get(row.fuel, 0) + (row.energy_wh or 0)
    known = len({(row.building, row.fuel) for row in listed})
    return Cell(
        month=month,
        by_fuel=by_fuel,
        unsure_wh=sum(_unsure_wh(row) for row in listed),
        complete=known == needed and all(row.filled or row.coverage >= COVERAGE_FULL for row in listed),
        before_wh=sum(row.energy_wh or 0 for row in earlier) if earlier else None,
    )


def _unsure_wh(row: BuildingMonth) -> float:
    unsure = row.estimated + row.substituted + row.filled
    return unsure / row.amount * row.energy_wh if unsure and row.amount and row.energy_wh else 0.0
