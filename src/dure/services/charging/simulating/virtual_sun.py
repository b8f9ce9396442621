"""The sun over virtual solar generators: clear sky by `pvlib`, clouds by a seed.

Clear sky is Ineichen and Perez (2002) with a Linke turbidity of the demo's own, on the tilted plane by isotropic transposition;
what the generator gives is its peak power times the irradiance over 1,000 W/m2 times `YIELD` (temperature, wiring, inverter).
Any instant can be asked in any order.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from dure.core.time import US_PER_S, from_us, to_us
from dure.services.charging.model import Solar
from dure.services.charging.simulating.virtual_drivers import chance

STEP_S = 300
STEPS = 86_400 // STEP_S
TURBIDITY = 3.5
ALTITUDE_M = 30.0
YIELD = 0.85
CLOUD_S = (900, 5_400)  # clouds that pass, and fronts
SKIES = ((0.45, 0.95, 0.06), (0.75, 0.65, 0.22), (1.0, 0.28, 0.12))  # up to this chance: mean clearness, how much it varies


@lru_cache(maxsize=256)
def clear_day(lon: float, lat: float, tilt: float, azimuth: float, day: date) -> NDArray[np.float64]:
    """Irradiance of a clear UTC day on a plane at each step and at the end (STEPS + 1,) [W/m2]."""
    import pandas as pd  # noqa: PLC0415  # slow to import, needed by the demo alone
    from pvlib import atmosphere, clearsky, irradiance, solarposition  # noqa: PLC0415  # as above

    times = pd.date_range(start=str(day), periods=STEPS + 1, freq=f"{STEP_S}s", tz="UTC")
    sun = solarposition.get_solarposition(times, lat, lon, altitude=ALTITUDE_M)
    pressure_pa = atmosphere.alt2pres(ALTITUDE_M)
    mass = atmosphere.get_absolute_airmass(atmosphere.get_relative_airmass(sun.apparent_zenith), pressure_pa)
    extra = float(irradiance.get_extra_radiation(day.timetuple().tm_yday))
    sky = clearsky.ineichen(sun.apparent_zenith, mass, TURBIDITY, ALTITUDE_M, extra)
    plane = irradiance.get_total_irradiance(tilt, azimuth, sun.apparent_zenith, sun.azimuth, sky["dni"], sky["ghi"], sky["dhi"])
    return np.asarray(np.nan_to_num(np.maximum(plane["poa_global"].to_numpy(dtype=np.float64), 0.0)), dtype=np.float64)


def warm_up(day: date) -> None:
    """Load what is slow to load, so that the first step of a site is as quick as the next."""
    clear_day(127.0, 37.0, 30.0, 180.0, day)


def clearness(seed: int, at_us: int) -> float:
    """Share of the clear sky's light that comes through the clouds; one sky for the whole city."""
    drawn = chance(seed, "sky", at_us // (86_400 * US_PER_S))
    mean, spread = next((mean, spread) for most, mean, spread in SKIES if drawn <= most)
    noise = sum(_smooth(seed, at_us, length_s) for length_s in CLOUD_S) / len(CLOUD_S)
    return min(max(mean + 2 * spread * noise, 0.03), 1.0)


def _smooth(seed: int, at_us: int, length_s: int) -> float:
    """Noise in (-1, 1) that goes smoothly from one node to the next."""
    node, left = divmod(at_us, length_s * US_PER_S)
    part = left / (length_s * US_PER_S)
    part = part * part * (3 - 2 * part)
    first, second = (2 * chance(seed, f"cloud {length_s}", one) - 1 for one in (node, node + 1))
    return first + (second - first) * part


def power_w(seed: int, solar: Solar, place: tuple[float, float], at_us: int) -> float:
    """What a generator at a place (longitude, latitude) gives at an instant [W]."""
    at = from_us(at_us)
    table = clear_day(*place, solar.tilt, solar.azimuth, at.date())
    step, left = divmod(at_us - to_us(_midnight(at)), STEP_S * US_PER_S)
    part = left / (STEP_S * US_PER_S)
    light = float(table[step] + (table[step + 1] - table[step]) * part)
    return solar.peak_w * light / 1_000 * YIELD * clearness(seed, at_us) if light > 0 else 0.0


def _midnight(at: datetime) -> datetime:
    return at - timedelta(hours=at.hour, minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
