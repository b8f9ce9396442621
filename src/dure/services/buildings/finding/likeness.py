"""How hours of a few days differ from earlier hours that were alike: same local hour, same kind of day, same weather. Pure.

Every detector asks this first. Alike hours need no model of the building: what it used then is what it should use now,
whatever its heating, cooling and schedule are. Their spread says how sure that is, hour by hour: at an hour that always comes
to the same, a small surplus tells; in the morning peak of a cold snap even a large one tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dure.services.buildings.finding.day_grid import DAY_H, Bools, DayGrid, Floats, Ints
from dure.services.buildings.finding.finding_rules import LikenessRow

NORMAL_IQR = 1.349  # of a normal distribution of deviation 1
MEDIAN_COST = 1.57  # variance of a median, of that of a mean


@dataclass(frozen=True, eq=False)
class Alike:
    """What earlier hours tell of hours of some days.

    Attributes
    ----------
    use : (k, 24) what was used [book unit / h]
    expected : (k, 24) the median of alike hours, NaN where there are too few
    spread : (k, 24) deviation of a single hour from it, the median's own uncertainty included
    """

    use: Floats
    expected: Floats
    spread: Floats

    @property
    def difference(self) -> Floats:
        """(k, 24) use above what was expected."""
        return self.use - self.expected


def alike(
    grid: DayGrid, rows: Ints, earlier: Bools, how: LikenessRow, *, kind: int | None = None, hours: Sequence[int] = range(DAY_H)
) -> Alike:
    """Compare days with earlier ones.

    Parameters
    ----------
    rows : (k,) rows of the grid
    earlier : (days,) which rows may be compared with
    kind : kind of day to compare with; None: each with its own
    hours : local hours that are compared, the columns of the answer

    Returns
    -------
    For each hour the median and the spread of the hours that are alike
    """
    reference, column = np.flatnonzero(earlier), list(hours)
    air = grid.temperature[:, column]
    known = ~np.isnan(air[rows]).all() and not np.isnan(air[reference]).all()
    if not known:
        reference = reference[-how.days_without_weather :]
    use, past = grid.use[rows][:, column], grid.use[reference][:, column]
    wanted = grid.kind[rows] if kind is None else np.full(len(rows), kind)
    same = wanted[:, None] == grid.kind[reference][None]
    near = same[:, :, None] & ~np.isnan(past)[None]
    if known:
        warmth = grid.warmth[:, column]
        away = np.abs(air[rows][:, None] - air[reference][None]) / how.temperature_k
        away += np.abs(warmth[rows][:, None] - warmth[reference][None]) / how.warmth_k
        near &= away <= 1
    n = near.sum(1)
    low, middle, high = _quartiles(np.where(near, past[None], np.inf), n)
    enough = n >= how.alike_least
    spread = (high - low) / NORMAL_IQR * np.sqrt(1 + MEDIAN_COST / np.maximum(n, 1))
    return Alike(use=use, expected=np.where(enough, middle, np.nan), spread=np.where(enough, spread, np.nan))


def _quartiles(value: Floats, n: Ints) -> tuple[Floats, Floats, Floats]:
    """(k, 24) quartiles over the middle axis of (k, m, 24), of which the lowest `n` are values and the rest is infinite."""
    if value.shape[1] == 0:
        none = np.full(n.shape, np.nan)
        return none, none, none
    value = np.sort(value, axis=1)
    return _at(value, n, 0.25), _at(value, n, 0.5), _at(value, n, 0.75)


def _at(value: Floats, n: Ints, share: float) -> Floats:
    place = np.maximum(n - 1, 0) * share
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(n - 1, 0))
    low = np.take_along_axis(value, below[:, None], axis=1)[:, 0]
    high = np.take_along_axis(value, above[:, None], axis=1)[:, 0]
    with np.errstate(invalid="ignore"):
        found = low + (place - below) * (high - low)
    return np.asarray(np.where(n > 0, found, np.nan))
