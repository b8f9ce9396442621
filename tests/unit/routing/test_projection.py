"""Transverse Mercator back to degrees, beside a published example and the meridian itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from dure.routing.projection import TransverseMercator, lon_lat_of

CENTRAL_BELT = TransverseMercator(127.0, 38.0, 200_000.0, 600_000.0)  # EPSG:5186
CLARKE_1866 = TransverseMercator(-75.0, 0.0, 0.0, 0.0, 0.9996, 6_378_206.4, 294.978698214)


def test_the_worked_example_of_snyder():
    """Snyder, Map Projections: A Working Manual, USGS PP 1395, 1987, p. 269: 127,106.5 m, 4,484,124.4 m, given to 0.1 m."""
    found = lon_lat_of(np.array([[127_106.5, 4_484_124.4]]), CLARKE_1866)
    assert found[0] == pytest.approx([-73.5, 40.5], abs=1e-6)


def test_the_origin_of_the_central_belt_is_127_east_38_north():
    assert lon_lat_of(np.array([[200_000.0, 600_000.0]]), CENTRAL_BELT)[0] == pytest.approx([127, 38], abs=1e-9)


@pytest.mark.parametrize("latitude", [33.5, 37.6584, 38.6])
def test_on_the_central_meridian_northing_is_the_length_of_the_meridian(latitude):
    a, f = 6_378_137.0, 1 / 298.257222101
    squared = f * (2 - f)

    def per_radian(phi):
        return a * (1 - squared) / (1 - squared * np.sin(phi) ** 2) ** 1.5

    north_m = 600_000 + quad(per_radian, np.radians(38.0), np.radians(latitude), epsabs=1e-9)[0]
    assert lon_lat_of(np.array([[200_000.0, north_m]]), CENTRAL_BELT)[0] == pytest.approx([127, latitude], abs=1e-9)


def test_east_and_west_of_the_meridian_are_alike():
    east, west = lon_lat_of(np.array([[290_000.0, 500_000.0], [110_000.0, 500_000.0]]), CENTRAL_BELT)
    assert east[0] - 127 == pytest.approx(127 - west[0], abs=1e-12)
    assert east[1] == pytest.approx(west[1], abs=1e-12)
