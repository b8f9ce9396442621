"""What needs a person today: findings by what they cost, months that lack, meters that are silent. Pure but for `tickets`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from sqlalchemy import Connection, select

from dure.core.time import to_us
from dure.engines.records.tables_buildings import building_tickets
from dure.services.buildings.comparing.spans import shifted
from dure.services.buildings.model import SUPPLIES

if TYPE_CHECKING:
    from datetime import datetime

    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.portfolio import BuildingMonth
    from dure.services.buildings.publishing.publishing_rules import PublishingRules
    from dure.services.buildings.sites import Sites
    from dure.spine.live import LiveValue

HOUR_US = 3_600_000_000


class Ticket(NamedTuple):
    """An open ticket of a finding, and what it is worth."""

    id: str
    building: str
    meter: str
    finding: str
    state: str
    won_year: int
    co2e_g_year: int
    due_on: str


class Need(NamedTuple):
    """A month that lacks, with the newest month known, or a silent meter with the instant of its newest value [us]."""

    kind: Literal["late", "silent"]
    building: str
    meter: str
    fuel: str
    month: str = ""
    since_us: int = 0


def tickets(connection: Connection, building: str = "") -> list[Ticket]:
    """Tickets that are not closed, the most expensive first."""
    columns = building_tickets.c
    names = ("id", "building", "meter", "finding", "state", "won_year", "co2e_g_year", "due_on")
    query = select(*(columns[name] for name in names)).where(columns.closed_at.is_(None))
    if building:
        query = query.where(columns.building == building)
    return [Ticket(*row) for row in connection.execute(query.order_by(columns.won_year.desc(), columns.id))]


def late(rows: Mapping[str, Sequence[BuildingMonth]], this_month: str, rules: PublishingRules) -> list[Need]:
    """Buildings and fuels whose newest month is too old, the oldest first."""
    wanted = shifted(this_month, -rules.late_months)
    found = []
    for building, listed in rows.items():
        newest: dict[str, str] = {}
        for row in listed:
            newest[row.fuel] = max(newest.get(row.fuel, ""), row.month)
        found += [Need("late", building, "", fuel, month) for fuel, month in newest.items() if month < wanted]
    return sorted(found, key=lambda one: (one.month, one.building, one.fuel))


def silent(sites: Sites, live: Iterable[LiveValue], now: datetime, rules: PublishingRules) -> list[Need]:
    """Meters that have sent values and do so no longer, the longest silence first."""
    newest: dict[str, int] = {}
    for value in live:
        if value.asset in sites.meters:
            newest[value.asset] = max(newest.get(value.asset, 0), value.time_us)
    before_us = to_us(now) - round(rules.silent_h * HOUR_US)
    found = [(time_us, sites.meters[meter]) for meter, time_us in newest.items() if time_us < before_us]
    found.sort(key=lambda pair: (pair[0], pair[1].id))
    return [Need("silent", meter.building, meter.id, meter.fuel, since_us=time_us) for time_us, meter in found]


def main_electricity(meters: Sequence[Meter]) -> Meter | None:
    """The meter whose week is drawn: the first main meter of electricity that is real."""
    return next((one for one in meters if one.fuel == "electricity" and one.part == "main" and not one.formula), None)


def energy_meters(meters: Sequence[Meter]) -> list[Meter]:
    """Main meters of energy used."""
    return [one for one in meters if one.part == "main" and SUPPLIES[one.fuel].energy]
