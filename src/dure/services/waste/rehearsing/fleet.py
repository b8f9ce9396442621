"""The trucks of a rehearsal and the day they are sent on: a `routing.Problem` from the bins a policy chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec
import numpy as np

from dure.routing.model import Budget, Matrix, Plan, Problem, Span, Stop, Vehicle
from dure.services.waste.rehearsing.world import distances

if TYPE_CHECKING:
    from dure.services.waste.model import FloatArray
    from dure.services.waste.rehearsing.policies import Choice
    from dure.services.waste.rehearsing.world import World

PROFILE = "truck"


class Router(Protocol):
    """What makes routes of a day: `dure.routing.solve.solve`, or something quicker and worse."""

    def __call__(self, problem: Problem, *, budget: Budget) -> Plan:
        """A plan of the day."""
        ...


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Trucks alike, from one depot where they also unload.

    Attributes
    ----------
    capacity_l : litres of loose waste a truck takes before it must unload (its body times its press)
    road_factor : metres of road for a metre as the crow flies
    second_m : metres one second of a route weighs, so that hours count beside kilometres
    """

    trucks: int = 4
    capacity_l: float = 12_000.0
    shift_s: int = 8 * 3600
    service_s: int = 120
    speed_km_h: float = 25.0
    road_factor: float = 1.4
    second_m: float = 0.0


@dataclass(frozen=True, eq=False)
class Ground:
    """What stays the same on all days of a world: the matrix of depot (row 0) and bins (rows 1 to n), and the trucks."""

    lon_lat: FloatArray
    matrix: Matrix
    fleet: Fleet


def ground(world: World, fleet: Fleet) -> Ground:
    """Distances as the crow flies times a road factor: estimated, and to be said so."""
    places = np.vstack([world.depot[None, :], world.lon_lat])
    metres = np.rint(distances(places, fleet.road_factor)).astype(np.int64)
    seconds = np.rint(metres / (fleet.speed_km_h / 3.6)).astype(np.int64)
    return Ground(places, Matrix(PROFILE, metres, seconds, estimated=True), fleet)


def problem_of(land: Ground, choice: Choice, load_l: FloatArray) -> Problem:
    """The day as a problem; a stop's id is the number of its bin. Bins not worth a metre are left out: no plan takes them."""
    chosen = np.flatnonzero(choice.must | (choice.prize_m >= 1))
    rows = np.concatenate([[0], chosen + 1])
    matrix = land.matrix
    taken = Matrix(PROFILE, matrix.distance_m[np.ix_(rows, rows)], matrix.duration_s[np.ix_(rows, rows)], estimated=True)
    fleet = land.fleet
    stops = tuple(
        Stop(
            id=str(one),
            place=row,
            load=(round(load_l[one]),),
            service_s=fleet.service_s,
            prize_m=None if choice.must[one] else int(choice.prize_m[one]),
        )
        for row, one in enumerate(chosen.tolist(), 1)
    )
    vehicles = tuple(
        Vehicle(
            id=f"truck-{one + 1}",
            start=0,
            end=0,
            capacity=(int(fleet.capacity_l),),
            shift=Span(0, fleet.shift_s),
            profile=PROFILE,
            second_m=fleet.second_m,
        )
        for one in range(fleet.trucks)
    )
    return Problem(land.lon_lat[rows], stops, vehicles, {PROFILE: taken}, dimensions=("litre",))
