"""Pages of public buildings: of energy managers, caretakers, officers and citizens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.buildings.pages import (
    explain_pages,
    filing_pages,
    finding_pages,
    measure_pages,
    meter_pages,
    portfolio_pages,
    public_pages,
    rules_pages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    public_pages,
    portfolio_pages,
    meter_pages,
    measure_pages,
    finding_pages,
    filing_pages,
    explain_pages,
    rules_pages,
)


def router(house: House) -> APIRouter:
    """Routes of all pages."""
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.routes(house))
    return routes
