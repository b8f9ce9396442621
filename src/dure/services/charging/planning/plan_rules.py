"""How plans are made, as typed rows of ``rules/planning.toml``."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

from dure.services.charging.rules import Rule, load_pack


class PlanningRow(Rule, frozen=True, kw_only=True):
    """See the file; every number says there what it is."""

    step_s: int
    steps: int
    told_steps: int
    renew_steps: int
    follow_fraction: float
    stale_s: int
    unmet_won_kwh: float
    over_won_kwh: float
    usual_days: int
    usual_n: int
    usual_need_wh: float
    usual_stay_min: int
    vehicle_wh: float
    back_won_kwh: float
    back_soc_least: float
    load_fraction: float
    kept_d: int


@lru_cache(maxsize=32)
def planning_rules(day: date, folder: Path | None = None) -> PlanningRow:
    """The rules in force on a day; a city's own win."""
    return load_pack("planning", folder).row("planning", "site", PlanningRow, day)
