"""Distances on the sphere for arrays of places, and flat metres around them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dure.core.geo import EARTH_RADIUS_M

FloatArray = NDArray[np.float64]


def distances_m(a: FloatArray, b: FloatArray) -> FloatArray:
    """Great-circle distance [m] (haversine) of places (..., 2) lon/lat [deg], broadcast."""
    lon_a, lat_a = np.radians(a[..., 0]), np.radians(a[..., 1])
    lon_b, lat_b = np.radians(b[..., 0]), np.radians(b[..., 1])
    half_chord = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(half_chord, 1.0))))


def flat_m(lon_lat: FloatArray, origin: FloatArray) -> FloatArray:
    """(..., 2) metres east and north of an origin (2,) lon/lat [deg]; within a city wrong by less than a thousandth."""
    scale = np.radians(1.0) * EARTH_RADIUS_M * np.array([np.cos(np.radians(origin[1])), 1.0])
    return np.asarray((lon_lat - origin) * scale)
