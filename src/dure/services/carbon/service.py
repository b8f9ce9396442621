"""The shell of the carbon ledger: what it registers, its pages and routes, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dure.services.carbon.model import KINDS, PROPERTIES, SERVICE

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Connection

    from dure.core.assets import AssetKind
    from dure.core.events import Command
    from dure.core.observations import Observation, Rejected
    from dure.core.properties import Property
    from dure.spine.house import Assessor, House


class CarbonService:
    """Claims, ledger, log, practices, companies and statements (see `dure.spine.house.Service`)."""

    name = SERVICE

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        return PROPERTIES

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        return KINDS

    def api(self, house: House) -> APIRouter | None:
        """Ledger, log, claims, practices, households, companies, statements and open data."""
        from dure.services.carbon import api  # noqa: PLC0415  # a worker without a web face need not load it

        return api.routes(house)

    def pages(self, house: House) -> APIRouter | None:
        """The pages of citizens, companies, officers and auditors."""
        from dure.services.carbon import pages  # noqa: PLC0415  # as above

        return pages.router(house)

    def assessor(self, house: House) -> Assessor | None:  # noqa: ARG002  # the ranges of the house judge
        """None: what a scale says is judged when it becomes a claim."""
        return None

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:  # noqa: ARG002  # as above
        """None of its own."""
        return ()

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:  # noqa: ARG002
        """None: nothing of it can be commanded."""
        return None

    async def run(self, house: House) -> None:
        """All rounds until cancelled."""
        from dure.services.carbon.rounds import run  # noqa: PLC0415  # a web face of its own does not run them

        await run(house)
