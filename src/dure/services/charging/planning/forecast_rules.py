"""How forecasts are made, as typed rows of ``rules/forecasts.toml``."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.services.charging.planning.forecast_model import Recipe
from dure.services.charging.rules import Choice, Rule, load_pack


class RecipeRow(Rule, frozen=True, kw_only=True):
    """A recipe; see `Recipe` for what its numbers are."""

    arrivals: bool
    like_days: int
    arrivals_scale: float
    sun_scale: float
    aim_share: float
    horizon: int
    kept_share: float = 0.0

    def recipe(self) -> Recipe:
        """Without an aim, which is a site's own."""
        return Recipe(
            name=self.id,
            arrivals=self.arrivals,
            like_days=self.like_days,
            arrivals_scale=self.arrivals_scale,
            sun_scale=self.sun_scale,
            aim_share=self.aim_share,
            horizon=self.horizon,
            kept_share=self.kept_share,
        )


class ForecastRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force on a day: see the file."""

    lead_d: int
    backtest_d: int
    least_d: int
    backtest_hour: int
    usual_w: float
    recipes: tuple[Recipe, ...]


@lru_cache(maxsize=32)
def forecast_rules(day: date, folder: Path | None = None) -> ForecastRules:
    """The rules in force on a day; a city's own win."""
    pack = load_pack("forecasts", folder)

    def choice(name: str) -> float:
        return float(pack.row("choices", name, Choice, day).value)

    return ForecastRules(
        lead_d=int(choice("lead_d")),
        backtest_d=int(choice("backtest_d")),
        least_d=int(choice("least_d")),
        backtest_hour=int(choice("backtest_hour")),
        usual_w=choice("usual_w"),
        recipes=tuple(row.recipe() for row in pack.rows("recipes", RecipeRow, day)),
    )
