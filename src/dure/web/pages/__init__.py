"""Pages of the house itself: the city now, the operations centre, help, data, and the rooms of operators and admins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.web.pages import centre, devices, front, parked, people, proof

if TYPE_CHECKING:
    from dure.spine.house import House


def router(house: House) -> APIRouter:
    """All of them."""
    routes = APIRouter()
    for part in (front, centre, devices, parked, people, proof):
        routes.include_router(part.router(house))
    return routes
