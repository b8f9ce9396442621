"""What sizing studies reckon with, as typed rows of ``rules/sizing.toml``."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.services.charging.rules import Choice, Mark, Rule, load_pack


class ScenarioRow(Rule, frozen=True, kw_only=True):
    """Drivers of a kind of place: when they come (one wave or more), how long they stay, what they need."""

    name: Text
    arrive_h: tuple[float, ...]
    arrive_sd_h: float
    stay_h: float
    stay_sd_h: float
    need_kwh: float
    need_sd_kwh: float
    weekend: float


class Equipment(msgspec.Struct, frozen=True, kw_only=True):
    """What equipment costs: prices [won/kW, won/kWh], lives [a], interest and upkeep [1/a]."""

    solar_won_kw: float
    storage_won_kwh: float
    solar_years: float
    storage_years: float
    interest: float
    upkeep_fraction: float


class Figure(msgspec.Struct, frozen=True):
    """A number a study reckons with, as a person may check it."""

    id: str
    value: float
    unit: str
    source: str
    mark: Mark

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.mark == "to be confirmed"


class SizingRules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules in force on a day: see the file."""

    equipment: Equipment
    storage_hours: float
    lead_d: int
    days: int
    clearness_mean: float
    performance: float
    scenarios: dict[str, ScenarioRow]
    figures: tuple[Figure, ...]


@lru_cache(maxsize=32)
def sizing_rules(day: date, folder: Path | None = None) -> SizingRules:
    """The rules in force on a day; a city's own win."""
    pack = load_pack("sizing", folder)
    rows = pack.rows("choices", Choice, day)
    value = {row.id: float(row.value) for row in rows}
    return SizingRules(
        equipment=msgspec.convert({name: value[name] for name in Equipment.__struct_fields__}, Equipment),
        storage_hours=value["storage_hours"],
        lead_d=int(value["lead_d"]),
        days=int(value["days"]),
        clearness_mean=value["clearness_mean"],
        performance=value["performance"],
        scenarios={row.id: row for row in pack.rows("scenarios", ScenarioRow, day)},
        figures=tuple(Figure(row.id, value[row.id], row.unit, row.source, row.mark) for row in rows),
    )
