"""Where a site is planned: read, decided, kept, and only then told to chargers and storage."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import msgspec
import numpy as np

from dure import __version__
from dure.core.errors import NotFound
from dure.core.events import Decision
from dure.core.time import from_us, to_us
from dure.engines.records import commands, decisions
from dure.services.charging.model import VERSIONS, Site, Version
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.conservative import safe_shares
from dure.services.charging.planning.forecast_model import Forecast
from dure.services.charging.planning.forecasts import forecast_for
from dure.services.charging.planning.giving_back import refusal
from dure.services.charging.planning.held import defaults_w
from dure.services.charging.planning.lines import Lines
from dure.services.charging.planning.lp_model import Wishes
from dure.services.charging.planning.packing import digest, packed
from dure.services.charging.planning.plan_records import Kept, PlanHead, Told
from dure.services.charging.planning.plan_source import PlanSource, costs_of, rules_of
from dure.services.charging.planning.planned import planned
from dure.services.charging.planning.seen import Costs, Seen, begin_us, drawn_w, fingerprint, problem_of, spare_w, with_now
from dure.services.charging.planning.site_lp import SiteSolver
from dure.services.charging.planning.telling import Wanted, drifted, is_due, kept_rows, still, wanted_of
from dure.services.charging.sites import Sites, registered
from dure.services.charging.stations import station_records

if TYPE_CHECKING:
    from dure.services.charging.planning.plan_rules import PlanningRow
    from dure.services.charging.planning.problem import Floats, Need, Plan, Problem
    from dure.services.charging.stations.station_records import StationState
    from dure.spine.house import House

KIND = "charging_plan"
BINDINGS_KEPT = 50
LOAD_PART = 0.05
EXCEEDED = "contract.exceeded"
DRIFT_LEAST = timedelta(seconds=60)  # between two plans that meters ask for
VERSION_OF: Mapping[str, Version] = {one: one for one in VERSIONS}


class Telling(Protocol):
    """How something is told what it should do."""

    async def tell(self, site: Site, wanted: Wanted, version: Version, at: datetime) -> Told | None:
        """What it was told and by which command; None when it could not be asked."""
        ...


class PlanDesk:
    """Plans of one city."""

    def __init__(self, house: House, telling: Telling) -> None:
        self._house, self._telling = house, telling
        self._source = PlanSource(house)
        self._solvers: dict[str, SiteSolver] = {}
        self._lines = Lines()
        self._known: dict[str, Mapping[str, str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}  # a solver is not for two threads at once

    async def look(self) -> int:
        """Plan every site in which something changed; tell what is due. How many plans were made."""
        at = self._house.clock.now()
        sites = await asyncio.to_thread(self._sites)
        await asyncio.to_thread(self._share_lines, sites, at)
        made = 0
        for site in sites.sites.values():
            made += await self._look_at(site, at)
        if made:
            await asyncio.to_thread(self._forget, at)
        return made

    async def plan(self, site_id: str, cause: str = "asked") -> Kept:
        """Plan a site now, and tell what is due.

        Raises
        ------
        NotFound : ``charging.unknown``
        """
        at = self._house.clock.now()
        site = (await asyncio.to_thread(self._sites)).sites.get(site_id)
        if site is None:
            raise NotFound("charging.unknown", f"There is no charging site {site_id[:80]!r}.")
        seen = await asyncio.to_thread(self._source.seen, site, at)
        return await self._made(seen, cause)

    async def _look_at(self, site: Site, at: datetime) -> int:
        seen = await asyncio.to_thread(self._source.seen, site, at)
        known, now = self._known.get(site.id, {}), fingerprint(seen)
        changed = [cause for cause in now if now[cause] != known.get(cause)]
        if changed:
            await self._made(seen, next((one for one in ("session", "wish", "link", "meter", "site") if one in changed), "step"))
            self._known[site.id] = now
            return 1
        before = await asyncio.to_thread(self._newest, site.id)
        if before is None:
            return 0
        rules = rules_of(self._house, at)
        if at - before.head.made_at >= DRIFT_LEAST and drifted(seen, before.problem, before.plan, rules):
            await self._made(seen, "drift")
            return 1
        await self._tell(seen, before)
        return 0

    async def _made(self, seen: Seen, cause: str) -> Kept:
        async with self._turns.setdefault(seen.site.id, asyncio.Lock()):
            kept = await asyncio.to_thread(self._decide, seen, cause)
            await self._tell(seen, kept)
        return kept

    def _decide(self, seen: Seen, cause: str) -> Kept:
        rules = rules_of(self._house, seen.at)
        problem, ahead, costs = self._asked(seen)
        before = self._newest(seen.site.id)
        solver = self._solvers.setdefault(seen.site.id, SiteSolver())
        kept = kept_rows(problem, (before.problem, before.plan) if before else None)
        share = _least(self._lines.share(seen.site, problem), spare_w(seen, problem, rules))
        plan, baseline = planned(solver, problem, Wishes(kept=kept, import_w=share))
        if before is not None and share is None and packed(problem) == packed(before.problem):
            plan = before.plan  # the same question: the same set points, to the last bit
        if ahead.policy == "edf":
            plan = baseline
        if float(plan.over_w.max(initial=0.0)) > 1 and EXCEEDED not in plan.reasons:
            plan = msgspec.structs.replace(plan, reasons=(*plan.reasons, EXCEEDED))
        if seen.lost:
            plan = msgspec.structs.replace(plan, policy="conservative" if plan.policy == "lp" else plan.policy)
        head = PlanHead(
            id=f"cp-{uuid4().hex[:16]}",
            site=seen.site.id,
            made_at=seen.at,
            start_us=problem.start_us,
            policy=plan.policy,
            cause=cause,
            won=round(plan.won, 2),
            edf_won=round(baseline.won, 2),
            unmet_wh=round(float(plan.unmet_wh.sum())),
            facts=facts_of(seen, ahead, costs, plan, problem),
        )
        made = Kept(head, problem, plan)
        with self._house.records.begin() as connection:
            plan_records.add(connection, made)
            decisions.add(connection, decision_of(made, seen, rules))
        return made

    def _asked(self, seen: Seen) -> tuple[Problem, Forecast, Costs]:
        """The problem of a site, and what it rests on."""
        rules = rules_of(self._house, seen.at)
        costs = costs_of(self._house, seen.site, seen.start_us, rules)
        ahead = with_now(seen, forecast_for(self._house, seen.site, seen.start_us, rules.steps, rules.step_s))
        return problem_of(seen, ahead, costs, rules), ahead, costs

    def _share_lines(self, sites: Sites, at: datetime) -> None:
        """Share every line anew of which a step has begun."""
        for feeder in sites.feeders.values():
            on = [one for one in sites.sites.values() if one.feeder == feeder.id]
            if self._lines.is_due(feeder, on, begin_us(to_us(at), rules_of(self._house, at).step_s)):
                self._lines.share_out(feeder, on, [self._asked(self._source.seen(one, at))[0] for one in on])

    async def _tell(self, seen: Seen, kept: Kept) -> None:
        """Tell what is due; a station that is not connected is told when it comes."""
        rules = rules_of(self._house, seen.at)
        told, states, outcomes = await asyncio.to_thread(self._told, seen.site)
        wanted = wanted_of(seen, kept.problem, kept.plan, rules) if seen.start_us == kept.problem.start_us else []
        for one in _lower_first(wanted + _without_plan(seen, kept.problem, wanted, rules), told):
            state = states.get(_charger_of(seen.site, one))
            before = _in_force(told.get((one.target, one.purpose)), outcomes, seen.at, rules)
            version = VERSION_OF.get(state.version) if state is not None and state.linked else None
            if one.purpose != "storage" and version is None:
                continue
            if not _has_booted(state, before, one) and not is_due(one, before, seen.at, rules):
                continue
            said = await self._telling.tell(seen.site, one, version or VERSIONS[0], seen.at)
            if said is not None:
                await asyncio.to_thread(self._keep_told, msgspec.structs.replace(said, plan=kept.head.id))

    def _sites(self) -> Sites:
        with self._house.records.read() as connection:
            return registered(connection)

    def _newest(self, site: str) -> Kept | None:
        with self._house.records.read() as connection:
            return plan_records.newest(connection, site)

    def _told(self, site: Site) -> tuple[dict[tuple[str, str], Told], dict[str, StationState], dict[str, str]]:
        with self._house.records.read() as connection:
            told = {(one.target, one.purpose): one for one in plan_records.told(connection, site.id)}
            states = station_records.states(connection, [one.id for one in site.chargers])
            asked = {one.command for one in told.values() if one.command}
            outcomes = {one: commands.get(connection, one).outcome for one in asked}
        return told, states, {name: str(outcome) for name, outcome in outcomes.items()}

    def _keep_told(self, said: Told) -> None:
        with self._house.records.begin() as connection:
            plan_records.store_told(connection, [said])

    def _forget(self, at: datetime) -> None:
        with self._house.records.begin() as connection:
            plan_records.forget(connection, at - timedelta(days=rules_of(self._house, at).kept_d))


def _charger_of(site: Site, wanted: Wanted) -> str:
    return next((one.charger for one in site.evses if one.id == wanted.target), wanted.target)


def _in_force(told: Told | None, outcomes: Mapping[str, str], at: datetime, rules: PlanningRow) -> Told | None:
    """What was told, unless it never reached: what expired is told again at once, what was refused with the next step."""
    if told is None:
        return None
    outcome = outcomes.get(told.command, "")
    if outcome == "expired" or (outcome == "rejected" and at - told.sent_at >= timedelta(seconds=rules.step_s)):
        return None
    return told


def _has_booted(state: StationState | None, before: Told | None, wanted: Wanted) -> bool:
    """Whether a station booted since it was told what holds on: it may have forgotten. A lost link takes nothing away."""
    if wanted.purpose not in {"default", "station"} or state is None or state.booted_at is None or before is None:
        return False
    return state.booted_at > before.sent_at


def _least(one: Floats | None, other: Floats | None) -> Floats | None:
    return one if other is None else other if one is None else np.minimum(one, other)


def _lower_first(wanted: list[Wanted], told: Mapping[tuple[str, str], Told]) -> list[Wanted]:
    """Who is to give less is told before who may give more, so that they do not meet above the contract."""
    before = [told.get((one.target, one.purpose)) for one in wanted]
    lowers = [kept is not None and one.limits_w[0] < kept.limits_w[0] for one, kept in zip(wanted, before, strict=True)]
    return [one for i, one in enumerate(wanted) if lowers[i]] + [one for i, one in enumerate(wanted) if not lowers[i]]


def _without_plan(seen: Seen, problem: Problem, wanted: list[Wanted], rules: PlanningRow) -> list[Wanted]:
    """What EVSEs may do by themselves: their safe shares, and until the plans of now end no more than these leave."""
    load_w = _load_most(seen, problem, rules)
    shares = safe_shares(seen.site, load_w)
    planned_w = {one.target: tuple(max(0.0, w) for w in one.limits_w) for one in wanted if one.purpose == "plan"}
    planned_w |= {name: rows[: rules.told_steps] for name, rows in seen.held.items()}
    until = from_us(problem.start_us) + timedelta(seconds=rules.told_steps * rules.step_s) if planned_w else None
    now_w = defaults_w(seen.site, load_w, shares, planned_w)
    return still(seen.site, shares, now_w, from_us(problem.start_us), until)


def _load_most(seen: Seen, problem: Problem, rules: PlanningRow) -> float:
    """Most that the other load is believed to draw, up to the next part of the contract: shares do not move with every watt."""
    most = max(seen.load_w, float(np.max(problem.load_w - drawn_w(seen, rules, problem.n), initial=0.0)))
    part = LOAD_PART * seen.site.contract_w
    return min(float(np.ceil(most / part - 1e-9)) * part, max(most, seen.site.contract_w)) if part > 0 else most


def facts_of(seen: Seen, ahead: Forecast, costs: Costs, plan: Plan, problem: Problem) -> dict[str, object]:
    """What a plan rests on, for people."""
    return {
        "lost": list(seen.lost),
        "forecast": dict(ahead.used),
        "sessions_n": len(seen.sessions),
        "expected_n": len(ahead.expected),
        "usual_n": seen.usual.n,
        "aim_w": round(ahead.aim_w),
        "peak_so_far_w": round(seen.peak_w),
        "over_w": round(float(plan.over_w.max(initial=0.0))),
        "price_rules": list(costs.rules),
        "provisional": costs.provisional,
        "reasons": list(plan.reasons),
        "gives_back": gives_back(seen, plan, problem),
    }


def gives_back(seen: Seen, plan: Plan, problem: Problem) -> dict[str, str | float]:
    """By session of a site with V2G: the Wh it is to give back, or the code of why it may not (see `giving_back`)."""
    found: dict[str, str | float] = {}
    evses = {one.id: one for one in seen.site.evses if one.v2g and seen.site.v2g}
    rows = {one.id: row for one, row in zip(problem.needs, plan.ev_w, strict=True)}
    for one in seen.sessions:
        if (evse := evses.get(one.evse)) is not None:
            why = refusal(seen.site, evse, one, seen.versions.get(evse.charger, ""))
            given = -float(np.minimum(rows[one.id], 0.0).sum()) * problem.step_h if one.id in rows else 0.0
            found[one.id] = why or round(given)
    return found


def _unmet(kept: Kept) -> list[tuple[Need, int]]:
    return [(one, round(float(wh))) for one, wh in zip(kept.problem.needs, kept.plan.unmet_wh, strict=True)]


def decision_of(kept: Kept, seen: Seen, rules: PlanningRow) -> Decision:
    """What was decided and from what, for ``dure explain``; the problem kept with the plan gives it again."""
    problem = packed(kept.problem)
    there = [(one, row) for one, row in zip(kept.problem.needs, kept.plan.ev_w, strict=True) if not one.expected]
    return Decision(
        id=kept.head.id,
        kind=KIND,
        decided_at=seen.at,
        inputs={
            "site": seen.site.id,
            "cause": kept.head.cause,
            "problem_sha256": digest(problem),
            "start_us": kept.problem.start_us,
            "sessions": [one.id for one in seen.sessions],
            "sun_w": seen.sun_w,
            "stored_wh": seen.stored_wh,
            "load_w": round(seen.load_w, 1),
            "lost": list(seen.lost),
        },
        result={
            "policy": kept.head.policy,
            "won": kept.head.won,
            "edf_won": kept.head.edf_won,
            "peak_w": round(kept.plan.peak_w, 1),
            "now_w": {one.id: round(float(row[0]), 1) for one, row in there},
            "unmet_wh": {one.id: unmet for one, unmet in _unmet(kept) if unmet},
            "bindings": [msgspec.to_builtins(one) for one in kept.plan.bindings[:BINDINGS_KEPT]],
        },
        reasons=kept.plan.reasons,
        versions={"dure": __version__, "rules": f"planning@{rules.effective_from}"},
    )
