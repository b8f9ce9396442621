"""The kinds of vehicle on the road, from ``rules/vehicle_profiles.toml`` or a city's own, which wins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from dure.core.errors import ConfigError
from dure.core.rules import Rule, load_pack
from dure.core.text import Text
from dure.routing.profiles import RoadClass, VehicleProfile

SHIPPED = Path(__file__).with_name("rules")
PACK = "vehicle_profiles"


class _Profile(Rule, frozen=True, kw_only=True):
    name: Text
    access: tuple[str, ...]
    closed: frozenset[str]
    detour: float
    estimated_kmh: float
    snap_m_max: float
    speed_share: float = 1.0
    limits: Mapping[str, float] = msgspec.field(default_factory=dict)
    oneway_exempt: tuple[str, ...] = ()


class _Speed(Rule, frozen=True, kw_only=True):
    """`id` is ``profile/class``."""

    kmh: float
    stopping: bool = True


def vehicle_profiles(day: date, folder: Path | None = None) -> Mapping[str, VehicleProfile]:
    """The profiles in force on a day, by id; `folder` is the city's.

    Raises
    ------
    ConfigError
        as `core.rules.load_pack` does, or ``roads.no_speeds`` when a profile has no class of roads
    """
    pack = load_pack(PACK, (*([folder / "rules" / "roads"] if folder else []), SHIPPED))
    speeds = pack.rows("speeds", _Speed, day)
    found = {}
    for row in pack.rows("profiles", _Profile, day):
        mine = [(one.id.split("/", 1)[1], one) for one in speeds if one.id.startswith(f"{row.id}/")]
        if not mine:
            raise ConfigError("roads.no_speeds", f"{pack.file}: [[speeds]] has no row {row.id}/…, so it may use no road.")
        found[row.id] = _profile(row, {name: RoadClass(one.kmh, one.stopping) for name, one in mine}, mine)
    return found


def profiles_digest(profiles: Mapping[str, VehicleProfile]) -> str:
    """Changes when any rule of any profile changes."""
    return hashlib.sha256(msgspec.json.encode([profiles[name] for name in sorted(profiles)], order="sorted")).hexdigest()


def _profile(row: _Profile, classes: Mapping[str, RoadClass], speeds: list[tuple[str, _Speed]]) -> VehicleProfile:
    return VehicleProfile(
        id=row.id,
        name=row.name,
        classes=classes,
        access=row.access,
        closed=row.closed,
        limits=row.limits,
        oneway_exempt=row.oneway_exempt,
        speed_share=row.speed_share,
        detour=row.detour,
        estimated_kmh=row.estimated_kmh,
        snap_m_max=row.snap_m_max,
        source=row.source,
        provisional=row.provisional or any(one.provisional for _, one in speeds),
    )
