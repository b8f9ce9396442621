"""What the pages of measures and models show, made of what the desks told. Pure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import day_interval, to_us
from dure.services.buildings.baselines.series import CALENDAR
from dure.services.buildings.modelling.billed_rows import BilledModel
from dure.services.buildings.modelling.rows import DailyModel
from dure.services.buildings.pages.scatter_chart import Dot as Place
from dure.services.buildings.pages.scatter_chart import Scatter
from dure.web.charts import Band, Chart, Dot
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.buildings.baselines.measure_saving import MeasureSaving
    from dure.services.buildings.baselines.model_desk import Expected
    from dure.services.buildings.baselines.saving_days import DaysCompared
    from dure.services.buildings.modelling.rows import Model
    from dure.web.i18n import Speech

NONE = Text("")
VERDICTS: dict[str, Word] = {
    "saving": Word(Text("줄었음", "Saved"), "success", "check", NONE),
    "none_shown": Word(Text("절감이 확인되지 않음", "No saving shown"), "gray", "dash", NONE),
    "more": Word(Text("늘었음", "More than before"), "danger", "cross", NONE),
    "too_short": Word(Text("아직 짧음", "Too short to judge"), "gray", "clock", NONE),
    "": Word(Text("아직 셈하지 않음", "Not told yet"), "gray", "clock", NONE),
}
MEASURE_STATES: dict[str, Word] = {
    "planned": Word(Text("시작 전", "Planned"), "information", "clock", NONE),
    "running": Word(Text("하는 중", "Running"), "success", "circle", NONE),
    "ended": Word(Text("끝남", "Ended"), "gray", "dash", NONE),
    "withdrawn": Word(Text("거둠", "Withdrawn"), "gray", "cross", NONE),
}
MODEL_KINDS: dict[str, Text] = {
    "hourly": Text("시간별 모형", "Hourly model"),
    "daily": Text("일별 모형", "Daily model"),
    "billing": Text("고지서 모형", "Model of bills"),
}
KWH_UNITS = {"Wh": 1000.0, "kJ": 3600.0}  # of a book unit in a kWh
DAY_US = 86_400_000_000
BIN_C = 3.0
DAILY_UNTIL_D = 60
LINE_POINTS = 80


class Month(NamedTuple):
    """A month of a measure [kWh]."""

    month: str
    expected: float
    measured: float
    coverage: float

    @property
    def avoided(self) -> float:
        """Expected less measured."""
        return self.expected - self.measured


class Bin(NamedTuple):
    """Days of like temperature: how many, and their mean use."""

    from_c: float
    days: int
    measured: float
    expected: float


def months_of(saving: MeasureSaving) -> list[Month]:
    """Months of the energy meters of a measure, summed [kWh]."""
    found: dict[str, list[float]] = {}
    for meter in saving.meters:
        unit = KWH_UNITS.get(meter.book)
        if meter.meter in saving.outside or unit is None:
            continue
        for one in meter.months:
            row = found.setdefault(one.month, [0.0, 0.0, 1.0])
            row[0] += one.expected / unit
            row[1] += one.measured / unit
            row[2] = min(row[2], one.coverage)
    return [Month(name, *row) for name, row in sorted(found.items())]


def saving_chart(days: DaysCompared, say: Speech) -> Chart:
    """Measured use (line), expected use (broken line) and how far the expectation of a week may be off (band) [kWh/d].

    Means of weeks, as single days zigzag with the days of the week; the first weeks of a measure are shown day by day.
    """
    step = 7 if len(days.expected) > DAILY_UNTIL_D else 1
    at = [to_us(day_interval(days.first + timedelta(days=n), say.zone).start) for n in range(0, len(days.expected), step)]
    ends = [*at[1:], to_us(day_interval(days.first + timedelta(days=len(days.expected)), say.zone).start)]
    known = np.isfinite(days.measured) & np.isfinite(days.expected)
    dots, ahead, bands = [], [], []
    half = days.week_half_wh / 7000
    for n, (begin, end) in enumerate(zip(at, ends, strict=True)):
        rows = slice(n * step, (n + 1) * step)
        if not known[rows].any():
            continue
        middle = (begin + end) // 2
        used, told = (float(side[rows][known[rows]].mean()) / 1000 for side in (days.measured, days.expected))
        dots.append(Dot(middle, used, Flag.GOOD))
        ahead.append(Dot(middle, told, Flag.GOOD))
        bands.append(Band(begin, end, max(0.0, told - half), told + half))
    return Chart(
        title=say("하루 사용량: 실제와 예상"),
        unit="kWh",
        decimals=0,
        start_us=at[0],
        end_us=ends[-1],
        dots=dots,
        gap_us=max(3, 2 * step) * DAY_US,
        bands=bands,
        ahead=ahead,
    )


def scatter_of(told: Expected, model: Model, say: Speech) -> Scatter:
    """Days of a meter by temperature, and the lines of its model where it has lines."""
    unit = KWH_UNITS.get(told.book, 1.0)
    name = "kWh" if told.book in KWH_UNITS else told.book
    dots = [
        Place(one.temperature_c, one.measured / unit)
        for one in told.days
        if one.temperature_c is not None and one.measured is not None
    ]
    lines = _lines(model, told, unit)
    summary = say(
        "기온에 따른 하루 사용량: 점 {n}개와 모형의 선 {lines}개. 표가 같은 내용을 담고 있습니다.",
        n=say.number(len(dots)),
        lines=say.number(len(lines)),
    )
    return Scatter(dots, lines, f"{name}/d", summary)


def _lines(model: Model, told: Expected, unit: float) -> list[list[Place]]:
    """Of each model that a daily model is made of, or of the one of bills, over the temperatures of its own days."""
    known = [one for one in told.days if one.temperature_c is not None and one.expected is not None]
    temperature = np.array([one.temperature_c for one in known], float)
    if not known or not isinstance(model, BilledModel | DailyModel):
        return []
    if isinstance(model, BilledModel):
        grid = np.linspace(temperature.min(), temperature.max(), LINE_POINTS)
        return [_places(grid, model.change_point.predict(grid) / unit)]
    cell = CALENDAR.cells(np.array([one.day for one in known], "datetime64[D]"))
    which = model.seasonal.model_of_cell[cell]
    found = []
    for each in np.unique(which):
        own = which == each
        grid = np.linspace(temperature[own].min(), temperature[own].max(), LINE_POINTS)
        cells = np.full(LINE_POINTS, cell[own][0], np.int64)
        found.append(_places(grid, model.seasonal.predict(grid, cells) / unit))
    return found


def _places(grid: np.ndarray, use: np.ndarray) -> list[Place]:
    return [Place(float(x), max(0.0, float(y))) for x, y in zip(grid, use, strict=True)]


def bins_of(told: Expected) -> list[Bin]:
    """Days by temperature, in steps of some degrees [kWh/d or book unit/d]."""
    unit = KWH_UNITS.get(told.book, 1.0)
    found: dict[float, list[tuple[float, float]]] = {}
    for one in told.days:
        if one.temperature_c is not None and one.measured is not None and one.expected is not None:
            found.setdefault(BIN_C * (one.temperature_c // BIN_C), []).append((one.measured / unit, one.expected / unit))
    return [
        Bin(low, len(rows), sum(row[0] for row in rows) / len(rows), sum(row[1] for row in rows) / len(rows))
        for low, rows in sorted(found.items())
    ]


def week_days(first: date, until: date, most: int = 400) -> tuple[date, date]:
    """The days a chart shows: the last ones."""
    return max(first, until - timedelta(days=most)), until


def sums(rows: Sequence[Month]) -> Month:
    """All months together."""
    return Month(
        "",
        sum(one.expected for one in rows),
        sum(one.measured for one in rows),
        min((one.coverage for one in rows), default=0.0),
    )
