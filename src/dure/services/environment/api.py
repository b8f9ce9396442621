"""REST routes of the service, under ``/api/v1/environment``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from dure.spine.house import House


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    from dure.services.environment import enrolment_api

    for part in (enrolment_api.routes(house),):
        router.include_router(part)
    return router
