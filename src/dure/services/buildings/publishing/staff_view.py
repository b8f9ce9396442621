"""The portfolio for staff: every building with its standing, and all of them together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dure.services.buildings.comparing.eui import Eui
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.spans import months_between, shifted
from dure.services.buildings.comparing.standings import Comparison, Standing
from dure.services.buildings.model import Building
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.publishing.figures import Figures, change, figures
from dure.services.buildings.publishing.month_cells import Cell, month_cells
from dure.services.buildings.publishing.spans import Span

UNRANKED = 1_000_000_000


class Row(NamedTuple):
    """A building in a list of staff: how it stands, and what is known of it."""

    building: Building
    standing: Standing
    newest: Figures
    change: float | None

    @property
    def eui(self) -> Eui | None:
        """Its intensity, when it may be compared."""
        found = self.standing.eui
        return found if isinstance(found, Eui) and found.comparable else None

    @property
    def grade(self) -> str:
        """Its grade, "" when it has none."""
        return self.standing.grade.letter if isinstance(self.standing.grade, Grade) else ""


class StaffView(NamedTuple):
    """All buildings.

    Attributes
    ----------
    rows : the highest intensity first, then those that cannot be ranked
    newest, last_month, this_month : of all together
    change : of energy to the year before, over the `compared_n` buildings whose two years are whole [1]
    cells : by month
    """

    span: Span
    comparison: Comparison
    rows: tuple[Row, ...]
    newest: Figures
    last_month: Figures
    this_month: Figures
    change: float | None
    compared_n: int
    cells: tuple[Cell, ...]

    def row(self, building: str) -> Row | None:
        """The row of a building."""
        return next((one for one in self.rows if one.building.id == building), None)


def staff_view(
    buildings: Mapping[str, Building],
    rows: Mapping[str, Sequence[BuildingMonth]],
    compared: tuple[Span, Comparison],
    this_month: str,
    coverage_min: float,
) -> StaffView:
    """The portfolio; `compared` are the twelve months all are shown over, and how they stand in them."""
    span, standings = compared
    found, before_wh, now_wh, compared_n = [], 0, 0, 0
    for building in buildings.values():
        listed = rows.get(building.id, ())
        newest, before = (figures(listed, each, coverage_min) for each in (span, span.before))
        found.append(Row(building, standings.standings[building.id], newest, change(newest, before)))
        if found[-1].change is not None:
            before_wh, now_wh, compared_n = before_wh + before.energy_wh, now_wh + newest.energy_wh, compared_n + 1
    everything = [row for listed in rows.values() for row in listed]
    last_month = shifted(this_month, -1)
    return StaffView(
        span=span,
        comparison=standings,
        rows=tuple(sorted(found, key=lambda row: (row.standing.rank or UNRANKED, row.building.id))),
        newest=figures(everything, span, coverage_min),
        last_month=figures(everything, Span(last_month, last_month), coverage_min),
        this_month=figures(everything, Span(this_month, this_month), coverage_min),
        change=now_wh / before_wh - 1 if before_wh else None,
        compared_n=compared_n,
        cells=tuple(month_cells(everything, months_between(span.first, this_month))),
    )
