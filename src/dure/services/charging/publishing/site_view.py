"""The sites as everyone sees them now, read from the house; one place where pages, map, API and open data meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from dure.core.time import day_of
from dure.services.charging.model import Site
from dure.services.charging.publishing.flows import Flows, links_of, summed
from dure.services.charging.publishing.public_rules import PublicRules, public_rules
from dure.services.charging.publishing.site_meters import Reading, metered_now, reader
from dure.services.charging.publishing.standing import EvseSaid, Now, SiteStanding, site_standing
from dure.services.charging.sessions import live_states
from dure.services.charging.sites import Sites, registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House
    from dure.spine.live import LiveValue


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All sites with how they stand, and what is known of each EVSE."""

    sites: Sites
    standing: Mapping[str, SiteStanding]
    said: Mapping[str, EvseSaid]
    rules: PublicRules


def rules_today(house: House) -> PublicRules:
    """The rules of the public pages as of today."""
    return public_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)


def view_of(house: House, in_time: Callable[[LiveValue], bool]) -> View:
    """All sites of the city as they stand now; blocks."""
    rules = rules_today(house)
    with house.records.read() as connection:
        sites = registered(connection)
        said = evses_said(connection)
    read = reader(house.live, in_time)
    standing = {key: site_standing(one, said, now_at(one, read), rules.charging_w) for key, one in sites.sites.items()}
    return View(sites=sites, standing=standing, said=said, rules=rules)


def evses_said(connection: Connection) -> dict[str, EvseSaid]:
    """What stations said of their EVSEs, by EVSE."""
    linked = live_states.links(connection)
    found = {}
    for evse, one in live_states.states(connection).items():
        link = linked.get(one.charger)
        whole = link.status if link else ""  # a station that is out of order takes its EVSEs with it
        found[evse] = EvseSaid(
            status=whole if whole in {"faulted", "unavailable"} else one.status,
            linked=bool(link and link.linked),
            since=one.since_at,
            session=one.session,
            error=one.error,
        )
    return found


def now_at(site: Site, read: Reading) -> Now:
    """What the meters of a site say at this moment."""
    told, lacking = metered_now(site, read)
    return Now(
        power_w={one.id: read(one.id, "evse_power") for one in site.evses},
        flows=_named(summed(links_of(told)), site),
        lacking=tuple(lacking),
    )


def _named(flows: Flows, site: Site) -> Flows:
    """A storage that only the sun may fill gives stored sun; of one that the grid may fill, only the ledger knows."""
    if site.grid_to_ess:
        return flows
    return {("ess_pv" if source == "ess" else source, sink): value for (source, sink), value in flows.items()}
