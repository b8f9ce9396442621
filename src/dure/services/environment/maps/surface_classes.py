"""Classes of a map's legend: steps of the grades where the property has grades, else equal shares of the map."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dure.services.environment.grades.air_index import Grade, Item


class Band(msgspec.Struct, frozen=True):
    """A class: the numbers its legend shows, and the value below which it ends (None: open).

    Where values are read to a step, ``0 to 7`` and ``8 to 15`` leave no gap: the first ends at 7.5.
    """

    low: float | None
    high: float | None
    until: float | None
    grade: Text | None = None


def graded(item: Item, grades: Sequence[Grade], steps: int) -> list[Band]:
    """The bands of an item's grades, each closed one cut into `steps` of equal width in whole reporting steps."""
    found: list[Band] = []
    for number, ((low, high), grade) in enumerate(zip(item.bands, grades, strict=True)):
        first, last = int(low / item.step), int(high / item.step)
        if number == len(item.bands) - 1:
            found.append(Band(float(low), None, None, grade.name))
            break
        edges = [first + (last + 1 - first) * part // steps for part in range(steps + 1)]
        for start, end in pairwise(edges):
            until = (Decimal(end) - Decimal("0.5")) * item.step
            found.append(Band(float(start * item.step), float((end - 1) * item.step), float(until), grade.name))
    return found


def quantiles(values: NDArray[np.float64], classes: int, decimals: int) -> list[Band]:
    """Classes that hold about the same number of cells each, between numbers as the property is written; fewer if they meet."""
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    edges = np.unique(np.round(np.quantile(known, np.arange(1, classes) / classes), decimals))
    edges = edges[(edges > known.min()) & (edges <= known.max())]
    return _between([float(edge) for edge in edges])


def even(most: float, classes: int) -> list[Band]:
    """Classes of one width from 0 on, 1, 2 or 5 times a power of ten, that hold `most`."""
    if not most > 0:
        return [Band(None, None, None)]
    rough = most / classes
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= rough * (1 - 1e-9))
    inner = math.ceil(most / step - 1e-9)
    return _between([round(step * number, 12) for number in range(1, inner)])


def _between(edges: list[float]) -> list[Band]:
    lows, highs = [None, *edges], [*edges, None]
    return [Band(low, high, high) for low, high in zip(lows, highs, strict=True)]


def classify(values: NDArray[np.float64], bands: Sequence[Band]) -> NDArray[np.intp]:
    """Number of the class of each value: (n,) -> (n,)."""
    return np.searchsorted(np.array([band.until for band in bands if band.until is not None]), values, side="right")
