"""Everything charging does by itself, side by side until cancelled. The central system is a part of its own (`central`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.charging.model import SERVICE
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.planning.forecast_watch import ForecastWatch
from dure.services.charging.planning.plan_watch import PlanWatch
from dure.services.charging.pricing.settle_watch import SettleWatch
from dure.services.charging.sessions.journal_watch import JournalWatch
from dure.services.charging.sessions.stay_watch import StayWatch
from dure.services.charging.sessions.stop_watch import StopWatch
from dure.services.charging.sizing.study_watch import StudyWatch
from dure.services.charging.stations.station_watch import StationWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")

SECOND_S = 1.0
QUARTER_MINUTE_S = 15.0
MINUTE_S = 60.0
HOUR_S = 3_600.0


async def run(house: House) -> None:
    """All rounds until cancelled; each looks for what is due and does that much."""
    rounds: tuple[Round, ...] = (
        Round("journal", SECOND_S, JournalWatch(house).look),
        Round("stations", SECOND_S, StationWatch(house).look),
        Round("stops", QUARTER_MINUTE_S, StopWatch(house).look),
        Round("stays", QUARTER_MINUTE_S, StayWatch(house).look),
        Round("plans", QUARTER_MINUTE_S, PlanWatch(house).look),
        Round("forecasts", HOUR_S, ForecastWatch(house).look),
        Round("studies", QUARTER_MINUTE_S, StudyWatch(house).look),
        Round("origins", MINUTE_S, OriginWatch(house).look),
        Round("settlements", MINUTE_S, SettleWatch(house).look),
    )
    await repeat_all(rounds, log, SERVICE)
