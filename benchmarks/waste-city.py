"""A city's day: 5,000 bins, 22 trucks, made-up streets, as ``make bench NAME=waste-city``.

The anchor is a day of the project's reference: 5,000 bins in 16 km by 16 km, about 1,900 that come into question, 22 trucks of
two kinds, a garage apart from two disposal sites, a forced last visit there, 7 h shifts; and the rest the law asks for besides.
All times are processor seconds of one thread. Every plan is looked at by the independent checker. The peer is what most
systems do: bins above a fixed level, each truck to the nearest; it is held to the same trucks, hours and rules.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
from report import Row, tell, write
from waste_made_city import ON, SNAP_M, H, MadeCity, at

from dure.routing.check import owed_breaks
from dure.routing.greedy import greedy
from dure.routing.matrix import travel
from dure.routing.model import Budget, Plan, Problem
from dure.services.waste.belief.belief import forecast, observe, start
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.learn import without_history
from dure.services.waste.belief.observations import observations_from
from dure.services.waste.planning.day import Day, Prepared, prepare, with_travel
from dure.services.waste.planning.edits import Edit, trial, with_edits
from dure.services.waste.planning.marginal import marginals
from dure.services.waste.planning.plan import DayPlan, conclude, plan_day
from dure.services.waste.planning.progress import Emptied, underway
from dure.services.waste.planning.route import Routed, route_day
from dure.services.waste.planning.selection import Wishes

THRESHOLD = 0.7
BREAKDOWN_H = 9


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and its processor seconds."""
    before = time.process_time()
    found = work()
    return found, time.process_time() - before


def belief_s(city: MadeCity) -> float:
    """CPU seconds: one reading of every bin, and its risk."""
    rules = belief_rules(ON)
    n, begun = len(city.bins), at(0)
    beliefs = start(list(city.bins), without_history(rules), begun, rules)
    seen = observations_from(
        np.arange(n), np.zeros(n, np.int64), np.full(n, int(begun.timestamp() * 1e6) + 1), city.forecast.level
    )
    return timed(lambda: forecast(observe(beliefs, seen), at(6)))[1]


def matrix_s(city: MadeCity, n: int) -> float:
    """CPU seconds of a matrix between bins."""
    return timed(lambda: travel(city.graph, city.lon_lat[:n], SNAP_M, city.hierarchy))[1]


def planned(day: Day, prepared: Prepared, problem: Problem, cpu_s: float) -> tuple[Routed, DayPlan, float]:
    """The routed day with its verdicts and the checker's words, and the CPU seconds of all of it."""

    def work() -> tuple[Routed, DayPlan]:
        routed = route_day(problem, day.policy, Budget(cpu_s=cpu_s))
        return routed, conclude(day, prepared, routed, marginals(routed.problem, routed.plan))

    (routed, plan), took_s = timed(work)
    return routed, plan, took_s


def peer(city: MadeCity, problem: Problem) -> tuple[Plan, float]:
    """Bins above a level, each truck to the nearest; and the overflows expected of the rest."""
    level = dict(zip(city.forecast.bins, city.forecast.level.tolist(), strict=True))
    risk = dict(zip(city.forecast.bins, city.forecast.risk.tolist(), strict=True))
    full = tuple(one for one in problem.stops if level[one.id] >= THRESHOLD)
    found = greedy(replace(problem, stops=full))
    served = {stop for route in found.routes for stop in route.stops}
    return found, sum(value for name, value in risk.items() if name not in served)


def breaks_missing(routed: Routed) -> int:
    """Breaks that routes owe and do not hold."""
    vehicles = {one.id: one for one in routed.problem.vehicles}
    return sum(
        len(owed_breaks(vehicles[route.vehicle], route)) > sum(visit.kind == "break" for visit in route.visits)
        for route in routed.plan.routes
    )


def plan_rows(city: MadeCity, budgets_s: tuple[float, ...]) -> tuple[list[Row], Day, DayPlan]:
    """Select, route and check with growing budgets; the longest is what the others are held against."""
    fair_day = city.day()
    day = replace(fair_day, policy=msgspec.structs.replace(fair_day.policy, balance_extra=0.0))
    prepared, set_up_s = timed(lambda: prepare(day))
    problem, roads_s = timed(lambda: with_travel(prepared.problem, prepared.profiles, day.travel))
    found = {budget: planned(day, prepared, problem, budget) for budget in (0.0, *budgets_s)}
    longest = found[budgets_s[-1]]
    rows = [
        Row(figure="bins that come into question", ours=len(prepared.problem.stops), unit="bins", better="lower", limit=1_897),
        Row(figure="selection and set-up", ours=set_up_s, unit="CPU s", better="lower", bar=1.0, limit=0.25),
        Row(figure="road matrix of the bins in question, made once a day", ours=roads_s, unit="CPU s", better="lower"),
        Row(
            figure="first plan, checked, with its reasons", ours=set_up_s + found[0.0][2], unit="CPU s", better="lower", bar=10.0
        ),
    ]
    for budget in budgets_s[:-1]:
        above = 100 * (found[budget][0].plan.cost_m / longest[0].plan.cost_m - 1)
        bar = 3.0 if budget == 60.0 else None
        figure = f"plan of {budget:g} s above that of {budgets_s[-1]:g} s"
        rows.append(Row(figure=figure, ours=above, unit="%", better="lower", bar=bar))
    best, plan = found[budgets_s[-2]][:2]
    fair_s = 2 * budgets_s[-2]
    _, fair, _ = planned(fair_day, prepared, problem, fair_s)
    rivals, rivals_overflow = peer(city, problem)
    name = f"level >= {THRESHOLD:.0%}, nearest first"
    figures = plan.figures
    rows += [
        Row(figure="cost of the plan", ours=best.plan.cost_m, unit="m", better="lower", limit=1_345_000),
        Row(
            figure="kilometres", ours=figures.distance_m / 1e3, unit="km", better="lower",
            peer=rivals.distance_m / 1e3, peer_name=name,
        ),
        Row(
            figure="overflows expected", ours=figures.overflow, unit="bins", better="lower", peer=rivals_overflow, peer_name=name
        ),
        Row(
            figure="bins emptied", ours=figures.served_n, unit="bins", better="higher",
            peer=sum(len(one.stops) for one in rivals.routes), peer_name=name,
        ),
        Row(figure="trucks", ours=figures.trucks_n, unit="trucks", better="lower"),
        Row(
            figure="spread of the hours of routes", ours=fair.figures.spread, unit="1", better="lower", bar=0.15,
            peer=figures.spread, peer_name="cheapest plan",
        ),
        Row(
            figure=f"cost of hours alike, {fair_s:g} s in all, above the plan of {budgets_s[-2]:g} s", unit="%", better="lower",
            ours=100 * (fair.cost_m / plan.cost_m - 1),
        ),
        Row(
            figure="kilometres with hours alike", ours=fair.figures.distance_m / 1e3, unit="km", better="lower",
            peer=figures.distance_m / 1e3, peer_name="cheapest plan",
        ),
        Row(figure="trucks with hours alike", ours=fair.figures.trucks_n, unit="trucks", better="lower"),
        Row(
            figure="violations the checker finds in all plans", unit="violations", better="lower", bar=0,
            ours=len(fair.violations) + sum(len(one[1].violations) for one in found.values()),
        ),
        Row(
            figure="routes without a break they owe", unit="routes", better="lower", bar=0,
            ours=sum(breaks_missing(one[0]) for one in found.values()),
        ),
    ]  # fmt: skip
    return rows, day, plan


def edit_rows(day: Day, plan: DayPlan) -> list[Row]:
    """One edit, tried and planned anew with as few changes as can be."""
    served = next(iter(plan.served))
    left = next(one.bin for one in plan.verdicts if one.code in {"not_worth_it", "no_room"})
    dropped = next(one.bin for one in plan.verdicts if one.code == "low_risk")
    rows = []
    for kind, name, what in (
        ("ban", served, "a bin taken out"),
        ("lock", left, "a bin put in"),
        ("lock", dropped, "one put in that had no risk"),
    ):
        edited = with_edits(day, [Edit(id="1", day=ON.isoformat(), kind=kind, bin=name, made_at=at(0))])  # type: ignore[arg-type]
        bar = None if name == dropped else 2.0
        _, tried_s = timed(lambda edited=edited: trial(edited, plan))
        budget = Budget(cpu_s=day.policy.edit_cpu_s)
        after, took_s = timed(lambda edited=edited, budget=budget: plan_day(edited, budget, plan, keep=True))
        rows += [
            Row(figure=f"{what}: what it would do", ours=tried_s, unit="CPU s", better="lower", bar=bar),
            Row(figure=f"{what}: planned anew", ours=took_s, unit="CPU s", better="lower", bar=bar),
            Row(
                figure=f"{what}: untouched stops moved",
                ours=100 * (after.figures.moved_share or 0),
                unit="%",
                better="lower",
                bar=15,
            ),
            Row(figure=f"{what}: violations", ours=len(after.violations), unit="violations", better="lower", bar=0),
        ]
    return rows


def unknown_rows(city: MadeCity) -> list[Row]:
    """The same edits where nothing is known of the bins yet: each is as likely as not to overflow, so all are in question."""
    blank = np.full(len(city.bins), np.nan)
    day = city.day(forecast=replace(city.forecast, level=blank, risk=blank))
    plan = plan_day(day, Budget(iterations=0))
    served = next(iter(plan.served))
    left = next(one.bin for one in plan.verdicts if not one.served)
    rows = []
    for kind, name, what in (("ban", served, "a bin taken out"), ("lock", left, "a bin put in")):
        edited = with_edits(day, [Edit(id="1", day=ON.isoformat(), kind=kind, bin=name, made_at=at(0))])  # type: ignore[arg-type]
        after, took_s = timed(lambda edited=edited: plan_day(edited, Budget(cpu_s=day.policy.edit_cpu_s), plan, keep=True))
        where = f"nothing learnt yet, {len(city.bins):,} bins in question, {len(plan.served):,} on routes: {what}"
        moved = 100 * (after.figures.moved_share or 0)
        rows += [
            Row(figure=f"{where}: planned anew", ours=took_s, unit="CPU s", better="lower", bar=2.0),
            Row(figure=f"{where}: untouched stops moved", ours=moved, unit="%", better="lower", bar=15),
            Row(figure=f"{where}: violations", ours=len(after.violations), unit="violations", better="lower", bar=0),
        ]
    return rows


def breakdown_rows(bins_n: int, trucks_n: int, cpu_s: float) -> list[Row]:
    """A truck stands still in the middle of the day; the others take over what they can."""
    city = MadeCity(bins_n, seed=2, trucks_n=trucks_n)
    day = city.day()
    before = plan_day(day, Budget(cpu_s=cpu_s))
    at_s = BREAKDOWN_H * H
    emptied = [
        Emptied(one.id, route.vehicle, one.leave_s)
        for route in before.routes
        for one in route.visits
        if one.kind == "stop" and one.leave_s <= at_s
    ]
    garage = city.fleet.depots[0]
    homes = {one.id: (garage.lon, garage.lat) for one in city.fleet.trucks}
    out = underway(before, emptied, {one.id: one for one in city.bins}, homes, at_s)
    broken = max(before.routes, key=lambda one: len(one.stops)).vehicle
    wishes = Wishes(done=frozenset(one.bin for one in emptied))
    later = city.day(underway=out, wishes=wishes)
    later = with_edits(later, [Edit(id="1", day=ON.isoformat(), kind="breakdown", truck=broken, made_at=at(0))])
    later.travel("truck", prepare(later).problem.lon_lat)  # the day's matrix is there already
    after, took_s = timed(lambda: plan_day(later, Budget(cpu_s=day.policy.breakdown_cpu_s), before, keep=True))
    left = {name for name, truck in before.served.items() if truck == broken} - wishes.done
    taken = sum(name in after.served for name in left)
    what = f"breakdown among {len(before.served):,} stops"
    return [
        Row(figure=f"{what}: planned anew", ours=took_s, unit="CPU s", better="lower", bar=10.0),
        Row(
            figure=f"{what}: untouched stops moved", ours=100 * (after.figures.moved_share or 0), unit="%", better="lower", bar=15
        ),
        Row(figure=f"{what}: violations", ours=len(after.violations), unit="violations", better="lower", bar=0),
        Row(
            figure=f"{what}: of its {len(left)} stops others take",
            ours=100 * taken / max(1, len(left)),
            unit="%",
            better="higher",
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    city = MadeCity(600, trucks_n=4, side_km=8.0) if quick else MadeCity()
    matrix_n = 300 if quick else 1_000
    rows = [
        Row(
            figure=f"belief of {len(city.bins):,} bins: a reading each, and the risk",
            ours=belief_s(city),
            unit="CPU s",
            better="lower",
            bar=2.0,
        ),
        Row(
            figure=f"road matrix {matrix_n:,} x {matrix_n:,}",
            ours=matrix_s(city, matrix_n),
            unit="CPU s",
            better="lower",
            bar=1.5,
        ),
    ]
    keep = tell if quick else write
    rows += breakdown_rows(*((300, 4, 1.0) if quick else (4_000, 16, 20.0)))
    keep("waste-city", rows)  # and after each part: all of them take a quarter of an hour
    more, day, plan = plan_rows(city, (1.0, 2.0, 5.0) if quick else (10.0, 30.0, 60.0, 300.0))
    rows += more
    keep("waste-city", rows)
    rows += edit_rows(day, plan) + unknown_rows(city)
    keep("waste-city", rows)


if __name__ == "__main__":
    main()
