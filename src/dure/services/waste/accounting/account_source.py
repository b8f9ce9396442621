"""What a day's account is made of, read from records and telemetry: looks into bins, kilometres, the register. Blocks."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import day_interval, from_us, to_us
from dure.routing.model import Budget
from dure.services.waste.accounting.accounts import Leg, Source
from dure.services.waste.accounting.factors import numbers
from dure.services.waste.accounting.fills import DAY_US, Fills, Look, fills_of
from dure.services.waste.driving import tap_records
from dure.services.waste.planning import plan_records, plan_source
from dure.services.waste.planning import travel as roads
from dure.services.waste.planning.inputs import Columns, Inputs
from dure.services.waste.planning.policy import policy_on
from dure.services.waste.planning.rests import rests_on
from dure.services.waste.planning.selection import Wishes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.waste.bins import Truck
    from dure.services.waste.model import Bin, Health, Sighting
    from dure.services.waste.planning.plan_source import Register
    from dure.spine.house import House

HOUR_US = 3_600_000_000
LEVEL = "fill_fraction"
_HEALTHY: tuple[Health, ...] = ("healthy",)


def fills_on(house: House, connection: Connection, bins: Sequence[str], days: Sequence[date]) -> tuple[Fills, str]:
    """The fill history of some bins on consecutive days, and the digest of what it was read from."""
    folder, zone = house.city.folder, house.city.zone
    limits = numbers(days[0], "fills", folder)
    begins = [to_us(day_interval(one, zone).start) for one in days]
    days_us = np.array([*begins, to_us(day_interval(days[-1], zone).end)], np.int64)
    start_us = int(days_us[0]) - round(limits["back_d"]) * DAY_US
    found = looks(house, connection, frozenset(bins), (start_us, int(days_us[-1]) + DAY_US))
    return fills_of(found, bins, days_us, limits["drop_min"]), digest(found)


def looks(house: House, connection: Connection, bins: frozenset[str], span_us: tuple[int, int]) -> dict[str, list[Look]]:
    """What was observed of bins in a span, in order: hourly means of sensors, and what crews saw.

    An hour in which a crew emptied the bin is left out: its mean mixes before and after.
    """
    taps = tap_records.between(connection, from_us(span_us[0]), from_us(span_us[1]))
    found: dict[str, list[Look]] = {one: [] for one in sorted(bins)}
    emptied_in: set[tuple[str, int]] = set()
    for tap in taps:
        if tap.bin in found and tap.kind in ("emptied", "level"):
            found[tap.bin].append(Look(to_us(tap.seen_at), tap.level, tap.kind == "emptied"))
            emptied_in.add((tap.bin, to_us(tap.seen_at) // HOUR_US))
    hours = house.telemetry.rollup(LEVEL, "hour", *span_us, assets=sorted(bins))
    rows = zip(hours.asset, hours.start_us.tolist(), hours.mean.tolist(), (hours.n_good + hours.n_suspect).tolist(), strict=True)
    for bin_id, begin_us, mean, n in rows:
        if n and bin_id in found and (bin_id, begin_us // HOUR_US) not in emptied_in:
            found[bin_id].append(Look(begin_us + HOUR_US // 2, mean))
    return {one: sorted(seen, key=lambda look: look.at_us) for one, seen in found.items()}


def digest(found: Mapping[str, Sequence[Look]]) -> str:
    """SHA-256 of observations."""
    return hashlib.sha256(msgspec.json.encode({one: list(seen) for one, seen in sorted(found.items())})).hexdigest()


class Driven(msgspec.Struct, frozen=True, kw_only=True):
    """Where a day's actual kilometres come from, and how they lie to what was planned."""

    legs: tuple[Leg, ...]
    source: Source
    estimated: bool
    planned: frozenset[str] = frozenset()
    plan: str = ""


def driven_on(house: House, connection: Connection, day: date, known: Register) -> Driven:
    """The kilometres of a day: of its published plan, else along the crews' taps.

    Taps that name no truck of the fleet are a tour of its first one: where bins were emptied, somebody drove.
    """
    head = plan_records.newest(connection, day, states=("published",))
    if head is not None:
        plan = plan_records.get(connection, head.id).plan
        return Driven(
            legs=tuple(
                Leg(truck=one.vehicle, distance_m=one.distance_m, duration_s=one.duration_s) for one in plan.routes if one.stops
            ),
            source="planned",
            estimated=plan.estimated,
            planned=frozenset(plan.served),
            plan=head.id,
        )
    whole = day_interval(day, house.city.zone)
    taps = [one for one in tap_records.between(connection, whole.start, whole.end) if one.kind == "emptied"]
    ground = plan_source.ground_of(house, day)
    by_truck = {name: [one for one in taps if one.truck == name] for name in sorted({one.truck for one in taps})}
    trucks = known.fleet.trucks
    legs = [_along(by_truck[truck.id], truck, known, ground) for truck in trucks if truck.id in by_truck]
    nameless = [one for one in taps if one.truck not in {truck.id for truck in trucks}]
    if nameless and trucks:
        legs.append(_along(nameless, trucks[0], known, ground))
    return Driven(legs=tuple(legs), source="taps", estimated=not roads.graph_version(ground))


def _along(taps: Sequence[Sighting], truck: Truck, known: Register, ground: roads.Ground) -> Leg:
    """From the depot along the taps of one truck and back; unloading on the way is not known and not counted."""
    place = {one.id: (one.lon, one.lat) for one in known.bins}
    depot = next((one.lon, one.lat) for one in known.fleet.depots if one.id == truck.depot)
    stops = [place[one.bin] for one in taps if one.bin in place]
    matrix = roads.travel(ground, truck.profile, np.array([depot, *stops], np.float64))
    order = [0, *range(1, len(stops) + 1), 0]
    distance_m = sum(int(matrix.distance_m[a, b]) for a, b in itertools.pairwise(order))
    spent = taps[-1].seen_at - taps[0].seen_at if taps else timedelta()
    return Leg(truck=truck.id, distance_m=distance_m, duration_s=round(spent.total_seconds()))


def baseline_inputs(house: House, day: date, known: Register, due: Mapping[str, float]) -> Inputs:
    """What the baseline's routes of a day are planned from: its bins, each at its level, must all be emptied by today's fleet."""
    folder = house.city.folder
    policy = policy_on(day, folder)
    bins: list[Bin] = [one for one in known.bins if one.id in due]
    level = [due[one.id] for one in bins]
    sure = [1.0] * len(bins)
    return Inputs(
        on=day,
        bins=tuple(bins),
        forecast=Columns(
            bins=tuple(one.id for one in bins),
            level=level,
            low=level,
            high=level,
            risk=sure,
            per_day=[0.0] * len(bins),
            age_d=[0.0] * len(bins),
            health=_HEALTHY * len(bins),
        ),
        trucks=tuple(known.fleet.trucks),
        depots=tuple(known.fleet.depots),
        dumps=tuple(known.fleet.dumps),
        policy=policy,
        rests=rests_on(day, folder),
        wishes=Wishes(),
        graph_version=roads.graph_version(plan_source.ground_of(house, day)),
        budget=Budget(cpu_s=policy.search_cpu_s, iterations=policy.edit_iterations),
    )
