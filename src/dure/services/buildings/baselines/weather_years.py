"""The weather of buildings in earlier years: read once, put together once for all that share their stations. Blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from dure.core.time import day_of
from dure.services.buildings.baselines.expected import next_year, years_before
from dure.services.buildings.baselines.normal_year import Year
from dure.services.buildings.baselines.series import Clockwork, Span, clockwork, span_of
from dure.services.buildings.baselines.weather import Sky, Weather, near_stations, weather_at
from dure.services.buildings.baselines.weather_source import read_sky

if TYPE_CHECKING:
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.model import Building
    from dure.spine.house import House


class WeatherYears:
    """Spans of weather by building; asked again, they are there."""

    def __init__(self, house: House, rules: BaselineRules) -> None:
        self._house, self._rules = house, rules
        self._skies: dict[Span, tuple[Sky, Clockwork]] = {}
        self._years: dict[tuple[Span, tuple[int, ...]], Year] = {}

    def span(self, building: Building, first: date, end: date) -> Year:
        """The weather of local days ``[first, end)``, NaN where it is not known."""
        span = span_of(first, end, self._house.city.zone)
        if span not in self._skies:
            self._skies[span] = (read_sky(self._house, span.us), clockwork(span, self._house.city.zone))
        sky, clock = self._skies[span]
        key = (span, tuple(row for row, _ in near_stations(building, sky.stations, self._rules)))
        if key not in self._years:
            found = weather_at(building, sky, self._rules, share_min=0.0)
            told = found.temperature_c if isinstance(found, Weather) else np.full(span.hours, np.nan)
            self._years[key] = Year(span, clock, told)
        return self._years[key]

    def normal(self, building: Building, first: date, end: date) -> list[Year]:
        """The same days of the last years that are over: the same years whichever year is asked about."""
        today = day_of(self._house.clock.now(), self._house.city.zone)
        last = end
        while (later := next_year(last)) <= today:
            last = later
        spans = years_before(last, (end - first).days, self._rules.years_max)
        return [self.span(building, *one) for one in spans]
