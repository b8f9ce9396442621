"""The trend of a year as charts. Tonnes of two tiers are two lines, never one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.web.bar_charts import BarChart, Line, LineChart, Series, Stack

if TYPE_CHECKING:
    from dure.services.carbon.governing.board import Board
    from dure.web.i18n import Speech

KG = 1_000
TEN_THOUSAND = 10_000


def tonnes(board: Board, say: Speech) -> LineChart:
    """Credited kilograms by month, a line for each tier; months ahead have none."""
    newest = f"{board.made_at.astimezone(say.zone):%Y-%m}"
    lines = tuple(
        Line(name, [one.grams.get(tier, 0) / KG if one.month <= newest else None for one in board.months], style)
        for tier, name, style in (("A", say("A 검증"), "plain"), ("B", say("B 추정"), "broken"))
    )
    return LineChart(
        id="tonnes", title=say("달마다 인정된 감축량"), unit="kgCO₂e", labels=[one.month[5:] for one in board.months], lines=lines
    )


def money(board: Board, say: Speech) -> BarChart:
    """Money in by source and month [10,000 won]."""
    stacks = [
        Stack(one.month[5:], one.month, (one.in_city_won / TEN_THOUSAND, one.in_companies_won / TEN_THOUSAND))
        for one in board.months
    ]
    series = (Series("carbon-city", say("시 예산")), Series("carbon-company", say("기업"), "hatch"))
    return BarChart(id="money", title=say("달마다 들어온 돈"), unit=say("만원"), series=series, stacks=stacks)
