"""REST routes of the service, under ``/api/v1/environment``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.environment.api import alert_api, calibration_api, enrolment_api, findings_api, surface_api

if TYPE_CHECKING:
    from dure.spine.house import House

PARTS = (findings_api, alert_api, surface_api, calibration_api, enrolment_api)


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    for part in PARTS:
        router.include_router(part.routes(house))
    return router
