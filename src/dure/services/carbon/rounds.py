"""Everything carbon does by itself, side by side until cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.companies.sponsoring_watch import SponsoringWatch
from dure.services.carbon.governing.board_watch import BoardWatch
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.ledger.expiry_watch import ExpiryWatch
from dure.services.carbon.model import SERVICE
from dure.services.carbon.practising.practice_watch import PracticeWatch
from dure.services.carbon.transparency.log_watch import LogWatch
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")

SECOND_S = 1.0
QUARTER_MINUTE_S = 15.0
MINUTE_S = 60.0


async def run(house: House) -> None:
    """All rounds until cancelled; each looks for what is due and does that much."""
    rounds: tuple[Round, ...] = (
        Round("events", SECOND_S, EventWatch(house).look),
        Round("practices", SECOND_S, PracticeWatch(house).look),
        Round("log", SECOND_S, LogWatch(house).look),
        Round("expiry", QUARTER_MINUTE_S, ExpiryWatch(house).look),
        Round("sponsoring", QUARTER_MINUTE_S, SponsoringWatch(house).look),
        Round("households", MINUTE_S, HouseholdWatch(house).look),
        Round("board", MINUTE_S, BoardWatch(house).look),
    )
    await repeat_all(rounds, log, SERVICE)
