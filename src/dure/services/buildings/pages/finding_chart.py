"""The evidence of a finding as a chart with its table: what was used, what alike hours used, and the threshold. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dure.core.observations import Flag
from dure.core.time import from_us
from dure.services.buildings.finding.day_grid import HOUR_US
from dure.services.buildings.finding.wording import unit_of
from dure.web.charts import Band, Chart, Dot

if TYPE_CHECKING:
    from datetime import datetime

    from dure.services.buildings.finding.evidence import Evidence
    from dure.services.buildings.model import Meter
    from dure.web.i18n import Speech


STEPS_US = {"hour": HOUR_US, "night": 24 * HOUR_US}


class Line(NamedTuple):
    """A row of the table beside the chart."""

    at: datetime
    actual: str
    expected: str
    above: bool


def chart_of(told: Evidence, meter: Meter, say: Speech) -> Chart:
    """The chart: a line of what was used, broken what was expected, with the span of nine in ten and the threshold."""
    unit = unit_of(meter)
    step = STEPS_US[told.step]
    actual, expected, low, high = (one / unit.size for one in (told.actual, told.expected, told.low, told.high))
    at = told.start_us.tolist()
    known = ~np.isnan(expected)
    title = say("밤 시간당 사용량") if told.step == "night" else say("시간당 사용량")
    return Chart(
        title=title,
        unit=unit.name,
        decimals=_decimals(actual),
        start_us=at[0],
        end_us=at[-1] + step,
        dots=[
            Dot(us, None if np.isnan(one) else one, Flag.MISSING if np.isnan(one) else Flag.GOOD)
            for us, one in zip(at, actual.tolist(), strict=True)
        ],
        gap_us=round(1.5 * step),
        bands=[
            Band(us, us + step, bottom, top)
            for us, bottom, top, there in zip(at, low.tolist(), high.tolist(), known.tolist(), strict=True)
            if there
        ],
        ahead=[Dot(us, one, Flag.GOOD) for us, one, there in zip(at, expected.tolist(), known.tolist(), strict=True) if there],
        limit=None if told.limit is None else told.limit / unit.size,
    )


def table_of(told: Evidence, meter: Meter, say: Speech) -> list[Line]:
    """The same as rows, those outside the span of nine in ten marked."""
    unit = unit_of(meter)
    decimals = _decimals(told.actual / unit.size)

    def text(value: float) -> str:
        return say.number(None if np.isnan(value) else value / unit.size, decimals)

    with np.errstate(invalid="ignore"):
        above = told.actual > told.high
    return [
        Line(from_us(int(told.start_us[n])), text(told.actual[n]), text(told.expected[n]), bool(above[n]))
        for n in range(len(told.start_us))
    ]


def _decimals(value: np.ndarray) -> int:
    known = np.abs(value[~np.isnan(value)])
    middle = float(np.median(known)) if len(known) else 0.0
    return 0 if middle >= 100 else 1 if middle >= 10 else 2  # three figures tell enough
