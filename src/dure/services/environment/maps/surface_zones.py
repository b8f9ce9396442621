"""A map in words for who cannot see it: the estimate of each zone of the city."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.city import Zone
    from dure.services.environment.maps.surface import Surface
    from dure.services.environment.maps.surface_grid import Grid


class ZoneValue(msgspec.Struct, frozen=True):
    """A zone's mean estimate, the root mean square standard deviation of its cells, and the share of them to be believed."""

    zone: str
    name: Text
    estimate: float
    sd: float
    reliable_share: float
    cells: int


def by_zone(zones: Sequence[Zone], grid: Grid, surface: Surface) -> list[ZoneValue]:
    """The zones that hold at least one cell, highest estimate first."""
    held = grid.zone >= 0
    zone, n_zones = grid.zone[held], len(zones)
    n = np.bincount(zone, minlength=n_zones)
    safe = np.maximum(n, 1)
    estimate = np.bincount(zone, surface.estimate[held], n_zones) / safe
    sd = np.sqrt(np.bincount(zone, surface.sd[held] ** 2, n_zones) / safe)
    share = np.bincount(zone, surface.reliable[held], n_zones) / safe
    found = [
        ZoneValue(zones[i].id, zones[i].name, float(estimate[i]), float(sd[i]), float(share[i]), int(n[i]))
        for i in np.flatnonzero(n).tolist()
    ]
    return sorted(found, key=lambda one: (-one.estimate, one.zone))
