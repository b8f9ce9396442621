"""Everything the buildings service does by itself, side by side until cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.services.buildings.finding.finding_watch import FindingWatch
from dure.services.buildings.intervals.read_watch import ReadWatch
from dure.services.buildings.model import SERVICE
from dure.services.buildings.months.month_watch import MonthWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.buildings")

MINUTE_S = 60.0
FIVE_MINUTES_S = 300.0
HOUR_S = 3_600.0


async def run(house: House) -> None:
    """All rounds until cancelled; each looks for what is due and does that much."""
    rounds: tuple[Round, ...] = (
        Round("reads", MINUTE_S, ReadWatch(house).look),
        Round("months", MINUTE_S, MonthWatch(house).look),
        Round("refits", FIVE_MINUTES_S, RefitWatch(house).look),
        Round("savings", HOUR_S, SavingWatch(house).look),
        Round("findings", FIVE_MINUTES_S, FindingWatch(house).look),
    )
    await repeat_all(rounds, log, SERVICE)
