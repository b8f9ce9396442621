"""How good probabilities and intervals were, once it is known what happened: pure measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from dure.services.waste.model import BoolArray, FloatArray


def brier(probability: FloatArray, happened: BoolArray) -> float:
    """Mean squared error of probabilities (Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2); nan of none."""
    return float(np.mean((probability - happened) ** 2)) if len(probability) else float("nan")


def reliability_error(probability: FloatArray, happened: BoolArray, bins_n: int = 10) -> float:
    """Mean distance of what was said and what happened over even classes of probability, weighed by their size; nan of none.

    The expected calibration error (Naeini et al. 2015).
    """
    if not len(probability):
        return float("nan")
    number = np.minimum((probability * bins_n).astype(np.int64), bins_n - 1)
    said = np.bincount(number, weights=probability, minlength=bins_n)
    came = np.bincount(number, weights=happened.astype(np.float64), minlength=bins_n)
    return float(np.abs(said - came).sum() / len(probability))


def reliability(probability: FloatArray, happened: BoolArray, bins_n: int = 10) -> list[tuple[float, float, int]]:
    """Of each class of probability that is not empty: mean said, share that happened, how many. For a chart."""
    number = np.minimum((probability * bins_n).astype(np.int64), bins_n - 1)
    rows = [number == one for one in range(bins_n)]
    return [(float(probability[row].mean()), float(happened[row].mean()), int(row.sum())) for row in rows if row.any()]


def interval_coverage(low: FloatArray, high: FloatArray, came: FloatArray) -> float:
    """Share of values inside their interval, ends included; nan of none."""
    return float(np.mean((low <= came) & (came <= high))) if len(came) else float("nan")


def step_coverage(spread: FloatArray, came: FloatArray, share: float) -> float:
    """Share of values inside the central interval when only steps are seen, each even over its span; nan of none.

    A whole step cannot be cut at the 10th percentile, so counting it in or out misstates the coverage. As the PIT for
    counts does (Czado, Gneiting, Held 2009, doi 10.1111/j.1541-0420.2009.01191.x), a step counts by the part of it inside.

    Parameters
    ----------
    spread : (n, k) probability of each step
    came : (n,) number of the step that came
    share : of the central interval, 0.8
    """
    if not len(came):
        return float("nan")
    rows = np.arange(len(came))
    above = np.cumsum(spread, axis=1)[rows, came.astype(np.int64)]
    size = np.maximum(spread[rows, came.astype(np.int64)], 1e-12)
    tail = (1 - share) / 2
    inside = np.minimum(above, 1 - tail) - np.maximum(above - size, tail)
    return float(np.mean(np.clip(inside, 0, None) / size))


def absolute_error(said: FloatArray, came: FloatArray) -> float:
    """Mean absolute error [1]; nan of none."""
    return float(np.mean(np.abs(said - came))) if len(came) else float("nan")
