"""Policies side by side: their figures, and kilometres at equal overflow.

A policy with fewer kilometres and more overflow is no better policy. What a family of policies (a threshold at several
levels, a calendar at several intervals) needs at a given overflow is read between its points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.waste.accounting.kpi import Driven, Figures, figures
from dure.services.waste.rehearsing.replay import replay

if TYPE_CHECKING:
    from dure.services.waste.rehearsing.fleet import Ground, Router
    from dure.services.waste.rehearsing.policies import Policy
    from dure.services.waste.rehearsing.replay import Effort, Trace
    from dure.services.waste.rehearsing.world import World


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """A policy and what it came to on the days that count."""

    policy: str
    figures: Figures


def rehearsed(world: World, policy: Policy, land: Ground, router: Router, effort: Effort) -> Rehearsed:
    """Replay a policy; the days of the warm-up do not count."""
    return Rehearsed(policy=policy.name, figures=counted(replay(world, policy, land, router, effort)))


def counted(trace: Trace) -> Figures:
    """The figures of a trace after its warm-up."""
    first = trace.warm_up_d
    return figures(
        Driven(
            distance_m=trace.distance_m[first:],
            duration_s=trace.duration_s[first:],
            visited=trace.visited[first:],
            level=trace.level[first:],
            evening=trace.evening[first:],
            capacity_l=trace.capacity_l,
            missed=int(trace.missed[first:].sum()),
            trucks_max=int(trace.trucks[first:].max(initial=0)),
        )
    )


def km_at(overflow: float, family: Sequence[Figures]) -> float:
    """Kilometres a day a family of policies needs to have no more than that overflow.

    Between two points of its frontier in a straight line (a city may use one on some days and the other on the rest). Where
    the family never comes down to that overflow: the kilometres of its lowest, which is less than it would need.

    Parameters
    ----------
    overflow : bin-days per 1,000
    family : figures of its members, in any order, at least one
    """
    ordered = sorted(family, key=lambda one: (one.overflow, one.km_day))
    best: list[tuple[float, float]] = []
    for one in ordered:
        if not best or one.km_day < best[-1][1]:
            best.append((one.overflow, one.km_day))
    hull = _lower_hull(best)
    return float(np.interp(overflow, [one[0] for one in hull], [one[1] for one in hull]))


def fewer(ours: Figures, family: Sequence[Figures]) -> float:
    """Share of kilometres ours saves against a family of policies at equal overflow [1]."""
    return 1 - ours.km_day / km_at(ours.overflow, family)


def mean(figures_: Sequence[Figures]) -> Figures:
    """The mean of the same policy over several seeds; counts are summed, the most trucks taken."""
    names = [one for one in Figures.__struct_fields__ if one not in ("missed", "trucks_max")]
    plain = {name: float(np.mean([getattr(one, name) for one in figures_])) for name in names}
    return Figures(**plain, missed=sum(one.missed for one in figures_), trucks_max=max(one.trucks_max for one in figures_))


def _lower_hull(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points no mixture of two others beats, in order of overflow."""
    hull: list[tuple[float, float]] = []
    for point in points:
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return hull


def _above(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    run, rise = last[0] - first[0], last[1] - first[1]
    return (middle[1] - first[1]) * run >= rise * (middle[0] - first[0])
