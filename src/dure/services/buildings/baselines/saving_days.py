"""A measure's days: what was expected and what was measured, summed over the meters that are judged by hours or days. Blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.assessing import half_width
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.measure_source import Place, local_span, read_meter
from dure.services.buildings.baselines.saving_desk import weather_as_known
from dure.services.buildings.baselines.series import clockwork
from dure.services.buildings.baselines.worth import rate_of
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.sites import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.baselines.measures import Measure, MeterBaseline
    from dure.spine.house import House


class DaysCompared(msgspec.Struct, frozen=True, eq=False):
    """Local days from `first` on [Wh/d], NaN where they cannot be compared; `week_half_wh` of the interval of a whole week."""

    first: date
    expected: np.ndarray
    measured: np.ndarray
    week_half_wh: float


def days_compared(house: House, connection: Connection, measure: Measure, days: tuple[date, date]) -> DaysCompared | None:
    """The days of a measure; None where no meter of it is read by the day."""
    start, until = days
    rules = baseline_rules(until, house.city.folder)
    sites = registered(connection)
    span = local_span(house, start, until)
    building = sites.buildings[measure.building]
    place = Place(building, span, weather_as_known(house, building, span, rules))
    book = carbon_book(house.city.folder, until)
    day = clockwork(span, house.city.zone).day
    expected, measured = np.zeros(span.days), np.zeros(span.days)
    parts: list[tuple[MeterBaseline, float]] = []
    for one in measure.baselines:
        wh = rate_of(sites.meters[one.meter], until, book).wh if one.meter in sites.meters else None
        if wh is None or one.kind == "billing":
            continue
        rows = read_meter(house, connection, sites.meters[one.meter], place, (one.kind, rules, None)).rows
        told = model_records.get(connection, one.model).fit.of_rows().of_rows(rows)
        both = np.where(np.isfinite(told) & np.isfinite(rows.usage), 1.0, np.nan)
        place_of_row = day - day[0] if one.kind == "hourly" else np.arange(span.days)
        expected += wh * np.bincount(place_of_row, told * both, minlength=span.days)
        measured += wh * np.bincount(place_of_row, rows.usage * both, minlength=span.days)
        parts.append((one, wh))
    if not parts:
        return None
    half = half_width(parts, {"hourly": 1.0, "daily": 1.0}, rules.confidence)
    return DaysCompared(start, expected, measured, half)
