"""The loop that refines a change-point model off the grid: a smoothed hinge and a robust loss, by Levenberg and Marquardt.

    use = a + beta_h s(b_h - T; d_h) + beta_c s(T - b_c; d_c)        s(x; d) = (x + sqrt(x^2 + d^2)) / 2

with s the hinge at d = 0, rounded over about d degrees. The loss is Huber's; its tuning constant is the one, of a short list,
for which the estimated asymptotic variance is least (Wang, Lin, Zhu, Bai 2007, J. Comput. Graph. Stat. 16, 468,
doi 10.1198/106186007X180156): with normal residuals none is cut and it is least squares. Rounding must earn its coefficients.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.modelling.compiling import compiled

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

N_SHAPE = 7
BASE, SLOPE_H, SLOPE_C, POINT_H, POINT_C, ROUND_H, ROUND_C = 0, 1, 2, 3, 4, 5, 6
TUNINGS = (1.0, 1.345, 1.7, 2.0, 2.5, 3.0, math.inf)
STEPS = 24


@compiled
def predicted(temperature: float, shape: Floats) -> float:
    """Use at one temperature."""
    told: float = shape[BASE]
    if shape[SLOPE_H] != 0.0:
        x = shape[POINT_H] - temperature
        told += shape[SLOPE_H] * 0.5 * (x + math.sqrt(x * x + shape[ROUND_H] * shape[ROUND_H]))
    if shape[SLOPE_C] != 0.0:
        x = temperature - shape[POINT_C]
        told += shape[SLOPE_C] * 0.5 * (x + math.sqrt(x * x + shape[ROUND_C] * shape[ROUND_C]))
    return told


@compiled
def predict_rows(temperature: Floats, which: NDArray[np.int64], shapes: Floats) -> Floats:
    """(n,) use by the model `which` (n,) of each row; NaN where it is -1."""
    told = np.empty(len(temperature))
    for i in range(len(temperature)):
        told[i] = predicted(temperature[i], shapes[which[i]]) if which[i] >= 0 else math.nan
    return told


@compiled
def _loss(temperature: Floats, usage: Floats, shape: Floats, cut: float) -> float:
    """Huber's loss, scaled so that it is the sum of squares where nothing is cut."""
    total = 0.0
    for i in range(len(usage)):
        r = abs(usage[i] - predicted(temperature[i], shape))
        total += r * r if r <= cut else cut * (2.0 * r - cut)
    return total


@compiled
def _gradient(temperature: float, shape: Floats, slopes: Floats) -> None:
    """Derivatives of the use by each coefficient."""
    slopes[:] = 0.0
    slopes[BASE] = 1.0
    for side in range(2):
        x = shape[POINT_H] - temperature if side == 0 else temperature - shape[POINT_C]
        d = shape[ROUND_H + side]
        root = math.sqrt(x * x + d * d)
        slopes[SLOPE_H + side] = 0.5 * (x + root)
        if root > 0:
            slopes[POINT_H + side] = shape[SLOPE_H + side] * 0.5 * (1.0 + x / root) * (1.0 if side == 0 else -1.0)
            slopes[ROUND_H + side] = shape[SLOPE_H + side] * 0.5 * d / root


@compiled
def _normal(data: tuple[Floats, Floats], shape: Floats, free: Bools, cut: float, out: tuple[Floats, Floats]) -> None:
    """Normal equations of one step, weighted as Huber's loss asks."""
    temperature, usage = data
    matrix, right = out
    matrix[:] = 0.0
    right[:] = 0.0
    slopes = np.zeros(N_SHAPE)
    for i in range(len(usage)):
        r = usage[i] - predicted(temperature[i], shape)
        weight = 1.0 if abs(r) <= cut else cut / abs(r)
        _gradient(temperature[i], shape, slopes)
        for a in range(N_SHAPE):
            if free[a] and slopes[a] != 0.0:
                scaled = weight * slopes[a]
                right[a] += scaled * r
                for b in range(a + 1):
                    matrix[a, b] += scaled * slopes[b]


@compiled
def _factor(matrix: Floats, free: Bools, damping: float, lower: Floats) -> None:
    """Cholesky's factor of M + damping diag M over the free coefficients."""
    for a in range(N_SHAPE):
        for b in range(a + 1):
            if free[a] and free[b]:
                total = matrix[a, b]
                for k in range(b):
                    total -= lower[a, k] * lower[b, k]
                if a == b:
                    total += damping * matrix[a, a]
                    lower[a, a] = math.sqrt(max(total, 1e-14 * (matrix[a, a] + 1.0)))
                else:
                    lower[a, b] = total / lower[b, b]


@compiled
def _step(matrix: Floats, right: Floats, free: Bools, damping: float, step: Floats) -> None:
    """Solve (M + damping diag M) step = right over the free coefficients; others get 0."""
    lower = np.zeros((N_SHAPE, N_SHAPE))
    _factor(matrix, free, damping, lower)
    step[:] = 0.0
    for a in range(N_SHAPE):
        if free[a]:
            step[a] = right[a]
            for k in range(a):
                step[a] -= lower[a, k] * step[k]
            step[a] /= lower[a, a]
    for a in range(N_SHAPE - 1, -1, -1):
        if free[a]:
            for k in range(a + 1, N_SHAPE):
                step[a] -= lower[k, a] * step[k]
            step[a] /= lower[a, a]


@compiled
def _clip(shape: Floats, bounds: Floats) -> None:
    """Keep slopes and rounding from turning negative, balance points on the grid's span and in order."""
    for side in range(2):
        shape[SLOPE_H + side] = max(shape[SLOPE_H + side], 0.0)
        shape[POINT_H + side] = min(max(shape[POINT_H + side], bounds[0]), bounds[1])
        shape[ROUND_H + side] = min(max(shape[ROUND_H + side], 0.0), bounds[2])
    if shape[SLOPE_H] > 0 and shape[SLOPE_C] > 0 and shape[POINT_H] > shape[POINT_C]:
        middle = 0.5 * (shape[POINT_H] + shape[POINT_C])
        shape[POINT_H] = middle
        shape[POINT_C] = middle


@compiled
def _descend(data: tuple[Floats, Floats], shape: Floats, free: Bools, cut: float, bounds: Floats) -> float:
    """Move `shape` to a minimum of the loss; returns the loss."""
    matrix, right, step = np.zeros((N_SHAPE, N_SHAPE)), np.zeros(N_SHAPE), np.zeros(N_SHAPE)
    loss, damping, fresh = _loss(data[0], data[1], shape, cut), 1e-3, True
    for _ in range(STEPS):
        if fresh:
            _normal(data, shape, free, cut, (matrix, right))
        _step(matrix, right, free, damping, step)
        tried = shape + step
        _clip(tried, bounds)
        found = _loss(data[0], data[1], tried, cut)
        fresh = found < loss
        if fresh:
            small = loss - found < 1e-6 * loss
            shape[:] = tried
            loss, damping = found, damping * 0.2
            if small:
                break
        else:
            damping *= 8.0
            if damping > 1e6:
                break
    return loss


@compiled
def _cut(residual: Floats) -> float:
    """Where Huber's loss turns from square to straight [unit of use]; infinite where the residuals are normal."""
    size = np.sort(np.abs(residual))
    n = len(size)
    scale = 1.4826 * 0.5 * (size[(n - 1) // 2] + size[n // 2])
    if not scale > 0:
        return math.inf
    best, least = math.inf, math.inf
    for tuning in TUNINGS:
        squares, inside = 0.0, 0
        for r in size:
            squares += min(r, tuning * scale) ** 2
            inside += r <= tuning * scale
        variance = squares / n / (inside / n) ** 2 if inside else math.inf
        if variance < least:
            best, least = tuning * scale, variance
    return best


@compiled
def refine(data: tuple[Floats, Floats], start: Floats, bounds: Floats, robust: bool) -> tuple[Floats, float]:
    """The refined shape (7,) from one on the grid, and the loss's cut.

    `bounds` (4,): lowest and highest balance point, most rounding, penalty of a coefficient in n ln(loss/n).
    """
    temperature, usage = data
    n, shape = len(usage), start.copy()
    residual = np.empty(n)
    for i in range(n):
        residual[i] = usage[i] - predicted(temperature[i], shape)
    cut = _cut(residual) if robust else math.inf
    free = np.zeros(N_SHAPE, np.bool_)
    free[BASE] = True
    for side in range(2):
        free[SLOPE_H + side] = free[POINT_H + side] = shape[SLOPE_H + side] > 0
    loss = _descend(data, shape, free, cut, bounds)
    rounded, extra = shape.copy(), 0
    for side in range(2):
        if shape[SLOPE_H + side] > 0:
            free[ROUND_H + side] = True
            rounded[ROUND_H + side] = 0.2 * bounds[2]
            extra += 1
    if extra == 0 or bounds[2] <= 0:
        return shape, cut
    found = _descend(data, rounded, free, cut, bounds)
    if n * math.log(max(found, 1e-300) / max(loss, 1e-300)) + bounds[3] * extra < 0:
        return rounded, cut
    return shape, cut


def compile_ahead() -> None:
    """Compile the entries for the types they are called with, or load them from the cache."""
    row = np.array([0.0, 1.0, 2.0, 3.0])
    start = np.array([1.0, 1.0, 0.0, 2.0, 0.0, 0.0, 0.0])
    refine((row, row[::-1].copy()), start, np.array([0.0, 4.0, 1.0, 1.0]), robust=True)
    predict_rows(row, np.zeros(4, np.int64), start[None])
