"""Pages of waste collection: of dispatchers, drivers, crews, officers and citizens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.waste.pages import (
    alarm_pages,
    bin_pages,
    field_pages,
    placement_pages,
    plan_pages,
    public_pages,
    report_pages,
    rules_pages,
    savings_pages,
    ticket_pages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    public_pages,
    field_pages,
    plan_pages,
    bin_pages,
    alarm_pages,
    ticket_pages,
    report_pages,
    savings_pages,
    placement_pages,
    rules_pages,
)


def router(house: House) -> APIRouter:
    """Routes of all pages."""
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.routes(house))
    return routes
