"""Whom to visit on which day when stocks are known: ``make bench NAME=waste-irp``. Gaps to the best known costs, in percent.

The days are planned one after another, as a city's are: who would run out must be served, others are worth a prize that rises as
their day comes near, and `dure.routing.solve` chooses and routes. Several dials are tried, as the dispatcher's frontier does, and
the cheapest is kept; the amounts are then the best for its routes, and visits that can go, go. The peer is the same without
looking ahead: only who would run out today is served. Every day's plan is passed by the checker, every cost counted day by day.
"""

from __future__ import annotations

import argparse
import time
from statistics import mean

import numpy as np
from report import Row, tell, write
from waste_instances import DATA
from waste_irp_data import FloatArray, Instance, Visits, cheapest_quantities, driven, instances, proven

from dure.routing.check import check
from dure.routing.model import Budget, Matrix, Plan, Problem, Stop, Vehicle
from dure.routing.solve import solve

CPU_S = 8.0
DIALS = (1.0, 0.5, 2.0, 0.25, 4.0)
NEAR = 3
TENTHS = 10
FEW, MANY = Budget(iterations=150), Budget(iterations=600)


def routed(one: Instance, brought: FloatArray, prizes: dict[int, int | None], budget: Budget) -> Plan:
    """One day: stops with what is brought; prize None: must be served. Metres are tenths, so that prizes may be finer."""
    stops = tuple(
        Stop(id=str(at), place=at + 1, load=(int(np.ceil(brought[at] - 1e-6)),), prize_m=prize) for at, prize in prizes.items()
    )
    fleet = tuple(Vehicle(id=f"v{number}", start=0, end=0, capacity=(int(one.capacity),)) for number in range(one.vehicles_n))
    table = one.metres * TENTHS
    problem = Problem(one.xy, stops, fleet, {"": Matrix("", table, table)}, (), ("load",))
    plan = solve(problem, budget=budget)
    if plan.feasible:
        assert not check(problem, plan), check(problem, plan)[:3]
    return plan


def routes_of(plan: Plan) -> list[list[int]]:
    return [[int(name) for name in route.stops] for route in plan.routes]


def driven_day_by_day(one: Instance, dial: float) -> Visits | None:
    """Days planned one after another; None when somebody runs out."""
    stock, visits = one.stock.copy(), Visits()
    near = np.sort(one.metres[1:, :], axis=1)[:, 1 : NEAR + 1].mean(axis=1)
    for day in range(one.days):
        rest = one.days - day
        lasts = np.floor((stock - one.least) / np.maximum(one.demand, 1e-9) + 1e-9)
        wanted = np.maximum(np.minimum(one.most - stock, rest * one.demand - (stock - one.least)), 0)
        prizes: dict[int, int | None] = dict.fromkeys(np.flatnonzero(lasts < 1).tolist())
        for at in np.flatnonzero((lasts >= 1) & (lasts < rest)).tolist() if dial else []:
            dearer = (one.holding[at] - one.supply[2]) * wanted[at] * lasts[at]
            prize = round(TENTHS * (dial * near[at] / lasts[at] - dearer))
            if prize > 0:
                prizes[at] = prize
        plan = routed(one, wanted, prizes, FEW)
        if not plan.feasible:  # too much for the vehicles: who must be served gets what today needs, nobody else anything
            wanted = np.maximum(one.demand - (stock - one.least), 0)
            plan = routed(one, wanted, {at: None for at, prize in prizes.items() if prize is None}, FEW)
            if not plan.feasible:
                return None
        visits.append(routes_of(plan))
        seen = [at for route in visits[-1] for at in route]
        stock[seen] += wanted[seen]
        stock -= one.demand
    return visits


def cost_of(one: Instance, visits: Visits) -> float:
    """Driving and holding, with the best amounts for these routes; infinite when stocks cannot be kept."""
    found = cheapest_quantities(one, visits)
    return np.inf if found is None else driven(one, visits) + found[1]


def without_needless(one: Instance, visits: Visits, until_s: float) -> Visits:
    """The visits without those that cost more than they save, the longest detours looked at first."""
    best, least = visits, cost_of(one, visits)
    while time.process_time() < until_s:
        options = sorted(_fewer(best), key=lambda each: driven(one, each))
        for option in options:
            if time.process_time() >= until_s or driven(one, best) - driven(one, option) <= 0:
                return best
            cost = cost_of(one, option)
            if cost < least - 1e-6:
                best, least = option, cost
                break
        else:
            return best
    return best


def _fewer(visits: Visits) -> list[Visits]:
    """The visits with one of them left out."""
    found = []
    for day, routes in enumerate(visits):
        for number, route in enumerate(routes):
            for at in route:
                changed = [list(each) for each in routes]
                changed[number].remove(at)
                found.append([*visits[:day], changed, *visits[day + 1 :]])
    return found


def rerouted(one: Instance, visits: Visits) -> Visits:
    """The same visits and amounts on shorter ways."""
    found = cheapest_quantities(one, visits)
    assert found is not None
    days = []
    for day, routes in enumerate(visits):
        served = [at for route in routes for at in route]
        plan = routed(one, found[0][day], dict.fromkeys(served), MANY) if served else None
        ways = routes_of(plan) if plan is not None and plan.feasible else routes
        days.append(ways if driven(one, [ways]) < driven(one, [routes]) else routes)
    return days


def best_of(one: Instance, cpu_s: float) -> tuple[float, float]:
    """Ours and the peer's gap."""
    began = time.process_time()
    plain = driven_day_by_day(one, 0.0)
    peer = np.inf if plain is None else cost_of(one, plain)
    best, least = plain, peer
    for dial in DIALS:
        if time.process_time() - began > cpu_s / 2:
            break
        visits = driven_day_by_day(one, dial)
        cost = np.inf if visits is None else cost_of(one, visits)
        if visits is not None and cost < least:
            best, least = visits, cost
    assert best is not None, one.name
    best = rerouted(one, without_needless(one, best, began + cpu_s))
    found = cheapest_quantities(one, best)
    assert found is not None
    cost = proven(one, best, found[0])
    assert abs(cost - driven(one, best) - found[1]) < 1e-3 * cost
    return 100 * (cost / one.best_known - 1), 100 * (peer / one.best_known - 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    rows, gaps = list[Row](), list[float]()
    for one in instances(DATA / "irp")[: 3 if quick else None]:
        began = time.process_time()
        gap, peer = best_of(one, 2.0 if quick else CPU_S)
        gaps.append(gap)
        print(one.name, round(gap, 2), round(peer, 2), round(time.process_time() - began, 1), "CPU s", flush=True)
        figure = f"{one.name}: {one.n} customers, {one.days} days, {one.vehicles_n} vehicles: gap to the best known"
        known = peer if np.isfinite(peer) else None
        rows.append(Row(figure=figure, ours=gap, unit="%", better="lower", peer=known, peer_name="who would run out today"))
    rows.append(Row(figure=f"mean of {len(gaps)}", ours=mean(gaps), unit="%", better="lower"))
    (tell if quick else write)("waste-irp", rows)


if __name__ == "__main__":
    main()
