"""The shell of the environment service: what it registers, what judges values before they are stored, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from dure.services.environment.model import KINDS, PROPERTIES, SERVICE

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Connection

    from dure.core.assets import AssetKind
    from dure.core.events import Command
    from dure.core.observations import Observation, Rejected
    from dure.core.properties import Property
    from dure.spine.house import Assessor, House

log = structlog.get_logger("dure.environment")


class EnvironmentService:
    """Weather, air, water and noise (see `dure.spine.house.Service`)."""

    name = SERVICE

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        return PROPERTIES

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        return KINDS

    def api(self, house: House) -> APIRouter | None:
        """Indices, alerts, maps, calibration, onboarding and quality control."""
        from dure.services.environment import api  # noqa: PLC0415  # a worker without a web face need not load it

        return api.routes(house)

    def pages(self, house: House) -> APIRouter | None:
        """The pages of citizens and of the operations centre."""
        from dure.services.environment import pages  # noqa: PLC0415  # as above

        return pages.router(house)

    def assessor(self, house: House) -> Assessor | None:
        """Streaming quality control, in the process that records."""
        from dure.services.environment.checks.assessing import assessor_of  # noqa: PLC0415  # it loads compiled code

        return assessor_of(house)

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:
        """Why a value got its flag, test by test, or how an index was made."""
        from dure.services.environment.reasons import reasons_of  # noqa: PLC0415  # only who asks pays for it

        return reasons_of(house, observation)

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:  # noqa: ARG002  # as the port has it
        """None: stations may be asked anything."""
        return None

    async def run(self, house: House) -> None:
        """All rounds until cancelled."""
        from dure.services.environment.watches.rounds import run  # noqa: PLC0415  # a web face of its own does not run them

        await run(house)
