"""How fuels look and are named in charts, and months and years as stacked columns: all charts have the same order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.pages.energy_words import MWH_FROM_KWH, month_brief, month_words, span_words
from dure.services.buildings.publishing.figures import Figures
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
COVERAGE_FULL = 0.995
Value = Callable[[BuildingMonth], int | None]


def fuel_series(fuels: Iterable[str], say: Speech) -> list[Series]:
    """The series of these fuels, in the order all charts have."""
    wanted = set(fuels)
    return [Series(one, say.text(SUPPLIES[one].name), FUEL_PATTERNS[one]) for one in FUEL_ORDER if one in wanted]


def energy_months(
    rows: Sequence[BuildingMonth], months: Sequence[str], say: Speech, *, id_: str, title: str, year_before: bool = True
) -> BarChart:
    """Final energy by month and fuel; the mark is the same month of the year before."""
    used = [row for row in rows if SUPPLIES[row.fuel].energy]
    by_month: dict[str, list[BuildingMonth]] = {}
    for row in used:
        by_month.setdefault(row.month, []).append(row)
    shown = [row for month in months for row in by_month.get(month, ())]
    series = fuel_series({row.fuel for row in shown}, say)
    unit, scale = _unit([sum(row.energy_wh or 0 for row in by_month.get(month, ())) for month in months])
    needed = len({(row.building, row.fuel) for row in shown})
    stacks = []
    for month in months:
        listed = by_month.get(month, [])
        earlier = by_month.get(f"{int(month[:4]) - 1:04}{month[4:]}", [])
        known = len({(row.building, row.fuel) for row in listed})
        stacks.append(
            Stack(
                label=month_brief(month, say),
                name=month_words(month, say),
                parts=[_sum(listed, one.id, scale) for one in series],
                unsure=sum(_unsure_wh(row) for row in listed) / scale,
                complete=known == needed and all(row.filled or row.coverage >= COVERAGE_FULL for row in listed),
                compare=sum(row.energy_wh or 0 for row in earlier) / scale if earlier and year_before else None,
            )
        )
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


def _sum(rows: Sequence[BuildingMonth], fuel: str, scale: float) -> float | None:
    found = [row.energy_wh or 0 for row in rows if row.fuel == fuel]
    return sum(found) / scale if found else None


def _unsure_wh(row: BuildingMonth) -> float:
    if not row.amount or row.energy_wh is None:
        return 0.0
    return (row.estimated + row.substituted + row.filled) / row.amount * row.energy_wh


def _unit(totals_wh: Sequence[int]) -> tuple[str, float]:
    return ("MWh", 1e6) if max(totals_wh, default=0) / 1_000 >= MWH_FROM_KWH else ("kWh", 1e3)
