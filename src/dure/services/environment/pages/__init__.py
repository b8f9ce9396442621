"""Pages of the environment: of citizens, of the operations centre, and of people with alerts of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.environment.pages import (
    alert_pages,
    calibration_pages,
    enrolment_pages,
    map_pages,
    network_pages,
    public_pages,
    rules_pages,
    station_pages,
)

if TYPE_CHECKING:
    from dure.spine.house import House

PARTS = (
    public_pages,
    map_pages,
    alert_pages,
    station_pages,
    network_pages,
    calibration_pages,
    enrolment_pages,
    rules_pages,
)


def router(house: House) -> APIRouter:
    """Routes of all pages."""
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.routes(house))
    return routes
