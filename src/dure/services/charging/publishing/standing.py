"""How a site stands for a driver: which places are free, how strong, how green this hour is. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from dure.services.charging.model import Evse, Site
from dure.services.charging.publishing.flows import Flows, green_share
from dure.services.charging.publishing.public_rules import PowerClass
from dure.services.charging.publishing.site_meters import Missed

State = Literal["free", "charging", "held", "reserved", "off", "faulted", "unknown"]
STATES: tuple[State, ...] = ("free", "charging", "held", "reserved", "off", "faulted", "unknown")


class EvseSaid(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of an EVSE now.

    Attributes
    ----------
    status : OCPP's word; empty while it never said one
    linked : whether its station is connected
    session : id of the session that runs there; empty for none
    """

    status: str = ""
    linked: bool = True
    since: datetime | None = None
    session: str = ""
    error: str = ""


class EvseStanding(msgspec.Struct, frozen=True, kw_only=True):
    """An EVSE, its state, and the power it gives now [W], None where no meter says."""

    evse: Evse
    state: State
    since: datetime | None = None
    power_w: float | None = None


class SiteStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A site with its places, and where the energy of this moment comes from.

    Attributes
    ----------
    flows : from source to use [W]
    lacking : meters that should speak and do not: nothing is claimed then
    """

    site: Site
    evses: tuple[EvseStanding, ...]
    flows: Flows
    lacking: tuple[Missed, ...] = ()

    @property
    def free_n(self) -> int:
        """Places where a vehicle could charge at once."""
        return sum(one.state == "free" for one in self.evses)

    @property
    def state(self) -> State:
        """The site in one word: the best that a driver finds there."""
        found = {one.state for one in self.evses}
        return next((state for state in STATES if state in found), "unknown")

    @property
    def power_w(self) -> float:
        """The strongest place [W]."""
        return max((one.evse.power_w for one in self.evses), default=0.0)

    @property
    def connectors(self) -> list[str]:
        """Kinds of connector, each once."""
        return sorted({one.evse.connector for one in self.evses})

    @property
    def green(self) -> float | None:
        """Share 0..1 of the site's own sun, direct or stored, in what vehicles get now; None when a meter lacks.

        While nobody charges it is what a vehicle would meet first: 1 when sun is left over, 0 when there is none.
        """
        if self.lacking:
            return None
        share = green_share(self.flows)
        if share is not None:
            return share
        return 1.0 if any(source == "pv" and value > 0 for (source, _), value in self.flows.items()) else 0.0


def state_of(said: EvseSaid | None, power_w: float | None, charging_w: float) -> State:
    """The state of an EVSE in a driver's words; a plugged-in vehicle that takes no more than `charging_w` only holds it."""
    if said is None or not said.linked or not said.status:
        return "unknown"
    words: dict[str, State] = {"faulted": "faulted", "unavailable": "off", "reserved": "reserved"}
    if said.status in words:
        return words[said.status]
    if said.status == "occupied" or said.session:
        return "charging" if power_w is not None and power_w > charging_w else "held"
    return "free"


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a site's energy at this moment; see `SiteStanding`."""

    power_w: Mapping[str, float | None]
    flows: Flows
    lacking: tuple[Missed, ...] = ()


def site_standing(site: Site, said: Mapping[str, EvseSaid], now: Now, charging_w: float) -> SiteStanding:
    """A site as it stands; `said` and `now.power_w` are by EVSE."""
    evses = tuple(
        EvseStanding(
            evse=one,
            state=state_of(said.get(one.id), now.power_w.get(one.id), charging_w),
            since=said[one.id].since if one.id in said else None,
            power_w=now.power_w.get(one.id),
        )
        for one in sorted(site.evses, key=lambda one: (one.charger, one.number))
    )
    return SiteStanding(site=site, evses=evses, flows=now.flows, lacking=now.lacking)


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for; empty words ask for everything."""

    words: str = ""
    connector: str = ""
    power: PowerClass | None = None
    free: bool = False


def fitting(found: Iterable[SiteStanding], wish: Wish) -> list[SiteStanding]:
    """The sites where one place fits all of the wish."""
    narrow = bool(wish.connector or wish.power or wish.free)
    return [one for one in found if _named(one.site, wish.words) and (not narrow or any(_fits(each, wish) for each in one.evses))]


def _named(site: Site, words: str) -> bool:
    spoken = f"{site.name.ko} {site.name.en} {site.id} {site.operator}".casefold()
    return all(part in spoken for part in words.casefold().split())


def _fits(one: EvseStanding, wish: Wish) -> bool:
    return (
        (not wish.connector or one.evse.connector == wish.connector)
        and (wish.power is None or wish.power.holds(one.evse.power_w))
        and (not wish.free or one.state == "free")
    )


def counted(evses: Sequence[EvseStanding]) -> dict[State, int]:
    """How many places stand how; states of none are left out."""
    return {state: n for state in STATES if (n := sum(one.state == state for one in evses))}
