"""Other solvers on the same instances, each with processor seconds of one thread where it lets us say so.

VROOM ends by itself, or not: it is given a limit. PyVRP plain is the very engine below ours, as its own `solve` runs it.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from waste_instances import Instance

from dure.routing.model import Span

OR_TOOLS_VEHICLES = 60
VROOM_LEVELS = (5, 3, 1)


def pyvrp_plain(one: Instance, cpu_s: float, seed: int) -> float | None:
    """Cost by PyVRP's own `solve`."""
    from pyvrp import solve

    began = time.thread_time()
    found = solve(one.data, lambda _: time.thread_time() - began >= cpu_s, seed, collect_stats=False, display=False).best
    return found.distance() + found.uncollected_prizes() if found.is_feasible() else None


def hgs(one: Instance, cpu_s: float, seed: int) -> float | None:
    """Cost by HGS-CVRP; it knows capacities only. Its limit is processor time."""
    with contextlib.suppress(ImportError):
        from hygese import AlgorithmParameters, Solver

        stops, matrix = one.problem.stops, one.problem.matrices[""]
        places = one.problem.lon_lat
        given = {
            "distance_matrix": matrix.distance_m.astype(float),
            "x_coordinates": places[:, 0],
            "y_coordinates": places[:, 1],
            "service_times": np.zeros(len(places)),
            "demands": np.array([0, *[stop.load[0] for stop in stops]]),
            "vehicle_capacity": one.problem.vehicles[0].capacity[0],
            "num_vehicles": len(one.problem.vehicles),
            "depot": 0,
        }
        return Solver(AlgorithmParameters(timeLimit=cpu_s, seed=seed), verbose=False).solve_cvrp(given).cost
    return None


def vroom(one: Instance, level: int) -> float | None:
    """Cost by VROOM at an exploration level, on one thread; it knows neither reloads nor releases.

    It is given hours only where there are any: its search without them is another and much quicker one.
    """
    with contextlib.suppress(ImportError):
        import vroom as engine

        problem, matrix = one.problem, one.problem.matrices[""]
        asked = engine.Input()
        asked.set_durations_matrix("car", matrix.duration_s.astype(np.uint32))
        asked.set_costs_matrix("car", matrix.distance_m.astype(np.uint32))
        for at, each in enumerate(problem.vehicles):
            day = {"time_window": _window(engine, each.shift)} if any(stop.windows for stop in problem.stops) else {}
            asked.add_vehicle(engine.Vehicle(at, start=each.start, end=each.end, capacity=list(each.capacity), **day))
        for at, stop in enumerate(problem.stops):
            hours = {"time_windows": [_window(engine, span) for span in stop.windows]} if stop.windows else {}
            load = engine.Amount(list(stop.load))
            asked.add_job(engine.Job(at, stop.place, default_service=stop.service_s, pickup=load, **hours))
        found = asked.solve(exploration_level=level, nb_threads=1)
        if found.summary.unassigned:
            return None
        steps = found.routes.sort_values(["vehicle_id", "arrival"], kind="stable")
        cost = 0
        for _, route in steps.groupby("vehicle_id", sort=False):
            places = route["location_index"].to_numpy()
            cost += int(matrix.distance_m[places[:-1], places[1:]].sum())
        return cost
    return None


def _window(engine: Any, span: Span) -> Any:
    return engine.TimeWindow(span.earliest_s, min(span.latest_s, 1 << 30))


def vroom_within(one: Instance, cpu_s: float) -> tuple[float | None, str]:
    """Cost by VROOM at the highest exploration level that ends within so many processor seconds, and what was tried.

    It ends by itself, and its own time limit does not hold; so it runs in a process of its own that the system ends.
    """
    tried = ""
    for level in VROOM_LEVELS:
        ended, cost = _ends(partial(vroom, one, level), cpu_s)
        if ended:
            return cost, f"VROOM level {level}{tried}"
        tried = f" (level {level} not done after {cpu_s:.0f} CPU s{tried.replace(' (', '; ').rstrip(')')})"
    return None, f"VROOM{tried}"


def _ends(work: Callable[[], float | None], cpu_s: float) -> tuple[bool, float | None]:
    """What the work gives within so many processor seconds of a process of its own, and whether it did."""
    context = multiprocessing.get_context("fork")  # there are no threads here, and an instance is too large to send
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_limited, args=(work, cpu_s, theirs))
    child.start()
    theirs.close()
    try:
        return True, ours.recv()
    except EOFError:
        return False, None
    finally:
        child.join()


def _limited(work: Callable[[], float | None], cpu_s: float, answer: Connection) -> None:
    spent_s = math.ceil(time.process_time() + cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (spent_s, spent_s + 1))
    answer.send(work())


def or_tools(one: Instance, cpu_s: float) -> float | None:
    """Cost by OR-Tools' routing library: guided local search from its insertion start. It has no seed.

    Of its starts, local cheapest insertion was best where there are time windows (28 % above the best known after 22 s on
    RC2_10_5; parallel insertion 48 %, savings 65 %, cheapest arc nothing). It is given fewer idle vehicles, which it likes.
    """
    with contextlib.suppress(ImportError):
        from ortools.constraint_solver import pywrapcp, routing_enums_pb2

        problem, matrix = one.problem, one.problem.matrices[""]
        depot, n, most = problem.vehicles[0].start, len(matrix.distance_m), min(len(problem.vehicles), OR_TOOLS_VEHICLES)
        places = pywrapcp.RoutingIndexManager(n, most, depot)
        routing = pywrapcp.RoutingModel(places)
        stop_at = {stop.place: stop for stop in problem.stops}
        routing.SetArcCostEvaluatorOfAllVehicles(routing.RegisterTransitMatrix(matrix.distance_m.tolist()))
        loads = [stop_at[place].load[0] if place in stop_at else 0 for place in range(n)]
        routing.AddDimension(
            routing.RegisterUnaryTransitVector(loads),
            0,
            problem.vehicles[0].capacity[0],
            fix_start_cumul_to_zero=True,
            name="load",
        )
        if any(stop.windows for stop in problem.stops):
            service = np.array([stop_at[place].service_s if place in stop_at else 0 for place in range(n)])
            latest = problem.vehicles[0].shift.latest_s
            transit = routing.RegisterTransitMatrix((matrix.duration_s + service[:, None]).tolist())
            routing.AddDimension(transit, latest, latest, fix_start_cumul_to_zero=False, name="time")
            clock = routing.GetDimensionOrDie("time")
            for stop in problem.stops:
                span = stop.windows[0]
                clock.CumulVar(places.NodeToIndex(stop.place)).SetRange(span.earliest_s, min(span.latest_s, latest))
        asked = pywrapcp.DefaultRoutingSearchParameters()
        asked.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.LOCAL_CHEAPEST_INSERTION
        asked.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
        asked.time_limit.seconds = int(20 * cpu_s)
        routing.CloseModelWithParameters(asked)
        began = time.thread_time()
        routing.AddSearchMonitor(routing.solver().CustomLimit(lambda: time.thread_time() - began >= cpu_s))
        found = routing.SolveWithParameters(asked)
        return found.ObjectiveValue() if found else None
    return None
