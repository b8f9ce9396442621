"""How well a model fits, in the terms of ASHRAE Guideline 14-2014, and its fractional savings uncertainty.

What counts as good enough (CV(RMSE), NMBE by interval) is dated data and no part of this module.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from dure.services.buildings.modelling.outcome import Floats, Refused


@dataclass(frozen=True)
class Goodness:
    """Of n pairs of use and prediction.

    Attributes
    ----------
    cv_rmse : root mean squared residual, n - coefficients in the denominator, over mean use [1]
    cv_rmse_plain : the same with n in the denominator [1]
    nmbe : sum of (predicted - used) over (n - coefficients) and mean use [1]; positive = predicts too much
    r_squared, r_squared_adj : [1]
    autocorrelation : of residuals one row apart [1]
    mse : sum of squared residuals over n - coefficients
    """

    n: int
    coefficients: int
    mean: float
    cv_rmse: float
    cv_rmse_plain: float
    nmbe: float
    r_squared: float
    r_squared_adj: float
    autocorrelation: float
    mse: float


def goodness(usage: Floats, predicted: Floats, coefficients: int) -> Goodness | Refused:
    """How well `predicted` (n,) tells `usage` (n,), in the order of time; rows that miss either do not count.

    Parameters
    ----------
    coefficients : that were fitted to these rows; 0 for rows the model has not seen
    """
    rows = np.isfinite(usage) & np.isfinite(predicted)
    n = int(rows.sum())
    if n <= coefficients + 1:
        return Refused("too_few", {"rows": float(n), "coefficients": float(coefficients)})
    used, residual = usage[rows], usage[rows] - predicted[rows]
    mean = float(used.mean())
    if mean == 0:
        return Refused("zero_use", {"rows": float(n)})
    sse, spread = float(residual @ residual), float(((used - mean) ** 2).sum())
    r_squared = 1 - sse / spread if spread > 0 else math.nan
    return Goodness(
        n=n,
        coefficients=coefficients,
        mean=mean,
        cv_rmse=math.sqrt(sse / (n - coefficients)) / abs(mean),
        cv_rmse_plain=math.sqrt(sse / n) / abs(mean),
        nmbe=float(-residual.sum() / (n - coefficients) / mean),
        r_squared=r_squared,
        r_squared_adj=1 - (1 - r_squared) * (n - 1) / (n - coefficients),
        autocorrelation=autocorrelation(residual),
        mse=sse / (n - coefficients),
    )


def autocorrelation(residual: Floats) -> float:
    """Correlation of each residual with the next; 0 where they do not vary."""
    centred = residual - residual.mean()
    spread = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / spread if spread > 0 else 0.0


def savings_uncertainty(fit: Goodness, use_after: float, n_after: int, confidence: float = 0.9) -> float:
    """Half width of the interval of a saving as ASHRAE Guideline 14-2014 (annex B4) has it, for models with autocorrelation.

        1.26 t E / (m mean) sqrt(MSE (n / n') (1 + 2 / n') m),        n' = n (1 - rho) / (1 + rho)

    Parameters
    ----------
    fit : of the baseline
    use_after : use the baseline model predicts for the reporting period, in all [unit of use]
    n_after : m, rows of the reporting period
    confidence : two-sided [1]

    Returns
    -------
    Half width [unit of use]. On hourly and daily data it is known to be too narrow (LBNL-ETA/RMV2.0 issue 7)
    """
    if n_after == 0:
        return 0.0
    rho = min(max(fit.autocorrelation, -0.99), 0.99)
    effective = max(fit.n * (1 - rho) / (1 + rho), fit.coefficients + 1.0)
    t = float(student.ppf(0.5 + confidence / 2, max(effective - fit.coefficients, 1.0)))
    inside = fit.mse * fit.n / effective * (1 + 2 / effective) * n_after
    return abs(1.26 * t * use_after / (n_after * fit.mean) * math.sqrt(inside))
