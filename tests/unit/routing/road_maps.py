"""Small road maps drawn by hand, in metres around Goyang's city hall, and the profile that drives on them."""

from __future__ import annotations

import numpy as np

from dure.core.geo import EARTH_RADIUS_M
from dure.core.text import Text
from dure.routing.network import Network, Passage
from dure.routing.profiles import RoadClass, VehicleProfile

ORIGIN = np.array([126.8320, 37.6584])
DEG_M = np.radians(1.0) * EARTH_RADIUS_M

TRUCK = VehicleProfile(
    id="truck",
    name=Text(ko="트럭", en="truck"),
    classes={
        "residential": RoadClass(36.0),
        "primary": RoadClass(72.0),
        "motorway": RoadClass(90.0, stopping=False),
        "service": RoadClass(18.0),
    },
    access=("access", "vehicle", "motor_vehicle", "goods", "hgv"),
    closed=frozenset({"no", "private"}),
    limits={"maxheight": 3.5, "maxweight": 10.0},
    oneway_exempt=("oneway:hgv",),
    speed_share=0.5,
    detour=1.45,
    estimated_kmh=24.0,
    snap_m_max=150.0,
)


def lon_lat(flat_m):
    """(n, 2) degrees of metres east and north."""
    return ORIGIN + np.asarray(flat_m, float).reshape(-1, 2) / (DEG_M * np.array([np.cos(np.radians(ORIGIN[1])), 1.0]))


def network(nodes, ways, turns=()):
    """A network of nodes {name: (east, north)} and ways [(names, forward km/h, backward km/h[, stopping])]."""
    row = {name: number for number, name in enumerate(nodes)}
    sizes = [len(way[0]) for way in ways]
    return Network(
        lon_lat=lon_lat(list(nodes.values())),
        way_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        way_node=np.array([row[name] for way in ways for name in way[0]], np.int64),
        passages={
            "truck": Passage(
                np.array([way[1] for way in ways], float),
                np.array([way[2] for way in ways], float),
                np.array([way[3] if len(way) > 3 else True for way in ways], bool),
            )
        },
        turns=np.array([(a, row[via], b, only) for a, via, b, only in turns], np.int64).reshape(-1, 4),
        attribution="drawn by hand",
    )
