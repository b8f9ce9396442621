"""The rules of the CAI as of a day: grades, items with their bands, bonus, C24E and choices. `air_index` says how to use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dure.core.errors import ConfigError
from dure.core.text import Text
from dure.services.environment.rules import Basis, Choice, Pack, Rule

Rounding = Literal["half_up", "floor", "ceiling"]
_ROUNDINGS: tuple[Rounding, ...] = ("half_up", "floor", "ceiling")


class Grade(Rule, frozen=True, kw_only=True):
    """A grade of the index: its lowest and highest number, and how a screen shows it (tone and shape, never colour alone)."""

    name: Text
    index: tuple[int, int]
    tone: str
    shape: str


class Item(Rule, frozen=True, kw_only=True):
    """A pollutant: reporting step and the band of concentrations of each grade [unit]; `short`, `unit_word` serve sentences."""

    name: Text
    short: Text
    unit_word: str
    step: Decimal
    averaging: Literal["c24e", "1h"]
    bands: tuple[tuple[Decimal, Decimal], ...]


class Required(Rule, frozen=True, kw_only=True):
    """The items without which there is no index."""

    items: tuple[str, ...]


class Bonus(Rule, frozen=True, kw_only=True):
    """Points added when at least `items_min` items are at `from_grade` or worse."""

    from_grade: str
    items_min: int
    points: int


class Knee(Rule, frozen=True, kw_only=True):
    """When and by how much an hourly PM value is damped in C24E."""

    knee: Decimal
    factor: Decimal
    ratio: tuple[Decimal, Decimal]


@dataclass(frozen=True, eq=False)
class CaiRules:
    """The rules in force on a day, checked and laid out for computing. Made by `cai_rules`."""

    pack: Pack
    day: date
    grades: tuple[Grade, ...]
    items: Mapping[str, Item]
    required: Required
    bonus: tuple[Bonus, ...]
    knees: Mapping[str, Knee]
    choices: Mapping[str, Choice]
    scales: Mapping[str, NDArray[np.int64]]  # (n_steps,) sub-index of each reporting step

    def grade_of(self, index: int) -> Grade:
        """The grade of an index; the last one has no upper end."""
        return next((one for one in self.grades if index <= one.index[1]), self.grades[-1])

    def basis(self, *choices: str) -> tuple[Basis, ...]:
        """What a result keeps of the choices it used."""
        return tuple(self.pack.basis("choices", self.choices[name]) for name in choices)


def cai_rules(pack: Pack, day: date) -> CaiRules:
    """The CAI rules in force on a day.

    Raises
    ------
    ConfigError
        ``rules.not_in_force`` for a day before the rules, ``rules.invalid`` when rows contradict one another
    """
    grades = pack.rows("grades", Grade, day)
    items = {one.id: one for one in pack.rows("items", Item, day)}
    required = pack.row("required", "required", Required, day)
    bonus = tuple(sorted(pack.rows("bonus", Bonus, day), key=lambda one: one.items_min))
    knees = {one.id: one for one in pack.rows("c24e", Knee, day)}
    choices = {one.id: one for one in pack.rows("choices", Choice, day)}
    unknown = {*required.items, *knees} - set(items) | {one.from_grade for one in bonus} - {one.id for one in grades}
    undamped = {one.id for one in items.values() if one.averaging == "c24e"} - set(knees)
    if unknown or undamped:
        raise ConfigError("rules.invalid", f"{pack.file}: {sorted(unknown | undamped)} stand in one table and not in the other.")
    rounding = str(choices["index_rounding"].value)
    if rounding not in _ROUNDINGS or choices["step_rounding"].value not in _ROUNDINGS:
        raise ConfigError("rules.invalid", f"{pack.file}: a rounding is one of {', '.join(_ROUNDINGS)}.")
    scales = {one.id: _scale(pack, one, grades, rounding) for one in items.values()}
    return CaiRules(pack, day, grades, items, required, bonus, knees, choices, scales)


def _scale(pack: Pack, item: Item, grades: Sequence[Grade], rounding: str) -> NDArray[np.int64]:
    """Sub-index of every reporting step from 0 to the end of the last band, in whole-number arithmetic."""
    whole = [(int(low / item.step), int(high / item.step)) for low, high in item.bands]
    exact = all(one % item.step == 0 for band in item.bands for one in band)
    follow = whole[0][0] == 0 and all(after[0] == before[1] + 1 for before, after in pairwise(whole))
    if len(whole) != len(grades) or not exact or not follow:
        raise ConfigError("rules.invalid", f"{pack.file}: the bands of {item.id} leave a step out or have no grade.")
    parts = []
    for (low, high), grade in zip(whole, grades, strict=True):
        rise = (grade.index[1] - grade.index[0]) * np.arange(high - low + 1, dtype=np.int64)
        run = high - low
        twice_add = {"half_up": run, "floor": 0, "ceiling": 2 * run - 2}[rounding]
        parts.append(grade.index[0] + (2 * rise + twice_add) // (2 * run))
    return np.concatenate(parts)
