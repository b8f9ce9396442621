"""Pages of EV charging: of drivers, operators, officers and auditors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.charging.pages import (
    desk_pages,
    driver_pages,
    exchange_pages,
    map_pages,
    origin_pages,
    plan_pages,
    rules_pages,
    session_pages,
    site_pages,
    study_pages,
    token_pages,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    map_pages,
    driver_pages,
    desk_pages,
    token_pages,
    session_pages,
    site_pages,
    plan_pages,
    origin_pages,
    exchange_pages,
    study_pages,
    rules_pages,
)


def router(house: House) -> APIRouter:
    """Routes of all pages."""
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.routes(house))
    return routes
