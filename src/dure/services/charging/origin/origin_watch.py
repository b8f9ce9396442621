"""The origin ledger follows the registers: closed intervals are booked once, late reads become correcting rows.

Each minute, site by site in turn. The books of a site begin when all its meters have said something, or some hours after it was
first looked at: else all its first intervals would have to be corrected. An interval is closed when every register of its site
has been read since its end, or some hours later at the latest (rules/origin.toml). A site that cannot be booked holds up
no other.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Conflict, DureError
from dure.services.charging import sites
from dure.services.charging.origin import day_telling
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.sessions.session_records import overlapping
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from datetime import datetime

    from dure.services.charging.model import Site
    from dure.services.charging.origin.site_reading import SessionSource
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")
ROUNDS_FOR_ALL = 10


class OriginWatch:
    """Books of all sites."""

    def __init__(self, house: House, sessions: SessionSource = overlapping) -> None:
        self._house = house
        self._desk = OriginDesk(house, sessions)
        self._turns = Turns(ROUNDS_FOR_ALL)
        self._failed: set[str] = set()
        self._unheard: dict[str, datetime] = {}

    async def look(self) -> int:
        """One round; how many rows were booked."""
        listed = await asyncio.to_thread(self._listed)
        booked = 0
        for site in self._turns.of(listed):
            booked += await asyncio.to_thread(self._book, site)
        return booked

    def _listed(self) -> list[Site]:
        with self._house.records.read() as connection:
            found = sites.registered(connection).sites
        return [found[key] for key in sorted(found)]

    def _waits(self, site: Site) -> bool:
        """Whether the books of a site do not begin yet: some of its meters have not said their first word, for the deadline."""
        if not self._desk.is_unheard(site):
            self._unheard.pop(site.id, None)
            return False
        now = self._house.clock.now()
        return now - self._unheard.setdefault(site.id, now) < self._desk.deadline()

    def _book(self, site: Site) -> int:
        count, more = 0, True
        try:
            if self._waits(site):
                return 0
            while more:
                found = self._desk.book(site)
                count, more = count + len(found.rows), found.more
            day_telling.tell_days(self._house, site)
        except Conflict:
            return count  # another process books the same city; it has done so
        except DureError as error:
            if site.id not in self._failed:
                log.warning("origin.not_booked", site=site.id, code=error.code, why=error.message)
            self._failed.add(site.id)
            return count
        self._failed.discard(site.id)
        if count:
            log.info("origin.booked", site=site.id, rows=count)
        return count
