"""Seeded pilots, to rehearse how savings are judged: with no true effect nothing may be claimed, with one it must be seen.

A city of bins is emptied on intervals of its own, before and during the pilot; crews come a day late, leave bins out and take
others along; kilometres are those of a vehicle tracker, which says more than the planned ones, by a share that wanders from
day to day (AR 1), with weeks that differ as a whole (holidays, crews). The baseline is read from the log of the weeks before.
In the pilot the bins are emptied as before (`effect` 0), or with so much less driving.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.waste.accounting.baseline import due_from_log
from dure.services.waste.accounting.savings import Paired, saving_of

if TYPE_CHECKING:
    from dure.services.waste.accounting.factors import Judging
    from dure.services.waste.accounting.savings import Saving
    from dure.services.waste.model import BoolArray, FloatArray

WEEK_D = 7
FIRST_ON = date(2026, 1, 5)  # a Monday
CURVE_BITS = 8


class Habits(msgspec.Struct, frozen=True, kw_only=True):
    """How a simulated city drives.

    Attributes
    ----------
    weeks_before, weeks : of the log the baseline is read from, and of the pilot
    late, left_out, taken_along : shares of visits a day late, left out, and of other bins taken along on a day
    tracker_bias : driven over planned kilometres
    day_sd, day_phi : standard deviation of a day's kilometres [1] and its correlation with the day before
    week_sd, week_phi : the same of weeks
    effect : true saving of the pilot [1]
    """

    n: int = 80
    weeks_before: int = 8
    weeks: int = 10
    late: float = 0.10
    left_out: float = 0.03
    taken_along: float = 0.02
    tracker_bias: float = 1.12
    day_sd: float = 0.08
    day_phi: float = 0.5
    week_sd: float = 0.03
    week_phi: float = 0.2
    effect: float = 0.0


@dataclass(frozen=True, eq=False)
class Pilot:
    """A city before and in its pilot: (t,) tracker's metres beside what the reconstructed baseline gives on the same days."""

    before: Paired
    pilot: Paired


def pilot(habits: Habits, seed: int) -> Pilot:
    """One seeded pilot."""
    rng = np.random.default_rng(seed)
    xy = rng.standard_normal((habits.n, 2)) * 2_400
    interval_d = np.clip(np.floor(0.6 / (0.117 * np.exp(0.75 * rng.standard_normal(habits.n)))), 1, 28).astype(int)
    phase_d = rng.integers(0, interval_d)
    before_d = WEEK_D * habits.weeks_before
    days = np.arange(before_d + WEEK_D * habits.weeks)
    done = _as_crews_do((days[:, None] + phase_d) % interval_d == 0, habits, rng)
    order = _along_curve(xy)
    driven_m = tours_m(xy, done, order) * habits.tracker_bias * _wandering(days.size, habits, rng)
    driven_m[before_d:] *= 1 - habits.effect
    calendar_m = tours_m(xy, _reconstructed(done, before_d), order)
    return Pilot(
        Paired(driven_m[:before_d], calendar_m[:before_d]),
        Paired(driven_m[before_d:], calendar_m[before_d:]),
    )


def judged(habits: Habits, judging: Judging, seeds: Sequence[int]) -> list[Saving]:
    """What is said of seeded pilots."""
    found = []
    for seed in seeds:
        one = pilot(habits, seed)
        found.append(saving_of(one.pilot, judging, seed, one.before))
    return found


def tours_m(xy: FloatArray, visited: BoolArray, order: FloatArray) -> FloatArray:
    """(t,) metres of a round from the centre through the bins of each day along a space-filling curve."""
    found = np.zeros(visited.shape[0])
    for day, row in enumerate(visited):
        stops = np.flatnonzero(row)
        way = np.vstack([[0, 0], xy[stops[np.argsort(order[stops])]], [0, 0]])
        found[day] = np.hypot(*np.diff(way, axis=0).T).sum()
    return found


def _as_crews_do(due: BoolArray, habits: Habits, rng: np.random.Generator) -> BoolArray:
    draw = rng.random(due.shape)
    late = due & (draw < habits.late)
    out = due & (draw >= habits.late) & (draw < habits.late + habits.left_out)
    done = due & ~late & ~out
    done[1:] |= late[:-1]
    return np.asarray(done | (rng.random(due.shape) < habits.taken_along * due.mean()))


def _reconstructed(done: BoolArray, before_d: int) -> BoolArray:
    """(t, n) what the calendar read from the log of the days before says for all days."""
    days = [FIRST_ON + timedelta(days=one) for one in range(done.shape[0])]
    emptied = {str(bin_): [days[one] for one in np.flatnonzero(done[:before_d, bin_])] for bin_ in range(done.shape[1])}
    due = {one.bin: one for one in due_from_log(emptied, (days[0], days[before_d]), 0.8)}
    columns = [[due[str(bin_)].on(day) if str(bin_) in due else False for day in days] for bin_ in range(done.shape[1])]
    return np.array(columns, bool).T


def _wandering(days: int, habits: Habits, rng: np.random.Generator) -> FloatArray:
    weeks = _ar(-(-days // WEEK_D), habits.week_sd, habits.week_phi, rng)
    return np.exp(_ar(days, habits.day_sd, habits.day_phi, rng) + np.repeat(weeks, WEEK_D)[:days])


def _ar(n: int, sd: float, phi: float, rng: np.random.Generator) -> FloatArray:
    """A stationary series with that standard deviation and correlation with the value before."""
    found = np.zeros(n)
    found[0] = sd * rng.standard_normal()
    for one in range(1, n):
        found[one] = phi * found[one - 1] + sd * np.sqrt(1 - phi**2) * rng.standard_normal()
    return found


def _along_curve(xy: FloatArray) -> FloatArray:
    """(n,) position of each place along a Hilbert curve over them."""
    span = np.ptp(xy, axis=0).max() or 1.0
    side = 1 << CURVE_BITS
    x, y = np.clip(((xy - xy.min(0)) / span * (side - 1)).astype(int), 0, side - 1).T
    x, y = x.copy(), y.copy()
    found = np.zeros(len(xy))
    step = side // 2
    while step:
        right, up = (x & step) > 0, (y & step) > 0
        found += step * step * ((3 * right.astype(int)) ^ up.astype(int))
        turn = ~up
        flip = turn & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(turn, y, x), np.where(turn, x, y)
        step //= 2
    return found
