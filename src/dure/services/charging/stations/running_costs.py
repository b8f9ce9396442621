"""What running transactions cost so far, for answers to TransactionEvents (2.x block I). Blocks: read beside the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.services.charging.pricing.members import member_of
from dure.services.charging.pricing.running_cost import books_of, cost_of
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.session_desk import series_of
from dure.services.charging.sites import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

log = structlog.get_logger("dure.charging.stations")

AT_ONCE = 2_000  # the rest is told at the next reading


def costs(house: House, connection: Connection) -> dict[tuple[str, str], float]:
    """Won so far by charger and transaction; what cannot be priced is left out, and the station is told nothing."""
    running = session_records.running(connection)[:AT_ONCE]
    if not running:
        return {}
    sites = registered(connection).sites
    books = books_of(house.city.folder, house.city.zone, house.city.country)
    found: dict[tuple[str, str], float] = {}
    for session in running:
        site = sites.get(session.site)
        try:
            series = series_of(house, connection, session, site)
            price = cost_of(session, series, site, books, member_of(connection, session.token))
        except DureError as error:
            log.info("charging.cost_unknown", session=session.id, code=error.code)
            continue
        found[session.charger, session.transaction] = float(price.won)
    return found
