"""What several pages and routes of charging share: the sites as they stand now, and the site or place an address names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from dure.core.errors import NotFound
from dure.core.time import Interval, day_interval, day_of, to_us
from dure.services.charging.pricing.running_cost import Books, books_of
from dure.services.charging.publishing.day_energy import energy_of
from dure.services.charging.publishing.flows import Flows
from dure.services.charging.publishing.place_notes import Note, notes_of
from dure.services.charging.publishing.site_view import View, view_of
from dure.services.charging.sessions.place_rules import place_rules
from dure.web.standing import is_late

if TYPE_CHECKING:
    from datetime import datetime

    from dure.services.charging.model import Evse, Site
    from dure.services.charging.publishing.standing import EvseStanding, SiteStanding
    from dure.spine.house import House


async def view_now(house: House) -> View:
    """All sites as they stand now."""
    now_us = to_us(house.clock.now())
    return await run_in_threadpool(view_of, house, lambda value: not is_late(value, house.properties, now_us))


def site_in(view: View, site_id: str) -> SiteStanding:
    """The site of an address."""
    found = view.standing.get(site_id)
    if found is None:
        raise NotFound("charging.unknown", f"The charging site {site_id[:80]!r} is not registered.")
    return found


def evse_in(view: View, evse_id: str) -> tuple[SiteStanding, EvseStanding]:
    """The EVSE of an address, and its site."""
    for site in view.standing.values():
        for one in site.evses:
            if one.evse.id == evse_id:
                return site, one
    raise NotFound("charging.unknown", f"The EVSE {evse_id[:80]!r} is not registered.")


def quarter(at: datetime) -> datetime:
    """The quarter-hour that has begun."""
    return at - timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)


def today_of(house: House, site: Site) -> Flows:
    """Flows of a site since midnight, to the last whole quarter-hour [Wh]; blocks."""
    now = house.clock.now()
    start = day_interval(day_of(now, house.city.zone), house.city.zone).start
    return energy_of(house, site, Interval(start, max(start, quarter(now)))).total


def notes(house: House, site: Site, evse: Evse) -> list[Note]:
    """The rules of a place in words, as of today."""
    return notes_of(site, evse, place_rules(day_of(house.clock.now(), house.city.zone), house.city.folder))


def books(house: House) -> Books:
    """The prices and tariffs of the city."""
    return books_of(house.city.folder, house.city.zone, house.city.country)
