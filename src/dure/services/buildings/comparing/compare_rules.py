"""The dated rows buildings are compared by (``rules/comparing.toml``), read once for a day."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import msgspec

from dure.core.text import Text
from dure.services.buildings.rules import Basis, Choice, Pack, Rule, load_pack

R = TypeVar("R", bound=Rule)


class SizeClass(Rule, frozen=True, kw_only=True):
    """Buildings of ``area_m2_min <= floor area < area_m2_max`` [m2]; no upper end: None."""

    name: Text
    area_m2_min: float
    area_m2_max: float | None = None


class UseKind(Rule, frozen=True, kw_only=True):
    """What a building serves; `legal` is the use its legal target is entered under, empty when there is none."""

    name: Text
    legal: str = ""


class LegalRow(Rule, frozen=True, kw_only=True):
    """Legal target of a use in a size class [kWh/m2 of final energy a year]."""

    use: str
    size: str
    kwh_m2: float


class RegionalWeight(Rule, frozen=True, kw_only=True):
    """What a legal target is multiplied by in a region [1]; the row ``default`` holds elsewhere."""

    weight: float


class GradeRow(Rule, frozen=True, kw_only=True):
    """A grade: use over target up to `ratio_max` [1], included; None: whatever is above the others."""

    meaning: Text
    ratio_max: float | None = None


class CompareRules(msgspec.Struct, frozen=True):
    """All that comparing needs, as in force on a day.

    Attributes
    ----------
    months_n : length of the span compared [month]
    coverage_min : least coverage of a month that counts [1]
    month_known_min : share of the meters of the fullest month that a month needs to be looked at when nobody asks for one [1]
    peers_min : fewest other buildings a building is compared with
    grade_by_peers : whether the median of the peers stands in for a legal target that is not entered
    forecast_months_min, forecast_level : of `targets.forecast`
    """

    on: date
    version: str
    months_n: int
    coverage_min: float
    month_known_min: float
    peers_min: int
    grade_by_peers: bool
    forecast_months_min: int
    forecast_level: float
    sizes: tuple[SizeClass, ...]
    uses: dict[str, UseKind]
    legal: tuple[LegalRow, ...]
    weights: dict[str, RegionalWeight]
    grades: tuple[GradeRow, ...]
    choices: dict[str, Basis]

    def size_of(self, area_m2: float) -> SizeClass | None:
        """The size class of a floor area; None when no class holds it."""
        for one in self.sizes:
            if one.area_m2_min <= area_m2 and (one.area_m2_max is None or area_m2 < one.area_m2_max):
                return one
        return None

    def basis(self, table: str, row: Rule) -> Basis:
        """What a result keeps of a row."""
        return Basis(f"comparing@{self.version}/{table}/{row.id}", row.source, row.mark, row.note)


@lru_cache(maxsize=64)
def compare_rules(on: date, folder: Path | None = None) -> CompareRules:
    """The rules in force on a day; a city's own file wins."""
    pack = load_pack("comparing", folder)

    def choice(name: str) -> bool | int | float | str:
        return pack.row("choices", name, Choice, on).value

    return CompareRules(
        on=on,
        version=pack.version,
        months_n=int(choice("months")),
        coverage_min=float(choice("coverage_min")),
        month_known_min=float(choice("month_known_min")),
        peers_min=int(choice("peers_min")),
        grade_by_peers=bool(choice("grade_by_peers")),
        forecast_months_min=int(choice("forecast_months_min")),
        forecast_level=float(choice("forecast_level")),
        sizes=pack.rows("size_classes", SizeClass, on),
        uses={one.id: one for one in pack.rows("uses", UseKind, on)},
        legal=_in_force(pack, "legal_targets", LegalRow, on),
        weights={one.id: one for one in _in_force(pack, "regional_weights", RegionalWeight, on)},
        grades=_in_force(pack, "grades", GradeRow, on),
        choices={one.id: pack.basis("choices", one) for one in pack.rows("choices", Choice, on)},
    )


def _in_force(pack: Pack, table: str, kind: type[R], on: date) -> tuple[R, ...]:
    """Rows of a table that was not always in force: none before its time."""
    return pack.rows(table, kind, on) if any(row["effective_from"] <= on for row in pack.tables.get(table, ())) else ()


def pack_versions(folder: Path | None) -> dict[str, str]:
    """Versions of every pack a figure of this part can rest on."""
    packs: tuple[Pack, ...] = tuple(load_pack(name, folder) for name in ("comparing", "energy", "factors", "filing"))
    return {one.id: one.version for one in packs}
