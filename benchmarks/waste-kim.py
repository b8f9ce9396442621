"""Real commercial waste rounds (Kim, Kim, Sahoo 2006): ``make bench NAME=waste-kim``. Total miles in 120 processor seconds.

Dumps with hours, several trips, lunch, daily yards and stops, windows, home empty; every plan is passed by the independent
checker. Beside ours: a plain greedy of our own in the same run, and the published heuristics as remembered, to be confirmed
(`limit` is the better of the two, Benjamin and Beasley 2010; Kim et al. 2006 is named in the figure). Vehicles held ready are
about as many as theirs. Lunch begins between 11:00 and 12:00, as the files say; who is back before noon owes none.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from report import Row, tell, write
from waste_instances import DATA
from waste_kim_data import LUNCH, miles, problem_of

from dure.routing.check import check
from dure.routing.greedy import greedy
from dure.routing.model import Budget, Plan, Problem
from dure.routing.solve import solve


@dataclass(frozen=True)
class Published:
    """Total miles of the published heuristics, remembered, to be confirmed; and how many vehicles we hold ready."""

    name: str
    kim_2006: float
    benjamin_2010: float
    vehicles_n: int


PUBLISHED = (
    Published("102", 205.1, 174.5, 3),
    Published("277", 527.3, 447.6, 3),
    Published("444", 87.0, 78.3, 11),
    Published("804", 769.5, 604.1, 6),
    Published("1051", 2370.4, 2250.2, 18),
    Published("1599", 1459.2, 1364.7, 14),
    Published("2100", 1833.8, 1749.0, 17),
)


def proven(problem: Problem, plan: Plan) -> int:
    """Passed by the checker, and all who are out over noon have lunch; how many of them."""
    assert plan.feasible
    assert not check(problem, plan), check(problem, plan)[:3]
    out = [one for one in plan.routes if one.visits[0].leave_s < LUNCH.latest_s < one.visits[-1].arrive_s]
    assert all(any(visit.kind == "break" for visit in one.visits) for one in out)
    return len(out)


def rows_of(asked: Published, path: Path, cpu_s: float) -> list[Row]:
    problem = problem_of(path, asked.vehicles_n)
    quick = greedy(problem)
    proven(problem, quick)
    began = time.process_time()
    plan = solve(problem, budget=Budget(cpu_s=cpu_s, seed=1))
    took = time.process_time() - began
    lunches = proven(problem, plan)
    print(
        asked.name, round(miles(plan.distance_m), 1), len(plan.routes), "vehicles", lunches, "lunches", round(took, 1), flush=True
    )
    what = f"{asked.name} stops: total miles (Kim 2006 {asked.kim_2006}, limit Benjamin & Beasley 2010; to be confirmed)"
    return [
        Row(
            figure=what, ours=miles(plan.distance_m), unit="mi", better="lower", bar=asked.benjamin_2010,
            peer=miles(quick.distance_m), peer_name="our greedy", limit=asked.benjamin_2010,
        ),
        Row(
            figure=f"{asked.name} stops: vehicles ({lunches} with lunch, the others back before noon)", ours=len(plan.routes),
            unit="vehicles", better="lower", peer=len(quick.routes), peer_name="our greedy",
        ),
        Row(figure=f"{asked.name} stops: CPU seconds used", ours=took, unit="s", better="lower", bar=None, limit=cpu_s),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    asked, cpu_s = (PUBLISHED[:2], 5.0) if options.quick else (PUBLISHED, 118.0)
    rows = [row for one in asked for row in rows_of(one, DATA / "kim2006" / f"{one.name}_stop.txt", cpu_s)]
    (tell if options.quick else write)("waste-kim", rows)


if __name__ == "__main__":
    main()
