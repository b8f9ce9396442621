"""Everything waste collection does by itself, side by side until cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from dure.services.waste.accounting.account_watch import AccountWatch
from dure.services.waste.belief.belief_watch import BeliefWatch
from dure.services.waste.devices.fill_watch import FillWatch
from dure.services.waste.devices.move_watch import MoveWatch
from dure.services.waste.driving.missed_watch import MissedWatch
from dure.services.waste.faults.fault_watch import FaultWatch
from dure.services.waste.model import SERVICE
from dure.services.waste.placing.advice_watch import AdviceWatch
from dure.services.waste.planning.plan_watch import PlanWatch
from dure.services.waste.reporting.report_watch import ReportWatch
from dure.services.waste.safety.alarm_lane import AlarmLane
from dure.services.waste.safety.escalation_watch import EscalationWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")

STEPS_S = 1.0
MINUTE_S = 60.0
FAULTS_S = 60.0  # a fifth of the bins each
MOVES_S = 300.0
HOUR_S = 3_600.0
RESTART_S = (0.5, 1.0, 2.0, 5.0, 15.0)


async def run(house: House) -> None:
    """The lane of alarms, and all rounds, until cancelled: what breaks one of the two never stops the other."""
    async with asyncio.TaskGroup() as group:
        group.create_task(kept("alarms", lambda: safety(house)))
        group.create_task(kept("rounds", lambda: others(house)))


async def safety(house: House) -> None:
    """Alarms to people: nothing else runs here."""
    escalation = EscalationWatch(house)
    rounds = (Round("steps of alarms", STEPS_S, escalation.look), Round("messages of alarms", STEPS_S, escalation.tell))
    async with asyncio.TaskGroup() as group:
        group.create_task(AlarmLane(house).run())
        group.create_task(repeat_all(rounds, log, SERVICE))


async def others(house: House) -> None:
    """Everything that may wait."""
    rounds: tuple[Round, ...] = (
        Round("fill levels", MINUTE_S, FillWatch(house).look),
        Round("beliefs", MINUTE_S, BeliefWatch(house).look),
        Round("bins that moved", MOVES_S, MoveWatch(house).look),
        Round("faults", FAULTS_S, FaultWatch(house).look),
        Round("plans", MINUTE_S, PlanWatch(house).look),
        Round("accounts", HOUR_S, AccountWatch(house).look),
        Round("missed pick-ups", HOUR_S, MissedWatch(house).look),
        Round("advice", HOUR_S, AdviceWatch(house).look),
        Round("reports", MINUTE_S, ReportWatch(house).look),
    )
    await repeat_all(rounds, log, SERVICE)


async def kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Begin it again when it breaks, each time a little later."""
    for attempt in range(10**9):
        try:
            await work()
        except Exception:
            pause_s = RESTART_S[min(attempt, len(RESTART_S) - 1)]
            log.exception("part.failed", part=SERVICE, work=name, restart_in_s=pause_s)
            await asyncio.sleep(pause_s)
