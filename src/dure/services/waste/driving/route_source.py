"""Where a shift comes from: the plan in force, the register, and what was seen since the day began. Reads the records; blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, select

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.engines.records import assets
from dure.engines.records.tables_waste import waste_plans
from dure.services.waste.driving import tap_records
from dure.services.waste.driving.shift import Place, PlanRoute, Shift, shift_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from dure.core.assets import Asset


class TruckToday(msgspec.Struct, frozen=True):
    """A truck with work today: its name and how much."""

    id: str
    name: Text
    bins_n: int
    done_n: int
    distance_m: int


def plan_in_force(connection: Connection, day: date) -> Mapping[str, Any] | None:
    """The published plan of a local day as it is kept, with its id and version; None when there is none."""
    query = select(waste_plans).where(waste_plans.c.day == day.isoformat(), waste_plans.c.state == "published")
    row = connection.execute(query.order_by(waste_plans.c.version.desc()).limit(1)).mappings().first()
    return None if row is None else dict(row)


def routes_of(plan: Mapping[str, Any]) -> list[PlanRoute]:
    """The routes of a plan as it is kept, one for each truck that drives."""
    kept = plan["plan"]
    served = [one for one in kept.get("verdicts", ()) if one.get("served")]
    must = frozenset(str(one["bin"]) for one in served if one.get("must"))
    expected = {str(one["bin"]): float(one["level"]) for one in served if one.get("level") is not None}
    lines = kept.get("lines", {})
    return [
        PlanRoute(
            plan=plan["id"],
            version=plan["version"],
            day=date.fromisoformat(plan["day"]),
            truck=str(route["vehicle"]),
            visits=[_named(visit, kept.get("rows", ())) for visit in route["visits"]],
            distance_m=int(route.get("distance_m", 0)),
            estimated=bool(kept.get("estimated", False)),
            geometry=tuple((float(lon), float(lat)) for lon, lat in lines.get(route["vehicle"], ())),
            must=must,
            expected=expected,
        )
        for route in kept.get("routes", ())
        if any(visit["kind"] == "stop" for visit in route["visits"])
    ]


def _named(visit: Mapping[str, Any], rows: Sequence[str]) -> Mapping[str, Any]:
    """A start or an end is at a depot: it is named by what stands in its row, not by the truck."""
    at = visit.get("place", -1)
    if visit["kind"] in ("start", "end") and 0 <= at < len(rows):
        return {**visit, "id": rows[at]}
    return visit


def trucks_today(connection: Connection, now: datetime, zone: ZoneInfo) -> list[TruckToday]:
    """Trucks with a route today, by name."""
    plan = plan_in_force(connection, day_of(now, zone))
    routes = routes_of(plan) if plan else []
    names = _names(assets.find(connection, [one.truck for one in routes]))
    shifts = [_shift(connection, one, names, zone) for one in routes]
    found = [TruckToday(one.truck, one.truck_name, len(one.bins), one.done_n, one.distance_m) for one in shifts]
    return sorted(found, key=lambda one: one.name.ko)


def shift_today(connection: Connection, truck: str, now: datetime, zone: ZoneInfo) -> Shift:
    """The route of a truck today as it stands.

    Raises
    ------
    NotFound : it has none today (``route.none``)
    """
    plan = plan_in_force(connection, day_of(now, zone))
    route = next((one for one in routes_of(plan) if one.truck == truck), None) if plan else None
    if route is None:
        raise NotFound("route.none", f"The truck {truck[:80]!r} has no route today.")
    return _shift(connection, route, _names(assets.find(connection, [truck])), zone)


def _shift(connection: Connection, route: PlanRoute, names: Mapping[str, Text], zone: ZoneInfo) -> Shift:
    known = assets.find(connection, [str(visit["id"]) for visit in route.visits])
    day = day_interval(route.day, zone)
    bins = {str(visit["id"]) for visit in route.visits if visit["kind"] == "stop"}
    seen = [one for one in tap_records.between(connection, day.start, day.end) if one.bin in bins]
    places = {id_: place_of(asset) for id_, asset in known.items()}
    return shift_of(route, places, seen, zone, names.get(route.truck, Text(route.truck, route.truck)))


def place_of(asset: Asset) -> Place:
    """What a driver must know of a place."""
    point = asset.place.point if asset.place else None
    words = {name: str(asset.attributes.get(name, ""))[:200] for name in ("address", "stream", "note")}
    return Place(name=asset.name, lon=point.lon if point else None, lat=point.lat if point else None, **words)


def _names(found: Mapping[str, Asset]) -> dict[str, Text]:
    return {one.id: one.name for one in found.values()}
