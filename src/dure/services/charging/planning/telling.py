"""Which set points follow from a plan, and which of them are new. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.charging.model import Site, Storage
from dure.services.charging.planning.conservative import least_w
from dure.services.charging.planning.following import Followed, Metered, as_metered
from dure.services.charging.planning.plan_records import Told
from dure.services.charging.planning.plan_rules import PlanningRow
from dure.services.charging.planning.problem import Floats, Plan, Problem
from dure.services.charging.planning.seen import FULL, Seen, drawn_w
from dure.services.charging.planning.set_points import SetPoint

NEAR_W = 1.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What something should be told: an EVSE's set point, or a storage's power (positive: take in).

    A power that differs by no more than `near_w` is not told anew.
    """

    target: str
    purpose: str
    limits_w: tuple[float, ...]
    session: str = ""
    near_w: float = NEAR_W
    point: SetPoint | None = None
    until: datetime | None = None


def wanted_of(seen: Seen, problem: Problem, plan: Plan, rules: PlanningRow) -> list[Wanted]:
    """What the EVSEs with a session and the storages should be told by a plan.

    A vehicle that takes nothing is left its least power, so that it may begin again by itself. Steps after the running one hold
    only when nothing newer comes, because the link is lost: they keep the contract even if then neither sun nor storage help.
    """
    start = from_us(problem.start_us)
    steps = min(rules.told_steps, problem.n)
    until = start + timedelta(seconds=steps * rules.step_s)
    rows = {one.id: plan.ev_w[i] for i, one in enumerate(problem.needs)}
    evses = {one.id: one for one in seen.site.evses}
    sure = _sure_fraction(problem, plan)
    found = []
    for session in seen.sessions:
        evse = evses.get(session.evse)
        if evse is None or session.id not in rows:
            continue
        least = least_w(seen.site, evse)
        limits = np.full(steps, least) if session.charging_state in FULL else rows[session.id][:steps] * sure[:steps]
        limits = np.where(np.abs(limits) < least - NEAR_W, 0.0, limits)
        limits[1:] = np.maximum(limits[1:], 0.0)  # without a link nothing is given back
        told = tuple(round(float(one), 1) for one in limits)
        point = SetPoint(evse=evse, limits_w=told, start_at=start, step_s=rules.step_s, transaction=session.transaction)
        found.append(Wanted(target=evse.id, purpose="plan", limits_w=told, session=session.id, point=point, until=until))
    if problem.storage is not None:
        done = metered(seen, problem, plan, rules)
        power = float(plan.charge_w[0] - plan.discharge_w[0]) if done is None else done.charge_w - done.discharge_w
        found += [
            Wanted(
                target=one.id,
                purpose="storage",
                limits_w=(share,),
                near_w=max(NEAR_W, rules.follow_fraction * one.charge_w),
                until=start + 2 * timedelta(seconds=rules.step_s),
            )
            for one, share in _shares(seen.site.storage, power)
        ]
    return found


def metered(seen: Seen, problem: Problem, plan: Plan, rules: PlanningRow) -> Followed | None:
    """The running step of a plan as the meters of now have it; None where one is lost, or there is no storage to follow with."""
    if seen.lost or problem.storage is None or problem.start_us != seen.start_us:
        return None
    load_w = seen.load_w + float(drawn_w(seen, rules, 1)[0])
    return as_metered(problem, plan, Metered(seen.sun_w or 0.0, load_w, float(seen.stored_wh or 0.0), seen.peak_w))


def drifted(seen: Seen, problem: Problem, plan: Plan, rules: PlanningRow) -> bool:
    """Whether vehicles would have to wait as things are now: what the storage cannot even out wants another plan."""
    done = metered(seen, problem, plan, rules)
    if done is None:
        return False
    return float((np.maximum(plan.ev_w[:, 0], 0.0) - done.ev_w).sum()) > rules.follow_fraction * problem.contract_w


def _sure_fraction(problem: Problem, plan: Plan) -> Floats:
    """Part of what vehicles are to get (n,) that the contract alone can give; all of the running step."""
    drawn = np.maximum(plan.ev_w, 0.0).sum(axis=0)
    room = np.maximum(problem.contract_w - problem.load_w, 0.0)
    sure: Floats = np.minimum(1.0, room / np.maximum(drawn, 1.0))
    sure[0] = 1.0
    return sure


def _shares(parts: Sequence[Storage], power_w: float) -> list[tuple[Storage, float]]:
    """The power of all storages by how much each can do [W]."""
    whole = sum(one.charge_w if power_w >= 0 else one.discharge_w for one in parts)
    return [(one, round(power_w * (one.charge_w if power_w >= 0 else one.discharge_w) / whole, 1)) for one in parts]


def still(
    site: Site, shares: Mapping[str, float], now_w: Mapping[str, float], start: datetime, until: datetime | None
) -> list[Wanted]:
    """What EVSEs do without a plan, and what chargers may at most.

    Parameters
    ----------
    shares : safe share of each EVSE [W]
    now_w, start, until : what it may from the step of now until the plans of now end, where that is less; None: without plans
    """
    found = []
    for one in site.evses:
        share, less = round(shares[one.id], 1), round(now_w[one.id], 1)
        if until is None or less >= share - NEAR_W:
            point = SetPoint(evse=one, limits_w=(share,), start_at=from_us(0))
            found.append(Wanted(target=one.id, purpose="default", limits_w=(share,), point=point))
        else:
            point = SetPoint(evse=one, limits_w=(less, share), start_at=start, rises_at=until)
            found.append(Wanted(target=one.id, purpose="default", limits_w=(less, share), point=point, until=until))
    return found + [Wanted(target=one.id, purpose="station", limits_w=(one.power_w,)) for one in site.chargers if one.power_w > 0]


def is_due(wanted: Wanted, before: Told | None, at: datetime, rules: PlanningRow) -> bool:
    """Whether something must be told anew: it is another, or what it was told ends soon or says something else from here on."""
    if before is None or before.session != wanted.session:
        return True
    if wanted.purpose == "default":
        return _allows_more(wanted, before, at)
    if wanted.until is None:
        return not _alike(before.limits_w, wanted.limits_w)
    steps = rules.renew_steps if wanted.point is not None else 1
    if before.until is None or before.until - at < timedelta(seconds=steps * rules.step_s):
        return True
    if wanted.point is None:
        return not _alike(before.limits_w, wanted.limits_w, wanted.near_w)
    begun = before.until - timedelta(seconds=len(before.limits_w) * rules.step_s)
    passed = round((wanted.point.start_at - begun).total_seconds() / rules.step_s)
    rest = before.limits_w[passed:]
    return not rest or not _alike(rest, wanted.limits_w[: len(rest)])


def _allows_more(wanted: Wanted, before: Told, at: datetime) -> bool:
    """Whether a default allows more than it should at any time, or another share in the end. One that allows less may stay."""
    if abs(before.limits_w[-1] - wanted.limits_w[-1]) > NEAR_W:
        return True
    if wanted.until is None or wanted.until <= at:
        return False
    return before.until is None or before.until < wanted.until or before.limits_w[0] > wanted.limits_w[0] + NEAR_W


def _alike(one: Sequence[float], other: Sequence[float], near_w: float = NEAR_W) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= near_w for a, b in zip(one, other, strict=True))


def kept_rows(problem: Problem, before: tuple[Problem, Plan] | None) -> Floats | None:
    """What the plan before gave each vehicle, in this problem's steps (needs, n); None when they share none."""
    if before is None or before[0].step_s != problem.step_s:
        return None
    passed = (problem.start_us - before[0].start_us) // (problem.step_s * 1_000_000)
    if not 0 <= passed < before[0].n:
        return None
    rows = {one.id: before[1].ev_w[i] for i, one in enumerate(before[0].needs)}
    kept = np.zeros((len(problem.needs), problem.n))
    for i, one in enumerate(problem.needs):
        if one.id in rows:
            rest = rows[one.id][passed:][: problem.n]
            kept[i, : len(rest)] = rest
    return kept
