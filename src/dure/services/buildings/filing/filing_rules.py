"""The dated rows filings are made by (``rules/filing.toml``), read once for a day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.core.text import Text
from dure.services.buildings.rules import Basis, Choice, Rule, load_pack


class Form(Rule, frozen=True, kw_only=True):
    """Something to be filed: by which day of the next year (``MM-DD``, empty: not known), for which floor areas."""

    name: Text
    due: str = ""
    area_m2_min: float = 0.0


class FilingUnit(Rule, frozen=True, kw_only=True):
    """The unit (`unit`) activity of a fuel is filed in, and how many decimals are shown."""

    decimals: int = 0


class Goal(Rule, frozen=True, kw_only=True):
    """A goal set for all: change `share` [1] in `year` against the mean of ``base_from..base_to``."""

    share: float
    year: int
    base_from: int
    base_to: int


class FilingRules(msgspec.Struct, frozen=True):
    """All of them. `settle_s`: how long before now a question's `as_of` lies at least; `estimated_share_max`: told above it."""

    version: str
    forms: dict[str, Form]
    units: dict[str, FilingUnit]
    goals: dict[str, Goal]
    settle_s: int
    estimated_share_max: float

    def basis(self, table: str, row: Rule) -> Basis:
        """What a result keeps of a row."""
        return Basis(f"filing@{self.version}/{table}/{row.id}", row.source, row.mark, row.note)


@lru_cache(maxsize=64)
def filing_rules(on: date, folder: Path | None = None) -> FilingRules:
    """The rules in force on a day; a city's own file wins."""
    pack = load_pack("filing", folder)
    settle, estimated = (pack.row("choices", name, Choice, on).value for name in ("settle_s", "estimated_share_max"))
    return FilingRules(
        version=pack.version,
        forms={one.id: one for one in pack.rows("forms", Form, on)},
        units={one.id: one for one in pack.rows("filing_units", FilingUnit, on)},
        goals={one.id: one for one in pack.rows("goals", Goal, on)},
        settle_s=int(settle),
        estimated_share_max=float(estimated),
    )
