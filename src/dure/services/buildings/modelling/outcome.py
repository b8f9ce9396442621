"""What stands where there can be no model: a code and the numbers that led to it. Bad input is a result, not an exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Code = Literal[
    "no_data",
    "too_few",
    "infinite_value",
    "constant_temperature",
    "zero_use",
    "negative_use",
    "duplicate_periods",
    "overlapping_periods",
    "empty_periods",
    "no_candidate",
    "cell_unknown",
    "lengths_differ",
]


@dataclass(frozen=True)
class Refused:
    """Why there is no model, with the numbers that say so."""

    code: Code
    numbers: Mapping[str, float] = field(default_factory=dict)


def usable(temperature: Floats, usage: Floats) -> Bools:
    """(n,) whether a row has both temperature and use."""
    return ~(np.isnan(temperature) | np.isnan(usage))


def objection(temperature: Floats, usage: Floats, rows_min: int, *, net: bool = False) -> Refused | None:
    """Why nothing can be fitted to these rows, if so.

    Parameters
    ----------
    temperature, usage : (n,) NaN where missing
    rows_min : rows with both that are needed
    net : whether use may be negative (a meter behind which there is PV)
    """
    if np.shape(temperature) != np.shape(usage):
        return Refused("lengths_differ", {"temperatures": float(np.size(temperature)), "uses": float(np.size(usage))})
    if np.isinf(temperature).any() or np.isinf(usage).any():
        return Refused("infinite_value", {"rows": float((np.isinf(temperature) | np.isinf(usage)).sum())})
    rows = usable(temperature, usage)
    if not rows.any():
        return Refused("no_data", {"rows": float(len(rows))})
    if rows.sum() < rows_min:
        return Refused("too_few", {"rows": float(rows.sum()), "rows_min": float(rows_min)})
    return _implausible(temperature[rows], usage[rows], net=net)


def _implausible(temperature: Floats, usage: Floats, *, net: bool) -> Refused | None:
    if np.ptp(temperature) == 0:
        return Refused("constant_temperature", {"temperature": float(temperature[0])})
    if not usage.any():
        return Refused("zero_use", {"rows": float(len(usage))})
    if not net and (usage < 0).any():
        return Refused("negative_use", {"rows": float((usage < 0).sum()), "least": float(usage.min())})
    return None
