"""실시간수질지수 (RTWQI): seven items of the last twelve hours, 84 tests, one number.

How to use it::

    rules = rtwqi_rules(load_pack("rtwqi", city.folder), day)
    result = rtwqi(rules, {"dissolved_oxygen": [8.2, ...12 hourly values, newest last...], ...})
    result = rtwqi(rules, hours, limits={"toc": 3.0})          # the limits of this site where they differ

Method: F1 is the share of items that failed at least once, F2 that of failed tests [%]; an excursion is
``x / limit - 1`` over an upper limit and ``limit / x - 1`` under a lower one; ``nse`` is their sum over the number
of tests, ``F3 = nse / (0.01 nse + 0.01)`` and ``RTWQI = 100 - sqrt(F1^2 + F2^2 + F3^2) / 1.732``.

Source: water.nier.go.kr, mobile/link pMENU_NO=268 (items, tests, parts and worked example); the last line is the form of the
CCME water quality index, to be confirmed, as are the limits per site and the cut-offs of the grades.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

import msgspec

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.environment.grades.water_grade import Limit, Side, meets
from dure.services.environment.rules import Basis, Choice, Pack, Rule, provisional


class IndexGrade(Rule, frozen=True, kw_only=True):
    """A grade of the index from `index_min` on, and how a screen shows it."""

    name: Text
    index_min: float
    tone: str
    shape: str


class IndexItem(Rule, frozen=True, kw_only=True):
    """An item and its limit [unit]."""

    name: Text
    side: Side
    limit: Limit


@dataclass(frozen=True, eq=False)
class RtwqiRules:
    """The rules in force on a day. Made by `rtwqi_rules`."""

    pack: Pack
    day: date
    grades: tuple[IndexGrade, ...]
    items: Mapping[str, IndexItem]
    choices: Mapping[str, Choice]

    def number(self, name: str) -> float:
        """A number among the choices."""
        return float(self.choices[name].value)


class ItemTests(msgspec.Struct, frozen=True, kw_only=True):
    """The tests of one item: how many were made and failed, and the sum of its excursions [1]."""

    item: str
    name: Text
    limit: Limit
    made: int
    failed: int
    excursions: float


class RtwqiResult(msgspec.Struct, frozen=True, kw_only=True):
    """The index with every step. `index` and `grade` are None when an item has too few hours; `missing` names those."""

    index: float | None
    grade: str | None
    f1: float | None
    f2: float | None
    f3: float | None
    items: tuple[ItemTests, ...]
    failed: tuple[str, ...]
    missing: tuple[str, ...]
    as_of: date
    basis: tuple[Basis, ...]
    provisional: tuple[str, ...]


def rtwqi_rules(pack: Pack, day: date) -> RtwqiRules:
    """The RTWQI rules in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` for a day before the rules, ``rules.invalid`` when a limit does not fit its side
    """
    grades = tuple(sorted(pack.rows("grades", IndexGrade, day), key=lambda one: -one.index_min))
    items = {one.id: one for one in pack.rows("items", IndexItem, day)}
    for one in items.values():
        if isinstance(one.limit, tuple) != (one.side == "range"):
            raise ConfigError("rules.invalid", f"{pack.file}: the limit of {one.id} does not fit its side.")
    return RtwqiRules(pack, day, grades, items, {one.id: one for one in pack.rows("choices", Choice, day)})


def rtwqi(
    rules: RtwqiRules, hours: Mapping[str, Sequence[float | None]], limits: Mapping[str, Limit] | None = None
) -> RtwqiResult:
    """The index of one site.

    Parameters
    ----------
    rules : of the day
    hours : hourly values by item in the item's unit, the newest last, None or not finite where missing
    limits : limits of this site by item, instead of those of the rules
    """
    tests = tuple(
        _tests(rules, one, hours.get(one.id, ()), (limits or {}).get(one.id, one.limit)) for one in rules.items.values()
    )
    missing = tuple(one.item for one in tests if one.made < rules.number("hours_min"))
    failed = tuple(one.item for one in tests if one.failed)
    bases = [rules.pack.basis("items", rules.items[one.item]) for one in tests if one.item not in (limits or {})]
    bases += [rules.pack.basis("choices", one) for one in rules.choices.values()]
    f1 = f2 = f3 = index = None
    if not missing:
        made = sum(one.made for one in tests)
        nse = sum(one.excursions for one in tests) / made
        parts = 100 * len(failed) / len(tests), 100 * sum(one.failed for one in tests) / made, nse / (0.01 * nse + 0.01)
        f1, f2, f3 = (_to_decimals(part, int(rules.number("parts_decimals")), ROUND_DOWN) for part in parts)
        index = 100 - math.sqrt(f1 * f1 + f2 * f2 + f3 * f3) / rules.number("divisor")
        index = max(0.0, _to_decimals(index, int(rules.number("index_decimals")), ROUND_HALF_UP))
        bases += [rules.pack.basis("grades", _grade_of(rules, index))]
    return RtwqiResult(
        index=index,
        grade=None if index is None else _grade_of(rules, index).id,
        f1=f1,
        f2=f2,
        f3=f3,
        items=tests,
        failed=failed,
        missing=missing,
        as_of=rules.day,
        basis=tuple(bases),
        provisional=provisional(bases),
    )


def _tests(rules: RtwqiRules, item: IndexItem, hours: Sequence[float | None], limit: Limit) -> ItemTests:
    """The tests of one item over the last hours; a value equal to its limit passes."""
    last = [one for one in hours[-int(rules.number("hours")) :] if one is not None and math.isfinite(one)]
    over = [_excursion(one, item.side, limit, rules.number("lower_floor")) for one in last if not meets(one, item.side, limit)]
    return ItemTests(item=item.id, name=item.name, limit=limit, made=len(last), failed=len(over), excursions=sum(over))


def _excursion(value: float, side: Side, limit: Limit, floor: float) -> float:
    low, high = limit if isinstance(limit, tuple) else (limit, limit)
    if side != "lower" and value > high:
        return value / high - 1
    return low / max(value, floor) - 1


def _to_decimals(value: float, decimals: int, rounding: str) -> float:
    """Cut or rounded in decimal, after binary noise below 1e-9 is gone."""
    return float(Decimal(f"{value:.9f}").quantize(Decimal(1).scaleb(-decimals), rounding))


def _grade_of(rules: RtwqiRules, index: float) -> IndexGrade:
    return next((one for one in rules.grades if index >= one.index_min), rules.grades[-1])
