"""Everything the buildings service does by itself, side by side until cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.buildings.model import SERVICE
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.buildings")

MINUTE_S = 60.0
HOUR_S = 3_600.0


async def run(house: House) -> None:  # noqa: ARG001  # rounds come with the parts of the service
    """All rounds until cancelled; each looks for what is due and does that much."""
    rounds: tuple[Round, ...] = ()
    await repeat_all(rounds, log, SERVICE)
