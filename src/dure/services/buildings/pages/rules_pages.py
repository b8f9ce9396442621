"""Every number the service decides by, as of today: rows of the rule packs with source and how sure they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from dure.emissions import packs
from dure.services.buildings.model import SERVICE
from dure.services.buildings.rules import SHIPPED
from dure.web import rule_shelf
from dure.web.access import require
from dure.web.layout import house_of

if TYPE_CHECKING:
    from dure.spine.house import House

HERE = "/operations/buildings/rules"


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The page of rules."""
    router = APIRouter()
    router.add_api_route(HERE, shelf, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def shelf(request: Request) -> Response:
    """All packs with all rows in force."""
    return await rule_shelf.show(request, "buildings/rules.html", SERVICE, SHIPPED, *packs.places(house_of(request).city.folder))
