"""The heavy part of planning as jobs: bytes in, bytes out, done in another process so that the web stays quick."""

from __future__ import annotations

import time
import zlib
from functools import partial
from typing import Any, TypeVar

import msgspec

from dure.core.errors import Corrupt
from dure.services.waste.planning import travel as roads
from dure.services.waste.planning.day import Day
from dure.services.waste.planning.edits import Trial, trial
from dure.services.waste.planning.inputs import Inputs, day_of, inputs_of, packed
from dure.services.waste.planning.plan import DayPlan, plan_day

PLAN = "dure.services.waste.planning.plan_jobs.planned"
TRIAL = "dure.services.waste.planning.plan_jobs.tried"
T = TypeVar("T")


def planned(inputs: bytes, ground: dict[str, Any], before: bytes = b"") -> bytes:
    """The plan of packed inputs, packed; `before` is the packed plan they name."""
    wanted, where = inputs_of(inputs), msgspec.convert(ground, roads.Ground)
    begun_s = time.thread_time()
    day = day_on(wanted, where)
    found = plan_day(day, wanted.budget, unpacked(before, DayPlan), keep=wanted.keep, each=wanted.each)
    spent_s = time.thread_time() - begun_s
    told = msgspec.structs.replace(found, cut_short=_cut_short(wanted, spent_s), unsearched=wanted.budget.iterations == 0)
    return packed(with_lines(told, wanted, where))


def tried(inputs: bytes, ground: dict[str, Any], before: bytes) -> bytes:
    """What the edits among packed inputs would do to the plan before, packed."""
    plan = unpacked(before, DayPlan)
    if plan is None:
        raise Corrupt("plan.corrupt", "There is no plan to try an edit on.")
    return packed(trial(day_on(inputs_of(inputs), msgspec.convert(ground, roads.Ground)), plan))


def day_on(inputs: Inputs, ground: roads.Ground) -> Day:
    """The day on the city's ground."""
    return day_of(inputs, partial(roads.travel, ground), frozenset(roads.profiles(ground)))


def with_lines(plan: DayPlan, inputs: Inputs, ground: roads.Ground) -> DayPlan:
    """The plan with the ways of its trucks, where there are roads."""
    if not plan.graph_version:
        return plan
    depots = {one.id: (one.lon, one.lat) for one in inputs.depots}
    lon_lat = {one.id: (one.lon, one.lat) for one in inputs.bins} | {one.id: (one.lon, one.lat) for one in inputs.dumps}
    lon_lat |= {one.id: depots[one.depot] for one in inputs.trucks if one.depot in depots}
    drawn = roads.lines(ground, plan.routes, lon_lat, {one.id: one.profile for one in inputs.trucks})
    return msgspec.structs.replace(plan, lines=drawn)


def unpacked(data: bytes, kind: type[T]) -> T | None:
    """A packed value; None when there is none."""
    if not data:
        return None
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=kind)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise Corrupt("plan.corrupt", f"A plan cannot be read: {error}. Make it anew.") from error


def plan_of(data: bytes) -> DayPlan:
    """A packed plan."""
    found = unpacked(data, DayPlan)
    if found is None:
        raise Corrupt("plan.corrupt", "The answer of the planner is empty.")
    return found


def trial_of(data: bytes) -> Trial:
    """A packed trial."""
    found = unpacked(data, Trial)
    if found is None:
        raise Corrupt("plan.corrupt", "The answer to a trial is empty.")
    return found


def _cut_short(inputs: Inputs, spent_s: float) -> bool:
    """Whether the safety net may have ended a search before its iterations did; hours alike are sought in a second half."""
    budget = inputs.budget
    if budget.cpu_s is None or budget.iterations is None:
        return False
    return spent_s >= budget.cpu_s * (0.5 if inputs.policy.balance_extra and not inputs.keep else 1.0)
