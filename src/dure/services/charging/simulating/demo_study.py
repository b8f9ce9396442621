"""The demo's study of sizes: asked for once, when the past of its sites is in the books, so that it does not slow that down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dure.engines.records.audit import SYSTEM, By
from dure.services.charging.origin import origin_records
from dure.services.charging.sites import registered
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.model import Asked
from dure.services.charging.sizing.study_desk import ask

if TYPE_CHECKING:
    from dure.spine.house import House

NAME = "시범 검토 · Demo study"
SCENARIO, CARS = "public", 20
SOLAR_KW, STORAGE_KWH = (0.0, 60.0, 120.0), (0.0, 100.0)


class DemoStudy:
    """Asks for the demo's study."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; 1 when it was asked for."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        with self._house.records.read() as connection:
            site = max(registered(connection).sites.values(), key=lambda one: len(one.evses), default=None)
            if site is None or study_records.listing(connection):
                return 0
            if origin_records.state(connection, site.id).last_start_at is None:
                return 0
        asked = Asked(
            site=site.id, source="scenario", scenario=SCENARIO, cars=CARS, solar_kw=SOLAR_KW, storage_kwh=STORAGE_KWH,
            contract_kw=(site.contract_w / 1_000,),
        )  # fmt: skip
        ask(self._house, NAME, asked, By(SYSTEM, self._house.clock.now()))
        return 1
