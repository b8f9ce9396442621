"""A driver's shift: the route of one truck as it stands, from its plan and what was seen. Pure.

The phone shows one stop at a time. It keeps this whole value and goes on by itself when the network is away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from dure.core.text import Text
from dure.services.waste.model import Sighting

StopState = Literal["waiting", "emptied", "blocked", "broken"]
StopKind = Literal["start", "stop", "dump", "break", "end"]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver must know of a bin, a dump or a depot to find it."""

    name: Text
    lon: float | None = None
    lat: float | None = None
    address: str = ""
    stream: str = ""
    note: str = ""


class ShiftStop(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the route. `number` counts the bins; dumps, breaks and depots have none."""

    id: str
    kind: StopKind
    number: int | None
    name: Text
    lon: float | None
    lat: float | None
    address: str
    stream: str
    note: str
    due_at: datetime
    leaves_at: datetime
    must: bool = False
    expected: float | None = None
    state: StopState = "waiting"
    level: float | None = None
    seen_at: datetime | None = None
    sighting: str = ""


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """The route of a truck on a day. `estimated`: distances were made without a map of roads."""

    plan: str
    version: int
    day: date
    truck: str
    truck_name: Text
    stops: tuple[ShiftStop, ...]
    distance_m: int
    estimated: bool = False
    geometry: tuple[tuple[float, float], ...] = ()

    @property
    def bins(self) -> tuple[ShiftStop, ...]:
        """The stops at bins, in order."""
        return tuple(one for one in self.stops if one.kind == "stop")

    @property
    def done_n(self) -> int:
        """How many bins are dealt with: emptied, or found blocked or broken."""
        return sum(one.state != "waiting" for one in self.bins)

    @property
    def next(self) -> ShiftStop | None:
        """The bin to be visited next; None when all are dealt with."""
        return next((one for one in self.bins if one.state == "waiting"), None)


class PlanRoute(msgspec.Struct, frozen=True, kw_only=True):
    """What a shift takes from a plan in force: the visits of one truck, and what is said of each bin."""

    plan: str
    version: int
    day: date
    truck: str
    visits: Sequence[Mapping[str, Any]]
    distance_m: int
    estimated: bool = False
    geometry: tuple[tuple[float, float], ...] = ()
    must: frozenset[str] = frozenset()
    expected: Mapping[str, float] = {}


def shift_of(
    route: PlanRoute, places: Mapping[str, Place], sightings: Iterable[Sighting], zone: ZoneInfo, truck_name: Text
) -> Shift:
    """The route as it stands.

    Parameters
    ----------
    route : from the plan
    places : bins, dumps and depots by id; one that is not there is shown by its id
    sightings : what crews saw at the route's bins since the day began, in any order; those taken back are left out before
    zone : of the city; the plan's seconds count from its local midnight
    truck_name : as the crew calls it
    """
    newest = _newest(sightings)
    stops, number = [], 0
    for visit in route.visits:
        kind, id_ = visit["kind"], str(visit["id"])
        number += kind == "stop"
        place = places.get(id_) or Place(name=Text(id_, id_))
        seen = newest.get(id_) if kind == "stop" else None
        stops.append(
            ShiftStop(
                id=id_,
                kind=kind,
                number=number if kind == "stop" else None,
                name=place.name,
                lon=place.lon,
                lat=place.lat,
                address=place.address,
                stream=place.stream,
                note=place.note,
                due_at=instant_of(route.day, int(visit["begin_s"]), zone),
                leaves_at=instant_of(route.day, int(visit["leave_s"]), zone),
                must=id_ in route.must,
                expected=route.expected.get(id_),
                state=_STATE[seen.kind] if seen else "waiting",
                level=seen.level if seen else None,
                seen_at=seen.seen_at if seen else None,
                sighting=seen.id if seen else "",
            )
        )
    return Shift(
        plan=route.plan,
        version=route.version,
        day=route.day,
        truck=route.truck,
        truck_name=truck_name,
        stops=tuple(stops),
        distance_m=route.distance_m,
        estimated=route.estimated,
        geometry=route.geometry,
    )


_STATE: Mapping[str, StopState] = {"emptied": "emptied", "blocked": "blocked", "broken": "broken"}


def _newest(sightings: Iterable[Sighting]) -> dict[str, Sighting]:
    """The newest sighting of each bin that settles a stop."""
    newest: dict[str, Sighting] = {}
    for one in sorted(sightings, key=lambda each: (each.seen_at, each.id)):
        if one.kind in _STATE:
            newest[one.bin] = one
    return newest


def instant_of(day: date, second: int, zone: ZoneInfo) -> datetime:
    """The instant of a second counted from the local midnight that begins the day; it may pass the next midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (midnight.replace(tzinfo=None) + timedelta(seconds=second)).replace(tzinfo=zone)
