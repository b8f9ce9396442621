"""Small days to route: one by hand on a lattice of kilometres, and drawn ones with everything a day can have."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from dure.routing.model import Break, Dump, Matrix, Plan, Problem, Span, Stop, Vehicle

H = 3600
SPEED_M_PER_S = 10


def matrix_of(places_m: Any, profile: str = "", factor: float = 1.0) -> Matrix:
    """Streets that run along the axes."""
    places = np.asarray(places_m, dtype=np.int64)
    metres = np.rint(np.abs(places[:, None] - places[None]).sum(axis=2) * factor).astype(np.int64)
    return Matrix(profile, metres, metres // SPEED_M_PER_S)


def day(places_m: list[tuple[int, int]], stops: list[Stop], vehicles: list[Vehicle], dumps: list[Dump] | None = None) -> Problem:
    """A problem with one matrix; dimensions as many as the first load has."""
    places = np.array(places_m, dtype=float)
    dimensions = tuple(f"d{at}" for at in range(max((len(stop.load) for stop in stops), default=0)))
    return Problem(places, tuple(stops), tuple(vehicles), {"": matrix_of(places_m)}, tuple(dumps or ()), dimensions)


def truck(name: str = "one", **words: Any) -> Vehicle:
    """A truck at place 0 that works from six to two."""
    given: dict[str, Any] = {"id": name, "start": 0, "end": 0, "capacity": (100,), "shift": Span(6 * H, 14 * H)}
    return Vehicle(**(given | words))


def drawn(seed: int, stops_n: int = 12) -> Problem:
    """A day by chance: windows, prizes, two streams, two dumps with hours, breaks, releases, two profiles, limits."""
    chance = np.random.default_rng(seed)
    places = chance.integers(0, 12_000, (stops_n + 4, 2))
    streams = [frozenset({"general"}), frozenset({"food"}), frozenset[str]()]
    stops = tuple(
        Stop(
            id=f"s{at}",
            place=at + 4,
            load=tuple(chance.integers(1, 40, 2).tolist()),
            service_s=int(chance.integers(0, 600)),
            prize_m=None if chance.random() < 0.4 else int(chance.integers(0, 9_000)),
            windows=_windows(chance),
            release_s=int(chance.integers(6 * H, 8 * H)) if chance.random() < 0.1 else 0,
            skills=streams[int(chance.integers(0, 3))],
        )
        for at in range(stops_n)
    )
    vehicles = tuple(_vehicle(chance, f"v{at}") for at in range(int(chance.integers(1, 5))))
    dumps = (
        Dump(id="near", place=2, service_s=600, windows=(Span(7 * H, 12 * H),), accepts=frozenset({"general"})),
        Dump(id="far", place=3, service_s=300, windows=(Span(6 * H, 9 * H), Span(11 * H, 16 * H))),
    )
    matrices = {"": matrix_of(places), "mini": matrix_of(places, "mini", 0.9)}
    return Problem(places.astype(float), stops, vehicles, matrices, dumps, ("litre", "kg"))


def _windows(chance: np.random.Generator) -> tuple[Span, ...]:
    begins = chance.integers(5 * H, 14 * H, int(chance.integers(0, 3)))
    return tuple(Span(int(at), int(at) + int(chance.integers(600, 3 * H))) for at in begins)


def _vehicle(chance: np.random.Generator, name: str) -> Vehicle:
    ends_empty = bool(chance.random() < 0.7)
    return Vehicle(
        id=name,
        start=int(chance.integers(0, 2)),
        end=0,
        capacity=(int(chance.integers(50, 120)), 150),
        aboard=(20, 10) if chance.random() < 0.2 and ends_empty else (),
        day_capacity=(150, 400) if chance.random() < 0.3 else (),
        shift=Span(6 * H, int(chance.integers(10, 16)) * H),
        profile="mini" if chance.random() < 0.4 else "",
        skills=frozenset({"general", "food"}) if chance.random() < 0.6 else frozenset({"general"}),
        dumps=("near", "far") if chance.random() < 0.8 else ("far",),
        ends_empty=ends_empty,
        reloads_max=int(chance.integers(0, 3)),
        breaks=(Break(span=Span(9 * H, 11 * H), duration_s=1800),) if chance.random() < 0.6 else (),
        distance_m_max=60_000 if chance.random() < 0.3 else None,
        duration_s_max=7 * H if chance.random() < 0.3 else None,
        stops_max=8 if chance.random() < 0.3 else None,
        fixed_m=int(chance.integers(0, 2_000)),
        metre_m=1.0 if chance.random() < 0.5 else 1.5,
        second_m=0.0 if chance.random() < 0.5 else 0.25,
    )


def without_lost_musts(problem: Problem, plan: Plan) -> tuple[Problem, Plan]:
    """What the checker can be asked about a plan that says itself that stops which must be served are not."""
    lost = {stop.id for stop in problem.stops if stop.prize_m is None} & set(plan.skipped)
    kept = replace(problem, stops=tuple(stop for stop in problem.stops if stop.id not in lost))
    return kept, msgspec.structs.replace(plan, skipped=tuple(ident for ident in plan.skipped if ident not in lost))
