"""The shell of waste collection: what it registers, its pages and routes, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dure.services.waste.model import KINDS, PROPERTIES, SERVICE

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Connection

    from dure.core.assets import AssetKind
    from dure.core.events import Command
    from dure.core.observations import Observation, Rejected
    from dure.core.properties import Property
    from dure.spine.house import Assessor, House


class WasteService:
    """Bins, trucks, plans, tickets and savings (see `dure.spine.house.Service`)."""

    name = SERVICE

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        return PROPERTIES

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        return KINDS

    def api(self, house: House) -> APIRouter | None:
        """Bins, plans, the driver's taps, tickets, alarms, reports and accounts."""
        from dure.services.waste import api  # noqa: PLC0415  # a worker without a web face need not load it

        return api.routes(house)

    def pages(self, house: House) -> APIRouter | None:
        """The pages of dispatchers, drivers, crews, officers and citizens."""
        from dure.services.waste import pages  # noqa: PLC0415  # as above

        return pages.router(house)

    def assessor(self, house: House) -> Assessor | None:  # noqa: ARG002  # the ranges of the house judge fill levels
        """None: sensors of bins are judged with the belief of their bin, not value by value."""
        return None

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:
        """How a level was made from the distance a sensor measured."""
        from dure.services.waste.devices.fill_reasons import reasons_of  # noqa: PLC0415  # only who asks pays for it

        return reasons_of(house, observation)

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:
        """Why a bin must not be asked this: no press while it burns or holds wet waste, no setting its device does not take."""
        from dure.services.waste.devices import command_desk  # noqa: PLC0415  # only who asks pays for it

        return command_desk.objection(house, connection, command)

    async def run(self, house: House) -> None:
        """All rounds until cancelled."""
        from dure.services.waste.rounds import run  # noqa: PLC0415  # a web face of its own does not run them

        await run(house)
