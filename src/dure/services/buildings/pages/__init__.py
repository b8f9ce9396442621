"""Pages of public buildings: of energy managers, caretakers, officers and citizens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = ()


def router(house: House) -> APIRouter:
    """Routes of all pages."""
    routes = APIRouter()
    for part in PARTS:
        routes.include_router(part.routes(house))
    return routes
