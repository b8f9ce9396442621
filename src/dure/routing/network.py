"""Roads as a map draws them: nodes, ways through them, who may pass, and forbidden turns. Importers make it, `graph` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Passage:
    """How one profile passes the w ways.

    Attributes
    ----------
    forward_kmh, backward_kmh : (w,) [km/h], along and against the drawn direction; 0 = closed
    stopping : (w,) whether a vehicle may stop there to serve a bin
    """

    forward_kmh: FloatArray
    backward_kmh: FloatArray
    stopping: BoolArray


@dataclass(frozen=True)
class Network:
    """A road map of n nodes and w ways.

    Attributes
    ----------
    lon_lat : (n, 2) [deg]
    way_start : (w + 1,) way i runs through ``way_node[way_start[i]:way_start[i + 1]]``
    way_node : (k,) rows of `lon_lat`
    passages : by profile
    turns : (t, 4) rows (from way, via node, to way, only): that turn is forbidden, or with only = 1 the only one allowed
    attribution : to be shown wherever the map or anything drawn from it is shown
    """

    lon_lat: FloatArray
    way_start: IntArray
    way_node: IntArray
    passages: Mapping[str, Passage]
    turns: IntArray = field(default_factory=lambda: np.zeros((0, 4), np.int64))
    source: str = ""
    attribution: str = ""

    @property
    def ways(self) -> int:
        """How many ways there are."""
        return len(self.way_start) - 1
