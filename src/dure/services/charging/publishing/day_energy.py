"""The energy of a site over a span of time, by quarter-hours of its registers, and by hours for a chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import US_PER_S, Interval, to_us
from dure.services.charging.model import Site
from dure.services.charging.publishing.flows import Floats, Links, Sink, Source, links_of, summed
from dure.services.charging.publishing.site_meters import Ints, metered_between

if TYPE_CHECKING:
    from dure.engines.telemetry.port import Telemetry

QUARTER_US = 900 * US_PER_S
HOUR_QUARTERS = 4


class SiteEnergy(msgspec.Struct, frozen=True, eq=False):
    """Energy of a site: edges of quarter-hours (n + 1,) [us] and flows of each [Wh] (n,)."""

    edges_us: Ints
    links: Links

    @property
    def total(self) -> dict[tuple[Source, Sink], float]:
        """Flows of the whole span [Wh]."""
        return summed(self.links)

    def by_hour(self, *, source: Source | None = None, sink: Sink | None = None) -> Floats:
        """What a source gave, or a use took, in each whole hour from the beginning (n // 4,) [Wh]."""
        n = len(self.edges_us) - 1
        found = np.zeros(n)
        for (one, other), flow in self.links.items():
            if (source is None or one == source) and (sink is None or other == sink):
                found += flow
        whole = n // HOUR_QUARTERS * HOUR_QUARTERS
        hours: Floats = found[:whole].reshape(-1, HOUR_QUARTERS).sum(axis=1)
        return hours


def energy_of(site: Site, telemetry: Telemetry, span: Interval) -> SiteEnergy:
    """Energy of a site over a span that begins on a quarter-hour; blocks. A last part of a quarter is left out."""
    edges = np.arange(to_us(span.start), to_us(span.end) + 1, QUARTER_US, dtype=np.int64)
    if len(edges) < 2:
        edges = np.array([to_us(span.start), to_us(span.start) + QUARTER_US], dtype=np.int64)
    return SiteEnergy(edges, links_of(metered_between(site, telemetry, edges)))


def shares(links: Mapping[tuple[Source, Sink], float], *, ess_green: float) -> dict[str, float]:
    """How vehicles' energy splits: ``pv``, ``ess_pv``, ``ess_grid``, ``grid``, as parts of 1; empty when they took nothing."""
    taken = sum(value for (_, sink), value in links.items() if sink == "ev")
    if taken <= 0:
        return {}
    stored = links.get(("ess", "ev"), 0.0)
    parts = {
        "pv": links.get(("pv", "ev"), 0.0),
        "ess_pv": ess_green * stored,
        "ess_grid": (1 - ess_green) * stored,
        "grid": links.get(("grid", "ev"), 0.0) + links.get(("unknown", "ev"), 0.0),
    }
    return {name: value / taken for name, value in parts.items() if value > 0}
