"""What a site does when it cannot know enough: safe shares for chargers without a link, and a plan without sun or storage.

Safe shares: a charger that has lost its link goes on by the default profile it holds. The shares of all EVSEs together, with the
site's other load, stay within the contract and within every phase, whoever comes. An EVSE whose share would lie below its least
power gets none rather than too little, so that others can charge at all.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from dure.services.charging.model import Evse, Site
from dure.services.charging.planning.problem import Problem

STEP_W = 10.0


def least_w(site: Site, evse: Evse) -> float:
    """Least power at which a vehicle charges there [W]; 0 for direct current."""
    return evse.min_a * site.voltage_v * len(evse.phases)


def safe_shares(site: Site, load_w: float) -> dict[str, float]:
    """Power that each EVSE may always give, by asset id [W].

    All get the same current as far as their power goes (max-min), raised step by step while the contract less `load_w` and
    every phase leave room; first of all as many as can be get their least power, in the order of their ids.

    Parameters
    ----------
    load_w : the most that the site's other load is believed to draw [W]
    """
    room = Room(site, load_w)
    ordered = sorted(site.evses, key=lambda one: (least_w(site, one), one.id))
    shares = {one.id: 0.0 for one in ordered}
    for one in ordered:
        least = least_w(site, one)
        if 0 < least <= min(one.power_w, room.left_w(one)):
            shares[one.id] = least
            room.take(one, least)
    served = [one for one in ordered if shares[one.id] > 0 or not one.phases]
    while served:
        still = []
        for one in served:
            more = math.floor(min(one.power_w - shares[one.id], room.left_w(one) / len(served)) / STEP_W) * STEP_W
            if more > 0:
                shares[one.id] += more
                room.take(one, more)
                still.append(one)
        served = still
    return shares


class Room:
    """What the contract and each phase still leave [W]; a charger's own power as well."""

    def __init__(self, site: Site, load_w: float) -> None:
        self._whole = max(0.0, site.contract_w - load_w)
        phase_w = site.phase_a * site.voltage_v
        self._phases = [max(0.0, phase_w - load_w / 3)] * 3 if phase_w else []
        self._chargers = {one.id: one.power_w for one in site.chargers if one.power_w > 0}

    def left_w(self, evse: Evse) -> float:
        """Power that an EVSE may still have [W]; below 0 where more was taken than there is."""
        on = evse.phases or (1, 2, 3)
        left = min([self._whole, *(self._phases[one - 1] * len(on) for one in on if self._phases)])
        return min(left, self._chargers.get(evse.charger, left))

    def take(self, evse: Evse, power_w: float) -> None:
        """An EVSE has so much more [W]."""
        on = evse.phases or (1, 2, 3)
        self._whole -= power_w
        for one in on:
            if self._phases:
                self._phases[one - 1] -= power_w / len(on)
        if evse.charger in self._chargers:
            self._chargers[evse.charger] -= power_w


def without_sun(problem: Problem) -> Problem:
    """The problem when nothing is known of the sun: none is assumed."""
    return msgspec.structs.replace(problem, pv_w=np.zeros(problem.n))


def without_storage(problem: Problem) -> Problem:
    """The problem when nothing is known of the storage: it stands still."""
    return msgspec.structs.replace(problem, storage=None, stored_wh=0.0)
