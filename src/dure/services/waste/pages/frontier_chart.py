"""The dial as a chart: kilometres against expected overflow, a point for each worth of an avoided overflow. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from dure.web.charts import nice_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.web.i18n import Speech

LEFT, RIGHT, TOP, BOTTOM = 56.0, 16.0, 26.0, 46.0


class Dial(NamedTuple):
    """One point: what the city would drive for an avoided overflow [km], and what the day comes to."""

    dial_km: float
    km: float
    overflow: float
    chosen: bool


class _Axis(NamedTuple):
    """Values from 0 to `high` in steps, drawn from `begin` to `end` [px]."""

    high: float
    step: float
    begin: float
    end: float

    def at(self, value: float) -> float:
        return self.begin + value / self.high * (self.end - self.begin)

    @property
    def ticks(self) -> list[float]:
        return [number * self.step for number in range(round(self.high / self.step) + 1)]

    @property
    def decimals(self) -> int:
        return max(0, -math.floor(math.log10(self.step)))


def frontier_chart(dials: Sequence[Dial], say: Speech, *, width: int = 640, height: int = 320) -> Markup:
    """The frontier as one SVG element; the table beside it says the same."""
    x = _axis(max(one.km for one in dials), LEFT, width - RIGHT)
    y = _axis(max(one.overflow for one in dials), height - BOTTOM, TOP)
    line = " ".join(f"{x.at(one.km):.1f},{y.at(one.overflow):.1f}" for one in sorted(dials, key=lambda each: each.km))
    parts = [
        *(_tick_y(y, value, width, say) for value in y.ticks),
        *(_tick_x(x, value, height, say) for value in x.ticks),
        f'<text class="chart-unit" x="4" y="14">{escape(say("넘칠 통"))}</text>',
        f'<text class="chart-unit" x="{width - RIGHT:.0f}" y="{height - 6}" text-anchor="end">km</text>',
        f'<polyline class="chart-line" points="{line}"/>',
        *(_point(x.at(one.km), y.at(one.overflow), one, say) for one in dials),
    ]
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(_summary(dials, say))}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _axis(high: float, begin: float, end: float) -> _Axis:
    step = nice_step(max(high, 1e-6) / 5)
    return _Axis(math.ceil(high / step + 1e-9) * step or step, step, begin, end)


def _tick_y(axis: _Axis, value: float, width: int, say: Speech) -> str:
    at, label = axis.at(value), say.number(value, axis.decimals)
    return (
        f'<line class="chart-grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        f'<text class="chart-tick" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{label}</text>'
    )


def _tick_x(axis: _Axis, value: float, height: int, say: Speech) -> str:
    at, label = axis.at(value), say.number(value, axis.decimals)
    low = height - BOTTOM
    return (
        f'<line class="chart-axis" x1="{at:.1f}" x2="{at:.1f}" y1="{low}" y2="{low + 5}"/>'
        f'<text class="chart-tick" x="{at:.1f}" y="{low + 20}" text-anchor="middle">{label}</text>'
    )


def _point(x: float, y: float, one: Dial, say: Speech) -> str:
    """A dot; the chosen one is a diamond with its dial beside it."""
    if not one.chosen:
        return f'<circle class="chart-dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>'
    name = escape(say("{km} km로 정함", km=say.number(one.dial_km, 1)))
    return (
        f'<path class="chart-unevaluated" d="M{x:.1f} {y - 7:.1f}l7 7-7 7-7-7z"/>'
        f'<text class="chart-tick" x="{x + 11:.1f}" y="{y - 6:.1f}">{name}</text>'
    )


def _summary(dials: Sequence[Dial], say: Speech) -> str:
    least, most = min(dials, key=lambda one: one.km), max(dials, key=lambda one: one.km)
    return say(
        "거리와 넘침의 맞바꿈: {low} km면 넘칠 통 {over}개, {high} km면 {under}개입니다.",
        low=say.number(least.km, 1),
        over=say.number(least.overflow, 2),
        high=say.number(most.km, 1),
        under=say.number(most.overflow, 2),
    )
