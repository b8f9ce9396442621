"""Places put onto the road: the nearest point of a link on which the vehicle may stop, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dure.routing.graph import Graph
from dure.routing.measuring import flat_m
from dure.routing.network import BoolArray, FloatArray, IntArray

PIECE_M = 30.0  # links are cut into pieces no longer than this before the nearest is looked for
NEAREST = 16  # pieces looked at: those whose middles are nearest
TOO_FAR = "roads.too_far"
CUT_OFF = "roads.cut_off"
NOWHERE_M = 10_000_000.0  # how far a place without coordinates is from any road


@dataclass(frozen=True)
class Snapped:
    """n places on the road.

    Attributes
    ----------
    link, offset_cm : (n,) the link of each place and how far along it
    snap_m : (n,) metres between the place and the road
    lon_lat : (n, 2) where on the road
    code : (n,) "" when it can be reached, else why not: `TOO_FAR` from any road, or `CUT_OFF`: the road there is closed to this
        vehicle or leads nowhere
    """

    link: IntArray
    offset_cm: IntArray
    snap_m: FloatArray
    lon_lat: FloatArray
    code: tuple[str, ...]


def snap(graph: Graph, lon_lat: FloatArray, snap_m_max: float) -> Snapped:
    """Put places onto the road.

    Parameters
    ----------
    lon_lat : (n, 2) [deg]
    snap_m_max : places further from a usable road than this cannot be reached [m]
    """
    count = len(lon_lat)
    if not count:
        none = np.zeros(0, np.int64)
        return Snapped(none, none, np.zeros(0), np.zeros((0, 2)), ())
    origin = graph.junction_lon_lat.mean(axis=0)
    pieces = _Pieces(graph, origin)
    nowhere: BoolArray = np.logical_not(np.isfinite(lon_lat).all(axis=1))
    flat = flat_m(np.where(nowhere[:, None], origin, lon_lat), origin)
    link, offset_cm, away_m, share, row = pieces.nearest(flat)
    away_m = np.where(nowhere, NOWHERE_M, away_m)
    a, b = graph.shape_lon_lat[row], graph.shape_lon_lat[row + 1]
    far = ~(away_m <= snap_m_max)
    return Snapped(
        link=link,
        offset_cm=np.clip(np.rint(offset_cm), 0, graph.length_cm[link]).astype(np.int64),
        snap_m=away_m,
        lon_lat=a + (b - a) * share[:, None],
        code=_codes(graph, np.where(nowhere[:, None], NOWHERE_M, flat), origin, far, snap_m_max),
    )


class _Pieces:
    """Every stretch between two shape points, cut short, with a tree over the middles."""

    def __init__(self, graph: Graph, origin: FloatArray) -> None:
        from scipy.spatial import cKDTree  # noqa: PLC0415  # takes long to load, and pages that only show roads do without

        last = np.zeros(len(graph.shape_cm), np.bool_)
        last[graph.shape_start[1:] - 1] = True
        link = np.repeat(np.arange(graph.links), np.diff(graph.shape_start))
        stops = graph.stopping if graph.stopping.any() else np.ones_like(graph.stopping)
        self.row = np.flatnonzero(~last & stops[link])
        self.graph, self.link = graph, link[self.row]
        flat = flat_m(graph.shape_lon_lat, origin)
        self.a, self.b = flat[self.row], flat[self.row + 1]
        cuts = np.maximum(np.ceil(np.linalg.norm(self.b - self.a, axis=1) / PIECE_M), 1).astype(np.int64)
        begins = np.cumsum(cuts) - cuts
        self.stretch = np.repeat(np.arange(len(cuts)), cuts)
        share = (np.arange(int(cuts.sum())) - np.repeat(begins, cuts) + 0.5) / np.repeat(cuts, cuts)
        self.tree = cKDTree(self.a[self.stretch] + (self.b - self.a)[self.stretch] * share[:, None])

    def nearest(self, flat: FloatArray) -> tuple[IntArray, FloatArray, FloatArray, FloatArray, IntArray]:
        """Link, offset [cm], metres away, share of the stretch and its first shape row of the nearest point to each place."""
        near = self.tree.query(flat, k=min(NEAREST, len(self.stretch)))[1].reshape(len(flat), -1)
        stretch = self.stretch[near]
        a, along = self.a[stretch], (self.b - self.a)[stretch]
        square = np.maximum((along**2).sum(axis=2), 1e-12)
        share = np.clip(((flat[:, None] - a) * along).sum(axis=2) / square, 0.0, 1.0)
        away = np.linalg.norm(a + along * share[..., None] - flat[:, None], axis=2)
        best = away.argmin(axis=1)[:, None]
        chosen, part = (np.take_along_axis(one, best, axis=1)[:, 0] for one in (stretch, share))
        row = self.row[chosen]
        from_cm, to_cm = self.graph.shape_cm[row], self.graph.shape_cm[row + 1]
        return self.link[chosen], from_cm + (to_cm - from_cm) * part, np.take_along_axis(away, best, axis=1)[:, 0], part, row


def _codes(
    graph: Graph, flat: FloatArray, origin: FloatArray, far: np.ndarray[tuple[int], np.dtype[np.bool_]], snap_m_max: float
) -> tuple[str, ...]:
    codes = np.where(far, TOO_FAR, "").astype(object)
    from scipy.spatial import cKDTree  # noqa: PLC0415  # as above

    if far.any() and len(graph.dropped_lon_lat):
        closed_m = cKDTree(flat_m(graph.dropped_lon_lat, origin)).query(flat[far])[0]
        codes[np.flatnonzero(far)[closed_m <= snap_m_max]] = CUT_OFF
    return tuple(codes.tolist())
