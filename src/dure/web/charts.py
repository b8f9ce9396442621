"""Line charts drawn on the server as SVG: readable without script, in print and (by their text) by screen readers.

Pure: values in, markup out. A line breaks where readings are missing; a flagged point has a shape of its own, so colour
is never alone: ▲ suspect, ✕ failed (clipped to the frame), ◇ not evaluated, a tick on the axis where a value is missing.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from babel.dates import format_skeleton
from markupsafe import Markup, escape

from dure.core.observations import Flag
from dure.core.time import from_us, to_us
from dure.web.i18n import unit_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.web.i18n import Speech

POINTS_MAX = 800  # above this, a column of pixels shows its extremes only
USABLE = (Flag.GOOD, Flag.SUSPECT)
_HOUR_US = 3_600_000_000
_TIME_STEPS_H = (1, 3, 6, 12, 24, 48, 120, 240, 480, 960)


class Dot(NamedTuple):
    """One observation. `value` is None where it is missing."""

    time_us: int
    value: float | None
    flag: int


class Band(NamedTuple):
    """Lowest and highest usable value of a period."""

    start_us: int
    end_us: int
    low: float
    high: float


class Sign(NamedTuple):
    """Something that was seen or done, beside the line: a ring, with its name for who points at it."""

    time_us: int
    value: float
    name: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """What one chart shows. Between two dots further apart than `gap_us` the line breaks.

    `ahead` is what is expected (drawn broken), `limit` a value that matters, `signs` what people saw.
    """

    title: str
    unit: str
    decimals: int
    start_us: int
    end_us: int
    dots: Sequence[Dot]
    gap_us: int
    bands: Sequence[Band] = ()
    ahead: Sequence[Dot] = ()
    limit: float | None = None
    signs: Sequence[Sign] = ()

    @property
    def usable(self) -> list[float]:
        """Values that may be read as such."""
        return [dot.value for dot in self.dots if dot.value is not None and dot.flag in USABLE]


class _Frame(NamedTuple):
    """The drawing area in pixels and the spans it shows."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    start_us: int
    end_us: int
    low: float
    high: float

    def x(self, time_us: int) -> float:
        """Pixel of an instant."""
        return self.left + (time_us - self.start_us) / max(1, self.end_us - self.start_us) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Pixel of a value, kept inside the frame."""
        inside = min(max(value, self.low), self.high)
        return self.bottom - (inside - self.low) / (self.high - self.low) * (self.bottom - self.top)


def summary(chart: Chart, say: Speech) -> str:
    """The chart in one sentence: the text alternative."""
    values = chart.usable
    if not values:
        return say("{title}: 이 기간에 쓸 수 있는 값이 없습니다.", title=chart.title)
    low, high = min(values), max(values)
    last = next(dot for dot in reversed(chart.dots) if dot.value is not None and dot.flag in USABLE)
    return say(
        "{title}: 최저 {low}, 최고 {high}, 마지막 {last} ({when}). 값 {n}개, 그중 의심 {suspect}개, 불량 {failed}개.",
        title=chart.title,
        low=say.quantity(low, chart.decimals, chart.unit),
        high=say.quantity(high, chart.decimals, chart.unit),
        last=say.quantity(last.value, chart.decimals, chart.unit),
        when=say.when(from_us(last.time_us)),
        n=say.number(len(chart.dots)),
        suspect=say.number(sum(dot.flag == Flag.SUSPECT for dot in chart.dots)),
        failed=say.number(sum(dot.flag == Flag.FAIL for dot in chart.dots)),
    )


def line_chart(chart: Chart, say: Speech, *, width: int = 760, height: int = 280) -> Markup:
    """The chart as one SVG element."""
    frame = _frame(chart, width, height)
    parts = [
        *_value_axis(frame, chart, say),
        *_time_axis(frame, say),
        *_bands(frame, chart.bands),
        *_lines(frame, _runs(chart, frame)),
        *_expected(frame, chart),
        *_marks(frame, chart.dots),
    ]
    opening = f'<svg class="chart" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary(chart, say))}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _frame(chart: Chart, width: int, height: int) -> _Frame:
    values = [*chart.usable, *(band.low for band in chart.bands), *(band.high for band in chart.bands)]
    values += [dot.value for dot in chart.ahead if dot.value is not None] + [sign.value for sign in chart.signs]
    values += [] if chart.limit is None else [chart.limit]
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = nice_step((high - low) / 4 or max(abs(high), 1.0) / 10)
    low, high = math.floor(low / step) * step, math.ceil(high / step) * step
    if low == high:
        low, high = low - step, high + step
    return _Frame(width, height, 56.0, width - 14.0, 26.0, height - 34.0, chart.start_us, chart.end_us, low, high)


def nice_step(raw: float) -> float:
    """The smallest of 1, 2, 5 times a power of ten that is not below `raw` > 0."""
    power = 10.0 ** math.floor(math.log10(raw))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9)))


def _value_axis(frame: _Frame, chart: Chart, say: Speech) -> list[str]:
    step = nice_step((frame.high - frame.low) / 5)
    decimals = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    parts = [f'<text class="chart-unit" x="4" y="14">{escape(unit_label(chart.unit))}</text>']
    count = round((frame.high - frame.low) / step)
    for number in range(count + 1):
        value = frame.low + number * step
        y = frame.y(value)
        parts.append(f'<line class="chart-grid" x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = say.number(value, decimals)
        parts.append(f'<text class="chart-tick" x="{frame.left - 8:.1f}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    return parts


def _time_axis(frame: _Frame, say: Speech) -> list[str]:
    parts = [f'<line class="chart-axis" x1="{frame.left}" x2="{frame.right}" y1="{frame.bottom}" y2="{frame.bottom}"/>']
    room = max(2, int((frame.right - frame.left) / 84))
    hours = (frame.end_us - frame.start_us) / _HOUR_US
    step_h = next((step for step in _TIME_STEPS_H if hours / step <= room), _TIME_STEPS_H[-1])
    for tick in time_ticks(from_us(frame.start_us), from_us(frame.end_us), step_h, say):
        x = frame.x(to_us(tick))
        label = format_skeleton("MMMd", tick, tzinfo=say.zone, locale=say.locale) if _midnight(tick, say) else say.clock(tick)
        parts.append(f'<line class="chart-axis" x1="{x:.1f}" x2="{x:.1f}" y1="{frame.bottom}" y2="{frame.bottom + 5}"/>')
        anchor = "end" if x > frame.right - 24 else "start" if x < frame.left + 16 else "middle"
        parts.append(
            f'<text class="chart-tick" x="{x:.1f}" y="{frame.bottom + 20}" text-anchor="{anchor}">{escape(label)}</text>'
        )
    return parts


def _midnight(at: datetime, say: Speech) -> bool:
    local = at.astimezone(say.zone)
    return local.hour == 0 and local.minute == 0


def time_ticks(start: datetime, end: datetime, step_h: int, say: Speech) -> list[datetime]:
    """Instants on whole local hours or days, `step_h` apart, within the span."""
    local = start.astimezone(say.zone).replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = []
    while local.astimezone(end.tzinfo) <= end:
        if local >= start:
            ticks.append(local)
        naive = local.replace(tzinfo=None) + timedelta(hours=step_h)
        local = naive.replace(tzinfo=say.zone)
    return ticks


def _bands(frame: _Frame, bands: Sequence[Band]) -> list[str]:
    return [
        f'<rect class="chart-band" x="{frame.x(band.start_us):.1f}" y="{frame.y(band.high):.1f}" '
        f'width="{max(1.0, frame.x(band.end_us) - frame.x(band.start_us)):.1f}" '
        f'height="{max(1.0, frame.y(band.low) - frame.y(band.high)):.1f}"/>'
        for band in bands
    ]


def _runs(chart: Chart, frame: _Frame) -> list[list[Dot]]:
    """Runs of usable dots without a gap; many dots in one column of pixels are reduced to first, extremes and last."""
    runs: list[list[Dot]] = [[]]
    for dot in chart.dots:
        usable = dot.value is not None and dot.flag in USABLE
        if runs[-1] and (not usable or dot.time_us - runs[-1][-1].time_us > chart.gap_us):
            runs.append([])
        if usable:
            runs[-1].append(dot)
    drawn = [run for run in runs if run]
    return [_extremes(run, frame) for run in drawn] if len(chart.dots) > POINTS_MAX else drawn


def _extremes(run: list[Dot], frame: _Frame) -> list[Dot]:
    columns: dict[int, list[Dot]] = {}
    for dot in run:
        columns.setdefault(int(frame.x(dot.time_us)), []).append(dot)
    kept: list[Dot] = []
    for column in columns.values():
        low, high = min(column, key=_value), max(column, key=_value)
        kept.extend(sorted({column[0], low, high, column[-1]}))
    return kept


def _value(dot: Dot) -> float:
    return dot.value or 0.0


def _lines(frame: _Frame, runs: list[list[Dot]]) -> list[str]:
    parts = []
    for run in runs:
        if len(run) == 1:
            parts.append(
                f'<circle class="chart-dot" cx="{frame.x(run[0].time_us):.1f}" cy="{frame.y(_value(run[0])):.1f}" r="2"/>'
            )
            continue
        points = " ".join(f"{frame.x(dot.time_us):.1f},{frame.y(_value(dot)):.1f}" for dot in run)
        parts.append(f'<polyline class="chart-line" points="{points}"/>')
    return parts


def _expected(frame: _Frame, chart: Chart) -> list[str]:
    """The broken line of what is expected, the limit, and rings for what people saw."""
    points = " ".join(f"{frame.x(dot.time_us):.1f},{frame.y(_value(dot)):.1f}" for dot in chart.ahead)
    parts = [f'<polyline class="chart-line chart-ahead" points="{points}"/>'] if points else []
    if chart.limit is not None:
        y = frame.y(chart.limit)
        parts.append(f'<line class="chart-limit" x1="{frame.left:.1f}" x2="{frame.right:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts += [
        f'<circle class="chart-sign" cx="{frame.x(one.time_us):.1f}" cy="{frame.y(one.value):.1f}" r="4.5">'
        f"<title>{escape(one.name)}</title></circle>"
        for one in chart.signs
        if frame.start_us <= one.time_us <= frame.end_us
    ]
    return parts


def _marks(frame: _Frame, dots: Sequence[Dot]) -> list[str]:
    return [_mark(frame, dot) for dot in dots if dot.flag != Flag.GOOD or dot.value is None]


def _mark(frame: _Frame, dot: Dot) -> str:
    x = frame.x(dot.time_us)
    if dot.value is None or dot.flag == Flag.MISSING:
        return f'<path class="chart-missing" d="M{x:.1f} {frame.bottom - 6:.1f}v6"/>'
    y = frame.y(dot.value)
    if dot.flag == Flag.SUSPECT:
        return f'<path class="chart-suspect" d="M{x:.1f} {y - 6:.1f}l5.5 10h-11z"/>'
    if dot.flag == Flag.FAIL:
        return f'<path class="chart-fail" d="M{x - 4.5:.1f} {y - 4.5:.1f}l9 9m0-9l-9 9"/>'
    return f'<path class="chart-unevaluated" d="M{x:.1f} {y - 5:.1f}l5 5-5 5-5-5z"/>'
