"""Waste is looked for, and its tickets are opened, followed and closed.

Each round looks at a few meters, so that every meter is looked at daily at the least and no round is long. Late bills of all
meters are looked for in the first round of each local day. A look costs some ten milliseconds; the first one at a meter goes
through its last weeks.
"""

from __future__ import annotations

import asyncio
from datetime import date
from typing import TYPE_CHECKING

import structlog

from dure.core.time import day_of
from dure.services.buildings import sites
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.finding import finding_source, ticket_desk, ticket_records
from dure.services.buildings.finding.finding_rules import FindingRules, finding_rules
from dure.services.buildings.finding.looking import SAME_LOAD, Look, first_look, look
from dure.services.buildings.finding.ticket_desk import Opening, Seen
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.buildings.finding.day_grid import DayGrid
    from dure.services.buildings.finding.findings import Finding
    from dure.services.buildings.finding.tickets import Ticket
    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.month_use import MonthUse
    from dure.spine.house import House

log = structlog.get_logger("dure.buildings")

ROUNDS_PER_DAY = 288  # of five minutes
LEAST_N = 20
FLOWS = ("water", "city_gas")
OF_GENERATION = ("stuck", "missing")  # less or more sun is no waste


class FindingWatch:
    """Looks at all meters of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._turns = Turns(ROUNDS_PER_DAY, least_n=LEAST_N)
        self._known: set[str] = set()
        self._bills_on: date | None = None

    async def look(self) -> int:
        """One round; how many meters were looked at."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house = self._house
        source = finding_source.source_of(house)
        today, rules = source.today, finding_rules(source.today, source.folder)
        with house.records.read() as connection:
            known = sites.registered(connection)
            meters = {one.id: one for one in known.meters.values() if not one.formula}
            turn = [meters[one] for one in self._turns.of(sorted(meters))]
            sky = finding_source.sky_for(source, connection, rules) if turn else None
        if self._bills_on != today:
            turn = [meters[one] for one in sorted({one.id for one in turn} | self._late(meters, today, rules))]
            self._bills_on = today
        for meter in turn:
            assert sky is not None  # noqa: S101  # it is read when it is anybody's turn
            self._look_at(meter, finding_source.grid_of(source, meter, (known.buildings.get(meter.building), sky), rules), rules)
        return len(turn)

    def _late(self, meters: dict[str, Meter], today: date, rules: FindingRules) -> set[str]:
        with self._house.records.read() as connection:
            months = finding_source.billed_months(connection, sorted(meters), today)
        return set(finding_source.late_bills(self._house, months, rules))

    def _look_at(self, meter: Meter, grid: DayGrid, rules: FindingRules) -> None:
        house, today = self._house, day_of(self._house.clock.now(), self._house.city.zone)
        with house.records.read() as connection:
            tickets = ticket_records.unsettled(connection, [meter.id])
            months = finding_source.billed_months(connection, [meter.id], today).get(meter.id, [])
        late: list[Finding] = [] if grid.days else list(finding_source.late_bills(house, {meter.id: months}, rules).values())
        flows = meter.fuel in FLOWS
        seen = look(grid, tickets, late, rules, flows=flows)
        found = list(seen.found)
        if meter.id not in self._known and not tickets and grid.days:
            kinds = {kind for one in found for kind in (one.kind, SAME_LOAD.get(one.kind))}
            found += [one for one in first_look(grid, rules, flows=flows) if one.kind not in kinds]
        if grid.days:  # a meter that has sent nothing yet is looked at for the first time once it has
            self._known.add(meter.id)
        if meter.supply.sign < 0:
            found = [one for one in found if one.kind in OF_GENERATION]
        self._keep(meter, found, (seen, months), rules)

    def _keep(self, meter: Meter, found: Sequence[Finding], had: tuple[Look, Sequence[MonthUse]], rules: FindingRules) -> None:
        """Tickets opened, renewed and settled; nothing is written where nothing is to be said."""
        seen, months = had
        if not (found or seen.passed or seen.failed or seen.gone):
            return
        house, now = self._house, self._house.clock.now()
        book = carbon_book(house.city.folder, day_of(now, house.city.zone))
        worths = [Seen(one, meter, finding_source.worth_now(house, one, meter, months, book)) for one in found]
        with house.records.begin() as connection:
            settled = ticket_desk.settle(connection, seen, now)
            opened = ticket_desk.open_found(connection, worths, Opening(now, house.city.zone, rules))
        self._tell(opened, settled)

    def _tell(self, opened: Sequence[Ticket], settled: Sequence[Ticket]) -> None:
        for one in opened:
            log.info("finding.opened", city=self._house.city.id, asset=one.meter, finding=one.finding, id=one.id)
        for one in settled:
            log.info("finding.settled", city=self._house.city.id, asset=one.meter, state=one.state, id=one.id)
