"""A sensor against its reference, drawn on the server: before and after, on one and the same scale. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import msgspec
from markupsafe import Markup, escape

_LEFT, _TOP, _BOTTOM, _RIGHT = 52.0, 24.0, 44.0, 12.0
_STEPS = 5


class Scatter(msgspec.Struct, frozen=True, kw_only=True):
    """Values over their reference: points (reference, value), both axes from 0 to `top` in steps; the diagonal is agreement.

    `title`, `across`, `upward` and `unit` are words for the reader, `summary` is the picture in one sentence.
    """

    title: str
    summary: str
    across: str
    upward: str
    unit: str
    top: float
    step: float
    points: Sequence[tuple[float, float]]


def axis_of(values: Sequence[float], nice_step: Callable[[float], float]) -> tuple[float, float]:
    """The round end and the step of an axis that holds all but the highest hundredth of the values."""
    known = sorted(value for value in values if math.isfinite(value))
    high = max(known[min(len(known) - 1, int(0.99 * len(known)))] if known else 1.0, 0.1)
    step = nice_step(high / _STEPS)
    return math.ceil(high / step - 1e-9) * step, step


def scatter_chart(scatter: Scatter, number: Callable[[float, int], str], *, size: int = 360) -> Markup:
    """The picture as one SVG element; points beyond the axes lie on the frame. `number` writes a value with so many decimals."""
    width, height = float(size), float(size)
    side_x, side_y = width - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + min(max(value / scatter.top, 0.0), 1.0) * side_x

    def y(value: float) -> float:
        return height - _BOTTOM - min(max(value / scatter.top, 0.0), 1.0) * side_y

    decimals = max(0, -math.floor(math.log10(scatter.step))) if scatter.step < 1 else 0
    parts = [f'<text class="chart-unit" x="4" y="14">{escape(scatter.upward)} ({escape(scatter.unit)})</text>']
    for tick in range(round(scatter.top / scatter.step) + 1):
        value = tick * scatter.step
        label = number(value, decimals)
        grid = f'<line class="chart-grid" x1="{x(0):.1f}" x2="{x(scatter.top):.1f}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        left = f'<text class="chart-tick" x="{_LEFT - 8:.1f}" y="{y(value) + 4:.1f}" text-anchor="end">{label}</text>'
        below = f'<text class="chart-tick" x="{x(value):.1f}" y="{height - _BOTTOM + 18:.1f}" text-anchor="middle">{label}</text>'
        parts += [grid, left, below]
    parts.append(f'<line class="chart-axis" x1="{x(0):.1f}" x2="{x(scatter.top):.1f}" y1="{y(0):.1f}" y2="{y(0):.1f}"/>')
    parts.append(
        f'<path class="chart-axis" d="M{x(0):.1f} {y(0):.1f}L{x(scatter.top):.1f} {y(scatter.top):.1f}" stroke-dasharray="5 4"/>'
    )
    parts += [f'<circle class="chart-dot" cx="{x(one):.1f}" cy="{y(value):.1f}" r="2"/>' for one, value in scatter.points]
    across = escape(f"{scatter.across} ({scatter.unit})")
    parts.append(f'<text class="chart-tick" x="{width - _RIGHT:.1f}" y="{height - 6:.1f}" text-anchor="end">{across}</text>')
    label = escape(scatter.summary)
    opening = f'<svg class="chart" viewBox="0 0 {size} {size}" role="img" aria-label="{label}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in
