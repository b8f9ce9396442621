"""Why emissions changed: activity, factor, weather and floor area, in whole grams that sum to the change.

Each use is a product ``area x intensity x weather x factor``. The change is shared out by the Shapley value: the mean, over all
orders in which the four can change, of what each adds in its turn. It is exact, does not depend on an order and allows zeros.

References
----------
Albrecht, J., Francois, D., Schoors, K. (2002). A Shapley decomposition of carbon emissions without residuals. Energy Policy
30(9), 727-736. doi:10.1016/S0301-4215(01)00131-8
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import factorial, floor, prod

import msgspec

from dure.core.text import Text
from dure.emissions.conversion import Refused

EFFECTS = ("activity", "factor", "weather", "area")


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One fuel in one period.

    Attributes
    ----------
    energy_wh : what was used [Wh]
    area_m2 : floor area it served [m2], > 0
    weather : use that the baseline model expects in this period's weather, over what it expects in a normal one [1], > 0
    g_per_wh : emission factor [gCO2e/Wh]
    """

    energy_wh: int
    area_m2: Fraction
    weather: Fraction
    g_per_wh: Fraction


class Bridge(msgspec.Struct, frozen=True):
    """Change in whole grams [gCO2e]; the four effects sum to `after_g` - `before_g` exactly."""

    before_g: int
    after_g: int
    activity_g: int
    factor_g: int
    weather_g: int
    area_g: int

    @property
    def total_g(self) -> int:
        """The whole change [gCO2e]."""
        return self.after_g - self.before_g


def bridge(before: Mapping[str, Use], after: Mapping[str, Use]) -> Bridge | Refused:
    """The change from one period to another over all fuels, keyed by fuel.

    A fuel that is in one period only is all activity: what was not used has no factor or weather to compare.
    """
    if any(use.area_m2 <= 0 or use.weather <= 0 for use in (*before.values(), *after.values())):
        words = Text("연면적과 기상 지수는 0보다 커야 합니다.", "Floor area and weather index must be above 0.")
        return Refused("bridge.no_base", words)
    sums = [Fraction(0)] * len(EFFECTS)
    for fuel in sorted(before.keys() | after.keys()):
        old, new = before.get(fuel), after.get(fuel)
        if old is None or new is None:
            sums[0] += _emitted(new) - _emitted(old)
            continue
        sums = [total + part for total, part in zip(sums, shapley(_parts(old), _parts(new)), strict=True)]
    first, last = (round(sum(map(_emitted, uses.values()), Fraction(0))) for uses in (before, after))
    return Bridge(first, last, *_whole(sums, last - first))


def _emitted(use: Use | None) -> Fraction:
    return use.energy_wh * use.g_per_wh if use else Fraction(0)


def _parts(use: Use) -> list[Fraction]:
    """The four parts whose product is the emission, in the order of `EFFECTS`."""
    return [use.energy_wh / (use.area_m2 * use.weather), use.g_per_wh, use.weather, use.area_m2]


def shapley(before: Sequence[Fraction], after: Sequence[Fraction]) -> list[Fraction]:
    """How much of the change of a product each of its n parts brings; (n,), summing to the change exactly."""
    count = len(before)
    found = []
    for one in range(count):
        others = [i for i in range(count) if i != one]
        total = Fraction(0)
        for size in range(count):
            weight = Fraction(factorial(size) * factorial(count - 1 - size), factorial(count))
            for changed in combinations(others, size):
                rest = prod((after[i] if i in changed else before[i] for i in others), start=Fraction(1))
                total += weight * rest * (after[one] - before[one])
        found.append(total)
    return found


def _whole(parts: Sequence[Fraction], total: int) -> list[int]:
    """Parts in whole grams with a given sum: rounded down, what is left goes to the largest remainders."""
    whole = [floor(part) for part in parts]
    order = sorted(range(len(parts)), key=lambda i: (whole[i] - parts[i], i))
    rest = total - sum(whole)  # between -1 and n: the parts sum to the unrounded change
    step = 1 if rest >= 0 else -1
    for turn in range(abs(rest)):
        whole[order[turn % len(order)] if step > 0 else order[-1 - turn % len(order)]] += step
    return whole
