"""Where a building stands among its like, as a line: the middle half of them as a band, the building as a mark. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from dure.services.buildings.comparing.peers import Place
from dure.web.charts import nice_step

if TYPE_CHECKING:
    from dure.web.i18n import Speech

LEFT, RIGHT, LINE = 12.0, 12.0, 34.0


def peer_line(place: Place, kwh_m2: float, target: float | None, say: Speech, *, width: int = 620) -> Markup:
    """One SVG element; the sentence and the table beside it say the same."""
    values = [place.high, kwh_m2, *([target] if target else [])]
    step = nice_step(max(values) * 1.15 / (5 if width >= 480 else 3))
    high = math.ceil(max(values) * 1.05 / step) * step

    def x(value: float) -> float:
        return LEFT + value / high * (width - LEFT - RIGHT)

    told = say(
        "1 m²에 {here} kWh. 비슷한 건물의 가운데 절반은 {low}~{high}, 중간값 {median} kWh.",
        here=say.number(kwh_m2, 1),
        low=say.number(place.low, 1),
        high=say.number(place.high, 1),
        median=say.number(place.median, 1),
    )
    here, wide = x(kwh_m2), x(place.high) - x(place.low)
    anchor = "start" if here < 60 else "end" if here > width - 60 else "middle"
    parts = [
        *(_tick(x(n * step), n * step, say) for n in range(round(high / step) + 1)),
        f'<line class="chart-axis" x1="{LEFT}" x2="{width - RIGHT}" y1="{LINE + 14}" y2="{LINE + 14}"/>',
        f'<rect class="chart-band" x="{x(place.low):.1f}" y="{LINE - 8}" width="{max(2.0, wide):.1f}" height="22"/>',
        f'<path class="chart-line" d="M{x(place.median):.1f} {LINE - 8}v22"/>',
        f'<path class="peer-here" d="M{here:.1f} {LINE + 12}l-7-13h14z"/>',
        f'<text class="chart-tick" x="{here:.1f}" y="{LINE - 14}" text-anchor="{anchor}">{escape(say("이 건물"))}</text>',
    ]
    if target:
        parts.append(f'<path class="chart-limit" d="M{x(target):.1f} {LINE - 10}v26"/>')
    opening = f'<svg class="chart" viewBox="0 0 {width} 72" role="img" aria-label="{escape(told)}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _tick(x: float, value: float, say: Speech) -> str:
    return (
        f'<line class="chart-axis" x1="{x:.1f}" x2="{x:.1f}" y1="{LINE + 14}" y2="{LINE + 18}"/>'
        f'<text class="chart-tick" x="{x:.1f}" y="{LINE + 32}" text-anchor="middle">{say.number(value)}</text>'
    )
