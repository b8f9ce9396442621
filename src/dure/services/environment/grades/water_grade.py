"""하천·호소 생활환경기준: the grade of river and lake water, the item that decides it, and what is missing.

How to use it::

    rules = grade_rules(load_pack("river_grade"), day)        # or "lake_grade"
    result = water_grade(rules, {"ph": 7.4, "toc": 3.2, "dissolved_oxygen": 8.1})
    result.grade               # None: the grade of the law needs every item of the table
    result.grade_of_measured   # "II": of the items measured only, to be shown as such, with result.missing beside it

The worst item decides. A grade without a limit for an item asks nothing of it; the last grade is what fails every other.
In a lake the ratio of nitrogen to phosphorus says which of the two applies. Values are in the unit of the item's row.

Source: enforcement decree of the Framework Act on Environmental Policy (환경정책기본법 시행령), annex, as each row names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.environment.rules import Basis, Choice, Pack, Rule, provisional

Limit = float | tuple[float, float]
Side = Literal["upper", "lower", "range"]


class WaterGrade(Rule, frozen=True, kw_only=True):
    """A grade and how a screen shows it."""

    name: Text
    tone: str
    shape: str


class WaterItem(Rule, frozen=True, kw_only=True):
    """An item of the table: its limit by grade [unit], and which side of the limit is the better one."""

    name: Text
    side: Side
    limits: dict[str, Limit]
    measured_by: Literal["sensor", "laboratory"]


class Nutrients(Rule, frozen=True, kw_only=True):
    """Which nutrient applies: T-P from the N:P ratio `tp_from` on, T-N below `tn_below`."""

    tp_from: float
    tn_below: float


@dataclass(frozen=True, eq=False)
class GradeRules:
    """The rules in force on a day. Made by `grade_rules`."""

    pack: Pack
    day: date
    grades: tuple[WaterGrade, ...]
    items: Mapping[str, WaterItem]
    nutrients: Nutrients | None
    limit_meets: Choice
    noise_digits: Choice


class ItemGrade(msgspec.Struct, frozen=True, kw_only=True):
    """The grade of one item. `limit` is the limit of that grade, None where the grade asks for no number."""

    item: str
    name: Text
    unit: str
    value: float
    grade: str
    limit: Limit | None
    side: Side


class NotApplied(msgspec.Struct, frozen=True, kw_only=True):
    """An item that was given and does not count, and why: not of the table on that day, or the ratio N:P."""

    item: str
    reason: Literal["not_in_force", "np_ratio"]
    ratio: float | None = None


class GradeResult(msgspec.Struct, frozen=True, kw_only=True):
    """The grade of a water with every step.

    `grade` is the grade of the law and None as long as an item of the table is `missing`. `grade_of_measured` is the worst of the
    items measured: never better than the truth is known to be, and never the whole while `partial`.
    """

    grade: str | None
    grade_of_measured: str | None
    partial: bool
    deciding: tuple[str, ...]
    items: tuple[ItemGrade, ...]
    missing: tuple[str, ...]
    missing_names: tuple[Text, ...]
    not_applied: tuple[NotApplied, ...]
    as_of: date
    basis: tuple[Basis, ...]
    provisional: tuple[str, ...]


def grade_rules(pack: Pack, day: date) -> GradeRules:
    """The grade rules in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` for a day before the rules, ``rules.invalid`` when a limit names no grade or gets stricter
    """
    grades = pack.rows("grades", WaterGrade, day)
    items = {one.id: one for one in pack.rows("items", WaterItem, day)}
    for one in items.values():
        _check_limits(pack, one, [grade.id for grade in grades])
    nutrients = pack.row("nutrients", "np", Nutrients, day) if "nutrients" in pack.tables else None
    choices = {one.id: one for one in pack.rows("choices", Choice, day)}
    return GradeRules(pack, day, grades, items, nutrients, choices["limit_meets"], choices["noise_digits"])


def water_grade(rules: GradeRules, values: Mapping[str, float | None]) -> GradeResult:
    """The grade of one water at one time.

    Parameters
    ----------
    rules : of the day, of a river or a lake
    values : by item, in the unit of its row; None, not finite or absent when missing
    """
    known = {item: value for item, value in values.items() if value is not None and math.isfinite(value)}
    stale = tuple(NotApplied(item=item, reason="not_in_force") for item in known if item not in rules.items)
    left_out = _by_ratio(rules, known)
    applied = [item for item in rules.items if item not in {one.item for one in left_out}]
    items = tuple(_grade_item(rules, rules.items[item], known[item]) for item in applied if item in known)
    missing = tuple(item for item in applied if item not in known)
    rank = {grade.id: number for number, grade in enumerate(rules.grades)}
    worst = max((one.grade for one in items), key=rank.__getitem__, default=None)
    bases = [rules.pack.basis("items", rules.items[one.item]) for one in items]
    bases += [rules.pack.basis("choices", rules.limit_meets)] if items else []
    bases += [rules.pack.basis("nutrients", rules.nutrients)] if rules.nutrients and left_out else []
    return GradeResult(
        grade=None if missing else worst,
        grade_of_measured=worst,
        partial=bool(missing),
        deciding=tuple(one.item for one in items if one.grade == worst),
        items=items,
        missing=missing,
        missing_names=tuple(rules.items[item].name for item in missing),
        not_applied=(*stale, *left_out),
        as_of=rules.day,
        basis=tuple(bases),
        provisional=provisional(bases),
    )


def meets(value: float, side: Side, limit: Limit, *, limit_meets: bool = True) -> bool:
    """Whether a value is on the better side of a limit; one that equals it meets it when `limit_meets`."""
    low, high = limit if isinstance(limit, tuple) else (limit, limit)
    if side != "upper" and not (value > low or (limit_meets and value == low)):
        return False
    return side == "lower" or value < high or (limit_meets and value == high)


def _grade_item(rules: GradeRules, item: WaterItem, value: float) -> ItemGrade:
    clean = round(value, int(rules.noise_digits.value))
    equal = bool(rules.limit_meets.value)
    last = rules.grades[-1].id
    reached = last
    for grade in rules.grades[:-1]:
        limit = item.limits.get(grade.id)
        if limit is None or meets(clean, item.side, limit, limit_meets=equal):
            reached = grade.id
            break
    return ItemGrade(
        item=item.id,
        name=item.name,
        unit=item.unit,
        value=value,
        grade=reached,
        limit=item.limits.get(reached),
        side=item.side,
    )


def _by_ratio(rules: GradeRules, known: Mapping[str, float]) -> tuple[NotApplied, ...]:
    """The nutrient that does not apply; with one of the two unknown, or both 0, both stay."""
    nitrogen, phosphorus = known.get("tn"), known.get("tp")
    if rules.nutrients is None or nitrogen is None or phosphorus is None or nitrogen <= 0 >= phosphorus:
        return ()
    ratio = round(nitrogen / phosphorus, int(rules.noise_digits.value)) if phosphorus > 0 else math.inf
    if ratio < rules.nutrients.tp_from:
        return (NotApplied(item="tp", reason="np_ratio", ratio=ratio),)
    if ratio >= rules.nutrients.tn_below:
        return (NotApplied(item="tn", reason="np_ratio", ratio=ratio if math.isfinite(ratio) else None),)
    return ()


def _check_limits(pack: Pack, item: WaterItem, grades: list[str]) -> None:
    """Limits stand for known grades, fit their side, and get no stricter from one grade to the next."""
    limits = [item.limits[grade] for grade in grades[:-1] if grade in item.limits]
    fits = all(isinstance(limit, tuple) == (item.side == "range") for limit in limits)
    if not limits or len(limits) != len(item.limits) or not fits:
        raise ConfigError("rules.invalid", f"{pack.file}: the limits of {item.id} do not fit its grades or its side.")
    lows = [limit[0] if isinstance(limit, tuple) else limit for limit in limits]
    highs = [limit[1] if isinstance(limit, tuple) else limit for limit in limits]
    looser = (item.side == "upper" or lows == sorted(lows, reverse=True)) and (item.side == "lower" or highs == sorted(highs))
    if not looser:
        raise ConfigError("rules.invalid", f"{pack.file}: a worse grade of {item.id} has the stricter limit.")
