"""Chains of shape points joined to links between junctions, each of one speed and one rule of direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dure.routing.measuring import distances_m
from dure.routing.network import BoolArray, FloatArray, IntArray, Network, Passage

CM_PER_M = 100
CS_PER_S = 100
KMH_PER_MS = 3.6


@dataclass(frozen=True)
class Links:
    """L links, drawn by S points; see `graph.Graph` for the fields of the same name.

    Attributes
    ----------
    from_node, to_node : (L,) nodes of the network
    from_way, to_way : (L,) the way at either end, for rules about turns
    shape_node : (S,) nodes of the network
    """

    from_node: IntArray
    to_node: IntArray
    from_way: IntArray
    to_way: IntArray
    length_cm: IntArray
    forward_cs: IntArray
    backward_cs: IntArray
    stopping: BoolArray
    shape_start: IntArray
    shape_node: IntArray
    shape_cm: FloatArray


class _Segments(NamedTuple):
    """Straight pieces between neighbouring nodes of ways."""

    a: IntArray
    b: IntArray
    way: IntArray
    length_m: FloatArray
    forward_kmh: FloatArray
    backward_kmh: FloatArray
    stopping: BoolArray


def links_of(network: Network, passage: Passage) -> tuple[Links, FloatArray]:
    """The links a profile may pass, and (d, 2) places on roads it may not."""
    every = _segments(network, passage)
    open_ = (every.forward_kmh > 0) | (every.backward_kmh > 0)
    closed_lon_lat = (network.lon_lat[every.a[~open_]] + network.lon_lat[every.b[~open_]]) / 2
    segments = _Segments(
        every.a[open_],
        every.b[open_],
        every.way[open_],
        every.length_m[open_],
        every.forward_kmh[open_],
        every.backward_kmh[open_],
        every.stopping[open_],
    )
    via = np.zeros(len(network.lon_lat), np.bool_)
    via[network.turns[:, 1]] = True
    halves, start = _chains(_mates(segments, via))
    return _joined(segments, halves, start), closed_lon_lat


def _segments(network: Network, passage: Passage) -> _Segments:
    sizes = np.diff(network.way_start)
    way_of_point = np.repeat(np.arange(network.ways), sizes)
    a, b, way = network.way_node[:-1], network.way_node[1:], way_of_point[:-1]
    real = (way_of_point[:-1] == way_of_point[1:]) & (a != b)
    a, b, way = a[real], b[real], way[real]
    length_m = distances_m(network.lon_lat[a], network.lon_lat[b])
    return _Segments(
        a, b, way, length_m, passage.forward_kmh[way], passage.backward_kmh[way], passage.stopping[way]
    )  # fmt: skip


def _mates(segments: _Segments, via: BoolArray) -> NDArray[np.int64]:
    """Half-edge 2 s is the `a` end of segment s, 2 s + 1 its `b` end: the half-edge a chain goes on with, or -1 at a junction.

    A node with two ends is no junction when both segments have the same speeds through it and no turn is forbidden there.
    """
    count = len(segments.a)
    node = np.stack([segments.a, segments.b], axis=1).ravel()
    into = np.stack([segments.backward_kmh, segments.forward_kmh], axis=1).ravel()
    out = np.stack([segments.forward_kmh, segments.backward_kmh], axis=1).ravel()
    stopping = np.repeat(segments.stopping, 2)
    order = np.argsort(node, kind="stable")
    degree = np.bincount(node, minlength=len(via))
    first = np.concatenate([[0], np.cumsum(degree)])[:-1]
    inner = np.flatnonzero((degree == 2) & ~via)
    one, two = order[first[inner]], order[first[inner] + 1]
    same = (into[one] == out[two]) & (out[one] == into[two]) & (stopping[one] == stopping[two]) & (one // 2 != two // 2)
    mate = np.full(2 * count, -1, np.int64)
    mate[one[same]] = two[same]
    mate[two[same]] = one[same]
    return mate


def _chains(mates: NDArray[np.int64]) -> tuple[IntArray, IntArray]:
    """Half-edges at which each chain enters its segments, in order, chain after chain, and where each chain begins.

    A ring without a junction becomes a chain from one of its nodes back to it.
    """
    mate: list[int] = mates.tolist()
    used = bytearray(len(mate) // 2)
    halves: list[int] = []
    start = [0]
    rings = (half for half in range(0, len(mate), 2))
    for first in (*(half for half in range(len(mate)) if mate[half] < 0), *rings):
        if used[first >> 1]:
            continue
        half = first
        while half >= 0 and not used[half >> 1]:
            used[half >> 1] = 1
            halves.append(half)
            half = mate[half ^ 1]
        start.append(len(halves))
    return np.array(halves, np.int64), np.array(start, np.int64)


def _joined(segments: _Segments, halves: IntArray, start: IntArray) -> Links:
    piece, turned = halves >> 1, (halves & 1).astype(np.bool_)
    begin = np.where(turned, segments.b[piece], segments.a[piece])
    end = np.where(turned, segments.a[piece], segments.b[piece])
    ahead = np.where(turned, segments.backward_kmh[piece], segments.forward_kmh[piece])
    back = np.where(turned, segments.forward_kmh[piece], segments.backward_kmh[piece])
    first, last = start[:-1], start[1:] - 1
    length_m = np.add.reduceat(segments.length_m[piece], first) if len(first) else np.zeros(0)
    length_cm = np.maximum(np.rint(length_m * CM_PER_M), 1).astype(np.int64)
    shape_start = start + np.arange(len(start))
    shape_node = np.empty(shape_start[-1], np.int64)
    inner = np.ones(shape_start[-1], np.bool_)
    inner[shape_start[1:] - 1] = False
    shape_node[inner], shape_node[shape_start[1:] - 1] = begin, end[last]
    return Links(
        from_node=begin[first],
        to_node=end[last],
        from_way=segments.way[piece[first]],
        to_way=segments.way[piece[last]],
        length_cm=length_cm,
        forward_cs=_time_cs(length_m, ahead[first]),
        backward_cs=_time_cs(length_m, back[first]),
        stopping=segments.stopping[piece[first]],
        shape_start=shape_start,
        shape_node=shape_node,
        shape_cm=_along_cm(segments.length_m[piece], length_m, length_cm, start),
    )


def _time_cs(length_m: FloatArray, kmh: FloatArray) -> IntArray:
    with np.errstate(divide="ignore"):
        time_cs = np.rint(length_m / (kmh / KMH_PER_MS) * CS_PER_S)
    return np.where(kmh > 0, np.maximum(np.where(kmh > 0, time_cs, 0), 1), -1).astype(np.int64)


def _along_cm(piece_m: FloatArray, length_m: FloatArray, length_cm: IntArray, start: IntArray) -> FloatArray:
    """(S,) how far along its link each shape point is; the last one exactly the link's whole centimetres."""
    sizes = np.diff(start)
    total = np.concatenate([[0.0], np.cumsum(piece_m)])
    rows = np.repeat(start[:-1], sizes + 1) + _counted(sizes + 1)
    along_m = total[rows] - np.repeat(total[start[:-1]], sizes + 1)
    share = np.repeat(length_cm / np.maximum(length_m, 1e-9), sizes + 1)
    along_cm = np.minimum(along_m * share, np.repeat(length_cm, sizes + 1))
    along_cm[start[1:] + np.arange(len(sizes))] = length_cm
    return np.asarray(along_cm)


def _counted(sizes: IntArray) -> IntArray:
    """0, 1, .. size - 1 for each size, one after another."""
    begins = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) - np.repeat(begins, sizes)
