"""Sun on a tilted plane from geometry alone, for sites that have no generator yet. Pure.

Declination and hour angle after Cooper (1969) and Duffie & Beckman, Solar Engineering of Thermal Processes, 4th ed., eqs 1.6.1a,
1.6.2, 1.6.5; clear-sky global irradiance after Haurwitz (1945), as in Reno, Hansen, Stein 2012 (SAND2012-2389).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.services.charging.planning.problem import Floats

DAY_S = 86_400.0
SUN_W = 1_000.0  # irradiance at which a generator gives its peak power
CLEARNESS_SD = 0.22


class Plane(NamedTuple):
    """Where a generator stands [deg], and how it is turned: tilt from level, azimuth from north by east [deg]."""

    lat: float
    lon: float
    tilt: float = 30.0
    azimuth: float = 180.0


def clear_w_per_kw(plane: Plane, time_s: Floats) -> Floats:
    """Power of one kW of generator under a clear sky (n,) [W] at instants [s since 1970 UTC]."""
    day = np.floor(time_s / DAY_S) % 365.25 + 1.0
    declination = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    hour_angle = np.radians((time_s % DAY_S) / DAY_S * 360.0 + plane.lon - 180.0)
    lat, tilt, turned = np.radians(plane.lat), np.radians(plane.tilt), np.radians(plane.azimuth - 180.0)
    up = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour_angle)
    facing = (
        np.sin(declination) * (np.sin(lat) * np.cos(tilt) - np.cos(lat) * np.sin(tilt) * np.cos(turned))
        + np.cos(declination) * np.cos(hour_angle) * (np.cos(lat) * np.cos(tilt) + np.sin(lat) * np.sin(tilt) * np.cos(turned))
        + np.cos(declination) * np.sin(tilt) * np.sin(turned) * np.sin(hour_angle)
    )
    height = np.maximum(up, 0.0)
    level = np.where(up > 0, 1_098.0 * height * np.exp(-0.057 / np.maximum(height, 1e-3)), 0.0)
    diffuse = 0.15 * level
    direct = np.divide(level - diffuse, height, out=np.zeros_like(level), where=height > 0.03)
    on_plane: Floats = np.where(up > 0, direct * np.maximum(facing, 0.0) + diffuse * (1 + np.cos(tilt)) / 2, 0.0)
    return on_plane * 1_000.0 / SUN_W


def made_sun_w(plane: Plane, time_s: Floats, how: tuple[float, float], seed: int) -> Floats:
    """Power of one kW (n,) [W] under a made sky: `how` is the mean clearness of days [1] and the performance of a plant [1]."""
    mean, performance = how
    days = np.floor((time_s + plane.lon / 360 * DAY_S) / DAY_S).astype(np.int64)
    names, where = np.unique(days, return_inverse=True)
    chance = np.random.default_rng(seed)
    clearness = np.clip(chance.normal(mean, CLEARNESS_SD, len(names)), 0.08, 1.0)
    sun: Floats = clear_w_per_kw(plane, time_s) * clearness[where] * performance
    return sun
