"""What is being done about a building, as far as the public is told: measures with their verdict, and how much is looked at.

Findings themselves are not public: they may tell of persons' habits or of weak spots of a building. That they are looked at is.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from dure.core.text import Text
from dure.engines.records.tables_buildings import building_tickets
from dure.services.buildings.baselines import measure_records
from dure.services.buildings.baselines.measures import Measure, State


class Measured(NamedTuple):
    """A measure, what it is on the day, and the newest saving that was told: verdict "" when none was."""

    measure: Measure
    state: State
    verdict: str = ""
    headline: Text | None = None
    until: date | None = None


class Doing(NamedTuple):
    """Measures, newest first, and how many findings are being looked at."""

    measures: tuple[Measured, ...]
    looked_at: int


def doing(connection: Connection, building: str, day: date) -> Doing:
    """What is being done about a building; withdrawn measures are left out."""
    found = [one for one in measure_records.listing(connection, building=building) if one.state != "withdrawn"]
    tickets = building_tickets.c
    looked_at = connection.execute(select(func.count()).where(tickets.building == building, tickets.closed_at.is_(None)))
    return Doing(tuple(_measured(connection, one, day) for one in found), looked_at.scalar_one())


def _measured(connection: Connection, measure: Measure, day: date) -> Measured:
    told = measure_records.savings_of(connection, measure.id)
    if not told:
        return Measured(measure, measure.state_on(day))
    until, saving, _ = told[-1]
    return Measured(
        measure, measure.state_on(day), str(saving["verdict"]), msgspec.convert(saving["headline"], Text), until
    )  # fmt: skip
