"""What is believed of bins, for pages: the forecast of now, and the curve of one bin. Reads the records; blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dure.core.time import day_of
from dure.services.waste.belief.belief_records import read_beliefs, read_forecast
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.forecasting import outlook
from dure.services.waste.tickets import ticket_desk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from dure.services.waste.model import Bin, Forecast
    from dure.spine.house import House

NEXT_CHANCE_D = 1.0
STEP_H, AHEAD_H = 3, 72


class Curve(NamedTuple):
    """What is expected of one bin from now on: (instant [µs], level, low, high, risk)."""

    points: tuple[tuple[int, float, float, float, float], ...]


def believed(house: House, connection: Connection, bins: Sequence[Bin], now: datetime) -> Forecast:
    """What is expected of the bins now, and the risk until a truck can come again tomorrow."""
    rules = belief_rules(day_of(now, house.city.zone), house.city.folder)
    faults = ticket_desk.healths(connection)
    return read_forecast(connection, bins, now, NEXT_CHANCE_D, rules=rules, faults=faults)


def curve(house: House, connection: Connection, one: Bin, now: datetime) -> Curve:
    """The next three days of one bin if nobody empties it."""
    rules = belief_rules(day_of(now, house.city.zone), house.city.folder)
    hours = tuple(float(hour) for hour in range(0, AHEAD_H + 1, STEP_H))
    found = outlook(read_beliefs(connection, [one], now, rules=rules), now, hours)
    columns = (found.at_us.tolist(), *(column[0].tolist() for column in (found.level, found.low, found.high, found.risk)))
    return Curve(tuple(zip(*columns, strict=True)))
