"""How fast charging sites are planned: ``make bench NAME=site-speed``. CPU seconds of one process, one thread.

Peers in the same run: `scipy.optimize.linprog` (the same HiGHS) given the very matrices of our programs, from scratch each
time, as it cannot go on from a basis; `scipy.optimize.milp` for plans without powers below the least; one program over all
sites of a line. Sites are made from seeds (`charging_sites`): the same figures each time, but for the times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
from charging_sites import site_day
from report import Row, tell, write
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csc_array

from dure.services.charging.planning import site_lp
from dure.services.charging.planning.feeder import net_w, priced_sum, share_line, together
from dure.services.charging.planning.lp_model import NONE, Model, Ties, Wishes
from dure.services.charging.planning.lp_shape import Shape
from dure.services.charging.planning.planned import planned
from dure.services.charging.planning.problem import Problem
from dure.services.charging.planning.repair import repaired, small
from dure.services.charging.planning.site_lp import GAP, NODES_MAX, SiteSolver

T = TypeVar("T")
REPAIR_BAR = 0.5  # %
LINE_PART = 0.6  # of what all draw at once when nobody minds the line


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What came of it, and its CPU seconds."""
    began = time.process_time()
    found = work()
    return found, time.process_time() - began


def by_scipy(of: Problem) -> float:
    """The objective of our program by `linprog`."""
    shape = Shape(of)
    model = Model(of, shape, Ties(), NONE)
    matrix = csc_array((shape.values, shape.rows, shape.starts), shape=(shape.row_count, shape.columns)).tocsr()
    same = model.row_lower == model.row_upper
    found = linprog(
        model.cost, A_ub=matrix[~same], b_ub=model.row_upper[~same], A_eq=matrix[same], b_eq=model.row_lower[same],
        bounds=np.column_stack([model.lower, model.upper]), method="highs",
    )  # fmt: skip
    return float(found.fun)


def by_milp(of: Problem) -> float:
    """The objective with semi-continuous vehicles, written with one binary for each vehicle and step."""
    shape = Shape(of)
    model = Model(of, shape, Ties(), NONE)
    ev = shape.at("ev")
    count, columns = len(ev), shape.columns
    least = np.array([one.min_w for one in of.needs])[shape.ev_need] / 1_000
    most = model.upper[ev]
    rows = np.concatenate(
        [shape.rows, np.tile(np.arange(count), 1) + shape.row_count, np.arange(count) + shape.row_count + count]
    )
    column = np.repeat(np.arange(columns), np.diff(shape.starts))
    placed = np.concatenate([column, ev, ev])
    values = np.concatenate([shape.values, np.ones(count), np.ones(count)])
    on = np.arange(count) + columns
    rows = np.concatenate([rows, np.arange(count) + shape.row_count, np.arange(count) + shape.row_count + count])
    placed, values = np.concatenate([placed, on, on]), np.concatenate([values, -least, -most])
    matrix = csc_array((values, (rows, placed)), shape=(shape.row_count + 2 * count, columns + count))
    lower = np.concatenate([model.row_lower, np.zeros(count), np.full(count, -np.inf)])
    upper = np.concatenate([model.row_upper, np.full(count, np.inf), np.zeros(count)])
    found = milp(
        np.concatenate([model.cost, np.zeros(count)]),
        constraints=LinearConstraint(matrix, lower, upper),
        bounds=Bounds(np.concatenate([model.lower, np.zeros(count)]), np.concatenate([model.upper, np.ones(count)])),
        integrality=np.concatenate([np.zeros(columns), np.ones(count)]),
        options={"time_limit": 20, "mip_rel_gap": 1e-3},
    )
    return float(found.fun) if found.x is not None else float("nan")


def portfolio(count: int, vehicles: int, peers: int) -> list[Row]:
    """Many sites one after another: cold, warm, and by scipy."""
    sites = [site_day(seed, vehicles) for seed in range(count)]
    solvers, built_s = timed(lambda: [SiteSolver() for _ in sites])
    _, cold_s = timed(lambda: [a.solve(b) for a, b in zip(solvers, sites, strict=True)])
    chance = np.random.default_rng(7)
    moved = [
        msgspec.structs.replace(
            one, load_w=one.load_w + chance.uniform(-200, 200, one.n), pv_w=one.pv_w * chance.uniform(0.95, 1.05)
        )
        for one in sites
    ]
    warm, warm_s = timed(lambda: [a.solve(b) for a, b in zip(solvers, moved, strict=True)])
    fresh = [SiteSolver().solve(one) for one in moved[:20]]
    apart = max(abs(a.won - b.won) for a, b in zip(warm, fresh, strict=False))
    theirs, theirs_s = timed(lambda: [by_scipy(one) for one in sites[:peers]])
    assert np.isfinite(theirs).all()
    name = f"{count:,} sites x 96 x {vehicles}"
    scaled = theirs_s / peers * count
    bars = (6.0, 2.0) if (count, vehicles) == (1_000, 10) else (None, None)
    return [
        Row(figure=f"{name}: planned cold", ours=cold_s + built_s, bar=bars[0], unit="CPU s", better="lower", peer=scaled,
            peer_name=f"scipy linprog, {peers} sites scaled up"),
        Row(figure=f"{name}: planned again", ours=warm_s, bar=bars[1], unit="CPU s", better="lower", peer=scaled,
            peer_name="scipy linprog, from scratch"),
        Row(figure=f"{name}: warm and cold answers apart, at most", ours=apart, bar=0.01, unit="won", better="lower"),
    ]  # fmt: skip


def least_gap(of: Problem, won: float) -> float:
    """How much dearer than the program without least powers [%] the cheapest plan with them is: branch and bound to its end."""
    site_lp.NODES_MAX, site_lp.GAP = 100_000, 1e-5
    found = SiteSolver(safety_s=120).solve(of, Wishes(whole=np.ones(len(of.needs), dtype=bool)))
    site_lp.NODES_MAX, site_lp.GAP = NODES_MAX, GAP
    assert not found.reasons, "the search did not come to its end"
    return 100 * (found.won - won) / abs(won)


def repairing(count: int, vehicles: int, peers: int) -> list[Row]:
    """Plans with nothing between 0 and 6 A: what it costs in won and time."""
    sites = [site_day(seed, vehicles) for seed in range(count)]
    solvers = [SiteSolver() for _ in sites]
    plans = [a.solve(b) for a, b in zip(solvers, sites, strict=True)]
    done, took_s = timed(lambda: [repaired(a, b, c) for a, b, c in zip(solvers, sites, plans, strict=True)])
    gaps = np.array([100 * (b.won - a.won) / abs(a.won) for a, b in zip(plans, done, strict=True)])
    turnover = 100 * (sum(one.won for one in done) - sum(one.won for one in plans)) / sum(abs(one.won) for one in plans)
    before = sum(int(small(a, b.ev_w).sum()) for a, b in zip(sites, plans, strict=True))
    active = sum(int((one.ev_w > 1).sum()) for one in plans)
    after = sum(int(small(a, b.ev_w).sum()) for a, b in zip(sites, done, strict=True))
    dear = [i for i in range(count) if gaps[i] > REPAIR_BAR]
    least = {i: least_gap(sites[i], plans[i].won) for i in {*dear, int(gaps.argmax())}}
    _, milp_s = timed(lambda: [by_milp(one) for one in sites[:peers]])
    name = f"{count} sites x {vehicles}"
    return [
        Row(figure=f"{name}: cost of the repair, all sites", ours=turnover, bar=0.5, unit="%", better="lower"),
        Row(figure=f"{name}: cost of the repair, dearest site", ours=float(gaps.max()), unit="%", better="lower",
            peer=least[int(gaps.argmax())], peer_name="least of all plans that chargers can carry out"),
        Row(figure=f"{name}: sites above 0.5 %", ours=len(dear), unit="sites", better="lower"),
        Row(figure=f"{name}: sites above 0.5 % for which there is a cheaper plan", bar=0, unit="sites", better="lower",
            ours=sum(bool(gaps[i] > least[i] + 0.01) for i in dear)),
        Row(figure=f"{name}: powers in (0, 6 A) after", ours=after, bar=0, unit="of all", better="lower", peer=before,
            peer_name=f"before, of {active} active"),
        Row(figure=f"{name}: repair, mean", ours=1e3 * took_s / count, unit="CPU ms", better="lower", peer=1e3 * milp_s / peers,
            peer_name=f"scipy milp, {peers} sites, 20 s at most"),
    ]  # fmt: skip


def steadiness(count: int) -> list[Row]:
    """Unchanged inputs, and flat prices."""
    sites = [site_day(seed, 10) for seed in range(count)]
    solvers = [SiteSolver() for _ in sites]
    first = [planned(a, b)[0] for a, b in zip(solvers, sites, strict=True)]
    second = [planned(a, b, Wishes(kept=c.ev_w))[0] for a, b, c in zip(solvers, sites, first, strict=True)]
    moved = sum(
        float(np.abs(a.ev_w - b.ev_w).max()) > 1 or float(np.abs(a.stored_wh - b.stored_wh).max()) > 1
        for a, b in zip(first, second, strict=True)
    )
    flat = [site_day(seed, 10, flat=True) for seed in range(count)]
    times = [timed(lambda one=one: SiteSolver().solve(one))[1] for one in flat]
    theirs = [timed(lambda one=one: by_scipy(one))[1] for one in flat[:50]]
    return [
        Row(figure=f"{count} sites solved again with the same inputs: set points move at", ours=moved, bar=0, unit="sites",
            better="lower"),
        Row(figure=f"{count} sites, flat price: p99 of a cold plan", ours=1e3 * float(np.quantile(times, 0.99)), bar=50,
            unit="CPU ms", better="lower", peer=1e3 * float(np.quantile(theirs, 0.99)), peer_name="scipy linprog, 50 sites"),
    ]  # fmt: skip


def shared_lines(sizes: tuple[int, ...]) -> list[Row]:
    """One line of many sites: by groups beside one program over all."""
    rows = []
    for count in sizes:
        sites = [site_day(seed, 10, demand_won_kw=0.0) for seed in range(count)]
        solvers = [SiteSolver() for _ in sites]
        plans, alone_s = timed(lambda s=solvers, of=sites: [a.solve(b) for a, b in zip(s, of, strict=True)])
        limit = np.full(96, LINE_PART * float(np.sum([net_w(one) for one in plans], axis=0).max()))
        found, ours_s = timed(lambda s=solvers, of=sites, w=limit, p=plans: share_line(s, of, w, p))
        (least, _, _), theirs_s = timed(lambda of=sites, w=limit: together(of, w))
        gap = 100 * (priced_sum(sites, found.plans) - least) / abs(least)
        name = f"{count} sites x 10 on one line"
        rows += [
            Row(figure=f"{name}: dearer than one program", ours=gap, bar=0.5, unit="%", better="lower"),
            Row(figure=f"{name}: above the line, at most", ours=float(found.over_w.max()), bar=0, unit="W", better="lower"),
            Row(figure=f"{name}: line shared, sites planned before", ours=ours_s, bar=theirs_s / 10, unit="CPU s", better="lower",
                peer=theirs_s, peer_name="one program over all"),
            Row(figure=f"{name}: with planning the sites", ours=ours_s + alone_s, unit="CPU s", better="lower", peer=theirs_s,
                peer_name="one program over all"),
        ]  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    keep = tell if options.quick else write  # after each part: all of them take minutes
    rows = portfolio(50 if options.quick else 1_000, 10, 10 if options.quick else 100)
    keep("site-speed", rows)
    rows += shared_lines((40,) if options.quick else (50, 200))
    keep("site-speed", rows)
    rows += repairing(10 if options.quick else 60, 10, 2 if options.quick else 6)
    keep("site-speed", rows)
    rows += steadiness(20 if options.quick else 60)
    keep("site-speed", rows)


if __name__ == "__main__":
    main()
