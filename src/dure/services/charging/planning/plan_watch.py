"""The plan of each site is made anew when something changed, kept, and sent to its chargers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from dure.core.errors import DureError
from dure.core.events import Command
from dure.engines.records.audit import SYSTEM, By
from dure.services.charging.planning.plan_desk import PlanDesk
from dure.services.charging.planning.plan_records import Told
from dure.services.charging.planning.set_points import set_profile, set_station_most
from dure.services.charging.stations import calls
from dure.spine import commanding

if TYPE_CHECKING:
    from dure.services.charging.model import Site, Version
    from dure.services.charging.planning.telling import Wanted
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")
EXPIRES_S = 120


class PlanWatch:
    """Plans all sites of one house."""

    def __init__(self, house: House) -> None:
        self._desk = PlanDesk(house, HouseTelling(house))

    async def look(self) -> int:
        """One round; how many plans were made."""
        return await self._desk.look()


class HouseTelling:
    """Tells by the house's commands: kept and audited, and heard by the process that the station is connected to."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._not_told: set[tuple[str, str]] = set()

    async def tell(self, site: Site, wanted: Wanted, version: Version, at: datetime) -> Told | None:
        """What it was told and by which command; None when it could not be asked, which is logged once until it can."""
        try:
            asset, command, told = await self._asked(site, wanted, version, at)
        except (DureError, ValueError) as error:
            if (wanted.target, wanted.purpose) not in self._not_told:
                self._not_told.add((wanted.target, wanted.purpose))
                log.warning("set_point.not_told", site=site.id, target=wanted.target, purpose=wanted.purpose, why=str(error))
            return None
        self._not_told.discard((wanted.target, wanted.purpose))
        log.info("set_point.told", site=site.id, asset=asset, target=wanted.target, purpose=wanted.purpose, command=command)
        return Told(
            target=wanted.target, purpose=wanted.purpose, site=site.id, sent_at=at, limits_w=wanted.limits_w, told=told,
            session=wanted.session, command=command, until=wanted.until,
        )  # fmt: skip

    async def _asked(self, site: Site, wanted: Wanted, version: Version, at: datetime) -> tuple[str, str, dict[str, object]]:
        by = By(SYSTEM, at)
        if wanted.purpose == "storage":
            told: dict[str, object] = {"power_w": wanted.limits_w[0]}
            if wanted.until is not None:
                told["until"] = wanted.until.isoformat()
            command = Command(
                id=uuid4().hex, asset=wanted.target, name="set_power", key=uuid4().hex, issued_at=at,
                expires_at=at + timedelta(seconds=EXPIRES_S), arguments=told,
            )  # fmt: skip
            return wanted.target, (await commanding.ask(self._house, command, by)).id, told
        if wanted.point is None:
            charger = next(one for one in site.chargers if one.id == wanted.target)
            payload = set_station_most(version, charger)
        else:
            charger = next(one for one in site.chargers if one.id == wanted.point.evse.charger)
            payload = set_profile(version, wanted.point, site.voltage_v)
        call = await calls.ask(self._house, charger.id, "SetChargingProfile", payload, by)
        return charger.id, call.id, payload
