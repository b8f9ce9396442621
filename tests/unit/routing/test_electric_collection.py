"""Five Australian rounds along measured roads, there and back not the same (Taverna, Di Gaspero; see the README of the data)."""

from __future__ import annotations

import gzip
import json
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dure.routing.check import check
from dure.routing.greedy import greedy
from dure.routing.model import Budget, Dump, Matrix, Plan, Problem, Span, Stop, Vehicle
from dure.routing.solve import solve

DATA = Path(os.environ.get("DURE_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "waste" / "electric_collection"
PLACES = ("Wyndham", "Townsville_MagneticIsland", "Potton", "GreaterGeelong", "Parramatta")
H = 3600
SPEED_M_PER_S = 9.0


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    if not DATA.exists():
        pytest.skip(f"no test data at {DATA}; set DURE_TEST_DATA")
    return str(request.param)


def read(place: str) -> tuple[list[dict[str, Any]], dict[str, dict[str, float]]]:
    """Features, and metres by where from and where to."""
    features = json.loads((DATA / f"{place}_0.25.geojson").read_text("utf-8"))["features"]
    with gzip.open(DATA / f"dist_{place}.json.gz", "rt", encoding="utf-8") as lines:
        return features, json.load(lines)


def day(features: list[dict[str, Any]], metres: dict[str, dict[str, float]]) -> Problem:
    """All bins by two trucks that must empty themselves at the first charging station before they come home."""
    names = [one["properties"]["id"] for one in features]
    kinds = [one["properties"]["type"] for one in features]
    table = np.array([[round(metres[a][b]) for b in names] for a in names], dtype=np.int64)
    stops = tuple(
        Stop(
            id=name,
            place=at,
            load=(round(10 * float(features[at]["properties"]["weight"])),),
            service_s=round(H * float(features[at]["properties"]["service_time"])),
        )
        for at, name in enumerate(names)
        if kinds[at] == "bin"
    )
    depot, dump = kinds.index("depot"), kinds.index("CS")
    half = sum(stop.load[0] for stop in stops) // 2
    words: dict[str, Any] = {"start": depot, "end": depot, "capacity": (half,), "dumps": ("dump",), "ends_empty": True}
    trucks = tuple(Vehicle(id=f"truck-{at}", shift=Span(5 * H, 21 * H), **words) for at in range(2))
    places = np.array([one["geometry"]["coordinates"] for one in features], dtype=float)
    matrix = Matrix("", table, np.rint(table / SPEED_M_PER_S).astype(np.int64))
    return Problem(places, stops, trucks, {"": matrix}, (Dump(id="dump", place=dump, service_s=600),), ("tenth of a kilogram",))


def driven_m(plan: Plan, names: list[str], metres: dict[str, dict[str, float]]) -> int:
    """Metres of a plan as the file says them, each way in the direction it is driven."""
    legs = [(names[one.place], names[other.place]) for route in plan.routes for one, other in pairwise(route.visits)]
    return sum(round(metres[one][other]) for one, other in legs if one != other)


def test_a_round_over_one_way_streets_passes_the_checker_and_costs_what_is_driven(place: str) -> None:
    features, metres = read(place)
    problem = day(features, metres)
    table = problem.matrices[""].distance_m
    names = [one["properties"]["id"] for one in features]

    plan = solve(problem, budget=Budget(iterations=150))

    assert (table != table.T).any()
    assert plan.feasible
    assert check(problem, plan) == ()
    assert plan.distance_m == plan.cost_m == driven_m(plan, names, metres)
    assert plan.cost_m < greedy(problem).cost_m
    assert [route.visits[-2].kind for route in plan.routes] == ["dump"] * len(plan.routes)


def test_driven_the_other_way_round_it_is_another_length(place: str) -> None:
    features, metres = read(place)
    names = [one["properties"]["id"] for one in features]
    plan = solve(day(features, metres), budget=Budget(iterations=20))
    back = {one: {other: metres[other][one] for other in metres} for one in metres}

    assert driven_m(plan, names, back) != plan.distance_m
