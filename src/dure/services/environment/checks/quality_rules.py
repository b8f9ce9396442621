"""The limits of quality control as dated rows of rules/quality.toml, and a city's own rows over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from dure.core.errors import ConfigError
from dure.core.properties import Property
from dure.services.environment.checks.quality import Limits, Span
from dure.services.environment.rules import Basis, Pack, Rule, load_pack

PACK = "quality"
DEFAULT = "default"


class ClimateRule(Rule, frozen=True, kw_only=True):
    """Likely and possible spans of the twelve months [the property's unit]; without `fail` nothing fails."""

    suspect: tuple[Span, ...]
    fail: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        if len(self.suspect) != 12 or len(self.fail) not in {0, 12}:
            raise ValueError("a climatology has a span for each of the twelve months")
        if any(low >= high for low, high in (*self.suspect, *self.fail)):
            raise ValueError("a span begins below its end")
        for (low, high), (inner_low, inner_high) in zip(self.fail, self.suspect, strict=False):
            if not low <= inner_low < inner_high <= high:
                raise ValueError("the likely span of a month lies inside its possible span")


class SpikeRule(Rule, frozen=True, kw_only=True):
    """Deviation from the mean of both neighbours [unit]."""

    suspect: float
    fail: float

    def __post_init__(self) -> None:
        if not 0 < self.suspect <= self.fail:
            raise ValueError("0 < suspect <= fail")


class RateRule(Rule, frozen=True, kw_only=True):
    """Change [unit] over `per_s` seconds; a quicker step counts as that long."""

    suspect: float
    fail: float
    per_s: float

    def __post_init__(self) -> None:
        if not (0 < self.suspect <= self.fail and self.per_s > 0):
            raise ValueError("0 < suspect <= fail, per_s > 0")


class FlatRule(Rule, frozen=True, kw_only=True):
    """How long [s] at least `n_min` values may stay within the tolerance [unit]; calm values do not count."""

    suspect_s: float
    fail_s: float
    tolerance: float
    n_min: int
    calm_below: float | None = None
    calm_above: float | None = None

    def __post_init__(self) -> None:
        if not (0 < self.suspect_s <= self.fail_s and self.tolerance > 0 and self.n_min >= 2):
            raise ValueError("0 < suspect_s <= fail_s, tolerance > 0, n_min >= 2")


class AttenuatedRule(Rule, frozen=True, kw_only=True):
    """Least standard deviation [unit] of at least `n_min` values in the window, the oldest of them `cover_s` old."""

    window_s: float
    cover_s: float
    n_min: int
    suspect: float
    fail: float

    def __post_init__(self) -> None:
        if not (self.window_s > self.cover_s >= 0 and self.n_min >= 2 and self.suspect >= self.fail >= 0):
            raise ValueError("window_s > cover_s >= 0, n_min >= 2, suspect >= fail >= 0")


class GapRule(Rule, frozen=True, kw_only=True):
    """How far away a neighbour may be."""

    gap_s: float

    def __post_init__(self) -> None:
        if self.gap_s <= 0:
            raise ValueError("gap_s > 0")


KINDS: Mapping[str, type[Rule]] = {
    "climatology": ClimateRule,
    "spike": SpikeRule,
    "rate_of_change": RateRule,
    "flat_line": FlatRule,
    "attenuated": AttenuatedRule,
    "gap": GapRule,
}
R = TypeVar("R", bound=Rule)


class QualityRules(msgspec.Struct, frozen=True):
    """The limits in force: of each property the struct the tests use, and of each test the row it comes from."""

    limits: Mapping[str, Limits]
    basis: Mapping[tuple[str, str], Basis]  # (property, test) -> source


def quality_rules(day: date, folder: Path | None = None, *, utc_offset_s: int = 0) -> QualityRules:
    """Limits in force on a day; rows of the city's ``rules/quality.toml`` win over Dure's, row by row.

    Raises
    ------
    ConfigError
        ``rules.missing``, ``rules.unreadable``, ``rules.invalid``, ``rules.overlap``, ``rules.gap``; also ``rules.invalid``
        for a table that is no test of ours
    """
    packs = [load_pack(PACK)]
    if folder is not None:
        own = load_pack(PACK, folder)
        packs += [own] if own.file != packs[0].file else []
    rows: dict[tuple[str, str], tuple[Rule, Basis]] = {}
    for pack in packs:
        _check_tables(pack)
        for table, kind in KINDS.items():
            if pack.as_of(day).get(table):
                rows |= {(one.id, table): (one, pack.basis(table, one)) for one in pack.rows(table, kind, day)}
    properties = sorted({property_id for property_id, _ in rows} - {DEFAULT})
    limits = {one: _limits(one, {key: rule for key, (rule, _) in rows.items()}, utc_offset_s) for one in properties}
    return QualityRules(limits, {key: basis for key, (_, basis) in rows.items()})


def with_ranges(limits: Limits, one: Property) -> Limits:
    """The limits together with the possible and likely span of the property: what `why` needs to tell all six tests."""
    low = one.fail_min if one.suspect_min is None else one.suspect_min
    high = one.fail_max if one.suspect_max is None else one.suspect_max
    return msgspec.structs.replace(limits, gross_fail=(one.fail_min, one.fail_max), gross_suspect=(low, high))


def _check_tables(pack: Pack) -> None:
    unknown = [name for name in pack.tables if name not in KINDS]
    if unknown:
        raise ConfigError("rules.invalid", f"{pack.file}: [[{unknown[0]}]] is no test. Known are {', '.join(KINDS)}.")


def _limits(property_id: str, rules: Mapping[tuple[str, str], Rule], utc_offset_s: int) -> Limits:
    def rule(table: str, kind: type[R]) -> R | None:
        found = rules.get((property_id, table))
        return found if isinstance(found, kind) else None

    words: dict[str, Any] = {"utc_offset_s": utc_offset_s}
    if (climate := rule("climatology", ClimateRule)) is not None:
        words["climate_suspect"] = dict(enumerate(climate.suspect, 1))
        words["climate_fail"] = dict(enumerate(climate.fail, 1))
    if (spike := rule("spike", SpikeRule)) is not None:
        words |= {"spike_suspect": spike.suspect, "spike_fail": spike.fail}
    if (rate := rule("rate_of_change", RateRule)) is not None:
        words |= {"rate_suspect": rate.suspect / rate.per_s, "rate_fail": rate.fail / rate.per_s, "rate_step_s": rate.per_s}
    if (flat := rule("flat_line", FlatRule)) is not None:
        words |= {"flat_suspect_s": flat.suspect_s, "flat_fail_s": flat.fail_s, "flat_tolerance": flat.tolerance}
        words |= {"flat_n_min": flat.n_min, "calm_below": flat.calm_below, "calm_above": flat.calm_above}
    if (attenuated := rule("attenuated", AttenuatedRule)) is not None:
        words |= {"window_s": attenuated.window_s, "window_n_min": attenuated.n_min, "window_cover_s": attenuated.cover_s}
        words |= {"spread_suspect": attenuated.suspect, "spread_fail": attenuated.fail}
    gap = rule("gap", GapRule) or rules.get((DEFAULT, "gap"))
    if isinstance(gap, GapRule):
        words["gap_s"] = gap.gap_s
    return Limits(**words)
