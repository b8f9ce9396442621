"""Energy flows of a site: which source fed which use. Pure; works on powers [W] and on energies [Wh], numbers or arrays alike.

The order is the one of the origin ledger: the sun feeds vehicles first, then the storage, then other loads, then the grid; what
the storage gives out feeds vehicles, then other loads, then the grid; the grid covers what is left. What the meters do not
explain is a flow of its own, never spread over the others:

loss : sources told more than uses, other loads that no meter counts among it
unknown : uses told more than sources
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Source = Literal["pv", "ess", "ess_pv", "ess_grid", "vehicle", "grid", "unknown"]
Sink = Literal["ev", "ess", "load", "loss", "export"]
SOURCES: tuple[Source, ...] = ("pv", "ess", "grid", "unknown")  # of meters; which storage gave what only the ledger knows
SINKS: tuple[Sink, ...] = ("ev", "ess", "load", "loss", "export")


class Metered(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the meters of a site say of each interval, (n,), all >= 0 [W or Wh].

    `grid_in` None: no meter of the grid speaks; it is then taken as what the uses need beyond the other sources.
    """

    ev: Floats
    pv: Floats
    ess_in: Floats
    ess_out: Floats
    load: Floats
    grid_in: Floats | None = None
    grid_out: Floats | None = None


Links = Mapping[tuple[Source, Sink], Floats]
Flows = Mapping[tuple[Source, Sink], float]


def links_of(told: Metered) -> Links:
    """Flow from each source to each use, (n,) each; together they take every source and every use exactly once."""
    grid_in, grid_out = _grid(told)
    given = told.pv + told.ess_out + grid_in
    taken = told.ev + told.ess_in + told.load + grid_out
    left: dict[Source, Floats] = {
        "pv": told.pv.copy(),
        "ess": told.ess_out.copy(),
        "grid": grid_in.copy(),
        "unknown": np.maximum(0.0, taken - given),
    }
    wanted: dict[Sink, Floats] = {
        "ev": told.ev.copy(),
        "ess": told.ess_in.copy(),
        "load": told.load.copy(),
        "loss": np.maximum(0.0, given - taken),
        "export": grid_out.copy(),
    }
    links: dict[tuple[Source, Sink], Floats] = {}
    for source in SOURCES:
        for sink in SINKS:
            flow = np.minimum(left[source], wanted[sink])
            left[source] -= flow
            wanted[sink] -= flow
            links[source, sink] = flow
    return links


def _grid(told: Metered) -> tuple[Floats, Floats]:
    if told.grid_in is not None:
        return told.grid_in, told.grid_out if told.grid_out is not None else np.zeros_like(told.grid_in)
    net = told.ev + told.ess_in + told.load - told.pv - told.ess_out
    return np.maximum(0.0, net), np.maximum(0.0, -net)


def summed(links: Links) -> dict[tuple[Source, Sink], float]:
    """The flows of all intervals together; those of nothing are left out."""
    found = {pair: float(flow.sum()) for pair, flow in links.items()}
    return {pair: value for pair, value in found.items() if value > 0}


def from_source(links: Flows, source: Source) -> float:
    """All that a source gave."""
    return sum(value for (one, _), value in links.items() if one == source)


def to_sink(links: Flows, sink: Sink) -> float:
    """All that a use took."""
    return sum(value for (_, one), value in links.items() if one == sink)


def green_share(links: Flows) -> float | None:
    """Share 0..1 of what vehicles got that came from the site's own sun, directly or stored; None when they got nothing.

    What a storage gave of which nobody knows the origin (``ess``) is not claimed.
    """
    taken = to_sink(links, "ev")
    return (links.get(("pv", "ev"), 0.0) + links.get(("ess_pv", "ev"), 0.0)) / taken if taken > 0 else None


def shares(links: Flows) -> dict[str, float]:
    """How vehicles' energy splits into ``pv``, ``ess_pv``, ``ess_grid`` and ``grid``, parts of 1; empty of nothing."""
    taken = to_sink(links, "ev")
    if taken <= 0:
        return {}
    parts = {
        "pv": links.get(("pv", "ev"), 0.0),
        "ess_pv": links.get(("ess_pv", "ev"), 0.0),
        "ess_grid": links.get(("ess_grid", "ev"), 0.0) + links.get(("ess", "ev"), 0.0),
    }
    parts["grid"] = taken - sum(parts.values())
    return {name: value / taken for name, value in parts.items() if value > 1e-9 * taken}
