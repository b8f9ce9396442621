"""Where words belong: stations and EVSEs of the register, found at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.services.charging.sessions.assembling import Place

if TYPE_CHECKING:
    from dure.services.charging.model import Evse
    from dure.services.charging.sites import Sites


class Places:
    """The register of sites, turned round: by station and number."""

    def __init__(self, sites: Sites) -> None:
        self.site_of: dict[str, str] = {}
        self.identity_of: dict[str, str] = {}
        self._evses: dict[str, dict[int, Evse]] = {}
        for site in sites.sites.values():
            for charger in site.chargers:
                self.site_of[charger.id] = site.id
                self.identity_of[charger.id] = charger.identity
            for evse in site.evses:
                self._evses.setdefault(evse.charger, {})[evse.number] = evse

    @property
    def fingerprint(self) -> int:
        """Another one as soon as another EVSE is registered; never 0."""
        return (
            hash(frozenset((charger, number, one.id) for charger, found in self._evses.items() for number, one in found.items()))
            or 1
        )

    def knows(self, charger: str) -> bool:
        """Whether the station is registered."""
        return charger in self.site_of

    def evse_of(self, charger: str, number: int) -> Evse | None:
        """The EVSE a word means; a station with one EVSE need not name it."""
        known = self._evses.get(charger, {})
        if not number and len(known) == 1:
            return next(iter(known.values()))
        return known.get(number)

    def place_of(self, charger: str, number: int) -> Place:
        """Where a transaction takes place."""
        evse = self.evse_of(charger, number)
        site = self.site_of.get(charger, "")
        return Place(charger, site, evse.id, evse.power_w) if evse else Place(charger, site)
