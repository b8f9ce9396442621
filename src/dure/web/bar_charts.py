"""Stacked columns, lines over named places and heat maps as SVG: readable without script, in print and, by their text, aloud.

Pure: values in, markup out, as `charts`. Each series has a pattern of its own, so that colour is never alone; what is estimated
or incomplete has a shape. The table beside a chart says the same; a page puts it there.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from markupsafe import Markup, escape

from dure.web.charts import nice_step
from dure.web.i18n import unit_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.web.i18n import Speech

LEFT, RIGHT, TOP, BOTTOM = 60.0, 14.0, 26.0, 34.0
LABEL_PX = 34.0  # room that a label below a column takes
SHADES = 7
# Lines of a pattern in a box of 8 by 8 px; "" is plain.
PATTERNS: dict[str, str] = {
    "plain": "",
    "hatch": "M-2 2l4-4M0 8l8-8M6 10l4-4",
    "back": "M-2 6l4 4M0 0l8 8M6-2l4 4",
    "cross": "M0 0l8 8M0 8l8-8",
    "rows": "M0 2h8M0 6h8",
    "columns": "M2 0v8M6 0v8",
    "grid": "M0 4h8M4 0v8",
    "dots": "M1.2 2h1.6M5.2 6h1.6",
    "waves": "M0 4q2-3 4 0t4 0",
}


class Series(NamedTuple):
    """What one layer of the columns is: `id` names its colour (class ``bar-ID``), `pattern` is of `PATTERNS`."""

    id: str
    name: str
    pattern: str = "plain"


class Stack(NamedTuple):
    """One column.

    `parts` are in the order of the series, None where nothing is known. `unsure` is how much of it is estimated or filled;
    an incomplete column is drawn with a broken frame; `compare` is a mark to compare with, such as the year before.
    """

    label: str
    name: str
    parts: Sequence[float | None]
    unsure: float = 0.0
    complete: bool = True
    compare: float | None = None

    @property
    def total(self) -> float | None:
        """The whole column; None when nothing of it is known."""
        known = [part for part in self.parts if part is not None]
        return sum(known) if known else None


class BarChart(msgspec.Struct, frozen=True, kw_only=True):
    """Columns; `id` is unique on its page. `limit` is a value that matters, drawn across."""

    id: str
    title: str
    unit: str
    series: Sequence[Series]
    stacks: Sequence[Stack]
    decimals: int = 0
    compare_name: str = ""
    limit: float | None = None


class Line(NamedTuple):
    """Values over the places; `style` is "plain", "broken" or "dotted"; `low` and `high` make a band around it."""

    name: str
    values: Sequence[float | None]
    style: str = "plain"
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


class LineChart(msgspec.Struct, frozen=True, kw_only=True):
    """Lines over named places such as hours of a day or years."""

    id: str
    title: str
    unit: str
    labels: Sequence[str]
    lines: Sequence[Line]
    decimals: int = 0
    limit: float | None = None
    from_zero: bool = True


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """A value for each row and column; None where nothing is known."""

    id: str
    title: str
    unit: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: Sequence[Sequence[float | None]]
    decimals: int = 0


class _Axis(NamedTuple):
    """Values from low to high in steps, drawn over the height of the frame."""

    low: float
    high: float
    step: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.bottom - (inside - self.low) / (self.high - self.low) * (self.bottom - self.top)

    @property
    def ticks(self) -> list[float]:
        return [self.low + number * self.step for number in range(round((self.high - self.low) / self.step) + 1)]


def stacked_chart(chart: BarChart, say: Speech, *, width: int = 760, height: int = 300) -> Markup:
    """The columns as one SVG element."""
    totals = [(stack.total, stack.compare) for stack in chart.stacks]
    values = [one for pair in totals for one in pair if one is not None] + [0.0, *([chart.limit] if chart.limit else [])]
    axis = _axis(values, height)
    pitch = (width - LEFT - RIGHT) / max(1, len(chart.stacks))
    bar = min(pitch * 0.72, 46.0)
    scope = f"{chart.id}-{width}"
    parts = [_patterns(chart.series, scope), *_grid(axis, chart.unit, width, say)]
    every = max(1, math.ceil(LABEL_PX / pitch))
    for number, stack in enumerate(chart.stacks):
        middle = LEFT + (number + 0.5) * pitch
        parts.append(_column(chart, stack, axis, (middle, bar, scope), say))
        if number % every == 0:
            parts.append(_label(middle, height, stack.label))
    parts.append(_limit(chart.limit, axis, width))
    return _svg(parts, bar_summary(chart, say), (width, height))


def line_over(chart: LineChart, say: Speech, *, width: int = 760, height: int = 280) -> Markup:
    """Lines over named places as one SVG element."""
    values = [value for line in chart.lines for each in (line.values, line.low, line.high) for value in each if value is not None]
    values += [0.0] if chart.from_zero or not values else []
    axis = _axis(values + ([chart.limit] if chart.limit is not None else []), height)
    pitch = (width - LEFT - RIGHT) / max(1, len(chart.labels))
    xs = [LEFT + (number + 0.5) * pitch for number in range(len(chart.labels))]
    parts = _grid(axis, chart.unit, width, say)
    every = max(1, math.ceil(LABEL_PX / pitch))
    parts += [_label(x, height, label) for x, label in list(zip(xs, chart.labels, strict=True))[::every]]
    for line in chart.lines:
        parts += [_band(line, xs, axis), *_stroke(line, xs, axis)]
    parts.append(_limit(chart.limit, axis, width))
    return _svg(parts, line_summary(chart, say), (width, height))


def heat_map(chart: HeatMap, say: Speech, *, width: int = 760, height: int = 260) -> Markup:
    """Rows and columns as shades, pale to dark; unknown is hatched."""
    known = [value for row in chart.values for value in row if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    top, left = 8.0, 46.0
    cell_w = (width - left - 8) / max(1, len(chart.columns))
    cell_h = (height - top - 26) / max(1, len(chart.rows))
    parts = [_patterns([Series("none", "", "hatch")], f"{chart.id}-{width}")]
    for number, (name, row) in enumerate(zip(chart.rows, chart.values, strict=True)):
        y = top + number * cell_h
        parts.append(
            f'<text class="chart-tick" x="{left - 6:.0f}" y="{y + cell_h / 2 + 4:.1f}" text-anchor="end">{escape(name)}</text>'
        )
        for place, value in enumerate(row):
            box = f'x="{left + place * cell_w:.1f}" y="{y:.1f}" width="{cell_w - 1:.1f}" height="{cell_h - 1:.1f}"'
            told = f"{name} {chart.columns[place]}: {say.quantity(value, chart.decimals, chart.unit)}"
            style = f'class="heat-{shade(value, low, high)}"' if value is not None else f'fill="url(#{chart.id}-{width}-none)"'
            parts.append(f"<rect {style} {box}><title>{escape(told)}</title></rect>")
    every = max(1, math.ceil(28 / cell_w))
    parts += [_label(left + (n + 0.5) * cell_w, height, label, 8) for n, label in enumerate(chart.columns) if n % every == 0]
    return _svg(parts, heat_summary(chart, say), (width, height))


def shade(value: float, low: float, high: float) -> int:
    """The shade of a value, 0 (pale) to `SHADES` - 1 (dark)."""
    return 0 if high <= low else min(SHADES - 1, int((value - low) / (high - low) * SHADES))


def swatch(series: Series) -> Markup:
    """The colour and pattern of a series as a small picture, for legends and tables."""
    lines = "".join(f'<path transform="translate({x} {y})" d="{PATTERNS[series.pattern]}"/>' for x in (0, 8, 16) for y in (0, 8))
    drawn = f'<g class="bar-lines">{lines}</g>' if PATTERNS[series.pattern] else ""
    return Markup(  # noqa: S704  # ids and patterns are our own
        f'<svg class="bar-swatch" viewBox="0 0 22 14" aria-hidden="true" focusable="false">'
        f'<rect class="bar-{escape(series.id)}" width="22" height="14"/>{drawn}</svg>'
    )


def bar_summary(chart: BarChart, say: Speech) -> str:
    """The columns in one sentence: the text alternative."""
    known = [(stack.total, stack.name) for stack in chart.stacks if stack.total is not None]
    if not known:
        return say("{title}: 이 기간에 쓸 수 있는 값이 없습니다.", title=chart.title)
    low, high = min(known), max(known)
    return say(
        "{title}: 모두 {total}. 가장 많은 때 {most_when} {most}, 가장 적은 때 {least_when} {least}. 표가 같은 내용을 말합니다.",
        title=chart.title,
        total=say.quantity(sum(value for value, _ in known), chart.decimals, chart.unit),
        most=say.quantity(high[0], chart.decimals, chart.unit),
        most_when=high[1],
        least=say.quantity(low[0], chart.decimals, chart.unit),
        least_when=low[1],
    )


def line_summary(chart: LineChart, say: Speech) -> str:
    """The lines in one sentence each: the text alternative."""
    told = []
    for line in chart.lines:
        known = [(value, label) for value, label in zip(line.values, chart.labels, strict=True) if value is not None]
        if known:
            (low, low_at), (high, high_at) = min(known), max(known)
            told.append(
                say(
                    "{name}: 최저 {low} ({low_at}), 최고 {high} ({high_at}).",
                    name=line.name,
                    low=say.quantity(low, chart.decimals, chart.unit),
                    low_at=low_at,
                    high=say.quantity(high, chart.decimals, chart.unit),
                    high_at=high_at,
                )
            )
    nothing = say("{title}: 이 기간에 쓸 수 있는 값이 없습니다.", title=chart.title)
    return f"{chart.title}. {' '.join(told)}" if told else nothing


def heat_summary(chart: HeatMap, say: Speech) -> str:
    """Where the map is darkest and palest: the text alternative."""
    known = [
        (value, f"{name} {column}")
        for name, row in zip(chart.rows, chart.values, strict=True)
        for column, value in zip(chart.columns, row, strict=True)
        if value is not None
    ]
    if not known:
        return say("{title}: 이 기간에 쓸 수 있는 값이 없습니다.", title=chart.title)
    (low, low_at), (high, high_at) = min(known), max(known)
    return say(
        "{title}: 가장 많은 때 {most_when} {most}, 가장 적은 때 {least_when} {least}. 표가 같은 내용을 말합니다.",
        title=chart.title,
        most=say.quantity(high, chart.decimals, chart.unit),
        most_when=high_at,
        least=say.quantity(low, chart.decimals, chart.unit),
        least_when=low_at,
    )


def _svg(parts: Sequence[str], told: str, size: tuple[int, int]) -> Markup:
    opening = f'<svg class="chart" viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{escape(told)}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _axis(values: Sequence[float], height: int) -> _Axis:
    low, high = min(values), max(values)
    step = nice_step((high - low) / 5 or max(abs(high), 1.0) / 5)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return _Axis(low, high if high > low else low + step, step, TOP, height - BOTTOM)


def _grid(axis: _Axis, unit: str, width: int, say: Speech) -> list[str]:
    decimals = max(0, -math.floor(math.log10(axis.step))) if axis.step < 1 else 0
    parts = [f'<text class="chart-unit" x="4" y="14">{escape(unit_label(unit))}</text>']
    for value in axis.ticks:
        y, base = axis.y(value), "chart-axis" if abs(value) < axis.step / 2 else "chart-grid"
        parts.append(f'<line class="{base}" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="chart-tick" x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{say.number(value, decimals)}</text>'
        )
    return parts


def _patterns(series: Sequence[Series], scope: str) -> str:
    found = []
    for one in series:
        drawn = PATTERNS[one.pattern]
        ground = '<rect width="8" height="8" class="bar-ground"/>' if one.id == "none" else ""
        if drawn:
            found.append(
                f'<pattern id="{scope}-{escape(one.id)}" width="8" height="8" patternUnits="userSpaceOnUse">{ground}'
                f'<path class="{"bar-lines-dark" if one.id == "none" else "bar-lines"}" d="{drawn}"/></pattern>'
            )
    return f"<defs>{''.join(found)}</defs>"


def _column(chart: BarChart, stack: Stack, axis: _Axis, place: tuple[float, float, str], say: Speech) -> str:
    """Its layers from below, what is unsure or incomplete, and the mark to compare with."""
    middle, bar, scope = place
    x, up, down, parts = middle - bar / 2, 0.0, 0.0, []
    for series, value in zip(chart.series, stack.parts, strict=True):
        if not value:
            continue
        start = up if value > 0 else down
        top, bottom = sorted((axis.y(start), axis.y(start + value)))
        up, down = (up + value, down) if value > 0 else (up, down + value)
        box = f'x="{x:.1f}" y="{top:.1f}" width="{bar:.1f}" height="{max(0.6, bottom - top):.1f}"'
        parts.append(f'<rect class="bar-{escape(series.id)} bar-layer" {box}/>')
        if PATTERNS[series.pattern]:
            parts.append(f'<rect fill="url(#{scope}-{escape(series.id)})" {box}/>')
    top = axis.y(up)
    if not stack.complete and stack.total is not None:
        box = f'x="{x - 2:.1f}" y="{top - 2:.1f}" width="{bar + 4:.1f}" height="{axis.y(0) - top + 2:.1f}"'
        parts.append(f'<rect class="bar-part" {box}/>')
    if stack.unsure > 0:
        above = min(top, axis.y(stack.compare) if stack.compare is not None else top)
        parts.append(f'<path class="chart-suspect" d="M{middle:.1f} {above - 15:.1f}l5 9h-10z"/>')
    if stack.compare is not None:
        y = axis.y(stack.compare)
        line = f"M{x - 3:.1f} {y:.1f}h{bar + 6:.1f}"
        parts.append(f'<path class="bar-halo" d="{line}"/><path class="bar-compare" d="{line}"/>')
    told = f"{stack.name}: {say.quantity(stack.total, chart.decimals, chart.unit)}"
    return f"<g><title>{escape(told)}</title>{''.join(parts)}</g>"


def _label(x: float, height: float, label: str, up: float = 14) -> str:
    return f'<text class="chart-tick" x="{x:.1f}" y="{height - up:.1f}" text-anchor="middle">{escape(label)}</text>'


def _limit(limit: float | None, axis: _Axis, width: int) -> str:
    if limit is None:
        return ""
    y = axis.y(limit)
    return f'<line class="chart-limit" x1="{LEFT}" x2="{width - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _band(line: Line, xs: Sequence[float], axis: _Axis) -> str:
    known = [
        (x, low, high) for x, low, high in zip(xs, line.low, line.high, strict=False) if low is not None and high is not None
    ]
    if len(known) < 2:
        return ""
    there = " ".join(f"{x:.1f},{axis.y(high):.1f}" for x, _, high in known)
    back = " ".join(f"{x:.1f},{axis.y(low):.1f}" for x, low, _ in reversed(known))
    return f'<polygon class="chart-band" points="{there} {back}"/>'


def _stroke(line: Line, xs: Sequence[float], axis: _Axis) -> list[str]:
    """Runs of known values; a single one is a dot."""
    runs: list[list[str]] = [[]]
    for x, value in zip(xs, line.values, strict=False):
        if value is None:
            runs.append([])
        else:
            runs[-1].append(f"{x:.1f},{axis.y(value):.1f}")
    parts = [f'<polyline class="chart-line line-{line.style}" points="{" ".join(run)}"/>' for run in runs if len(run) > 1]
    for run in runs:
        if len(run) == 1:
            across, _, down = run[0].partition(",")
            parts.append(f'<circle class="chart-dot" cx="{across}" cy="{down}" r="3"/>')
    return parts
