"""Charts of reports as SVG, the same for screen, print and PDF: shapes and text only, the same bytes every time. Pure.

Each has its figures in a table beside it. Fuels differ by colour and by the order in which they stand, which the legend repeats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 704, 34, 218
INK, SOFT, LINE = "#1e2124", "#464c53", "#cdd1d5"
FONT = "Pretendard GOV"
FILLS = {
    "electricity": "#0b50d0", "city_gas": "#eb7a00", "heat": "#b01f4f", "lpg": "#6d7882", "kerosene": "#8a949e",
    "diesel": "#58616a", "fuel_oil_bc": "#33363d",
}  # fmt: skip
OTHER = "#6d7882"


class Layer(NamedTuple):
    """One fuel: its id, its name, a value for each month (None: not known)."""

    id: str
    name: str
    values: Sequence[float | None]


class Point(NamedTuple):
    """A year's planned and actual value; `actual` None: not known in full."""

    year: int
    planned: float
    actual: float | None


class Span(NamedTuple):
    """What a year will come to, with its interval."""

    year: int
    value: float
    low: float
    high: float


def stacked_months(title: str, months: Sequence[str], layers: Sequence[Layer], unit: str) -> str:
    """Months as stacked columns."""
    sums = [sum(layer.values[i] or 0 for layer in layers) for i in range(len(months))]
    top = nice_top(max([*sums, 0]))
    step = (RIGHT - LEFT) / max(len(months), 1)
    parts = [*_axis(top, unit), *_legend([(layer.name, FILLS.get(layer.id, OTHER)) for layer in layers])]
    for i, month in enumerate(months):
        x, y = LEFT + i * step, float(BOTTOM)
        for layer in layers:
            height = (layer.values[i] or 0) / top * (BOTTOM - TOP)
            if height > 0:
                y -= height
                parts.append(
                    f'<rect x="{x + step * 0.15:.1f}" y="{y:.1f}" width="{step * 0.7:.1f}" height="{height:.1f}" '
                    f'fill="{FILLS.get(layer.id, OTHER)}" stroke="#ffffff" stroke-width="0.6"/>'
                )
        label = month[2:] if i == 0 or month.endswith("-01") else month[5:]
        parts.append(_text(x + step / 2, BOTTOM + 16, label, "middle"))
    return _svg(title, parts)


def trajectory(
    title: str, points: Sequence[Point], ahead: Span | None, unit: str, names: tuple[str, str, str]
) -> str:  # a chart's parts
    """Years as columns, the line to the goal above them, and this year's end with its interval; `names` of the three."""
    highest = [value for one in points for value in (one.planned, one.actual or 0)]
    top = nice_top(max([*highest, ahead.high if ahead else 0]))
    step = (RIGHT - LEFT) / max(len(points), 1)
    scale = (BOTTOM - TOP) / top
    every = math.ceil(len(points) / 12)
    parts = [
        *_axis(top, unit),
        *_legend([(names[0], "#0b50d0"), (names[1], "#b01f4f"), *([(names[2], "#6d7882")] if ahead else [])]),
    ]
    for i, one in enumerate(points):
        x = LEFT + i * step
        if one.actual is not None:
            parts.append(
                f'<rect x="{x + step * 0.2:.1f}" y="{BOTTOM - one.actual * scale:.1f}" width="{step * 0.6:.1f}" '
                f'height="{one.actual * scale:.1f}" fill="#0b50d0"/>'
            )
        if ahead and ahead.year == one.year and one.actual is None:
            parts += _ahead(ahead, x + step / 2, step, scale)
        if (len(points) - 1 - i) % every == 0:
            parts.append(_text(x + step / 2, BOTTOM + 16, str(one.year), "middle"))
    line = " ".join(f"{LEFT + (i + 0.5) * step:.1f},{BOTTOM - one.planned * scale:.1f}" for i, one in enumerate(points))
    parts.append(f'<polyline points="{line}" fill="none" stroke="#b01f4f" stroke-width="2" stroke-dasharray="6 4"/>')
    return _svg(title, parts)


def _ahead(ahead: Span, x: float, step: float, scale: float) -> list[str]:
    y, low, high = (BOTTOM - value * scale for value in (ahead.value, ahead.low, ahead.high))
    tick = min(step * 0.2, 6)
    box = (
        f'<rect x="{x - step * 0.3:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{BOTTOM - y:.1f}" fill="#ffffff" '
        'stroke="#6d7882" stroke-width="1.5" stroke-dasharray="3 2"/>'
    )
    bar = f"M{x:.1f} {low:.1f}V{high:.1f}M{x - tick:.1f} {low:.1f}h{2 * tick:.1f}M{x - tick:.1f} {high:.1f}h{2 * tick:.1f}"
    return [box, f'<path d="{bar}" fill="none" stroke="{INK}" stroke-width="1.5"/>']


def place(
    title: str, quartiles: tuple[float, float, float], value: float, target: float | None, names: tuple[str, str, str]
) -> str:
    """Where a building stands: quartiles of its group as a box, itself as a diamond, the target as a line."""
    top = nice_top(max([*quartiles, value, target or 0]))
    left, right, y = 16, WIDTH - 16, 56

    def x(of: float) -> float:
        return left + of / top * (right - left)

    low, median, high = (x(one) for one in quartiles)
    parts = [
        f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}" stroke="{LINE}"/>',
        f'<rect x="{low:.1f}" y="{y - 12}" width="{max(high - low, 1):.1f}" height="24" fill="#e4edff" stroke="#0b50d0"/>',
        f'<line x1="{median:.1f}" x2="{median:.1f}" y1="{y - 12}" y2="{y + 12}" stroke="#0b50d0" stroke-width="2"/>',
        _text(median, y + 28, f"{names[1]} {quartiles[1]:,.0f}", _anchor(median)),
        f'<path d="M{x(value):.1f} {y - 9}l9 9-9 9-9-9z" fill="{INK}"/>',
        _text(x(value), y - 20, f"{names[0]} {value:,.0f}", _anchor(x(value)), bold=True),
    ]
    if target is not None:
        at = x(target)
        parts.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{y - 16}" y2="{y + 34}" stroke="#b01f4f" stroke-width="2" '
            'stroke-dasharray="4 3"/>'
        )
        parts.append(_text(at, y + 48, f"{names[2]} {target:,.0f}", _anchor(at)))
    return _svg(title, parts, height=112)


def _anchor(x: float) -> str:
    return "start" if x < 90 else "end" if x > WIDTH - 90 else "middle"


def nice_top(highest: float) -> float:
    """The end of an axis from 0: the next of 1, 2, 2.5, 5 or 10 of its power of ten, 1 where all is 0."""
    if not highest > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest))
    return next(power * step for step in (1, 2, 2.5, 5, 10, 20) if power * step >= highest)


def _axis(top: float, unit: str) -> list[str]:
    parts = [_text(LEFT - 8, TOP - 14, unit, "end")]
    for i in range(5):
        y = BOTTOM - i * (BOTTOM - TOP) / 4
        parts.append(
            f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}" stroke-width="{1.2 if i == 0 else 0.6}"/>'
        )
        parts.append(_text(LEFT - 8, y + 4, f"{top * i / 4:,.6g}", "end"))
    return parts


def _legend(named: Sequence[tuple[str, str]]) -> list[str]:
    parts, x = [], float(LEFT)
    for name, fill in named:
        parts.append(f'<rect x="{x:.1f}" y="8" width="11" height="11" fill="{fill}"/>')
        parts.append(_text(x + 16, 18, name, "start"))
        x += 34 + sum(12 if ord(one) > 0x1100 else 7 for one in name)
    return parts


def _text(x: float, y: float, text: str, anchor: str, *, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    fill = INK if bold else SOFT
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="12" text-anchor="{anchor}" fill="{fill}"{weight}>{escape(text)}</text>'


def _svg(title: str, parts: Sequence[str], height: int = HEIGHT) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="{FONT}" role="img" class="report-chart"><title>{escape(title)}</title>{"".join(parts)}</svg>'
    )
