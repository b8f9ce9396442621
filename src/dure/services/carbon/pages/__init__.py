"""Pages of the carbon ledger: of citizens, companies, the city, and anyone who checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.carbon.pages import (
    board_pages,
    challenge_pages,
    company_pages,
    household_pages,
    ledger_pages,
    practice_pages,
    programme_pages,
    proof_pages,
    queue_pages,
    rules_pages,
    sponsoring_pages,
    statement_pages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    board_pages,
    practice_pages,
    challenge_pages,
    household_pages,
    company_pages,
    sponsoring_pages,
    statement_pages,
    queue_pages,
    programme_pages,
    ledger_pages,
    proof_pages,
    rules_pages,
)


def router(house: House) -> APIRouter:
    """Routes of all of them."""
    found = APIRouter()
    for part in PARTS:
        found.include_router(part.routes(house))
    return found
