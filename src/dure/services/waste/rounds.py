"""Everything waste collection does by itself, side by side until cancelled."""

from __future__ import annotations

import asyncio
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
from dure.spine.repeating import Round, keep_going, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")

STEPS_S = 1.0
MINUTE_S = 60.0
FAULTS_S = 15.0  # a twentieth of the bins each
MOVES_S = 300.0
HOUR_S = 3_600.0


async def run(house: House) -> None:
    """The lane of alarms, and all rounds, until cancelled: what breaks one of the two never stops the other."""
    async with asyncio.TaskGroup() as group:
        group.create_task(keep_going(f"{SERVICE} alarms", lambda: safety(house), log))
        group.create_task(keep_going(f"{SERVICE} rounds", lambda: others(house), log))


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
