"""The hourly model: Time Of Week and Temperature, one model a month with half the weight of the months beside it.

    use = level of the hour of the week + piecewise linear in temperature, by whether the building is occupied at that hour

after Mathieu, Price, Kiliccote, Piette (2011), IEEE Trans. Smart Grid 2, 507, doi 10.1109/TSG.2011.2145010, with the months'
weights of CalTRACK 3.10. Hours are local: the hour of the week is taken at each hour's own offset from UTC, so that days of 23
and 25 hours need no care; missing hours are rows that are not there. Where a month has no hot or cold hours the line goes on
straight; where it has none of an hour of the week the whole year's level stands in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dure.services.buildings.modelling.compiling import kernel
from dure.services.buildings.modelling.outcome import Bools, Floats, Ints, Refused, objection, usable

HOUR_US = 3_600_000_000
KNOTS_F = (30.0, 45.0, 55.0, 65.0, 75.0, 90.0)  # CalTRACK 3.9
KNOTS_C = (-1.0, 7.0, 13.0, 18.5, 24.0, 32.0)  # about the same in degrees Celsius


@dataclass(frozen=True)
class Hourly:
    """How an hourly model is made.

    Attributes
    ----------
    knots : temperatures at which the line may bend, beside the lowest and highest of the data
    apart_min : knots nearer to the ends of the data are left out [degree]
    neighbour : weight of the months before and after
    occupied_min : an hour of the week is occupied where use is above temperature's in more than this share of weeks
    stiffness : how much the line resists bending where hours are few [1]
    rows_min : hours that are needed: four weeks
    net : whether use may be negative
    """

    knots: tuple[float, ...] = KNOTS_F
    apart_min: float = 2.0
    neighbour: float = 0.5
    occupied_min: float = 0.65
    stiffness: float = 1e-3
    rows_min: int = 672
    net: bool = False


DEFAULT = Hourly()


@dataclass(frozen=True, eq=False)
class Towt:
    """A fitted hourly model.

    Attributes
    ----------
    knots : (n_knots,) [degree]
    occupied : (168,) from Monday 00:00 local
    levels : (13, 168) by month, the last of the whole year [unit of use / h]
    beta : (13, 2, n_knots) use at each knot, of hours that are not and that are occupied
    seen : (12,) whether a month had hours of its own
    n : hours it was fitted to
    coefficients : levels and knots that had data, in all months
    """

    knots: Floats
    occupied: Bools
    levels: Floats
    beta: Floats
    seen: Bools
    n: int
    coefficients: int

    def predict(self, temperature: Floats, hour_of_week: Ints, month: Ints) -> Floats:
        """(n,) use of hours of these temperatures, hours of the week (0-167) and months (0-11); NaN where it cannot be told."""
        temperature = np.array(temperature, float)  # of the layout that is compiled
        which = np.where(self.seen[month], month, 12)
        told: Floats = kernel("towt_kernel").predict_hours(
            (temperature, np.array(hour_of_week, np.int64), which), self.knots, self.occupied, self.levels, self.beta
        )
        return told


def local_hours(at_us: Ints, offset_us: Ints | int) -> tuple[Ints, Ints]:
    """Hour of the week (0 = Monday 00:00) and month (0-11) of instants (n,) [us since 1970 UTC] at their offsets from UTC."""
    hours = (np.asarray(at_us, np.int64) + offset_us) // HOUR_US
    month = hours.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64) % 12
    return (hours + 72) % 168, month  # 1970-01-01 was a Thursday


def fit_hourly(temperature: Floats, usage: Floats, hour_of_week: Ints, month: Ints, how: Hourly = DEFAULT) -> Towt | Refused:
    """The hourly model of one meter.

    Parameters
    ----------
    temperature : (n,) of each hour, NaN where missing
    usage : (n,) of each hour, NaN where missing
    hour_of_week, month : (n,) as `local_hours` gives them

    Returns
    -------
    The model, or why there is none
    """
    temperature, usage = np.asarray(temperature, float), np.asarray(usage, float)
    hour, month = np.asarray(hour_of_week, np.int64), np.asarray(month, np.int64)
    why = objection(temperature, usage, how.rows_min, net=how.net)
    if why is not None:
        return why
    if hour.shape != usage.shape or month.shape != usage.shape or _outside(hour, 168) or _outside(month, 12):
        return Refused("cell_unknown", {"rows": float(usage.size)})
    kept = usable(temperature, usage)
    rows = (temperature[kept], usage[kept], hour[kept], month[kept])
    knots = _knots(rows[0], how)
    module, scale = kernel("towt_kernel"), float(np.abs(rows[1]).max())
    scaled = (rows[0], rows[1] / scale, rows[2], rows[3])
    occupied = module.occupancy(scaled, knots, how.occupied_min)
    levels, beta = module.fit_hours(scaled, knots, occupied, how.neighbour, how.stiffness)
    seen = np.bincount(rows[3], minlength=12) > 0
    hours = len(np.unique(rows[2]))
    return Towt(
        knots=knots,
        occupied=occupied,
        levels=levels * scale,
        beta=beta * scale,
        seen=seen,
        n=len(rows[1]),
        coefficients=int(seen.sum()) * (hours + 2 * (len(knots) - 1)),
    )


def _outside(values: Ints, end: int) -> bool:
    return bool(len(values) and (values.min() < 0 or values.max() >= end))


def _knots(temperature: Floats, how: Hourly) -> Floats:
    low, high = float(temperature.min()), float(temperature.max())
    inner = [knot for knot in sorted(how.knots) if low + how.apart_min < knot < high - how.apart_min]
    return np.array([low, *inner, high])
