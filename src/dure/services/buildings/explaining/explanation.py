"""An explanation as a value: a figure, how it is made, and of what, down to readings, rows of factors and rules, and models."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec

from dure.core.text import Text
from dure.core.time import from_us
from dure.emissions.table import Factor
from dure.engines.telemetry.port import SeriesColumns
from dure.services.buildings.rules import Rule

NONE = Text("")
Value = int | float | str | None


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the telemetry store that a figure rests on.

    Attributes
    ----------
    start, end : the instants asked for, half-open
    n : rows found; usable : of them summed
    sha256 : digest of their columns: time, value, flag, check, as little-endian int64, float64, uint8, uint8
    """

    asset: str
    property: str
    start: datetime
    end: datetime
    n: int
    usable: int
    sha256: str


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A bill or a file a figure rests on: which row of which import, and the digest of the whole file."""

    name: str
    row: int = 0
    sha256: str = ""
    says: Text = NONE
    id: str = ""


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """A dated row of factors, rules or prices, as it stands in its pack."""

    id: str
    value: float | str | None
    unit: str
    holds_from: date
    holds_to: date | None
    published_at: date | None
    programme: str
    source: str
    mark: str
    dated: str
    note: str = ""
    facts: Mapping[str, Any] = {}


class ModelTold(msgspec.Struct, frozen=True, kw_only=True):
    """A model a figure rests on."""

    id: str
    kind: str
    sha256: str
    start_day: str
    end_day: str
    statistics: Mapping[str, float | None] = {}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the tree.

    Attributes
    ----------
    value : by the pure function, run again just now; text where it is a word, None where there is none
    stored : what was kept; None where nothing is kept of it
    agrees : whether both are the same (true where nothing is kept), and so of every part
    formula : how the value follows from the parts, in words
    """

    name: Text
    value: Value
    unit: str = ""
    figure: str = ""
    formula: Text = NONE
    stored: Value = None
    agrees: bool = True
    parts: tuple[Step, ...] = ()
    readings: tuple[Readings, ...] = ()
    documents: tuple[Document, ...] = ()
    rows: tuple[RuleRow, ...] = ()
    model: ModelTold | None = None
    notes: tuple[Text, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it and all its parts agree."""
        return self.agrees and all(part.whole for part in self.parts)


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure comes from: the tree, whether all of it agrees with what is kept, and the versions it was run by."""

    figure: str
    as_of: datetime | None
    agrees: bool
    step: Step
    versions: Mapping[str, str]


def readings_of(asset: str, property_id: str, span_us: tuple[int, int], rows: SeriesColumns, usable: int) -> Readings:
    """What is told of rows of a series."""
    return Readings(
        asset=asset,
        property=property_id,
        start=from_us(span_us[0]),
        end=from_us(span_us[1]),
        n=len(rows.time_us),
        usable=usable,
        sha256=digest(rows),
    )


def digest(rows: SeriesColumns) -> str:
    """SHA-256 of columns, as `Readings.sha256` says."""
    found = hashlib.sha256(rows.time_us.astype("<i8").tobytes())
    found.update(rows.value.astype("<f8").tobytes())
    found.update(rows.flag.astype("u1").tobytes())
    found.update(rows.check.astype("u1").tobytes())
    return found.hexdigest()


def rule_row(row: Rule, value: float | str | None = None, facts: Mapping[str, Any] | None = None) -> RuleRow:
    """A dated row as it is told."""
    return RuleRow(
        id=row.id,
        value=value,
        unit=row.unit,
        holds_from=row.effective_from,
        holds_to=row.effective_to,
        published_at=getattr(row, "published_at", None),
        programme=getattr(row, "programme", ""),
        source=row.source,
        mark=row.mark,
        dated=row.dated,
        note=row.note,
        facts=facts or {},
    )


def factor_row(factor: Factor, kg_per_unit: float) -> RuleRow:
    """An emission factor as it is told: kilograms of CO2 equivalent, the gases they are made of, who delivers."""
    told: dict[str, Any] = {
        "co2_kg": factor.co2_kg,
        "ch4_kg": factor.ch4_kg,
        "n2o_kg": factor.n2o_kg,
        "total_kg": factor.total_kg,
        "gwp": factor.gwp,
        "heat": factor.heat,
        "supplier": f"{factor.supplier} {factor.branch}".strip(),
    }
    row = rule_row(factor, kg_per_unit, {name: value for name, value in told.items() if value not in (None, "")})
    return msgspec.structs.replace(row, unit=factor.unit or f"kgCO2e/{factor.per}")
