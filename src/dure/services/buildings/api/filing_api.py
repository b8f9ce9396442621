"""Comparison, targets, filings and reports by REST."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.buildings.api import comparison_api, given_api, target_api

if TYPE_CHECKING:
    from dure.spine.house import House


def routes(house: House) -> APIRouter:
    """Routes of this part."""
    router = APIRouter()
    for part in (comparison_api, target_api, given_api):
        router.include_router(part.routes(house))
    return router
