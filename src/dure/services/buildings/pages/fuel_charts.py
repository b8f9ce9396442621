"""How fuels look and are named in charts, and months and years as stacked columns: all charts have the same order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.pages.energy_words import MWH_FROM_KWH, month_brief, month_words, span_words
from dure.services.buildings.publishing.figures import Figures
from dure.services.buildings.publishing.month_cells import Cell
from dure.web.bar_charts import BarChart, Line, LineChart, Series, Stack

if TYPE_CHECKING:
    from dure.web.i18n import Speech

# Colours are classes of static/buildings.css; patterns of `bar_charts.PATTERNS` tell fuels apart without colour.
FUEL_PATTERNS: Mapping[Fuel, str] = {
    "electricity": "plain",
    "city_gas": "hatch",
    "heat": "dots",
    "lpg": "cross",
    "kerosene": "rows",
    "diesel": "columns",
    "fuel_oil_bc": "grid",
    "pv": "back",
    "water": "waves",
}
FUEL_ORDER: tuple[Fuel, ...] = tuple(FUEL_PATTERNS)
FUEL_OF: Mapping[str, Fuel] = {one: one for one in FUEL_ORDER}


def fuel_series(fuels: Iterable[str], say: Speech) -> list[Series]:
    """The series of these fuels, in the order all charts have."""
    wanted = set(fuels)
    return [Series(one, say.text(SUPPLIES[one].name), FUEL_PATTERNS[one]) for one in FUEL_ORDER if one in wanted]


def energy_months(cells: Sequence[Cell], say: Speech, *, id_: str, title: str) -> BarChart:
    """Final energy by month and fuel; the mark is the same month of the year before."""
    series = fuel_series({fuel for cell in cells for fuel in cell.by_fuel}, say)
    unit, scale = _unit([cell.energy_wh for cell in cells])
    stacks = [
        Stack(
            label=month_brief(cell.month, say),
            name=month_words(cell.month, say),
            parts=[_scaled(cell.by_fuel.get(FUEL_OF[one.id]), scale) for one in series],
            unsure=cell.unsure_wh / scale,
            complete=cell.complete,
            compare=_scaled(cell.before_wh, scale),
        )
        for cell in cells
    ]
    compared = any(one.compare is not None for one in stacks)
    decimals = 0 if unit == "kWh" else 1
    return BarChart(
        id=id_, title=title, unit=unit, series=series, stacks=stacks, decimals=decimals,
        compare_name=say("한 해 전 같은 달") if compared else "",
    )  # fmt: skip


def energy_years(years: Sequence[Figures], say: Speech, *, id_: str, title: str) -> BarChart:
    """Final energy by year and fuel."""
    fuels = {part.fuel for one in years for part in one.fuels if SUPPLIES[part.fuel].energy}
    series = fuel_series(fuels, say)
    unit, scale = _unit([one.energy_wh for one in years])
    stacks = [
        Stack(
            label=one.span.first[:4] if one.span.first.endswith("-01") else say("최근 12개월"),
            name=span_words(one.span, say),
            parts=[
                sum(part.energy_wh or 0 for part in one.fuels if part.fuel == each.id) / scale if one.months_n else None
                for each in series
            ],
            complete=one.whole,
        )
        for one in years
    ]
    return BarChart(id=id_, title=title, unit=unit, series=series, stacks=stacks, decimals=0 if unit == "kWh" else 1)


def profile_chart(hours: Mapping[str, Sequence[float | None]], say: Speech, *, id_: str, title: str, unit: str) -> LineChart:
    """Mean use by hour of the day: working days plain, weekends and holidays broken."""
    styles = ("plain", "broken", "dotted")
    lines = [Line(name, values, style) for (name, values), style in zip(hours.items(), styles, strict=False)]
    return LineChart(id=id_, title=title, unit=unit, labels=[say("{n}시", n=n) for n in range(24)], lines=lines, decimals=1)


def _scaled(wh: int | None, scale: float) -> float | None:
    return None if wh is None else wh / scale


def _unit(totals_wh: Sequence[int]) -> tuple[str, float]:
    return ("MWh", 1e6) if max(totals_wh, default=0) / 1_000 >= MWH_FROM_KWH else ("kWh", 1e3)
