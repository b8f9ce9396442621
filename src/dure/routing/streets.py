"""A made-up city's streets: seeded, as irregular as a real one, for tests, rehearsals and measurements without a map.

About the size of Goyang by default: 16 km by 16 km, with arterials each 1 km or so, an irregular mesh between them, one-way
streets, dead ends, a river with few bridges, an expressway on which nobody may stop, and bends in every street.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dure.routing.network import FloatArray, IntArray, Network, Passage
from dure.routing.profiles import VehicleProfile, passage

GOYANG = (126.8320, 37.6584)  # about the city hall; the streets are not Goyang's
ATTRIBUTION = "made-up streets"


@dataclass(frozen=True, kw_only=True)
class StreetPlan:
    """What the streets are like.

    Attributes
    ----------
    side_km : the city is a square
    block_m : mean distance between neighbouring junctions
    arterial_every : each so many rows is an arterial
    missing, oneway, bent : share of streets that are not built, that are one-way, and how far bends stray, of the block
    bends : shape points between two junctions
    """

    side_km: float = 16.0
    block_m: float = 125.0
    arterial_every: int = 8
    missing: float = 0.22
    oneway: float = 0.12
    bent: float = 0.12
    bends: int = 2
    centre: tuple[float, float] = GOYANG


class _Streets(NamedTuple):
    a: IntArray
    b: IntArray
    highway: list[str]
    oneway: list[bool]


def way_tags(plan: StreetPlan, seed: int) -> tuple[FloatArray, list[list[int]], list[dict[str, str]]]:
    """The made-up map: (n, 2) nodes lon/lat [deg], the nodes of each way, and its OSM tags."""
    chance = np.random.default_rng(seed)
    rows = max(round(plan.side_km * 1_000 / plan.block_m) + 1, 2)
    junctions = _junctions(plan, rows, chance)
    streets = _streets(plan, rows, chance)
    count, bends = len(streets.a), plan.bends
    share = (np.arange(bends) + 1) / (bends + 1)
    ends_a, ends_b = junctions[streets.a], junctions[streets.b]
    inner = ends_a[:, None] + (ends_b - ends_a)[:, None] * share[None, :, None]
    inner = inner + chance.normal(0, plan.bent * plan.block_m / 2, (count, bends, 2))
    flat = np.concatenate([junctions, inner.reshape(-1, 2)])
    first = len(junctions) + np.arange(count) * bends
    ways = np.concatenate([streets.a[:, None], first[:, None] + np.arange(bends), streets.b[:, None]], axis=1)
    tags = [
        {"highway": highway} | ({"oneway": "yes"} if oneway else {})
        for highway, oneway in zip(streets.highway, streets.oneway, strict=True)
    ]
    return _lon_lat(flat, plan.centre), ways.tolist(), tags


def made_up_streets(plan: StreetPlan, profiles: Mapping[str, VehicleProfile], seed: int = 1) -> Network:
    """The made-up map as an importer would give it."""
    lon_lat, ways, tags = way_tags(plan, seed)
    passages = {}
    for name, profile in profiles.items():
        found = [passage(one, profile) for one in tags]
        passages[name] = Passage(
            np.array([one.forward_kmh for one in found]),
            np.array([one.backward_kmh for one in found]),
            np.array([one.stopping for one in found], np.bool_),
        )
    sizes = np.array([len(way) for way in ways], np.int64)
    return Network(
        lon_lat=lon_lat,
        way_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        way_node=np.array([node for way in ways for node in way], np.int64),
        passages=passages,
        source=f"made-up streets, seed {seed}",
        attribution=ATTRIBUTION,
    )


def _junctions(plan: StreetPlan, rows: int, chance: np.random.Generator) -> FloatArray:
    """(rows * rows, 2) junctions in metres: a grid, shaken and gently warped."""
    at = (np.arange(rows) - (rows - 1) / 2) * plan.block_m
    grid = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2)
    wave = np.sin(grid[:, ::-1] / (plan.side_km * 160)) * plan.block_m * 1.5
    return np.asarray(grid + wave + chance.normal(0, plan.block_m * 0.17, grid.shape))


def _streets(plan: StreetPlan, rows: int, chance: np.random.Generator) -> _Streets:
    number = np.arange(rows * rows).reshape(rows, rows)
    across = np.stack([number[:-1].ravel(), number[1:].ravel()], axis=1)
    along = np.stack([number[:, :-1].ravel(), number[:, 1:].ravel()], axis=1)
    pairs = np.concatenate([across, along])
    line = np.concatenate([across[:, 0] % rows, along[:, 0] // rows])  # which row or column of the grid it lies on
    arterial = line % plan.arterial_every == 0
    river = np.concatenate([(across[:, 0] // rows) == rows // 3, np.zeros(len(along), np.bool_)])
    built = np.where(river, line % (2 * plan.arterial_every) == 0, arterial | (chance.random(len(pairs)) >= plan.missing))
    express = np.concatenate([np.zeros(len(across), np.bool_), along[:, 0] // rows == rows // 2])
    pairs, arterial, express = pairs[built], arterial[built], express[built]
    turned = chance.random(len(pairs)) < 0.5
    a, b = np.where(turned, pairs[:, 1], pairs[:, 0]), np.where(turned, pairs[:, 0], pairs[:, 1])
    oneway = (chance.random(len(pairs)) < plan.oneway) & ~arterial & ~express
    small = np.where(chance.random(len(pairs)) < 0.3, "unclassified", "residential")
    highway = np.where(express, "trunk", np.where(arterial, "secondary", small))
    return _Streets(a.astype(np.int64), b.astype(np.int64), highway.tolist(), oneway.tolist())


def _lon_lat(flat: FloatArray, centre: tuple[float, float]) -> FloatArray:
    """Degrees of flat metres around a centre, to 7 places as OSM keeps them."""
    lat = centre[1] + flat[:, 1] / 111_195.08
    lon = centre[0] + flat[:, 0] / (111_195.08 * np.cos(np.radians(centre[1])))
    return np.round(np.stack([lon, lat], axis=1), 7)
