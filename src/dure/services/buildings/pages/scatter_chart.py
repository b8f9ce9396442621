"""Use against temperature, a dot a day, and the line a model draws through them, as SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from dure.web.charts import nice_step

if TYPE_CHECKING:
    from dure.web.i18n import Speech

LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 26.0, 46.0
DOTS_MAX = 800


class Dot(NamedTuple):
    """A day: its mean temperature [degree C] and its use."""

    temperature_c: float
    use: float


class Scatter(NamedTuple):
    """Days, the lines of a model (each by temperature), the unit of use, and the text that stands for all of it."""

    dots: Sequence[Dot]
    lines: Sequence[Sequence[Dot]]
    unit: str
    summary: str


class _Axis(NamedTuple):
    low: float
    high: float
    step: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.begin + (inside - self.low) / (self.high - self.low) * (self.end - self.begin)

    @property
    def ticks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def scatter_chart(scatter: Scatter, say: Speech, *, width: int = 720, height: int = 360) -> Markup:
    """The chart as one SVG element; the table beside it says the same."""
    every = [*scatter.dots, *(dot for line in scatter.lines for dot in line)]
    x = _axis([one.temperature_c for one in every], LEFT, width - RIGHT)
    y = _axis([0.0, *(one.use for one in every)], height - BOTTOM, TOP)
    shown = scatter.dots[:: max(1, math.ceil(len(scatter.dots) / DOTS_MAX))]
    parts = [
        *(_tick_y(y, value, width, say) for value in y.ticks),
        *(_tick_x(x, value, height, say) for value in x.ticks),
        f'<text class="chart-unit" x="4" y="14">{escape(scatter.unit)}</text>',
        f'<text class="chart-unit" x="{width - RIGHT:.0f}" y="{height - 6}" text-anchor="end">°C</text>',
        *(f'<circle class="chart-dot" cx="{x.at(one.temperature_c):.1f}" cy="{y.at(one.use):.1f}" r="2"/>' for one in shown),
        *(_line(line, x, y) for line in scatter.lines if len(line) > 1),
    ]
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(scatter.summary)}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = nice_step(max(high - low, 1e-6) / 5)
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    return _Axis(low, high if high > low else low + step, step, begin, end)


def _line(line: Sequence[Dot], x: _Axis, y: _Axis) -> str:
    points = " ".join(f"{x.at(one.temperature_c):.1f},{y.at(one.use):.1f}" for one in line)
    return f'<polyline class="chart-limit" points="{points}" fill="none"/>'


def _tick_y(axis: _Axis, value: float, width: int, say: Speech) -> str:
    decimals = max(0, -math.floor(math.log10(axis.step))) if axis.step < 1 else 0
    at = axis.at(value)
    return (
        f'<line class="chart-grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="chart-tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{say.number(value, decimals)}</text>'
    )


def _tick_x(axis: _Axis, value: float, height: int, say: Speech) -> str:
    at, low = axis.at(value), height - BOTTOM
    return (
        f'<line class="chart-axis" x1="{at:.1f}" x2="{at:.1f}" y1="{low}" y2="{low + 5}"/>'
        f'<text class="chart-tick" x="{at:.1f}" y="{low + 20}" text-anchor="middle">{say.number(value)}</text>'
    )
