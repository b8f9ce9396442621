"""How weather is found, models are fitted and savings are judged, by the rules in force on a day (``rules/baselines.toml``)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from dure.services.buildings.modelling.savings import Judging
from dure.services.buildings.rules import Basis, Choice, Rule, load_pack

PACK = "baselines"


class Limit(Rule, frozen=True, kw_only=True):
    """A row of ``[[limits]]``: how far a model may miss [1]."""

    cv_rmse_max: float
    nmbe_max: float


class DegreeDayBases(Rule, frozen=True, kw_only=True):
    """A row of ``[[degree_days]]`` [degree C]."""

    heating_c: float
    cooling_c: float


class BaselineRules(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of ``[[numbers]]``, named as their rows; see there for units and sources."""

    span_d: int
    span_share_min: float
    fit_d_min: int
    day_share_min: float
    temperature_share_min: float
    bills_min: int
    station_share_min: float
    stations_max: int
    station_km_max: float
    common_h_min: int
    refit_hour: int
    stale_d_max: int
    settle_d: int
    years_max: int
    confidence: float
    folds: int
    deals: int
    blocks_min: int
    seed: int
    report_d_min: int
    claim_share_min: float
    price_months: int

    @property
    def judging(self) -> Judging:
        """As the method takes it."""
        return Judging(confidence=self.confidence, folds=self.folds, deals=self.deals, weeks_min=self.blocks_min, seed=self.seed)


def baseline_rules(day: date, folder: Path | None = None) -> BaselineRules:
    """The numbers in force on a day."""
    rows = load_pack(PACK, folder).rows("numbers", Choice, day)
    return msgspec.convert({row.id: row.value for row in rows}, BaselineRules)


def limits(day: date, folder: Path | None = None) -> dict[str, Limit]:
    """Limits of goodness by kind of model."""
    return {row.id: row for row in load_pack(PACK, folder).rows("limits", Limit, day)}


def degree_day_bases(day: date, folder: Path | None = None) -> DegreeDayBases:
    """The base temperatures of degree days."""
    return load_pack(PACK, folder).row("degree_days", "korean", DegreeDayBases, day)


def bases(day: date, folder: Path | None = None) -> tuple[Basis, ...]:
    """Every row in force, with its source and mark."""
    pack = load_pack(PACK, folder)
    numbers = [pack.basis("numbers", row) for row in pack.rows("numbers", Choice, day)]
    return (*numbers, *(pack.basis("limits", row) for row in pack.rows("limits", Limit, day)))
