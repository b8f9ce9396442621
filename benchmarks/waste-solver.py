"""How near the best known plans: ``make bench NAME=waste-solver``. Gaps in percent, ours the mean of three seeds, by CPU seconds.

Ours is `dure.routing.solve.solve` on our own model of the instance; every plan is passed by the independent checker and costed
anew from its order of places. Peers run once in the same process, one after another, with the same seconds where they take any.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import dataclass, replace
from statistics import mean

from report import Row, kept, tell, write
from waste_instances import Instance, instance, recosted
from waste_peers import hgs, or_tools, pyvrp_plain, vroom_within

from dure.routing.check import check
from dure.routing.model import Budget
from dure.routing.solve import solve

SEEDS = (1, 2, 3)
VROOM_LONGER = 5  # VROOM takes no limit and may need many times our seconds
PEERS = {"pyvrp": "PyVRP 0.14.1 plain", "hgs": "HGS-CVRP (hygese 0.1)", "or-tools": "OR-Tools GLS"}


@dataclass(frozen=True)
class Race:
    """An instance, its seconds, its bar, and who else can run."""

    folder: str
    name: str
    cpu_s: float
    bar: float
    peers: tuple[str, ...]


RACES = (
    Race("cvrp", "X-n303-k21", 20, 1.5, ("pyvrp", "hgs", "vroom", "or-tools")),
    Race("mtvrptwr", "RC2_2_05R0.5", 60, 3.0, ("pyvrp",)),
    Race("vrptw", "RC2_10_5", 60, 1.5, ("pyvrp", "vroom", "or-tools")),
    Race("cvrp", "X-n1001-k43", 60, 2.0, ("pyvrp", "hgs", "vroom", "or-tools")),
)
QUICK = (Race("cvrp", "X-n101-k25", 5, 1.0, ("pyvrp", "hgs", "or-tools")), Race("mtvrptwr", "C204R0.25", 5, 5.0, ("pyvrp",)))


def ours(one: Instance, cpu_s: float, seed: int) -> tuple[float, float]:
    """Gap and the processor seconds it really took."""
    began = time.process_time()
    plan = solve(one.problem, budget=Budget(cpu_s=cpu_s, seed=seed))
    took = time.process_time() - began
    assert plan.feasible, one.name
    assert not check(one.problem, plan), check(one.problem, plan)[:3]
    cost = recosted(one.problem, plan)
    assert cost == plan.cost_m, (cost, plan.cost_m)
    return one.gap(cost), took


def said(one: Instance, cost: float | None) -> float | None:
    return None if cost is None else one.gap(cost)


def race(asked: Race, seeds: tuple[int, ...]) -> list[Row]:
    one = instance(asked.folder, asked.name)
    runs = [ours(one, asked.cpu_s, seed) for seed in seeds]
    gap, took = mean(each[0] for each in runs), max(each[1] for each in runs)
    print(asked.name, "ours", [round(each, 3) for each, _ in runs], "cpu_s", round(took, 1), flush=True)
    what = f"{asked.name}: gap to the best known at {asked.cpu_s:.0f} CPU s, mean of {len(seeds)}"
    rows = [
        Row(figure=f"{asked.name}: CPU seconds used, most of {len(seeds)}", ours=took, unit="s", better="lower"),
    ]
    for peer in asked.peers:
        name, theirs = run_peer(peer, one, asked.cpu_s)
        print(asked.name, name, theirs, flush=True)
        rows.append(Row(figure=what, ours=gap, unit="%", better="lower", bar=asked.bar, peer=theirs, peer_name=name))
        if peer == "or-tools" and asked.folder == "vrptw" and theirs is not None:
            figure = f"{asked.name}: points better than OR-Tools"
            rows.append(Row(figure=figure, ours=theirs - gap, unit="points", better="higher", bar=5.0))
    return rows


def run_peer(peer: str, one: Instance, cpu_s: float) -> tuple[str, float | None]:
    """A peer's name with the seconds it took, and its gap."""
    began = spent_s()
    name = PEERS.get(peer, "")
    if peer == "pyvrp":
        cost = pyvrp_plain(one, cpu_s, SEEDS[0])
    elif peer == "hgs":
        cost = hgs(one, cpu_s, SEEDS[0])
    elif peer == "vroom":
        cost, name = vroom_within(one, VROOM_LONGER * cpu_s)
    else:
        cost = or_tools(one, cpu_s)
    return f"{name}, {spent_s() - began:.0f} CPU s", said(one, cost)


def spent_s() -> float:
    """Processor seconds of this process and of those it started and that ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument(
        "--only", choices=[one.name for one in RACES], help="this instance; rows of the others stay as they were kept"
    )
    parser.add_argument("--peers", nargs="+", choices=[*PEERS, "vroom"], help="only these beside ours")
    options = parser.parse_args()
    races, seeds = (QUICK, SEEDS[:1]) if options.quick else (RACES, SEEDS)
    rows: list[Row] = []
    if options.only:
        races = tuple(one for one in RACES if one.name == options.only)
        rows = [one for one in kept("waste-solver") if not one.figure.startswith(f"{options.only}:")]
    if options.peers:
        races = tuple(replace(one, peers=tuple(peer for peer in one.peers if peer in options.peers)) for one in races)
    for asked in races:  # kept after each: all of them take half an hour
        rows += race(asked, seeds)
        (tell if options.quick else write)("waste-solver", rows)


if __name__ == "__main__":
    main()
