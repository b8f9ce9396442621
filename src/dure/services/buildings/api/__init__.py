"""REST routes of the service, under ``/api/v1/buildings``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = ()


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    for part in PARTS:
        router.include_router(part.routes(house))
    return router
