"""REST routes of the service, under ``/api/v1/charging``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.charging.api import (
    exchange_api,
    origin_api,
    plan_api,
    price_api,
    session_api,
    site_api,
    station_api,
    study_api,
    token_api,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (
    site_api,
    station_api,
    token_api,
    session_api,
    price_api,
    plan_api,
    study_api,
    origin_api,
    exchange_api,
)


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    for part in PARTS:
        router.include_router(part.routes(house))
    return router
