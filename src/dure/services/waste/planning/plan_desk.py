"""Where plans are made, edited and published. What takes long is done in another process; the records are asked in threads."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from dure import __version__
from dure.core.errors import Conflict, DureError, InputError, Unavailable
from dure.core.events import Decision
from dure.core.time import day_of
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records import decisions
from dure.services.waste.planning import plan_jobs, plan_records, plan_source
from dure.services.waste.planning.edits import Edit, accepted
from dure.services.waste.planning.inputs import digest, packed
from dure.services.waste.planning.plan_records import Kept, PlanHead
from dure.services.waste.planning.plan_words import summary

if TYPE_CHECKING:
    from dure.engines.jobs.port import JobResult
    from dure.engines.records.audit import By
    from dure.services.waste.planning.edits import Trial
    from dure.services.waste.planning.inputs import Inputs
    from dure.services.waste.planning.plan import DayPlan
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")
KIND = "waste_plan"
ANSWER_S = 600.0  # so long a job waits for a process at most
OVERDUE = "plan.overdue"


class PlanDesk:
    """Plans of one city."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def draft(self, day: date, by: By) -> Kept:
        """A new draft of a day from what is known now, its edits included; it starts from the newest version there is.

        A search that hangs is ended, and the draft is `unsearched`: the version before made drivable, or a quick plan.

        Raises
        ------
        Conflict : ``plan.past``, ``plan.version``
        DureError : what the planner or its process says (``job.…``)
        """
        inputs, before = await asyncio.to_thread(self._inputs, day, by)
        return await self._made(plan_source.budgeted(inputs), before, by)

    async def edit(self, edit: Edit, by: By) -> Kept:
        """Keep an edit and plan again, with as few other changes as can be; the new draft. Sent twice it is one.

        Raises
        ------
        InputError : as `edits.accepted`
        Conflict : ``plan.past``, ``plan.version``
        """
        day = await asyncio.to_thread(self._keep_edit, edit, by)
        return await self._again(day, by, breakdown=edit.kind == "breakdown")

    async def undo(self, edit_id: str, by: By) -> Kept:
        """Take an edit back and plan again; refused with ``edit.unknown`` or ``edit.undone``."""

        def undone() -> str:
            with self._house.records.begin() as connection:
                return plan_records.undo_edit(connection, edit_id, by).day

        return await self._again(await asyncio.to_thread(undone), by)

    async def trial(self, edit: Edit, by: By) -> Trial:
        """What an edit would do to the newest version of its day; nothing is kept.

        Raises
        ------
        InputError : as `edits.accepted`
        Conflict : ``plan.none`` when there is no plan to try it on
        """
        inputs, before = await asyncio.to_thread(self._inputs, _day(edit.day), by)
        if before is None:
            raise Conflict("plan.none", f"There is no plan of {edit.day} yet. Make one first.")
        accepted(edit, inputs.bins, inputs.trucks)
        tried = msgspec.structs.replace(inputs, edits=(*inputs.edits, edit))
        words = {"inputs": packed(tried), "ground": self._ground(tried.on), "before": packed(before.plan)}
        return plan_jobs.trial_of(await self._done(plan_jobs.TRIAL, words, plan_source.STUCK_FLOOR_S))

    async def publish(self, ident: str, by: By, *, unserved_ok: bool = False) -> PlanHead:
        """Put a draft in force. One that the checker finds fault with is set aside, and refused.

        Raises
        ------
        InputError : ``plan.refused`` (`detail["codes"]`), ``plan.unserved`` when bins that must be emptied are not, and
            nobody said that this is known
        NotFound : ``plan.unknown``
        Conflict : ``plan.state``, ``plan.older``, ``plan.past``, or ``plan.edits``: the day was edited since it was made
        """
        return await asyncio.to_thread(self._publish, ident, by, unserved_ok=unserved_ok)

    async def again(self, ident: str) -> DayPlan:
        """The plan made anew from the inputs it was kept with: the same, unless its search was cut short or the roads changed."""

        def kept() -> tuple[Inputs, DayPlan | None]:
            with self._house.records.read() as connection:
                found = plan_records.inputs(connection, ident)
                return found, plan_records.get(connection, found.before).plan if found.before else None

        return await self._planned(*await asyncio.to_thread(kept))

    async def _again(self, day: str, by: By, *, breakdown: bool = False) -> Kept:
        inputs, before = await asyncio.to_thread(self._inputs, _day(day), by)
        if before is None:
            return await self._made(plan_source.budgeted(inputs), None, by)
        kept = plan_source.budgeted(msgspec.structs.replace(inputs, keep=True), edit=True, breakdown=breakdown)
        return await self._made(kept, before, by)

    async def _made(self, inputs: Inputs, before: Kept | None, by: By) -> Kept:
        try:
            plan = await self._planned(inputs, before.plan if before else None)
        except Unavailable as error:
            if error.code != OVERDUE:
                raise
            log.error("plan.overdue", day=inputs.on.isoformat(), code=OVERDUE)  # noqa: TRY400  # the plan in its place tells it
            inputs = plan_source.unsearched(inputs)
            plan = await self._planned(inputs, before.plan if before else None)
        if before is not None and not plan.frontier:
            plan = msgspec.structs.replace(plan, frontier=before.plan.frontier)
        return await asyncio.to_thread(self._keep, plan, inputs, by)

    async def _planned(self, inputs: Inputs, before: DayPlan | None) -> DayPlan:
        words: dict[str, Any] = {"inputs": packed(inputs), "ground": self._ground(inputs.on)}
        if before is not None:
            words["before"] = packed(msgspec.structs.replace(before, lines={}, frontier=()))
        return plan_jobs.plan_of(await self._done(plan_jobs.PLAN, words, plan_source.lasts_s_max(inputs)))

    async def _done(self, function: str, words: dict[str, Any], lasts_s_max: float) -> bytes:
        """The result of a job, in a process of the pool, or here in a thread where the house has none: that cannot be ended."""
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job("planning", function, words))
            result: JobResult = decode_result(await asyncio.to_thread(perform, data))
        else:
            result = await jobs.run(function, words, timeout_s=ANSWER_S + lasts_s_max, lasts_s_max=lasts_s_max)
        if not result.done:
            raise _trouble(result)
        return bytes(result.value)

    def _inputs(self, day: date, by: By) -> tuple[Inputs, Kept | None]:
        self._refuse_past(day, by)
        with self._house.records.read() as connection:
            inputs = plan_source.inputs_for(self._house, connection, day, by.at)
            head = plan_records.newest(connection, day)
            before = plan_records.get(connection, head.id) if head else None
        return msgspec.structs.replace(inputs, before=head.id if head else ""), before

    def _keep_edit(self, edit: Edit, by: By) -> str:
        self._refuse_past(_day(edit.day), by)
        with self._house.records.begin() as connection:
            known = plan_source.register(connection)
            plan_records.add_edit(connection, accepted(edit, known.bins, known.fleet.trucks), by)
        return edit.day

    def _keep(self, plan: DayPlan, inputs: Inputs, by: By) -> Kept:
        with self._house.records.begin() as connection:
            version = plan_records.next_version(connection, inputs.on)
            head = plan_records.add(connection, version, plan, inputs, by)
            decisions.add(connection, decision_of(head, plan, inputs))
        return Kept(head, plan)

    def _publish(self, ident: str, by: By, *, unserved_ok: bool) -> PlanHead:
        refused: tuple[str, ...] = ()
        with self._house.records.begin() as connection:
            kept = plan_records.get(connection, ident, lock=True)
            day = _day(kept.head.day)
            self._refuse_past(day, by)
            edited_at = plan_records.edited_at(connection, day)
            if kept.head.state == "draft" and edited_at is not None and edited_at > kept.head.made_at:
                raise Conflict("plan.edits", f"The day was edited after {ident} was made. Publish the newest draft.")
            if kept.head.state == "draft" and kept.plan.violations:
                refused = tuple(sorted({one.code for one in kept.plan.violations}))
                plan_records.refuse(connection, ident, refused, by)
            elif kept.plan.figures.unserved_n and not unserved_ok:
                raise InputError(
                    "plan.unserved",
                    f"{kept.plan.figures.unserved_n} bins that must be emptied are not. Say that this is known to publish it.",
                )
            else:
                return plan_records.publish(connection, ident, by)
        raise InputError("plan.refused", f"The checker found fault with {ident}: {', '.join(refused)}.", codes=refused)

    def _refuse_past(self, day: date, by: By) -> None:
        if day < day_of(by.at, self._house.city.zone):
            raise Conflict("plan.past", f"The day {day} is over.")

    def _ground(self, day: date) -> dict[str, Any]:
        return dict(msgspec.to_builtins(plan_source.ground_of(self._house, day)))


def decision_of(head: PlanHead, plan: DayPlan, inputs: Inputs) -> Decision:
    """What was decided and from what, for ``dure explain``; `PlanDesk.again` makes the plan anew from the inputs kept with it."""
    policy = inputs.policy
    return Decision(
        id=head.decision,
        kind=KIND,
        decided_at=head.made_at,
        inputs={
            "plan": head.id,
            "sha256": digest(inputs),
            "bins_n": len(inputs.bins),
            "trucks": [one.id for one in inputs.trucks],
            "dial_m": policy.dial_m,
            "must_risk": policy.must_risk,
            "edits": [{"kind": one.kind, "bin": one.bin, "truck": one.truck} for one in inputs.edits],
            "underway": [one.truck for one in inputs.underway],
            "before": inputs.before,
            "budget": msgspec.to_builtins(inputs.budget),
        },
        result={
            "figures": msgspec.to_builtins(plan.figures),
            "routes": [{"truck": one.vehicle, "bins_n": len(one.stops), "distance_m": one.distance_m} for one in plan.routes],
            "violations": sorted({one.code for one in plan.violations}),
            "cut_short": plan.cut_short,
            "unsearched": plan.unsearched,
        },
        reasons=tuple(summary(plan)),
        versions={"dure": __version__, "rules": f"planning@{plan.rules}", "roads": plan.graph_version or "estimated"},
    )


def _day(text: str) -> date:
    """A day as it is written; refused with ``plan.day``."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InputError("plan.day", f"{text[:40]!r} is no day. Write for example 2026-11-25.") from error


def _trouble(result: JobResult) -> DureError:
    """What a job failed by: known codes of input as they are, everything else as an engine that failed."""
    if result.code == "job.overdue":
        return Unavailable(OVERDUE, f"Planning was stuck: {result.message}")
    if result.code.startswith("job."):
        return Unavailable("plan.failed", f"The plan could not be made: {result.message} [{result.code}]")
    return InputError(result.code, result.message)
