"""The detours routes offered a bin on past days: what the planner expects of days to come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from dure.services.waste.planning.foresight import Detours

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.planning.verdicts import Verdict

LIKELY = 8  # detours a bin's past days are drawn together to
ENOUGH = 3  # days of one kind from which they are told apart
KEPT = 28  # days of each kind
SPREAD = np.array([0.02, 0.05, 0.2, 0.6, 1.0, 1.6, 2.5, 4.0])  # detours against a usual one, as rehearsals met them
YESTERDAY_D = 1.5  # emptied no longer ago is emptied the day before


class Met(NamedTuple):
    """What the routes of a day offered n bins.

    Attributes
    ----------
    detour_m : (n,) metres leaving the bin out saved, or taking it in would have added; nan: nobody asked
    after : (n,) whether the bin had been emptied the day before
    """

    detour_m: FloatArray
    after: BoolArray


def offered(met: Sequence[Met], n: int, presumed_m: float) -> Detours:
    """Equally likely detours of n bins from their past days; a bin without any gets the presumed one.

    Days after an emptying and other days are told apart where a bin has enough of a kind; else all its days speak for both.
    """
    if not met:
        plain = np.full((n, 1), presumed_m)
        return Detours(plain, plain)
    metres, after = (np.array([one[at] for one in met]).T for at in (0, 1))
    known = np.isfinite(metres)
    every = _quantiles(metres, known, presumed_m)
    kinds = []
    for kind in (known & after, known & ~after):
        enough = kind.sum(1) >= ENOUGH
        kinds.append(np.where(enough[:, None], _quantiles(metres, kind, presumed_m), every))
    return Detours(*kinds)


def _quantiles(metres: FloatArray, use: BoolArray, presumed_m: float) -> FloatArray:
    """(n, LIKELY) quantiles of the days in use, at the middles of equal shares."""
    ordered = np.sort(np.where(use, metres, np.inf), axis=1)
    count = use.sum(1)
    at = ((np.arange(LIKELY) + 0.5) / LIKELY * count[:, None]).astype(np.int64)
    found = np.take_along_axis(ordered, np.minimum(at, metres.shape[1] - 1), 1)
    return np.where(count[:, None] > 0, found, presumed_m)


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What plans in force offered each bin [m], newest last: on days after it had been emptied, and on other days."""

    after: Mapping[str, tuple[int, ...]] = {}  # msgspec copies an empty default for every instance
    other: Mapping[str, tuple[int, ...]] = {}  # as above


def with_day(learnt: Learnt, said: Iterable[Verdict], since_d: Mapping[str, float]) -> Learnt:
    """What is learnt once another day's plan counts.

    Parameters
    ----------
    said : the verdicts of that plan; those without metres say nothing
    since_d : days since each bin was emptied, as that plan knew it
    """
    after, other = dict(learnt.after), dict(learnt.other)
    for one in said:
        if one.added_m is not None:
            kind = after if since_d.get(one.bin, np.inf) < YESTERDAY_D else other
            kind[one.bin] = (*kind.get(one.bin, ()), max(one.added_m, 0))[-KEPT:]
    return Learnt(after=after, other=other)


def expected_of(learnt: Learnt, bins: Sequence[str], presumed_m: float) -> Detours:
    """Equally likely detours of these bins; before any plan was in force they are presumed, short ones among long ones."""
    none = tuple[int, ...]()
    kinds = [[kind.get(one, none) for one in bins] for kind in (learnt.after, learnt.other)]
    n = max((len(one) for kind in kinds for one in kind), default=0)
    if n == 0:
        plain = np.tile(presumed_m * SPREAD, (len(bins), 1))
        return Detours(plain, plain)
    metres = np.full((2, len(bins), n), np.nan)
    for kind, rows in zip(metres, kinds, strict=True):
        for row, values in enumerate(rows):
            kind[row, : len(values)] = values
    nobody = np.zeros(len(bins), bool)
    met = [Met(day, mask) for kind, mask in zip(metres, (~nobody, nobody), strict=True) for day in kind.T]
    return offered(met, len(bins), presumed_m)
