"""A running city whose environment service has the routes and pages of enrolment."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from fastapi import APIRouter

sys.path.insert(0, str(Path(__file__).parents[1] / "city"))
from city_running import CityRunning

from dure.city import read_city
from dure.running.parts import ALL, open_house
from dure.running.serving import served
from dure.services.environment import enrolment_api, enrolment_pages
from dure.services.environment.service import EnvironmentService
from dure.spine.seeding import read_secrets


class Enrolling(EnvironmentService):
    """The environment with enrolment, whether or not the service mounts it by itself."""

    def api(self, house: Any) -> APIRouter:
        router = APIRouter()
        router.include_router(enrolment_api.routes(house))
        if (own := super().api(house)) is not None:
            router.include_router(own)
        return router

    def pages(self, house: Any) -> APIRouter:
        router = APIRouter()
        router.include_router(enrolment_pages.routes(house))
        if (own := super().pages(house)) is not None:
            router.include_router(own)
        return router


class EnrolmentCity(CityRunning):
    """`CityRunning` with such a service."""

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            city = read_city(Path(self.settings.city_dir))
            async with open_house(self.settings, city, parts=ALL) as self.house:
                self.house.services = (Enrolling(),)
                async with served(self.house) as self.url:
                    address = json.loads((self.settings.data / "address.json").read_bytes())
                    self.mqtt_port = address["mqtt_port"]
                    self.secrets = read_secrets(self.settings.data)
                    self._ready.set()
                    await asyncio.Event().wait()
        except BaseException as error:
            if not self._ready.is_set():
                self._trouble = error
                self._ready.set()
            raise
