"""통합대기환경지수 (CAI): one number for the air, with every step that led to it.

How to use it::

    rules = cai_rules(load_pack("cai"), day)              # once a day; holds the tables as of that day
    result = cai(rules, {"pm10": 40.0, "pm2_5": 22.0, "o3": 0.03, "no2": 0.02, "so2": None})   # PM: C24E already
    result = cai_of_hours(rules, {"pm10": [...12 hourly means, newest last...], "o3": [0.03], ...})   # C24E made here
    numbers = sub_index(rules, "pm10", array)             # (n,) sub-indices, NaN for a missing value

Concentrations are in the unit of the item's row (PM [ug/m3], gases [ppm]). A measured 0 is a value; what is None or not finite
is missing.

Method: the value is read to the reporting step, half up in decimal; the sub-index is linear inside its band,
``Ip = (I_HI - I_LO) / (BP_HI - BP_LO) * (Cp - BP_LO) + I_LO``, and rounded; the index is the largest sub-index plus the points
for several items at 나쁨 or worse. Without PM10, PM2.5, O3 and NO2 there is no index and the result names what is missing;
the sub-indices that are known stand in it all the same. After reading, all is whole numbers, so that no binary
fraction decides a grade.

Sources: AirKorea CAI calculator page (pMENU_NO=147), air.jeju.go.kr CAI summary page; each row of rules/cai.toml names its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.environment.grades.air_index_rules import Bonus, CaiRules, Grade, Item, Knee, cai_rules
from dure.services.environment.rules import Basis, provisional

__all__ = [
    "CaiResult",
    "CaiRules",
    "Forecast",
    "Grade",
    "Item",
    "Step",
    "c24e",
    "cai",
    "cai_of_hours",
    "cai_rules",
    "quantise",
    "sub_index",
]

LONG_H, SHORT_H = 12, 4


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """C24E of one PM item: the value [ug/m3], or None with the reason, and the steps.

    `adjusted` are the last four hourly values after damping, None where there was none; `hours_long` and `hours_short` count
    the valid ones.
    """

    item: str
    value: float | None
    c12: float | None
    c4: float | None
    hours_long: int
    hours_short: int
    adjusted: tuple[float | None, ...] = ()
    reason: str = ""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One item on its way into the index. `quantised` is in the item's unit, as text with the digits of its step.

    `short`, `unit_word` and `grade_name` are its words for a sentence.
    """

    item: str
    name: Text
    short: Text
    unit: str
    unit_word: str
    value: float | None
    quantised: str | None
    sub_index: int | None
    grade: str | None
    grade_name: Text | None = None
    outside: Literal["", "below", "above"] = ""


class CaiResult(msgspec.Struct, frozen=True, kw_only=True):
    """The index with every step. `index` is None when a required item is missing; `missing` names those.

    `deciding` is the item with the largest sub-index, `deciding_all` all that share it; `counted` are the items that earned
    the bonus. `provisional` names the rules of `basis` that are to be confirmed: a screen says so.
    """

    index: int | None
    grade: str | None
    grade_name: Text | None
    deciding: str | None
    deciding_all: tuple[str, ...]
    steps: tuple[Step, ...]
    highest: int | None
    bonus: int
    counted: tuple[str, ...]
    capped: bool
    missing: tuple[str, ...]
    missing_optional: tuple[str, ...]
    forecasts: tuple[Forecast, ...]
    as_of: date
    basis: tuple[Basis, ...]
    provisional: tuple[str, ...]

    def step(self, item: str) -> Step:
        """The step of one item."""
        return next(one for one in self.steps if one.item == item)


def sub_index(rules: CaiRules, item: str, values: ArrayLike) -> NDArray[np.float64]:
    """Sub-indices of many concentrations of one item.

    Parameters
    ----------
    rules : of the day
    item : id of the item, e.g. ``pm10``
    values : (n,) concentrations in the item's unit, NaN where missing

    Returns
    -------
    (n,) whole numbers from 0 to the end of the scale, NaN where the value is missing
    """
    scale = rules.scales[_known(rules, item).id]
    steps = quantise(rules, item, values)
    missing = ~np.isfinite(steps)
    position = np.clip(np.where(missing, 0, steps), 0, len(scale) - 1).astype(np.int64)
    return np.where(missing, np.nan, scale[position].astype(np.float64))


def quantise(rules: CaiRules, item: str, values: ArrayLike) -> NDArray[np.float64]:
    """Concentrations in whole reporting steps of the item: (n,) numbers of steps, NaN where missing."""
    per_step = float(1 / _known(rules, item).step)
    scaled = np.asarray(values, dtype=np.float64) * per_step
    digits = int(rules.choices["noise_digits"].value)
    clean = np.round(scaled, digits)
    rounding = rules.choices["step_rounding"].value
    if rounding == "half_up":
        return np.floor(clean + 0.5)
    return np.floor(clean) if rounding == "floor" else np.ceil(clean)


def c24e(rules: CaiRules, item: str, hours: Sequence[float | None]) -> Forecast:
    """The 24-hour forecast moving average of PM from hourly means.

    ``C24E = (12 C12 + 12 C4) / 24`` with C12 the mean of the last 12 hours and C4 that of the last 4 after damping. Hours without
    a value are left out of both means; too few valid hours give no value.

    Parameters
    ----------
    rules : of the day
    item : ``pm10`` or ``pm2_5``
    hours : hourly means [ug/m3], the newest last, None or NaN where missing; fewer than 12 count as missing before them
    """
    knee = rules.knees.get(item)
    if knee is None:
        raise InputError("environment.no_c24e", f"There is no C24E of {item[:40]!r}.")
    per_unit = 10 ** int(rules.choices["noise_digits"].value)
    last = [None if one is None or not math.isfinite(one) else round(one * per_unit) for one in hours[-LONG_H:]]
    long = [one for one in last if one is not None]
    recent = [None] * max(0, SHORT_H - len(last)) + last[-SHORT_H:]
    short_h = sum(one is not None for one in recent)
    if len(long) < int(rules.choices["hours_long_min"].value) or short_h < int(rules.choices["hours_short_min"].value):
        few = f"{len(long)}/{LONG_H} h, {short_h}/{SHORT_H} h"
        return Forecast(item=item, value=None, c12=None, c4=None, hours_long=len(long), hours_short=short_h, reason=few)
    top, bottom = knee.factor.as_integer_ratio()  # adjusted values are counted in `bottom` parts, so that they stay whole
    adjusted = [None if one is None else one * (top if _is_damped(one, long, knee, per_unit) else bottom) for one in recent]
    sum_12, sum_4 = sum(long), sum(one for one in adjusted if one is not None)
    parts_12, parts_4 = len(long) * per_unit, short_h * bottom * per_unit
    return Forecast(
        item=item,
        value=(sum_12 * parts_4 + sum_4 * parts_12) / (2 * parts_12 * parts_4),
        c12=sum_12 / parts_12,
        c4=sum_4 / parts_4,
        hours_long=len(long),
        hours_short=short_h,
        adjusted=tuple(None if one is None else one / (bottom * per_unit) for one in adjusted),
    )


def cai_of_hours(rules: CaiRules, hours: Mapping[str, Sequence[float | None]]) -> CaiResult:
    """The index from hourly means, the newest last: C24E of the PM items, the newest hour of the gases. See `cai`."""
    forecasts = tuple(c24e(rules, item, hours.get(item, ())) for item in rules.knees)
    values: dict[str, float | None] = {one.item: one.value for one in forecasts}
    values |= {item: (hours[item][-1] if hours.get(item) else None) for item in rules.items if item not in rules.knees}
    return cai(rules, values, forecasts)


def cai(rules: CaiRules, values: Mapping[str, float | None], forecasts: tuple[Forecast, ...] = ()) -> CaiResult:
    """The index of one place and hour, with every step.

    Parameters
    ----------
    rules : of the day
    values : concentration by item in the item's unit, PM as C24E; None, NaN or absent when missing
    forecasts : how the PM values came about, kept in the result
    """
    for item in values:
        _known(rules, item)
    steps = tuple(_step(rules, item, values.get(item)) for item in rules.items)
    known = {one.item: one.sub_index for one in steps if one.sub_index is not None}
    missing = tuple(item for item in rules.required.items if item not in known)
    highest = max(known.values(), default=None)
    deciding = tuple(item for item in known if known[item] == highest)
    row, counted = _bonus(rules, known)
    index = None if missing or highest is None else highest + (row.points if row else 0)
    top = rules.grades[-1].index[1]
    capped = index is not None and index > top and bool(rules.choices["cap_with_bonus"].value)
    index = top if capped else index
    grade = None if index is None else rules.grade_of(index)
    bases = _bases(rules, steps, forecasts, None if index is None else row)
    return CaiResult(
        index=index,
        grade=None if grade is None else grade.id,
        grade_name=None if grade is None else grade.name,
        deciding=deciding[0] if deciding else None,
        deciding_all=deciding,
        steps=steps,
        highest=highest,
        bonus=0 if row is None or index is None else row.points,
        counted=counted,
        capped=capped,
        missing=missing,
        missing_optional=tuple(item for item in rules.items if item not in known and item not in missing),
        forecasts=forecasts,
        as_of=rules.day,
        basis=bases,
        provisional=provisional(bases),
    )


def _step(rules: CaiRules, item: str, value: float | None) -> Step:
    row = rules.items[item]
    if value is None or not math.isfinite(value):
        return Step(**_words(row), value=None, quantised=None, sub_index=None, grade=None)
    scale = rules.scales[item]
    steps = _quantise_one(rules, row, value)
    number = int(scale[min(max(steps, 0), len(scale) - 1)])
    grade = rules.grade_of(number)
    return Step(
        **_words(row),
        value=value,
        quantised=str(steps * row.step),
        sub_index=number,
        grade=grade.id,
        grade_name=grade.name,
        outside="below" if steps < 0 else "above" if steps >= len(scale) else "",
    )


def _words(row: Item) -> dict[str, Any]:
    return {"item": row.id, "name": row.name, "short": row.short, "unit": row.unit, "unit_word": row.unit_word}


def _quantise_one(rules: CaiRules, item: Item, value: float) -> int:
    """As `quantise`, of one value; one beyond every instrument is read as its end."""
    limit = 10.0**12
    clean = round(min(max(value, -limit), limit) * float(1 / item.step), int(rules.choices["noise_digits"].value))
    rounding = rules.choices["step_rounding"].value
    if rounding == "half_up":
        return math.floor(clean + 0.5)
    return math.floor(clean) if rounding == "floor" else math.ceil(clean)


def _bonus(rules: CaiRules, known: Mapping[str, int]) -> tuple[Bonus | None, tuple[str, ...]]:
    """The bonus row that is reached, and the items that earned it."""
    lowest = {one.id: one.index[0] for one in rules.grades}
    reached: Bonus | None = None
    counted: tuple[str, ...] = ()
    for row in rules.bonus:
        over = tuple(item for item, number in known.items() if number >= lowest[row.from_grade])
        if len(over) >= row.items_min:
            reached, counted = row, over
    return reached, counted


def _bases(rules: CaiRules, steps: Sequence[Step], forecasts: Sequence[Forecast], bonus: Bonus | None) -> tuple[Basis, ...]:
    """The rules that had a part in the result."""
    used = [rules.pack.basis("items", rules.items[one.item]) for one in steps if one.sub_index is not None]
    used.append(rules.pack.basis("required", rules.required))
    used.extend(rules.basis("step_rounding", "noise_digits", "index_rounding"))
    if forecasts:
        used.extend(rules.pack.basis("c24e", rules.knees[one.item]) for one in forecasts)
        used.extend(rules.basis("hours_long_min", "hours_short_min"))
    if bonus is not None:
        used.append(rules.pack.basis("bonus", bonus))
        used.extend(rules.basis("cap_with_bonus"))
    if any(one.outside for one in steps):
        used.extend(rules.basis("outside_table"))
    return tuple(used)


def _is_damped(value: int, long: Sequence[int], knee: Knee, per_unit: int) -> bool:
    """Whether an hour is from the knee on and inside the ratios to C12, both ends included; all in whole numbers."""
    (low, low_of), (high, high_of) = (one.as_integer_ratio() for one in knee.ratio)
    total, hours = sum(long), len(long)
    return value >= knee.knee * per_unit and low * total <= value * hours * low_of and value * hours * high_of <= high * total


def _known(rules: CaiRules, item: str) -> Item:
    try:
        return rules.items[item]
    except KeyError:
        raise InputError("environment.not_in_cai", f"{item[:40]!r} is no item of the CAI.") from None
