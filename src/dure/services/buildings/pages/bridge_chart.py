"""The change of emissions as SVG: both periods as bars from 0, and each effect as a step between them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup, escape

from dure.web.charts import nice_step

if TYPE_CHECKING:
    from dure.web.i18n import Speech

LEFT, RIGHT, TOP, BOTTOM = 64.0, 16.0, 26.0, 34.0
G_PER_T = 1_000_000.0


class Step(NamedTuple):
    """A bar: its name, from where to where [gCO2e], and whether it is a whole period."""

    name: str
    begin_g: int
    end_g: int
    whole: bool


def bridge_chart(steps: Sequence[Step], summary: str, say: Speech, *, width: int = 720, height: int = 300) -> Markup:
    """The steps as one SVG element; the table beside it says the same."""
    values = [value / G_PER_T for one in steps for value in (one.begin_g, one.end_g)]
    low, high = min(0.0, *values), max(0.0, *values)
    step = nice_step(max(high - low, 1e-9) / 5)
    low, high = math.floor(low / step) * step, math.ceil(high / step + 1e-9) * step or step

    def y(value: float) -> float:
        return (height - BOTTOM) - (value - low) / (high - low) * (height - BOTTOM - TOP)

    decimals = max(0, -math.floor(math.log10(step)))
    parts = [f'<text class="chart-unit" x="4" y="14">{escape("t CO2e")}</text>']
    for number in range(round((high - low) / step) + 1):
        value = low + number * step
        label = say.number(value, decimals)
        parts.append(
            f'<line class="chart-grid" x1="{LEFT}" x2="{width - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
            f'<text class="chart-tick" x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{label}</text>'
        )
    room = (width - LEFT - RIGHT) / len(steps)
    for number, one in enumerate(steps):
        parts.append(_bar(one, LEFT + number * room, room, (y(one.begin_g / G_PER_T), y(one.end_g / G_PER_T)), height))
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary)}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _bar(one: Step, x: float, room: float, ends: tuple[float, float], height: int) -> str:
    """A bar with its name below; what falls has an arrow down, what rises one up."""
    top, bottom = min(ends), max(ends)
    sign = "" if one.whole or one.begin_g == one.end_g else ("▼" if one.end_g < one.begin_g else "▲")
    shape = "chart-dot" if one.whole else "chart-band"
    return (
        f'<rect class="{shape}" x="{x + room * 0.15:.1f}" y="{top:.1f}" width="{room * 0.7:.1f}" '
        f'height="{max(1.0, bottom - top):.1f}"/>'
        f'<text class="chart-tick" x="{x + room / 2:.1f}" y="{top - 4:.1f}" text-anchor="middle">{sign}</text>'
        f'<text class="chart-tick" x="{x + room / 2:.1f}" y="{height - 12}" text-anchor="middle">{escape(one.name)}</text>'
    )
