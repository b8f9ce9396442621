"""REST routes of the service, under ``/api/v1/waste``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.services.waste.api import account_api, bin_api, maker_api, placement_api, plan_api, report_api, tap_api, trouble_api

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from dure.spine.house import House

PARTS: Sequence[ModuleType] = (bin_api, maker_api, tap_api, plan_api, trouble_api, report_api, account_api, placement_api)


def routes(house: House) -> APIRouter:
    """Every route of the service."""
    router = APIRouter()
    for part in PARTS:
        router.include_router(part.routes(house))
    return router
