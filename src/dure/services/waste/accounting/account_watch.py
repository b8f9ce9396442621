"""Every day, once phones that were out of reach have had their time: the account of the day before, and of any day left out.

The baseline's routes of the day are planned by the same planner, on the same roads, with the same trucks as the city's own,
in another process. A day is accounted once; what comes in later than the settling time changes no account.
"""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import structlog

from dure.core.errors import Unavailable
from dure.core.time import Interval, day_interval, day_of
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records import events
from dure.services.waste.accounting import account_records, account_source
from dure.services.waste.accounting.account_story import saving_event
from dure.services.waste.accounting.accounts import DayAccount, Done, Leg, Waste, evening_of, side_of
from dure.services.waste.accounting.factors import factors_on, judging_on
from dure.services.waste.accounting.period import period_of
from dure.services.waste.planning import plan_jobs, plan_source
from dure.services.waste.planning.inputs import packed

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.waste.accounting.account_source import Driven
    from dure.services.waste.accounting.baseline import Baseline
    from dure.services.waste.planning.inputs import Inputs
    from dure.services.waste.planning.plan import DayPlan
    from dure.services.waste.planning.plan_source import Register
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
SETTLE = timedelta(hours=10)  # a shift may stay offline for eight hours; its taps still count for their day
ANSWER_S = 600.0
DAYS_AT_ONCE = 7
SEED = 1


class _Gathered(NamedTuple):
    """What a day's account is made from, before the baseline's routes are known."""

    baseline: Baseline
    known: Register
    waste: Waste
    actual: Done
    baseline_morning: np.ndarray
    due: np.ndarray
    driven: Driven
    inputs: Inputs
    outside_n: int


class AccountWatch:
    """Accounts of days against the frozen baseline."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many days were accounted. Nothing to do as long as no baseline is frozen."""
        days = await asyncio.to_thread(self._wanted)
        for day in days:
            account = await self.account(day)
            log.info(
                "account.closed", day=day.isoformat(), metres=account.actual.distance_m, baseline=account.baseline.distance_m
            )
        return len(days)

    async def account(self, day: date) -> DayAccount:
        """The account of one day, made and kept.

        Raises
        ------
        DureError : what the planner says of the baseline's day (``job.…``)
        """
        gathered = await asyncio.to_thread(self._gather, day)
        plan = await self._planned(gathered.inputs) if gathered.due.any() else None
        account = self._made(day, gathered, plan)
        await asyncio.to_thread(self._keep, account)
        return account

    def _wanted(self) -> list[date]:
        house = self._house
        settled = day_of(house.clock.now() - SETTLE, house.city.zone)  # this day may still change
        with house.records.read() as connection:
            frozen = account_records.newest_baseline(connection)
            if frozen is None:
                return []
            last = account_records.newest_day(connection, frozen.baseline.id)
        first = frozen.baseline.starts_on if last is None else last + timedelta(days=1)
        return [first + timedelta(days=one) for one in range(min(DAYS_AT_ONCE, max(0, (settled - first).days)))]

    def _gather(self, day: date) -> _Gathered:
        house = self._house
        with house.records.read() as connection:
            frozen = account_records.newest_baseline(connection)
            if frozen is None:
                raise Unavailable("account.no_baseline", "No baseline is frozen, so nothing can be accounted.")
            baseline = frozen.baseline
            known = plan_source.register(connection)
            fills, readings = account_source.fills_on(house, connection, baseline.bins, [day])
            before = _before(account_records.accounts(connection, baseline.id, day - timedelta(days=1), day))
            driven = account_source.driven_on(house, connection, day, known)
        capacity = {one.id: one.capacity_l * one.compaction for one in known.bins}
        actual, planned = before or (fills.start, fills.start)
        due = baseline.visits([day])[0] & np.array([one in capacity for one in baseline.bins], bool)
        levels = {one: float(planned[row]) for row, one in enumerate(baseline.bins) if due[row]}
        return _Gathered(
            baseline=baseline,
            known=known,
            waste=Waste(
                bins=baseline.bins,
                rise=fills.rise[0],
                watched=fills.watched[0],
                capacity_l=np.array([capacity.get(one, 0.0) for one in baseline.bins]),
                readings_sha256=readings,
            ),
            actual=Done(fills.emptied[0], actual, driven.legs),
            baseline_morning=planned,
            due=due,
            driven=driven,
            inputs=account_source.baseline_inputs(house, day, known, levels),
            outside_n=len(driven.planned - set(baseline.bins)),
        )

    async def _planned(self, inputs: Inputs) -> DayPlan:
        """The baseline's routes, made where there is room."""
        words = {"inputs": packed(inputs), "ground": msgspec.to_builtins(plan_source.ground_of(self._house, inputs.on))}
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job("accounting", plan_jobs.PLAN, words))
            result = decode_result(await asyncio.to_thread(perform, data))
        else:
            lasts_s_max = plan_source.lasts_s_max(inputs)
            result = await jobs.run(plan_jobs.PLAN, words, timeout_s=ANSWER_S + lasts_s_max, lasts_s_max=lasts_s_max)
        if not result.done:
            raise Unavailable("account.not_planned", f"The baseline's routes could not be planned: {result.message}")
        return plan_jobs.plan_of(bytes(result.value))

    def _made(self, day: date, gathered: _Gathered, plan: DayPlan | None) -> DayAccount:
        folder = self._house.city.folder
        factors, judging = factors_on(day, folder), judging_on(day, folder)
        served = frozenset(plan.served) if plan else frozenset()
        legs = [
            Leg(truck=one.vehicle, distance_m=one.distance_m, duration_s=one.duration_s)
            for one in (plan.routes if plan else ())
            if one.stops
        ]
        emptied = gathered.due & np.array([one in served for one in gathered.waste.bins], bool)
        other = Done(emptied, gathered.baseline_morning, legs)
        trucks = {one.id: one for one in gathered.known.fleet.trucks}
        done = {one for one, was in zip(gathered.waste.bins, gathered.actual.emptied.tolist(), strict=True) if was}
        planned = gathered.driven.planned & set(gathered.waste.bins)
        return DayAccount(
            day=day,
            baseline_id=gathered.baseline.id,
            actual=side_of(gathered.actual, gathered.waste, trucks, factors, judging.wasted_below),
            baseline=side_of(other, gathered.waste, trucks, factors, judging.wasted_below),
            source=gathered.driven.source,
            estimated=gathered.driven.estimated or bool(plan and plan.estimated),
            planned_n=len(planned),
            missed_n=len(planned - done),
            unplanned_n=len(done - planned) if planned else 0,
            outside_n=gathered.outside_n,
            watched=float(gathered.waste.watched.mean()),
            bins=gathered.waste.bins,
            rise=tuple(np.round(gathered.waste.rise, 4).tolist()),
            actual_level=evening_of(gathered.actual, gathered.waste.rise),
            baseline_level=evening_of(other, gathered.waste.rise),
            factors=factors.versions,
            provisional=factors.provisional,
            readings_sha256=gathered.waste.readings_sha256,
            plan=gathered.driven.plan,
        )

    def _keep(self, account: DayAccount) -> None:
        house = self._house
        now, zone = house.clock.now(), house.city.zone
        with house.records.begin() as connection:
            new = account_records.add_account(connection, account, day_interval(account.day, zone), now)
            after = account.day + timedelta(days=1)
            if new and after.day == 1:
                self._assess(connection, account, now)

    def _assess(self, connection: Connection, account: DayAccount, now: datetime) -> None:
        """What the month that closed with this day saved, told once."""
        house = self._house
        frozen = account_records.newest_baseline(connection)
        after = account.day + timedelta(days=1)
        kept = account_records.accounts(connection, account.baseline_id, account.day.replace(day=1), after)
        if frozen is None:
            return
        period = period_of(kept, frozen.baseline, judging_on(account.day, house.city.folder), SEED)
        if period is not None:
            zone = house.city.zone
            interval = Interval(day_interval(period.start, zone).start, day_interval(account.day, zone).end)
            events.announce(connection, [saving_event(period, frozen.baseline, interval, kept, now)], now)


def _before(accounts: list[DayAccount]) -> tuple[np.ndarray, np.ndarray] | None:
    """(n,) levels of both sides in the evening of the day before."""
    if not accounts:
        return None
    return np.array(accounts[-1].actual_level), np.array(accounts[-1].baseline_level)
