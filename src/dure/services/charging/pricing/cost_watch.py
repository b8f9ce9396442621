"""What running sessions cost so far, kept for the answers to their stations (OCPP 2.x shows it at the charger)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dure.core.errors import ConfigError
from dure.core.time import day_of
from dure.services.charging import sites
from dure.services.charging.pricing.members import member_of
from dure.services.charging.pricing.running_cost import books_of, cost_of
from dure.services.charging.sessions import live_states, session_records
from dure.services.charging.sessions.assembling import assembled
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules

if TYPE_CHECKING:
    from dure.spine.house import House

SHOWS_COST = ("ocpp2.0.1", "ocpp2.1")


class CostWatch:
    """Prices running sessions of stations that can show it."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how many sessions cost another sum than before."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house = self._house
        rules = session_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
        books = books_of(house.city.folder, house.city.zone, house.city.country)
        with house.records.read() as connection:
            links = live_states.links(connection)
            shown = {one for one, link in links.items() if link.version in SHOWS_COST}
            running = [one for one in session_records.running(connection) if one.charger in shown]
            if not running:
                return 0
            known = sites.registered(connection)
            places, before = Places(known), session_records.running_costs(connection)
            changed: dict[str, int] = {}
            for session in running:
                key, gathered = session_records.gathered_of(connection, session.id)
                number = gathered.where.evse if gathered.where else 0
                series = assembled(key, places.place_of(session.charger, number), gathered, rules).series
                try:
                    member = member_of(connection, session.token)
                    won = cost_of(session, series, known.sites.get(session.site), books, member).won
                except ConfigError:  # no price fits: nothing is shown, and the settlement says why
                    continue
                if won != before.get((session.charger, session.transaction)):
                    changed[session.id] = won
        if changed:
            with house.records.begin() as connection:
                session_records.set_costs(connection, changed)
        return len(changed)
