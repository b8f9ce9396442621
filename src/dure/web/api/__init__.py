"""The REST API of a city: ways in for devices, ways out for everyone, operation for staff. See docs/en/api.md."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from fastapi import APIRouter

from dure.web.api import (
    audits,
    commands,
    devices,
    explanations,
    exports,
    health,
    hooks,
    live,
    observations,
    parking,
    readings,
    register,
)
from dure.web.api.allowance import Allowance
from dure.web.api.credentials import Credentials
from dure.web.api.permits import OfPerson
from dure.web.api.sight import Sight
from dure.web.api.stream import Broadcast

if TYPE_CHECKING:
    from dure.spine.house import House


def create_api(house: House) -> APIRouter:
    """All routes of the API, under ``/api/v1``, with those of the services."""
    sight = Sight(house)
    broadcast = Broadcast(house.live, sight)
    credentials = Credentials(house, time.monotonic)
    allowance = Allowance(house.settings.readings_per_minute, time.monotonic)
    api = APIRouter(prefix="/api/v1")
    api.include_router(readings.routes(house, credentials, allowance))
    api.include_router(hooks.routes(house, credentials, allowance))
    for part in (
        register.routes(house, sight),
        observations.routes(house, sight),
        exports.routes(house, sight),
        live.routes(house, broadcast),
        explanations.routes(house),
        devices.routes(house, credentials),
        commands.routes(house),
        parking.routes(house),
        audits.routes(house),
        health.routes(house, broadcast),
    ):
        api.include_router(part, dependencies=list(OfPerson))
    for service in house.services:
        routes = service.api(house)
        if routes is not None:
            api.include_router(routes, dependencies=list(OfPerson))
    return api
