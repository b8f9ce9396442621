"""What a dispatcher asks of a day: a bin locked in or banned, given to a truck, a truck that broke down; and what each costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.routing.draft import draft_of
from dure.routing.indexed import indexed, steps_of
from dure.routing.model import Plan, Problem
from dure.routing.streams import one_stream_each
from dure.services.waste.bins import Truck
from dure.services.waste.model import Bin
from dure.services.waste.planning.day import Day, prepare, with_travel
from dure.services.waste.planning.homeward import homeward
from dure.services.waste.planning.marginal import marginals
from dure.services.waste.planning.obstacles import obstacles, without
from dure.services.waste.planning.plan import DayPlan, as_weighed, conclude, renumbered
from dure.services.waste.planning.route import Routed

EditKind = Literal["lock", "ban", "move", "breakdown"]


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One wish of a person for a day; `bin` is empty for a breakdown, `truck` for a lock or a ban."""

    id: str
    day: str
    kind: EditKind
    bin: str = ""
    truck: str = ""
    made_at: datetime
    person: str = ""
    note: str = ""
    undone_at: datetime | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What edits would do, seen at once.

    Attributes
    ----------
    plan : the day after them
    added_m, added_s : metres and seconds more (less, when negative)
    left : bins that were in and are out now
    taken : bins that were out and are in now
    unserved : bins that must be emptied and could not be any more: what the edits break
    """

    plan: DayPlan
    added_m: int
    added_s: int
    left: tuple[str, ...]
    taken: tuple[str, ...]
    unserved: tuple[str, ...]


def accepted(edit: Edit, bins: Iterable[Bin], trucks: Iterable[Truck]) -> Edit:
    """The edit, when bins and trucks are what it says.

    Raises
    ------
    InputError : ``edit.bin``, ``edit.truck``, or ``edit.stream`` when the truck does not take the bin's waste
    """
    found = next((one for one in bins if one.id == edit.bin), None)
    if edit.kind != "breakdown" and found is None:
        raise InputError("edit.bin", f"There is no live bin {edit.bin[:80]!r} to plan with.")
    if edit.kind in {"lock", "ban"}:
        return edit
    truck = next((one for one in trucks if one.id == edit.truck), None)
    if truck is None:
        raise InputError("edit.truck", f"There is no live truck {edit.truck[:80]!r} to plan with.")
    if found is not None and not {found.stream} | found.skills <= truck.streams | truck.skills:
        needed = ", ".join(sorted({found.stream} | found.skills))
        raise InputError("edit.stream", f"The truck {truck.id} does not take what {found.id} needs: {needed}.")
    return edit


def with_edits(day: Day, edits: Iterable[Edit]) -> Day:
    """The day as its edits want it; of two on one bin the later holds."""
    locked, banned, moved, broken = set[str](), set[str](), dict[str, str](), set[str]()
    for edit in sorted((one for one in edits if one.undone_at is None), key=lambda one: (one.made_at, one.id)):
        locked.discard(edit.bin)
        banned.discard(edit.bin)
        moved.pop(edit.bin, None)
        if edit.kind == "lock":
            locked.add(edit.bin)
        elif edit.kind == "ban":
            banned.add(edit.bin)
        elif edit.kind == "move":
            moved[edit.bin] = edit.truck
        else:
            broken.add(edit.truck)
    wishes = msgspec.structs.replace(day.wishes, locked=frozenset(locked), banned=frozenset(banned), moved=moved)
    return replace(day, wishes=wishes, broken=frozenset(broken))


def trial(day: Day, before: DayPlan) -> Trial:
    """The plan before, changed no further than the day (with its edits) makes necessary: without a search, at once.

    Stops that may not stay are taken out; those that must be served are put in where they cost least. Everything else stays.
    """
    prepared = prepare(as_weighed(day, before))
    problem = with_travel(prepared.problem, prepared.profiles, day.travel)
    impossible = obstacles(problem)
    possible = without(problem, impossible)
    plan = homeward(possible, adapted(possible, renumbered(before, prepared.rows)))
    musts = {one.id for one in possible.stops if one.prize_m is None}
    routed = Routed(possible, plan, impossible, frozenset(musts.intersection(plan.skipped)))
    after = conclude(day, prepared, routed, marginals(possible, plan), before)
    was, is_ = before.served.keys() - day.wishes.done, after.served.keys() - day.wishes.done
    return Trial(
        plan=after,
        added_m=after.figures.distance_m - before.figures.distance_m,
        added_s=after.figures.duration_s - before.figures.duration_s,
        left=tuple(sorted(was - is_)),
        taken=tuple(sorted(is_ - was)),
        unserved=tuple(
            sorted(one.bin for one in after.verdicts if one.must and not one.served and one.code not in {"banned", "done"})
        ),
    )


def adapted(problem: Problem, before: Plan) -> Plan:
    """The plan before as far as the problem allows, and what must be served beside."""
    one = indexed(one_stream_each(problem, before))
    if not one.vehicles or not one.n_stops:
        return Plan(routes=(), skipped=tuple(stop.id for stop in problem.stops), cost_m=int(one.prize_m.clip(min=0).sum()))
    return draft_of(one, steps_of(one, before), fill=False).plan()
