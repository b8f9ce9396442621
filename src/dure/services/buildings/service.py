"""The shell of public buildings: what it registers, its pages and routes, and its rounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dure.services.buildings.model import KINDS, PROPERTIES, SERVICE

if TYPE_CHECKING:
    from fastapi import APIRouter
    from sqlalchemy import Connection

    from dure.core.assets import AssetKind
    from dure.core.events import Command
    from dure.core.observations import Observation, Rejected
    from dure.core.properties import Property
    from dure.spine.house import Assessor, House


class BuildingsService:
    """Meters, months, baselines, savings, findings, filings and the public look-up (see `dure.spine.house.Service`)."""

    name = SERVICE

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        return PROPERTIES

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        return KINDS

    def api(self, house: House) -> APIRouter | None:
        """Imports, series, months, models, savings, findings, filings, explanations and open data."""
        from dure.services.buildings import api  # noqa: PLC0415  # a worker without a web face need not load it

        return api.routes(house)

    def pages(self, house: House) -> APIRouter | None:
        """The pages of energy managers, caretakers, officers and citizens."""
        from dure.services.buildings import pages  # noqa: PLC0415  # as above

        return pages.router(house)

    def assessor(self, house: House) -> Assessor | None:  # noqa: ARG002  # the ranges of the house judge registers
        """None: a register is judged with the reads around it when its intervals are derived."""
        return None

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:
        """How the amount of an interval follows from the reads of its register."""
        from dure.services.buildings.intervals.interval_reasons import reasons_of  # noqa: PLC0415  # only who asks pays for it

        return reasons_of(house, observation)

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:  # noqa: ARG002  # nothing is commanded
        """None: a meter and a building take no commands."""
        return None

    async def run(self, house: House) -> None:
        """All rounds until cancelled."""
        from dure.services.buildings.rounds import run  # noqa: PLC0415  # a web face of its own does not run them

        await run(house)
