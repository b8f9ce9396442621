"""Advice for bins: where a sensor is worth most, which bin to enlarge, to put beside another, or to take away.

A cheap estimate of every change of every bin puts them in order (`worth`); the first of that list are tried out on all bins
together (`trying`) and ranked by what they save there. A change saves kilometres and overflow; overflow counts with the
city's dial. It is advice: who asked for a bin at that corner is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.services.waste.placing.trying import tried
from dure.services.waste.placing.worth import YEAR_D, Habit, sensor_m_year, tables

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray
    from dure.services.waste.placing.worth import Tables

Action = Literal["sensor", "enlarge", "move", "remove"]
ACTIONS: tuple[Action, ...] = ("sensor", "enlarge", "move", "remove")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers of ``[[placing]]`` in rules/factors.toml.

    Attributes
    ----------
    enlarge_times : how many times as much an enlarged bin holds
    remove_m_max, move_m_max : how far the next bin may be for one to be taken away, or put beside it [m, along the road]
    shortlist : how many changes are tried out on all bins together
    years : of days they are tried on
    """

    enlarge_times: float = 2.0
    remove_m_max: float = 250.0
    move_m_max: float = 500.0
    shortlist: int = 24
    years: int = 3


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """One change of one bin and what it saves in a year.

    Attributes
    ----------
    beside : the bin it is put beside, or that takes its waste; beside_m : how far that is [m, along the road]
    km_year : saved, overflow counted with the dial [km]
    driven_km_year, overflow_year : of that, kilometres driven, and bin-days of overflow fewer
    tried : tried out on all bins together; else estimated for the bin alone (then kilometres and overflow are not told apart)
    """

    bin: str
    action: Action
    km_year: float
    beside: str = ""
    beside_m: float | None = None
    driven_km_year: float | None = None
    overflow_year: float | None = None
    tried: bool = False


@dataclass(frozen=True, eq=False)
class Site:
    """n bins as they stand.

    Attributes
    ----------
    distance_m : (n + 1, n + 1) with the depot in row 0
    capacity_l : (n,) litres to the brim
    sensing : (n,) whether each has a sensor that tells something
    habit : how they fill, and the detours they are offered
    """

    ids: tuple[str, ...]
    distance_m: FloatArray
    capacity_l: FloatArray
    sensing: BoolArray
    habit: Habit


@dataclass(frozen=True, eq=False)
class Change:
    """A change of bin `row`; `beside` the row of the other bin, -1: none."""

    action: Action
    row: int
    beside: int = -1


def changes(site: Site, limits: Limits, actions: Sequence[Action] = ACTIONS) -> list[Change]:
    """Every change that comes into question."""
    n = len(site.ids)
    between = site.distance_m[1:, 1:] + np.where(np.eye(n, dtype=bool), np.inf, 0.0)
    near = between.argmin(1) if n > 1 else np.zeros(n, np.int64)
    found = []
    for row in range(n):
        apart_m = float(between[row, near[row]])
        fits = {
            "sensor": not site.sensing[row],
            "enlarge": True,
            "move": 0 < apart_m <= limits.move_m_max,
            "remove": apart_m <= limits.remove_m_max,
        }
        found += [
            Change(one, row, int(near[row]) if one in ("move", "remove") else -1) for one in actions if fits[one]
        ]  # fmt: skip
    return found


def estimated_m_year(site: Site, change: Sequence[Change], limits: Limits) -> FloatArray:
    """(c,) metres a year each change saves, of the bins concerned alone."""
    habit = site.habit
    now = tables(habit)
    cost = np.where(site.sensing, now.seen_m, now.blind_m)
    sensor = sensor_m_year(now)
    rate, detour_m, sensing, own = _changed(site, change, limits)
    after = tables(replace(habit, rate=rate, detour_m=detour_m))
    then = np.where(sensing, after.seen_m, after.blind_m)
    found = np.zeros(len(change))
    for at, one in enumerate(change):
        if one.action == "sensor":
            found[at] = sensor[one.row]
        elif one.action == "remove":
            found[at] = YEAR_D * (cost[one.row] + cost[one.beside] - then[at])
        else:
            found[at] = YEAR_D * (cost[own[at]] - then[at])
    return found


def advise(site: Site, limits: Limits, seed: int, actions: Sequence[Action] = ACTIONS) -> list[Advice]:
    """The ranked list: what was tried out first, by what it saves; then the rest by its estimate."""
    known = changes(site, limits, actions)
    if not known:
        return []
    estimate = estimated_m_year(site, known, limits)
    order = np.argsort(-estimate, kind="stable")
    first = [known[one] for one in order[: limits.shortlist]]
    saved = try_out(site, first, limits, seed)
    found = [_told(site, one, metres) for one, metres in zip(first, saved, strict=True)]
    rest = [
        Advice(bin=site.ids[one.row], action=one.action, km_year=float(estimate[at]) / 1000, beside=_name(site, one))
        for at, one in ((at, known[at]) for at in order[limits.shortlist :])
    ]
    return [*sorted(found, key=lambda one: (-one.km_year, one.bin, one.action)), *rest]


def try_out(site: Site, change: Sequence[Change], limits: Limits, seed: int) -> list[tuple[float, float]]:
    """Metres driven and bin-days of overflow that each change saves in a year, on the same days for all."""
    habit, n = site.habit, len(site.ids)
    shape = 1 / habit.day_cv**2
    noise = np.random.default_rng(seed).gamma(shape, 1 / shape, (limits.years * YEAR_D, n))
    rules = tables(habit)
    now = tried(habit.rate * noise, site.sensing, site.distance_m, rules)
    found = []
    for one in change:
        other = _site_after(site, one, limits)
        then = tried(_waste(site, one, limits, noise), other.sensing, other.distance_m, _rules(rules, other, one))
        found.append(((now.distance_m - then.distance_m) / limits.years, (now.overflow - then.overflow) / limits.years))
    return found


def learnt_detours(site: Site, seed: int, rounds: int = 3) -> Site:
    """The site with the detours its own rounds offer: for a site of which no routes are known yet."""
    shape = 1 / site.habit.day_cv**2
    noise = np.random.default_rng(seed).gamma(shape, 1 / shape, (YEAR_D, len(site.ids)))
    for _ in range(rounds):
        found = tried(site.habit.rate * noise, site.sensing, site.distance_m, tables(site.habit))
        site = replace(site, habit=replace(site.habit, detour_m=found.detour_m))
    return site


def _changed(site: Site, change: Sequence[Change], limits: Limits) -> tuple[FloatArray, FloatArray, BoolArray, list[int]]:
    """(c,) rate, (c, q) detours, (c,) sensing and the row of the one bin each change is estimated on."""
    habit, rate, detour, own = site.habit, [], [], []
    for one in change:
        row = one.beside if one.action == "remove" else one.row
        own.append(row)
        share = site.capacity_l[one.row] / site.capacity_l[row]
        rate.append(
            habit.rate[row] / limits.enlarge_times
            if one.action == "enlarge"
            else habit.rate[row] + share * habit.rate[one.row]
            if one.action == "remove"
            else habit.rate[row]
        )
        detour.append(
            np.minimum(habit.detour_m[one.row], habit.detour_m[one.beside]) if one.action == "move" else habit.detour_m[row]
        )
    return np.array(rate), np.array(detour), site.sensing[own], own


def _site_after(site: Site, one: Change, limits: Limits) -> Site:
    """The site with the change made; a bin taken away stays in the arrays, without waste."""
    sensing, metres, rate = site.sensing.copy(), site.distance_m.copy(), site.habit.rate.copy()
    if one.action == "sensor":
        sensing[one.row] = True
    elif one.action == "move":
        metres[one.row + 1], metres[:, one.row + 1] = metres[one.beside + 1], metres[:, one.beside + 1]
        metres[one.row + 1, one.beside + 1] = metres[one.beside + 1, one.row + 1] = metres[one.row + 1, one.row + 1] = 0.0
    elif one.action == "enlarge":
        rate[one.row] /= limits.enlarge_times
    else:
        rate[one.beside] += rate[one.row] * site.capacity_l[one.row] / site.capacity_l[one.beside]
    return replace(site, sensing=sensing, distance_m=metres, habit=replace(site.habit, rate=rate))


def _waste(site: Site, one: Change, limits: Limits, noise: FloatArray) -> FloatArray:
    rise = site.habit.rate * noise
    if one.action == "enlarge":
        rise[:, one.row] /= limits.enlarge_times
    elif one.action == "remove":
        rise[:, one.beside] += rise[:, one.row] * site.capacity_l[one.row] / site.capacity_l[one.beside]
        rise[:, one.row] = 0.0
    return rise


def _rules(rules: Tables, other: Site, one: Change) -> Tables:
    """Rules of the changed site: only those of the bins concerned are made anew. A bin taken away is never worth a visit."""
    if one.action == "sensor":
        return rules
    row, habit = one.beside if one.action == "remove" else one.row, other.habit
    detour_m = habit.detour_m[row]
    if one.action == "move":
        detour_m = np.minimum(detour_m, habit.detour_m[one.beside])
    anew = tables(replace(habit, rate=habit.rate[[row]], detour_m=detour_m[None, :]))
    by_level, by_day = rules.by_level.copy(), rules.by_day.copy()
    by_level[row], by_day[row] = anew.by_level[0], anew.by_day[0]
    if one.action == "remove":
        by_level[one.row], by_day[one.row] = 0.0, 0.0
    return replace(rules, by_level=by_level, by_day=by_day)


def _told(site: Site, one: Change, saved: tuple[float, float]) -> Advice:
    driven_m, overflow = saved
    return Advice(
        bin=site.ids[one.row],
        action=one.action,
        km_year=(driven_m + site.habit.rho_m * overflow) / 1000,
        beside=_name(site, one),
        driven_km_year=driven_m / 1000,
        overflow_year=overflow,
        tried=True,
    )


def _name(site: Site, one: Change) -> str:
    return site.ids[one.beside] if one.beside >= 0 else ""
