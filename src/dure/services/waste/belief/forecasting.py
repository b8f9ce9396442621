"""What is to be expected of every bin: its level with an interval, and the risk that it overflows before the next chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
from scipy.special import ndtri

from dure.core.time import to_us
from dure.services.waste.belief import levels
from dure.services.waste.belief.gains import deposits_overflow, passes_from
from dure.services.waste.belief.state import NEVER_US, Kind, forgotten
from dure.services.waste.belief.weekdays import DAY_US
from dure.services.waste.model import FloatArray, Forecast, Health

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from dure.services.waste.belief.state import Beliefs

SHARE = 0.8  # of the interval
BRIM = 1.0
HEALTHS: tuple[str, ...] = get_args(Health)


@dataclass(frozen=True)
class Outlook:
    """Levels to come of n bins at s instants: `level`, `low`, `high` and `risk` are (n, s)."""

    at_us: NDArray[np.int64]
    level: FloatArray
    low: FloatArray
    high: FloatArray
    risk: FloatArray


def forecast(
    beliefs: Beliefs, at: datetime, next_chance_d: float | FloatArray = 1.0, faults: Mapping[str, str] | None = None
) -> Forecast:
    """Levels when the next plan begins, and the risk of leaving each bin until the chance after it.

    Parameters
    ----------
    at : when a truck may come first
    next_chance_d : days from then until the next chance [d], one for all or (n,)
    faults : open fault of each bin that has one, told as its health
    """
    at_us = max(to_us(at), beliefs.as_of_us)
    n = len(beliefs.bins)
    paced = _paced(beliefs, at_us)
    mean, low, high = _levels(paced, at_us)
    until_us = at_us + np.round(np.broadcast_to(np.asarray(next_chance_d, np.float64), (n,)) * DAY_US).astype(np.int64)
    heard_us = beliefs.last_us.max(axis=1, initial=NEVER_US)
    age_d = np.where(heard_us > NEVER_US, (at_us - heard_us) / DAY_US, np.nan)
    return Forecast(
        bins=tuple(one.id for one in beliefs.bins),
        level=mean,
        low=low,
        high=high,
        risk=_chance(paced, until_us, BRIM),
        per_day=beliefs.traits.rate_per_day * paced.tempo(np.arange(n)),
        age_d=np.maximum(age_d, 0.0),
        health=_health(beliefs, at_us, faults or {}),
    )


def chance(beliefs: Beliefs, at: datetime, level: float = BRIM) -> FloatArray:
    """(n,) probability that each bin stands at a level or above by then, if nobody empties it."""
    at_us = max(to_us(at), beliefs.as_of_us)
    return _chance(_paced(beliefs, at_us), np.full(len(beliefs.bins), at_us, np.int64), level)


def outlook(beliefs: Beliefs, at: datetime, hours: tuple[float, ...]) -> Outlook:
    """Levels so many hours after an instant, for charts."""
    begin_us = max(to_us(at), beliefs.as_of_us)
    at_us = begin_us + np.array([round(one * DAY_US / 24) for one in hours], np.int64)
    columns = []
    for one in at_us.tolist():
        paced = _paced(beliefs, one)
        columns.append((*_levels(paced, one), _chance(paced, np.full(len(beliefs.bins), one, np.int64), BRIM)))
    level, low, high, risk = (np.stack(one, axis=1) for one in zip(*columns, strict=True))
    return Outlook(at_us, level, low, high, risk)


def _paced(beliefs: Beliefs, at_us: int) -> Beliefs:
    """The beliefs with tempos as they are to be taken at an instant."""
    rows = np.arange(len(beliefs.bins))
    risen, awaited = forgotten(beliefs, rows, np.full(len(rows), at_us, np.int64))
    return replace(beliefs, risen=risen, awaited=awaited, paced_us=np.full(len(rows), at_us, np.int64))


def _levels(paced: Beliefs, at_us: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(n,) mean and both ends of the interval."""
    rows = np.arange(len(paced.bins))
    days = paced.waste_days(rows, np.full(len(rows), at_us, np.int64))
    gained = paced.gain(rows, days)
    rise, tail = gained.mean(), (1 - SHARE) / 2
    noise = float(ndtri(1 - tail)) * paced.sd
    mean = paced.level + rise
    # Two independent errors: what was not known of the level, and what fell in since.
    low = mean - np.hypot(noise, rise - gained.quantile(tail))
    high = mean + np.hypot(noise, np.maximum(gained.quantile(1 - tail) - rise, 0.0))
    for group in paced.traits.stepwise:
        spread = paced.spread(group, group.rows, days[group.rows])
        mean[group.rows] = spread @ group.grid
        low[group.rows] = levels.quantile(spread, group.grid, tail)
        high[group.rows] = levels.quantile(spread, group.grid, 1 - tail)
    most = paced.rules.seeing.level_max
    mean = np.clip(mean, 0.0, most)
    return mean, np.minimum(np.clip(low, 0.0, most), mean), np.maximum(np.clip(high, 0.0, most), mean)


def _chance(paced: Beliefs, until_us: NDArray[np.int64], level: float) -> FloatArray:
    rows = np.arange(len(paced.bins))
    days = paced.waste_days(rows, until_us)
    found = passes_from(paced.level, paced.sd, paced.gain(rows, days), level)
    counted = np.flatnonzero(until_us - paced.last_us[:, Kind.DEPOSITS] < paced.rules.learning.silent_d * 2 * DAY_US)
    if len(counted):
        traits = paced.traits
        volume = traits.deposit[counted]
        rise = traits.rate_per_day[counted] * paced.tempo(counted) * days[counted]
        free = level - paced.level[counted]
        by_count = deposits_overflow(free, rise / volume, paced.awaited[counted] / volume, volume, paced.rules.seeing.deposit_cv)
        found[counted] = by_count
    for group in paced.traits.stepwise:
        spread = paced.spread(group, group.rows, days[group.rows])
        found[group.rows] = levels.at_least(spread, group.grid, level)
    return np.clip(found, 0.0, 1.0)


def _health(beliefs: Beliefs, at_us: int, faults: Mapping[str, str]) -> tuple[Health, ...]:
    silent_us = at_us - round(beliefs.rules.learning.silent_d * DAY_US)
    found: list[str] = []
    for row, one in enumerate(beliefs.bins):
        fault = faults.get(one.id, "")
        if not one.sensor:
            found.append("no_sensor")
        elif fault in HEALTHS:
            found.append(fault)
        elif beliefs.last_us[row, [Kind.SENSOR, Kind.DEPOSITS]].max() < silent_us:
            found.append("silent")
        else:
            found.append("jumping" if beliefs.slips[row] else "healthy")
    return tuple(found)  # type: ignore[arg-type]  # each is one of HEALTHS
