"""Backtests of forecasts, kept: a row per site, local day and recipe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from dure.engines.records import dialect
from dure.engines.records.tables_charging_plans import charging_backtests as backtests


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """What a recipe would have cost a site over the days before `day`.

    Attributes
    ----------
    won : cost over `days_n` days, with the peak's charge for that part of a month
    live : whether plans use it from that day on
    facts : its numbers (`recipe`), peak_w, unmet_fraction, breaches, share of the saving
    """

    site: str
    day: date
    recipe: str
    made_at: datetime
    days_n: int
    won: float
    live: bool = False
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def store(connection: Connection, rows: Sequence[Backtest]) -> None:
    """Keep the backtests of a night; the same night again replaces them."""
    dialect.upsert(connection, backtests, [_row(one) for one in rows])


def live(connection: Connection, site: str) -> Backtest | None:
    """What a site's plans use; None where no backtest was made."""
    query = select(backtests).where(backtests.c.site == site, backtests.c.live == 1).order_by(backtests.c.day.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _backtest(row)


def latest(connection: Connection, site: str) -> list[Backtest]:
    """All recipes of a site's last night, the cheapest first."""
    last = select(backtests.c.day).where(backtests.c.site == site).order_by(backtests.c.day.desc()).limit(1).scalar_subquery()
    query = select(backtests).where(backtests.c.site == site, backtests.c.day == last)
    query = query.order_by(backtests.c.won, backtests.c.recipe)
    return [_backtest(row) for row in connection.execute(query).mappings()]


def _row(one: Backtest) -> dict[str, Any]:
    return {
        "site": one.site,
        "day": one.day.isoformat(),
        "recipe": one.recipe,
        "made_at": one.made_at,
        "days_n": one.days_n,
        "won": one.won,
        "live": int(one.live),
        "facts": one.facts,
    }


def _backtest(row: RowMapping) -> Backtest:
    fields = dict(row) | {"day": date.fromisoformat(row["day"]), "live": bool(row["live"])}
    return Backtest(**fields)
