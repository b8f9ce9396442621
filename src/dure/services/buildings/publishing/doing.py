"""What is being done about a building, as far as the public is told: measures with their verdict, and how much is looked at.

Findings themselves are not public: they may name persons' habits or weak spots of a building. That they are looked at is.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from dure.core.text import Text
from dure.engines.records.tables_buildings import building_measures, building_tickets


class Measured(NamedTuple):
    """A measure: its name, since when, and its state."""

    name: Text
    begins_on: str
    state: str


class Doing(NamedTuple):
    """Measures, newest first, and how many findings are being looked at."""

    measures: tuple[Measured, ...]
    looked_at: int


def doing(connection: Connection, building: str) -> Doing:
    """What is being done about a building."""
    columns = building_measures.c
    query = select(columns.name, columns.begins_on, columns.state).where(
        columns.building == building, columns.state != "withdrawn"
    )
    found = connection.execute(query.order_by(columns.begins_on.desc(), columns.id)).all()
    tickets = building_tickets.c
    looked_at = connection.execute(
        select(func.count()).where(tickets.building == building, tickets.closed_at.is_(None))
    ).scalar_one()
    measures = tuple(Measured(Text(name["ko"], name.get("en", "")), begins_on, state) for name, begins_on, state in found)
    return Doing(measures, looked_at)
