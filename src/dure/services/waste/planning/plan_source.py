"""What a plan is made from, read from the records: the register, the beliefs, what is asked, how far the trucks are. Blocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dure.core.time import day_interval, day_of
from dure.engines.records import assets
from dure.engines.records.assets import Wanted
from dure.routing.model import Budget
from dure.services.waste.belief.belief_records import read_forecast
from dure.services.waste.bins import Fleet, bins_of, fleet_of
from dure.services.waste.driving import tap_records
from dure.services.waste.planning import plan_records
from dure.services.waste.planning import travel as roads
from dure.services.waste.planning.detours import Learnt, with_day
from dure.services.waste.planning.inputs import Inputs, columns_of
from dure.services.waste.planning.policy import policy_on
from dure.services.waste.planning.progress import Emptied, underway
from dure.services.waste.planning.rests import rests_on
from dure.services.waste.planning.selection import Demand, Wishes
from dure.services.waste.reporting import report_records
from dure.services.waste.safety import alarm_records
from dure.services.waste.tickets import ticket_desk

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.core.observations import Rejected
    from dure.services.waste.model import Bin
    from dure.services.waste.planning.day import Underway
    from dure.spine.house import House

PAGE = 10_000
KINDS = ("bin", "truck", "depot", "dump")
DAY_S = 86_400.0
# A search that is ended by the clock: a solver's loop may hang where its own limit is not looked at. Generous, as processors
# may be busy with other things; below the floor the roads alone may take long the first time.
STUCK_TIMES, STUCK_FLOOR_S = 4.0, 60.0


class Register(NamedTuple):
    """Live bins and fleet, and assets that cannot be used."""

    bins: list[Bin]
    fleet: Fleet
    rejected: list[Rejected]


def register(connection: Connection) -> Register:
    """What there is to plan with."""
    found: list[Asset] = []
    after = ""
    while True:
        page = assets.listing(connection, Wanted(kinds=KINDS, states=("live",)), after=after, limit=PAGE)
        found += page.items
        if not page.next:
            break
        after = page.next
    bins, fleet = bins_of(found), fleet_of(found)
    return Register(bins.bins, fleet, [*bins.rejected, *fleet.rejected])


def ground_of(house: House, day: date) -> roads.Ground:
    """Where travel comes from in this city."""
    return roads.Ground(roads=str(house.settings.data / "roads"), city=str(house.city.folder), on=day)


def inputs_for(house: House, connection: Connection, day: date, now: datetime) -> Inputs:
    """Everything a plan of a day is made from, as known now. The budget is the policy's; no plan before is named."""
    found, zone = register(connection), house.city.zone
    policy = policy_on(day, house.city.folder)
    begins_at = max(now, begin_of(day, zone, found.fleet))
    forecast = read_forecast(connection, found.bins, begins_at, faults=ticket_desk.healths(connection))
    emptied = _emptied_today(connection, day, now, zone)
    return Inputs(
        on=day,
        bins=tuple(found.bins),
        forecast=columns_of(forecast),
        trucks=tuple(found.fleet.trucks),
        depots=tuple(found.fleet.depots),
        dumps=tuple(found.fleet.dumps),
        policy=policy,
        rests=rests_on(day, house.city.folder),
        wishes=Wishes(
            urgent=_urgent(connection),
            done=frozenset(one.bin for one in emptied),
            since_d=_since_d(connection, begins_at),
        ),
        edits=plan_records.edits(connection, day),
        underway=_underway(connection, day, now, zone, (found, emptied)),
        learnt=_learnt(connection, day),
        now_s=second_of(day, now, zone),
        graph_version=roads.graph_version(ground_of(house, day)),
    )


def begin_of(day: date, zone: ZoneInfo, fleet: Fleet) -> datetime:
    """The instant the first shift of a day begins; the day itself when there is no truck."""
    first_s = min((one.shift[0] for one in fleet.trucks), default=0)
    return day_interval(day, zone).start + timedelta(seconds=first_s)


def second_of(day: date, now: datetime, zone: ZoneInfo) -> int:
    """Seconds of the local day that are over; 0 before it begins."""
    return max(0, int((now - day_interval(day, zone).start).total_seconds()))


def budgeted(inputs: Inputs, *, edit: bool = False, breakdown: bool = False) -> Inputs:
    """The inputs with the policy's budget of a whole search, of one after an edit, or of one after a breakdown."""
    policy = inputs.policy
    if breakdown:
        return msgspec.structs.replace(inputs, budget=Budget(cpu_s=policy.breakdown_cpu_s, iterations=policy.search_iterations))
    if edit:
        return msgspec.structs.replace(inputs, budget=Budget(cpu_s=policy.edit_cpu_s, iterations=policy.edit_iterations))
    each = Budget(cpu_s=policy.search_cpu_s / 20, iterations=max(1, policy.search_iterations // 20))
    whole = Budget(cpu_s=policy.search_cpu_s, iterations=policy.search_iterations)
    return msgspec.structs.replace(inputs, budget=whole, each=each)


def unsearched(inputs: Inputs) -> Inputs:
    """The inputs of a plan that nothing is searched for: the one before made drivable, or each truck to the nearest."""
    return msgspec.structs.replace(inputs, budget=Budget(iterations=0), each=None)


def lasts_s_max(inputs: Inputs) -> float:
    """Seconds by the clock after which whoever plans is taken to be stuck: several times its processor seconds."""
    cpu_s = sum(one.cpu_s or 0.0 for one in (inputs.budget, *[inputs.each or Budget()] * len(inputs.policy.dials_m)))
    return STUCK_TIMES * cpu_s + STUCK_FLOOR_S


def _urgent(connection: Connection) -> dict[str, Demand]:
    """Bins that burnt, that hold wet waste, or that a citizen reports as overflowing, and that nobody emptied since."""
    found: dict[str, Demand] = {}
    for report in report_records.waiting(connection):
        if report.kind == "overflow" and report.bin:
            found[report.bin] = "reported"
    for bin_id in tap_records.flagged_wet(connection):
        found[bin_id] = "wet"
    for bin_id, kinds in alarm_records.open_by_bin(connection).items():
        if "fire" in kinds:
            found[bin_id] = "fire"
    return dict(sorted(found.items()))


def _since_d(connection: Connection, at: datetime) -> dict[str, float]:
    newest = tap_records.newest_emptying(connection)
    return {name: round((at - seen).total_seconds() / DAY_S, 4) for name, seen in sorted(newest.items())}


def _learnt(connection: Connection, day: date) -> Learnt:
    """Detours of the plans that were in force until the day before: what the newest of them knew, and what it offered itself."""
    last = plan_records.in_force_before(connection, day)
    if last is None:
        return Learnt()
    known = plan_records.inputs(connection, last)
    return with_day(known.learnt, plan_records.get(connection, last).plan.verdicts, known.wishes.since_d)


def _emptied_today(connection: Connection, day: date, now: datetime, zone: ZoneInfo) -> list[Emptied]:
    """What crews emptied on the day the plan is for, so far."""
    start = day_interval(day, zone).start
    if now < start:
        return []
    seen = tap_records.between(connection, start, day_interval(day, zone).end)
    return [
        Emptied(one.bin, one.truck, int((one.seen_at - start).total_seconds()), one.level)
        for one in seen
        if one.kind == "emptied"
    ]


def _underway(
    connection: Connection, day: date, now: datetime, zone: ZoneInfo, known: tuple[Register, Iterable[Emptied]]
) -> tuple[Underway, ...]:
    found, emptied = known
    head = plan_records.newest(connection, day, states=("published",))
    if head is None or day_of(now, zone) != day:
        return ()
    depots = {one.id: (one.lon, one.lat) for one in found.fleet.depots}
    homes = {one.id: depots[one.depot] for one in found.fleet.trucks if one.depot in depots}
    plan = plan_records.get(connection, head.id).plan
    return underway(plan, emptied, {one.id: one for one in found.bins}, homes, second_of(day, now, zone))
