"""The carbon side of the demo city: an officer, a company, recycling scales, citizens and a home, seeded.

They use the same desks, wires and routes as real ones, and begin after the city's other services have: claims come from what
those measured.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.core.time import day_of
from dure.services.carbon.simulating import demo_company, demo_files, demo_home, demo_officer, demo_statement
from dure.services.carbon.simulating.demo_citizens import Citizens
from dure.services.carbon.simulating.demo_scales import Scales
from dure.spine.repeating import Round, repeat_all

if TYPE_CHECKING:
    from dure.spine.house import House
    from dure.spine.virtual_devices import Connection

log = structlog.get_logger("dure.simulator")

BEGIN_S = 12.0  # the first pages come first
SCALES_S = 20.0
CITIZENS_S = 10.0
OFFICER_S = 30.0
STATEMENT_S = 60.0
HOME_S = 30.0


async def simulate(house: House, connection: Connection) -> None:
    """Begin, then go on until cancelled."""
    await asyncio.sleep(BEGIN_S)
    await asyncio.to_thread(_begin, house)
    scales, citizens = Scales(house, connection), Citizens(house, connection)
    rounds = (
        Round("demo scales", SCALES_S, scales.look),
        Round("demo citizens", CITIZENS_S, citizens.look),
        Round("demo verifier", OFFICER_S, partial(asyncio.to_thread, demo_officer.verify, house)),
        Round("demo statement", STATEMENT_S, partial(asyncio.to_thread, _issue, house)),
        Round("demo home", HOME_S, partial(asyncio.to_thread, _join, house)),
    )
    try:
        await repeat_all(rounds, log, "demo")
    finally:
        await scales.close()
        await citizens.close()


def _begin(house: House) -> None:
    try:
        funded, founded = demo_officer.fund(house), demo_company.begin(house)
        demo_company.welcome(house)
        files = demo_files.write(house.settings.data, house.city.seed, day_of(house.clock.now(), house.city.zone))
    except DureError as error:  # the demo goes on without it
        log.warning("demo.carbon_not_begun", code=error.code, why=error.message)
        return
    log.info("demo.carbon", funded=funded, company=founded, files=str(files))


def _join(house: House) -> None:
    if demo_home.join(house):
        log.info("demo.home")


def _issue(house: House) -> None:
    try:
        if demo_statement.issue(house):
            log.info("demo.statement")
    except DureError as error:  # its figures are not settled yet: the next look tries again
        log.debug("demo.statement_waits", code=error.code)
