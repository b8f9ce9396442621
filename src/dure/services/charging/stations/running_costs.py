"""What transactions cost so far, for the displays of 2.x stations (block I). Blocks.

A session is priced here, beside the answers: it is put together anew for it, and that takes long. Who answers stations reads the
figures. One that ended is priced once more, and its station is told: when its last message was answered the sum was not known.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import structlog

from dure.core.errors import DureError
from dure.services.charging.pricing.members import member_of
from dure.services.charging.pricing.running_cost import books_of, cost_of
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.session_desk import series_of
from dure.services.charging.sites import registered
from dure.services.charging.stations import cost_records
from dure.services.charging.stations.cost_records import Cost

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.sites import Sites
    from dure.spine.house import House

log = structlog.get_logger("dure.charging.stations")

AT_ONCE = 50  # sessions of one round: a round is a second
EVERY = timedelta(minutes=1)  # a running session is priced at most so often


class Final(NamedTuple):
    """What a transaction cost in the end."""

    session: str
    charger: str
    transaction: str
    won: int


def price(house: House) -> list[Final]:
    """Price what is due; those that ended, for whom their stations are still to be told."""
    now = house.clock.now()
    with house.records.read() as connection:
        due = cost_records.due(connection, now - EVERY, AT_ONCE)
        if not due:
            return []
        sites = registered(connection)
        priced = [(ident, _cost(house, connection, ident, sites)) for ident in due]
    with house.records.begin() as connection:
        cost_records.store(connection, [one for _, one in priced])
    return [Final(ident, one.charger, one.transaction, one.won) for ident, one in priced if one.ended and one.won is not None]


def _cost(house: House, connection: Connection, ident: str, sites: Sites) -> Cost:
    session = session_records.get(connection, ident)
    site = sites.sites.get(session.site)
    won: int | None = None
    try:
        series = series_of(house, connection, session, site)
        books = books_of(house.city.folder, house.city.zone, house.city.country)
        won = cost_of(session, series, site, books, member_of(connection, session.token)).won
    except DureError as error:
        log.info("charging.cost_unknown", session=ident, code=error.code)
    upto_at = session.last_at or session.started_at
    return Cost(session.charger, session.transaction, won, upto_at, house.clock.now(), session.state != "running")
