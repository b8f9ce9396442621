"""REST routes of the service, under ``/api/v1/carbon``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.carbon.api import (
    board_api,
    claim_api,
    company_api,
    comparing_api,
    household_api,
    ledger_api,
    practice_api,
    proof_api,
    sponsoring_api,
    statement_api,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    ledger_api,
    proof_api,
    claim_api,
    practice_api,
    comparing_api,
    household_api,
    company_api,
    sponsoring_api,
    statement_api,
    board_api,
)


def routes(house: House) -> APIRouter:
    """Routes of all of them."""
    found = APIRouter()
    for part in PARTS:
        found.include_router(part.routes(house))
    return found
