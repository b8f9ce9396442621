"""What several pages and routes of charging share: the sites as they stand now, and the site or place an address names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from dure.core.errors import NotFound
from dure.core.time import to_us
from dure.services.charging.publishing.site_view import View, view_of
from dure.web.standing import is_late

if TYPE_CHECKING:
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
