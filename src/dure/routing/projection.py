"""Metres of a transverse Mercator map back to longitude and latitude: how Korean public maps come."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.routing.network import FloatArray


class TransverseMercator(NamedTuple):
    """A projection; degrees and metres. The ellipsoid is GRS 80 unless said."""

    central_meridian: float
    latitude_of_origin: float
    false_easting: float
    false_northing: float
    scale_factor: float = 1.0
    semi_major_m: float = 6_378_137.0  # GRS 80
    inverse_flattening: float = 298.257222101  # GRS 80


def lon_lat_of(plane: FloatArray, to: TransverseMercator) -> FloatArray:
    """(n, 2) lon/lat [deg] of (n, 2) east/north [m], to less than a millimetre within 10 degrees of the central meridian.

    Krüger's series in the third flattening, to its third power [1]_.

    .. [1] Karney, "Transverse Mercator with an accuracy of a few nanometers", J. Geodesy 85, 2011,
       doi:10.1007/s00190-011-0445-3, equations 35 and 36.
    """
    n = 1 / (2 * to.inverse_flattening - 1)
    radius = to.semi_major_m / (1 + n) * (1 + n**2 / 4 + n**4 / 64) * to.scale_factor
    beta = (n / 2 - 2 / 3 * n**2 + 37 / 96 * n**3, n**2 / 48 + n**3 / 15, 17 / 480 * n**3)
    origin = _northing(np.radians(to.latitude_of_origin), n)
    xi = (plane[:, 1] - to.false_northing) / radius + origin
    eta = (plane[:, 0] - to.false_easting) / radius
    xi_, eta_ = xi.copy(), eta.copy()
    for j, one in enumerate(beta, 1):
        xi_ -= one * np.sin(2 * j * xi) * np.cosh(2 * j * eta)
        eta_ -= one * np.cos(2 * j * xi) * np.sinh(2 * j * eta)
    lon = to.central_meridian + np.degrees(np.arctan2(np.sinh(eta_), np.cos(xi_)))
    conformal = np.arcsin(np.sin(xi_) / np.cosh(eta_))
    return np.stack([lon, np.degrees(_latitude(np.sin(conformal), n))], axis=1)


def _latitude(sine: FloatArray, n: float) -> FloatArray:
    """Geodetic from the sine of conformal latitude, by iteration on the isometric latitude."""
    eccentricity = 2 * np.sqrt(n) / (1 + n)
    isometric = np.arctanh(sine)
    latitude = np.arcsin(sine)
    for _ in range(6):  # each step gains more than two digits
        latitude = np.arcsin(np.tanh(isometric + eccentricity * np.arctanh(eccentricity * np.sin(latitude))))
    return np.asarray(latitude)


def _northing(latitude: float, n: float) -> float:
    """Rectifying latitude [rad] of a geodetic one: where the origin lies on the central meridian."""
    eccentricity = 2 * np.sqrt(n) / (1 + n)
    conformal = np.arcsin(np.tanh(np.arctanh(np.sin(latitude)) - eccentricity * np.arctanh(eccentricity * np.sin(latitude))))
    alpha = (n / 2 - 2 / 3 * n**2 + 5 / 16 * n**3, 13 / 48 * n**2 - 3 / 5 * n**3, 61 / 240 * n**3)
    return float(conformal + sum(one * np.sin(2 * j * conformal) for j, one in enumerate(alpha, 1)))
