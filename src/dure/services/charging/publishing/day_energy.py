"""The energy of a site over a span of time, by quarter-hours: from the origin ledger where it is booked, else from registers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.time import US_PER_S, Interval, from_us, to_us
from dure.services.charging.model import Site
from dure.services.charging.origin import origin_records
from dure.services.charging.publishing.flows import Floats, Flows, Links, Sink, Source, links_of, summed
from dure.services.charging.publishing.site_meters import Ints, metered_between

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from dure.spine.house import House

QUARTER_US = 900 * US_PER_S
HOUR_QUARTERS = 4
# Accounts of the ledger -> ends of a flow here.
_SOURCES: dict[str, Source] = {
    "pv": "pv", "untimed": "pv", "ess_pv": "ess_pv", "ess_grid": "ess_grid", "vehicle": "vehicle", "grid": "grid",
    "unmetered": "unknown",
}  # fmt: skip
_SINKS: dict[str, Sink] = {
    "ev": "ev", "ess": "ess", "load": "load", "export": "export", "unmetered": "loss", "loss": "loss",
}  # fmt: skip


class SiteEnergy(msgspec.Struct, frozen=True, eq=False):
    """Energy of a site: edges of quarter-hours (n + 1,) [us], flows of each [Wh] (n,), how many are booked in the ledger."""

    edges_us: Ints
    links: Links
    booked_n: int = 0

    @property
    def total(self) -> Flows:
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


def energy_of(house: House, site: Site, span: Interval) -> SiteEnergy:
    """Energy of a site over a span that begins on a quarter-hour; blocks. A last part of a quarter is left out."""
    edges = np.arange(to_us(span.start), to_us(span.end) + 1, QUARTER_US, dtype=np.int64)
    if len(edges) < 2:
        return SiteEnergy(np.array([to_us(span.start)], dtype=np.int64), {})
    with house.records.read() as connection:
        books = origin_records.by_interval(connection, site.id, span.start, from_us(int(edges[-1])))
    links, booked_n = _booked(books, edges)
    if booked_n < len(edges) - 1:
        for pair, flow in links_of(metered_between(site, house.telemetry, edges[booked_n:])).items():
            links.setdefault(pair, np.zeros(len(edges) - 1))[booked_n:] += flow
    return SiteEnergy(edges, links, booked_n)


def _booked(
    books: Mapping[datetime, Mapping[tuple[str, str, str], int]], edges_us: Ints
) -> tuple[dict[tuple[Source, Sink], Floats], int]:
    """Flows of the intervals in the books, and how many from the beginning on they reach."""
    links: dict[tuple[Source, Sink], Floats] = {}
    booked_n = 0
    for at, sums in books.items():
        place = (to_us(at) - int(edges_us[0])) // QUARTER_US
        booked_n = max(booked_n, place + 1)
        for (source, sink, _), wh in sums.items():
            if source in _SOURCES and sink in _SINKS:
                pair = (_SOURCES[source], _SINKS[sink])
                links.setdefault(pair, np.zeros(len(edges_us) - 1))[place] += wh
    return links, booked_n
