"""Everything waste collection does by itself, side by side until cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.services.waste.model import SERVICE
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")


async def run(house: House) -> None:  # noqa: ARG001  # each round is given the house
    """All rounds until cancelled."""
    rounds: tuple[Round, ...] = ()
    await repeat_all(rounds, log, SERVICE)
