"""The shell of EV charging: what it registers, its pages and routes, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dure.services.charging.model import KINDS, PROPERTIES, SERVICE

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Connection

    from dure.core.assets import AssetKind
    from dure.core.events import Command
    from dure.core.observations import Observation, Rejected
    from dure.core.properties import Property
    from dure.spine.house import Assessor, House


class ChargingService:
    """Chargers, sessions, plans, origins and prices (see `dure.spine.house.Service`)."""

    name = SERVICE

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        return PROPERTIES

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        return KINDS

    def api(self, house: House) -> APIRouter | None:
        """Stations and their calls, tokens, sessions, prices, plans, studies, origins and open data."""
        from dure.services.charging import api  # noqa: PLC0415  # a worker without a web face need not load it

        return api.routes(house)

    def pages(self, house: House) -> APIRouter | None:
        """The pages of operators, drivers, officers and auditors."""
        from dure.services.charging import pages  # noqa: PLC0415  # as above

        return pages.router(house)

    def assessor(self, house: House) -> Assessor | None:  # noqa: ARG002  # the ranges of the house judge registers
        """None: a register is judged with the reads around it when its intervals are derived."""
        return None

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:  # noqa: ARG002  # a register says what it says
        """None: registers and powers are kept as stations told them."""
        return ()

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:
        """Why a charger must not be asked this: it is unknown, offline, or a token would be kept in plain words."""
        from dure.services.charging.stations import calls  # noqa: PLC0415  # only who asks pays for it

        return calls.objection(house, connection, command)

    async def run(self, house: House) -> None:
        """All rounds until cancelled."""
        from dure.services.charging.rounds import run  # noqa: PLC0415  # a web face of its own does not run them

        await run(house)
