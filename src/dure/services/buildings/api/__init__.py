"""REST routes of the service, under ``/api/v1/buildings``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.buildings.api import explain_api, filing_api, finding_api, import_api, model_api, public_api, series_api

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (import_api, series_api, model_api, finding_api, filing_api, public_api, explain_api)


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    for part in PARTS:
        router.include_router(part.routes(house))
    return router
