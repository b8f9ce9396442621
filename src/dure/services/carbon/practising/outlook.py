"""How long a budget lasts: the days of the last weeks drawn again many times, until the money is gone. Pure.

The days ahead are drawn from the days behind, a week at a time, so that busy days of the week stay where they are. A day on which
the budget was already empty says nothing of the wish to spend, and is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec
import numpy as np

WEEK = 7
DRAWS = 400
AHEAD_D = 730
LOW, HIGH = 0.05, 0.95


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """When a budget is expected to be gone.

    Attributes
    ----------
    left_won : what may still be reserved; per_day_won : mean of the days it rests on
    gone_on : the median day; early_on, late_on : of a 90 % interval; None: not within `AHEAD_D` days, or nobody spends
    days : on how many days it rests
    """

    left_won: int
    per_day_won: int
    gone_on: date | None
    early_on: date | None
    late_on: date | None
    days: int


def outlook(left_won: int, spent: Sequence[int | None], today: date, seed: int = 0) -> Outlook:
    """When it is gone, from what was spent on each of the last days.

    Parameters
    ----------
    left_won : [KRW]
    spent : (n_days,) of whole days before today, the oldest first; None: the budget was empty or frozen all day [KRW]
    today : the first day ahead

    Returns
    -------
    With fewer than a week of days, or nothing spent, no day is told; with nothing left it is today.
    """
    known = [one for one in spent if one is not None]
    days = len(known)
    mean = sum(known) // days if days else 0
    if left_won <= 0:
        return Outlook(left_won=left_won, per_day_won=mean, gone_on=today, early_on=today, late_on=today, days=days)
    if days < WEEK or sum(known) <= 0:
        return Outlook(left_won=left_won, per_day_won=mean, gone_on=None, early_on=None, late_on=None, days=days)
    given = np.asarray([np.nan if one is None else one for one in spent])
    lasts = _lasts(left_won, given, np.random.default_rng(seed))
    early, median, late = (int(np.quantile(lasts, at, method="nearest")) for at in (LOW, 0.5, HIGH))
    return Outlook(
        left_won=left_won, per_day_won=mean, gone_on=_day(today, median), early_on=_day(today, early), late_on=_day(today, late),
        days=days,
    )  # fmt: skip


def _lasts(left_won: int, spent: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """(DRAWS,) whole days the money lasts, at most `AHEAD_D`. `spent`: (n_days,) with NaN where nothing could be spent [KRW]."""
    weeks = len(spent) // WEEK
    recent = spent[-weeks * WEEK :].reshape(weeks, WEEK)  # each row begins on the weekday that today is
    known = [one[~np.isnan(one)] for one in recent.T]
    usual = spent[~np.isnan(spent)]
    drawn = [chance.choice(one if len(one) else usual, size=(DRAWS, AHEAD_D // WEEK + 1)) for one in known]
    days = np.stack(drawn, axis=2).reshape(DRAWS, -1)[:, :AHEAD_D]
    over = days.cumsum(axis=1) >= left_won
    return np.where(over.any(axis=1), over.argmax(axis=1), AHEAD_D)


def _day(today: date, lasts_d: int) -> date | None:
    return None if lasts_d >= AHEAD_D else today + timedelta(days=lasts_d)
