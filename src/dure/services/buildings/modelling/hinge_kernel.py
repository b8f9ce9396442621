"""The loops behind change-point models: hinge sums for every balance point in one pass, and the best pair in closed form.

With the days sorted by temperature T, running sums of w, wT, wT^2, wy, wTy give for each balance point b of the grid, with
heating hinge h = max(0, b - T) and cooling hinge c = max(0, T - b)::

    sum wh   = b W - sum wT             over T < b (for c: the same from the warm end, signs turned)
    sum wh^2 = b^2 W - 2 b sum wT + sum wT^2
    sum why  = b sum wy - sum wTy

so that each candidate is a system of two equations. Sums are kept per cell (season x day type), and add up over cells. A row of
`sums` is (count, wh, wh^2, why) of heating, then the same of cooling; a row of `totals` is (count, w, wy, wy^2).

What comes out as ``answer`` (N_ANSWER,): kind, intercept, slope of heating, slope of cooling, place of either balance point on
the grid, adjusted R2, residual sum of squares, number of coefficients.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.modelling.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

N_SUMS, N_TOTALS, N_ANSWER = 8, 4, 9
NONE, INTERCEPT, HDD, CDD, BOTH = -1, 0, 1, 2, 3
KIND, BASE, SLOPE_H, SLOPE_C, PLACE_H, PLACE_C, R2_ADJ, SSE, COEFFICIENTS = 0, 1, 2, 3, 4, 5, 6, 7, 8
NON_ZERO_MIN, TOTAL_MIN, BASE_MIN, PENALTY, ROWS_MIN = 0, 1, 2, 3, 4
N_LIMITS = 5


@compiled
def hinge_sums(data: tuple[Floats, Floats, Floats, Ints], grid: Floats, sums: Floats, totals: Floats) -> None:
    """Fill `sums` (n_cells, 8, n_grid) and `totals` (n_cells, 4) from rows in ascending order of temperature.

    `data` is temperature, use, weight and cell, (n,) each; a row of weight 0 does not count.
    """
    temperature, usage, weight, cell = data
    n, cells = len(temperature), len(totals)
    running = np.zeros((cells, 6))
    totals[:] = 0.0
    for i in range(n):
        if weight[i] > 0:
            total = totals[cell[i]]
            total[0] += 1.0
            total[1] += weight[i]
            total[2] += weight[i] * usage[i]
            total[3] += weight[i] * usage[i] * usage[i]
    i = 0
    for g in range(len(grid)):
        while i < n and temperature[i] < grid[g]:
            _run(running[cell[i]], temperature[i], usage[i], weight[i])
            i += 1
        for at in range(cells):
            _tell(running[at], grid[g], 1.0, sums[at, 0:4, g])
    running[:] = 0.0
    i = n - 1
    for g in range(len(grid) - 1, -1, -1):
        while i >= 0 and temperature[i] > grid[g]:
            _run(running[cell[i]], temperature[i], usage[i], weight[i])
            i -= 1
        for at in range(cells):
            _tell(running[at], grid[g], -1.0, sums[at, 4:8, g])


@compiled
def _run(running: Floats, temperature: float, usage: float, weight: float) -> None:
    if weight > 0:
        running[0] += 1.0
        running[1] += weight
        running[2] += weight * temperature
        running[3] += weight * temperature * temperature
        running[4] += weight * usage
        running[5] += weight * usage * temperature


@compiled
def _tell(running: Floats, b: float, sign: float, told: Floats) -> None:
    told[0] = running[0]
    told[1] = sign * (b * running[1] - running[2])
    told[2] = b * b * running[1] - 2.0 * b * running[2] + running[3]
    told[3] = sign * (b * running[4] - running[5])


@compiled
def _centred(part: Floats, g: int, total: Floats) -> tuple[float, float]:
    """Sum of squares of a hinge around its mean, and of its products with use."""
    return part[2, g] - part[1, g] * part[1, g] / total[1], part[3, g] - part[1, g] * total[2] / total[1]


@compiled
def _single(part: Floats, total: Floats, limits: Floats, slope_at: int, answer: Floats) -> None:
    """The best model of one hinge, into `answer`; its kind stays NONE where none qualifies."""
    best = 0.0
    for g in range(part.shape[1]):
        if part[1, g] < limits[TOTAL_MIN] or part[0, g] < limits[NON_ZERO_MIN]:
            continue
        squares, products = _centred(part, g, total)
        if not squares > 1e-12 * part[2, g]:
            continue
        slope = products / squares
        base = (total[2] - slope * part[1, g]) / total[1]
        if slope < 0 or base < limits[BASE_MIN] or slope * products <= best:
            continue
        best = slope * products
        answer[KIND], answer[BASE] = slope_at - SLOPE_H + HDD, base
        answer[slope_at], answer[slope_at + 2] = slope, g
    answer[SSE], answer[COEFFICIENTS] = total[3] - total[2] * total[2] / total[1] - best, 3.0


@compiled
def _double(sums: Floats, total: Floats, cross: Floats, limits: Floats, answer: Floats) -> None:
    """The best model of two hinges, into `answer`; `cross` (n_grid, n_grid) or (0, 0): sums of w h c, by heating and cooling."""
    best, n = 0.0, sums.shape[1]
    means, squares, products = np.empty((2, n)), np.empty((2, n)), np.empty((2, n))
    usable = np.zeros((2, n), np.bool_)
    for side in range(2):
        part = sums[4 * side : 4 * side + 4]
        for g in range(n):
            usable[side, g] = part[1, g] >= limits[TOTAL_MIN] and part[0, g] >= limits[NON_ZERO_MIN]
            squares[side, g], products[side, g] = _centred(part, g, total)
            usable[side, g] = usable[side, g] and squares[side, g] > 1e-12 * part[2, g]
            means[side, g] = part[1, g] / total[1]
    mean = total[2] / total[1]
    for c in range(n):
        if not usable[1, c]:
            continue
        for h in range(c + 1):
            if not usable[0, h]:
                continue
            shc = -total[1] * means[0, h] * means[1, c]
            if cross.shape[0] > 0:
                shc += cross[h, c]
            apart = squares[0, h] * squares[1, c] - shc * shc
            if not apart > 1e-12 * squares[0, h] * squares[1, c]:
                continue
            heat = (products[0, h] * squares[1, c] - products[1, c] * shc) / apart
            cool = (products[1, c] * squares[0, h] - products[0, h] * shc) / apart
            base = mean - heat * means[0, h] - cool * means[1, c]
            explained = heat * products[0, h] + cool * products[1, c]
            if heat < 0 or cool < 0 or base < limits[BASE_MIN] or explained <= best:
                continue
            best = explained
            answer[KIND], answer[BASE], answer[SLOPE_H], answer[SLOPE_C] = BOTH, base, heat, cool
            answer[PLACE_H], answer[PLACE_C] = h, c
    answer[SSE] = total[3] - total[2] * total[2] / total[1] - best
    answer[COEFFICIENTS] = 4.0 if answer[PLACE_H] == answer[PLACE_C] else 5.0


@compiled
def _adjusted(answer: Floats, slopes: int, total: Floats) -> float:
    """Adjusted R2, -inf where it has no meaning."""
    spread, freedom = total[3] - total[2] * total[2] / total[1], total[0] - 1.0 - slopes
    if slopes == 0:
        return 0.0
    if not spread > 0 or freedom <= 0:
        return -math.inf
    found: float = 1.0 - answer[SSE] / spread * (total[0] - 1.0) / freedom
    return found


@compiled
def best_candidate(sums: Floats, total: Floats, cross: Floats, limits: Floats) -> Floats:
    """The best of all candidates: by adjusted R2 where the penalty is negative, else by n ln(SSE/n) + penalty x coefficients."""
    candidates = np.zeros((4, N_ANSWER))
    candidates[:, KIND] = NONE
    candidates[:, PLACE_H : PLACE_C + 1] = -1.0
    flat = candidates[0]
    flat[BASE], flat[COEFFICIENTS] = total[2] / total[1], 1.0
    flat[SSE] = total[3] - total[2] * total[2] / total[1]
    if flat[BASE] >= limits[BASE_MIN]:
        flat[KIND] = INTERCEPT
    _single(sums[0:4], total, limits, SLOPE_H, candidates[1])
    _single(sums[4:8], total, limits, SLOPE_C, candidates[2])
    _double(sums, total, cross, limits, candidates[3])
    best, least = -1, math.inf
    for which in range(4):
        one = candidates[which]
        if one[KIND] == NONE:
            continue
        slopes = 2 if which == 3 else min(which, 1)
        one[R2_ADJ] = _adjusted(one, slopes, total)
        score = -one[R2_ADJ]
        if limits[PENALTY] >= 0:
            score = total[0] * math.log(max(one[SSE], 1e-12 * total[3], 1e-300) / total[0]) + limits[PENALTY] * one[COEFFICIENTS]
        if score < least:
            best, least = which, score
    if best < 0:
        candidates[0, KIND] = NONE
    chosen: Floats = candidates[max(best, 0)]
    return chosen


@compiled
def fit_meters(shared: tuple[Floats, Floats], usage: Floats, weight: Floats, limits: Floats) -> Floats:
    """One model for each meter: `usage` and `weight` (n_meters, n) in ascending order of the shared temperature (n,).

    Use is centred here, so that the base that comes out is the meter's own.
    """
    temperature, grid = shared
    answers = np.empty((len(usage), N_ANSWER))
    sums, totals = np.zeros((1, N_SUMS, len(grid))), np.zeros((1, N_TOTALS))
    cell, cross, own = np.zeros(len(temperature), np.int64), np.zeros((0, 0)), limits.copy()
    for meter in range(len(usage)):
        mean = np.sum(usage[meter] * weight[meter]) / np.sum(weight[meter])
        hinge_sums((temperature, usage[meter] - mean, weight[meter], cell), grid, sums, totals)
        own[BASE_MIN] = limits[BASE_MIN] - mean
        answers[meter] = best_candidate(sums[0], totals[0], cross, own)
        answers[meter, BASE] += mean
    return answers


@compiled
def best_cover(cells: tuple[Floats, Floats], covers: Ints, members: Ints, limits: Floats) -> tuple[int, Floats]:
    """The cover (which blocks share the cells out) with the least n ln(SSE/n) + penalty x coefficients, and its models.

    `covers` (n_covers, n_cells) lists blocks, -1 for none; `members` (n_blocks, n_cells) is 1 where a block holds a cell.
    Returns the cover (-1: none) and an answer for each block, of kind NONE where it holds too few rows.
    """
    sums, totals = cells
    blocks = len(members)
    answers = np.zeros((blocks, N_ANSWER))
    answers[:, KIND] = NONE
    cross, counts = np.zeros((0, 0)), np.zeros(blocks)
    part, total = np.zeros(sums.shape[1:]), np.zeros(N_TOTALS)
    for block in range(blocks):
        part[:] = 0.0
        total[:] = 0.0
        for cell in range(len(totals)):
            if members[block, cell] == 1:
                part += sums[cell]
                total += totals[cell]
        counts[block] = total[0]
        if total[0] >= limits[ROWS_MIN]:
            answers[block] = best_candidate(part, total, cross, limits)
    best, least, rows = -1, math.inf, np.sum(totals[:, 0])
    floor = 1e-12 * np.sum(totals[:, 3])
    for cover in range(len(covers)):
        sse, coefficients, possible = 0.0, 0.0, True
        for block in covers[cover]:
            if block >= 0:
                possible = possible and answers[block, KIND] != NONE
                sse += answers[block, SSE]
                coefficients += answers[block, COEFFICIENTS]
        if possible:
            score = rows * math.log(max(sse, floor, 1e-300) / rows) + limits[PENALTY] * coefficients
            if score < least:
                best, least = cover, score
    return best, answers


def compile_ahead() -> None:
    """Compile the entries for the types they are called with, or load them from the cache."""
    temperature, grid, limits = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0]), np.zeros(N_LIMITS)
    fit_meters((temperature, grid), np.ones((1, 3)), np.ones((1, 3)), limits)
    sums, totals = np.zeros((1, N_SUMS, 2)), np.zeros((1, N_TOTALS))
    hinge_sums((temperature, temperature, temperature, np.zeros(3, np.int64)), grid, sums, totals)
    best_candidate(sums[0], totals[0] + 1.0, np.zeros((2, 2)), limits)
    best_cover((sums, totals + 1.0), np.zeros((1, 1), np.int64), np.ones((1, 1), np.int64), limits)
