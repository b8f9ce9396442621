"""A study as SVG: cost of a year by size of the storage, one pair of lines for each generator: possible and reached. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from dure.web.charts import nice_step

if TYPE_CHECKING:
    from dure.services.charging.sizing.model import Point
    from dure.web.i18n import Speech

LEFT, RIGHT, TOP, BOTTOM = 64.0, 70.0, 26.0, 46.0
MILLION = 1_000_000.0


class _Axis(NamedTuple):
    low: float
    high: float
    step: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)

    @property
    def ticks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]

    @property
    def decimals(self) -> int:
        return max(0, -math.floor(math.log10(self.step)))


def study_chart(points: Sequence[Point], summary: str, say: Speech, *, width: int = 720, height: int = 340) -> Markup:
    """Points of one contract as one SVG element; the table beside it says the same."""
    x = _axis([0.0, *(one.storage_kwh for one in points)], LEFT, width - RIGHT)
    y = _axis([won / MILLION for one in points for won in (one.best_won, one.reached_won)], height - BOTTOM, TOP)
    money, size = escape(say("백만 원/년")), escape(say("저장장치 kWh"))
    parts = [
        *(_tick_y(y, value, width, say) for value in y.ticks),
        *(_tick_x(x, value, height, say) for value in x.ticks),
        f'<text class="chart-unit" x="4" y="14">{money}</text>',
        f'<text class="chart-unit" x="{width - RIGHT:.0f}" y="{height - 6}" text-anchor="end">{size}</text>',
    ]
    for solar_kw in sorted({one.solar_kw for one in points}):
        own = sorted((one for one in points if one.solar_kw == solar_kw), key=lambda one: one.storage_kwh)
        parts.append(_line("chart-limit", [(one.storage_kwh, one.best_won) for one in own], x, y))
        parts.append(_line("chart-line", [(one.storage_kwh, one.reached_won) for one in own], x, y))
        parts += [
            f'<circle class="chart-dot" cx="{x.at(one.storage_kwh):.1f}" cy="{y.at(one.reached_won / MILLION):.1f}" r="4"/>'
            for one in own
        ]
        right, level = x.at(own[-1].storage_kwh) + 8, y.at(own[-1].reached_won / MILLION) + 4
        label = escape(say("태양광 {n} kW", n=say.number(solar_kw)))
        parts.append(f'<text class="chart-tick" x="{right:.1f}" y="{level:.1f}">{label}</text>')
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary)}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _axis(values: Sequence[float], begin: float, end: float) -> _Axis:
    low, high = min(values), max(values)
    step = nice_step(max(high - low, 1e-6) / 5)
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step
    return _Axis(low, high if high > low else low + step, step, begin, end)


def _line(name: str, points: Sequence[tuple[float, float]], x: _Axis, y: _Axis) -> str:
    drawn = " ".join(f"{x.at(size):.1f},{y.at(won / MILLION):.1f}" for size, won in points)
    return f'<polyline class="{name}" points="{drawn}" fill="none"/>'


def _tick_y(axis: _Axis, value: float, width: int, say: Speech) -> str:
    at = axis.at(value)
    return (
        f'<line class="chart-grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="chart-tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{say.number(value, axis.decimals)}</text>'
    )


def _tick_x(axis: _Axis, value: float, height: int, say: Speech) -> str:
    at, low = axis.at(value), height - BOTTOM
    return (
        f'<line class="chart-axis" x1="{at:.1f}" x2="{at:.1f}" y1="{low}" y2="{low + 5}"/>'
        f'<text class="chart-tick" x="{at:.1f}" y="{low + 20}" text-anchor="middle">{say.number(value, axis.decimals)}</text>'
    )
