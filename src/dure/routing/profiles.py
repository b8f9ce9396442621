"""Which ways a kind of vehicle may use, how fast, and where it may stop, from the words of a map.

The rules are data (`engines/roads/rules/vehicle_profiles.toml`, or a city's own); this reads a way's OSM tags with them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from dure.core.text import Text

_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|t|m|'|ft)?")
_KM_PER_MILE = 1.609344  # exact by definition
_M_PER_FOOT = 0.3048  # exact by definition


class RoadClass(msgspec.Struct, frozen=True):
    """How fast a vehicle really drives on a class of roads [km/h], and whether it may stop there to serve a bin."""

    kmh: float
    stopping: bool = True


class VehicleProfile(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of vehicle on the road.

    Attributes
    ----------
    classes : road class of the map (OSM ``highway``) -> speed; a class that is not here is closed to it
    access : keys of the map that speak of this vehicle, the most general first; the last one present decides
    closed : values of those keys that keep it out
    oneway_exempt : keys whose value ``no`` frees it from a one-way rule
    limits : key of the map -> what the vehicle measures (``maxheight`` [m], ``maxwidth`` [m], ``maxweight`` [t]); a way
        with less is closed
    speed_share : share of a posted limit it reaches on average, stops at lights included
    detour, estimated_kmh : road over crow-fly distance, and speed, where there is no map
    snap_m_max : a place further than this from its roads cannot be reached
    """

    id: str
    name: Text
    classes: Mapping[str, RoadClass]
    access: tuple[str, ...]
    closed: frozenset[str]
    limits: Mapping[str, float] = {}
    oneway_exempt: tuple[str, ...] = ()
    speed_share: float = 1.0
    detour: float
    estimated_kmh: float
    snap_m_max: float
    source: str = ""
    provisional: bool = True


class WayPassage(NamedTuple):
    """Speed along and against the way's own direction [km/h], 0 = closed; whether a vehicle may stop on it."""

    forward_kmh: float
    backward_kmh: float
    stopping: bool


CLOSED = WayPassage(0.0, 0.0, stopping=False)
_FORWARD = frozenset({"yes", "true", "1"})
_BACKWARD = frozenset({"-1", "reverse"})
_IMPLIED_ONEWAY = frozenset({"motorway", "motorway_link"})  # OSM wiki, Key:oneway, "implied"


def passage(tags: Mapping[str, str], profile: VehicleProfile) -> WayPassage:
    """How a vehicle of the profile may pass a way with these OSM tags."""
    road = profile.classes.get(tags.get("highway", ""))
    if road is None or tags.get("area") == "yes" or not _allowed(tags, profile):
        return CLOSED
    kmh = _speed(tags, profile, road)
    forward, backward = _directions(tags, profile)
    stopping = road.stopping and "tunnel" not in tags
    return WayPassage(kmh if forward else 0.0, kmh if backward else 0.0, stopping)


def measured(word: str) -> float | None:
    """The number of a map's value: km/h of a speed, metres of a length, tonnes of a weight; None when it is no number."""
    found = _NUMBER.match(word)
    if found is None:
        return None
    scale = {"mph": _KM_PER_MILE, "'": _M_PER_FOOT, "ft": _M_PER_FOOT}.get(found.group(2) or "", 1.0)
    return float(found.group(1)) * scale


def _allowed(tags: Mapping[str, str], profile: VehicleProfile) -> bool:
    said = [tags[key] for key in profile.access if key in tags]
    if said and said[-1] in profile.closed:
        return False
    for key, needed in profile.limits.items():
        allowed = measured(tags.get(key, ""))
        if allowed is not None and allowed < needed:
            return False
    return True


def _speed(tags: Mapping[str, str], profile: VehicleProfile, road: RoadClass) -> float:
    posted = measured(tags.get("maxspeed", ""))
    return road.kmh if not posted else min(road.kmh, posted * profile.speed_share)


def _directions(tags: Mapping[str, str], profile: VehicleProfile) -> tuple[bool, bool]:
    """Whether it may drive along, and against, the direction in which the way is drawn."""
    if any(tags.get(key) == "no" for key in profile.oneway_exempt):
        return True, True
    word = tags.get("oneway", "")
    if word in _BACKWARD:
        return False, True
    oneway = word in _FORWARD or tags.get("junction") in {"roundabout", "circular"}
    implied = tags.get("highway") in _IMPLIED_ONEWAY and word != "no"
    return True, not (oneway or implied)
