"""The saving of a normal year: models of a whole year before and after a measure, both asked about the same weather. Blocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.assessing import Bounds, half_width
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules, limits
from dure.services.buildings.baselines.looking import YEAR_WEEKS, look, weeks_of
from dure.services.buildings.baselines.measure_saving import Normal
from dure.services.buildings.baselines.measure_source import Place, local_span, place_of, read_meter
from dure.services.buildings.baselines.normal_year import Year, known_years, normal_use
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.baselines.weather_years import WeatherYears
from dure.services.buildings.baselines.worth import rate_of
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.sites import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.baselines.measures import Measure, MeterBaseline
    from dure.services.buildings.baselines.models import Kind
    from dure.spine.house import House


class _Side(NamedTuple):
    """Use of a normal year of one meter [book unit] before or after, with the baseline its interval comes from and its Wh."""

    baseline: MeterBaseline
    use: float
    wh: float


def normal_saving(house: House, connection: Connection, measure: Measure, until: date) -> Normal:
    """What a measure saves in a normal year, by the year before `until`; or why it cannot be told."""
    rules = baseline_rules(until, house.city.folder)
    start = until - timedelta(days=rules.span_d)
    if start < measure.begins_on:
        return Normal(code="too_short")
    sites = registered(connection)
    building, span = sites.buildings[measure.building], local_span(house, start, until)
    place = place_of(building, span, read_sky(house, span.us), rules)
    years = known_years(WeatherYears(house, rules).normal(building, start, until), rules)
    if not isinstance(place, Place) or not years:
        return Normal(code="weather.coverage")
    kept = [one for one in measure.baselines if one.meter in sites.meters]
    reads = {one.meter: read_meter(house, connection, sites.meters[one.meter], place, (one.kind, rules, None)) for one in kept}
    asked, weeks = (start, until, rules, limits(until, house.city.folder)), weeks_of(reads)
    book = carbon_book(house.city.folder, until)
    before: list[_Side] = []
    after: list[_Side] = []
    for one in kept:
        wh = rate_of(sites.meters[one.meter], until, book).wh
        if wh is None:
            continue
        seen = look(sites.meters[one.meter], reads[one.meter], asked, weeks)
        if seen.baseline is None or seen.fit.short:
            return Normal(code=seen.code or "too_few")
        old = model_records.get(connection, one.model).fit.of_rows()
        uses = (normal_use(old, years, rules), normal_use(seen.fit.of_rows(), years, rules))
        if uses[0] is None or uses[1] is None:
            return Normal(code="weather.coverage")
        before.append(_Side(one, uses[0], wh))
        after.append(_Side(seen.baseline, uses[1], wh))
    return _normal(before, after, years, rules) if before else Normal(code="no_data")


def _normal(before: Sequence[_Side], after: Sequence[_Side], years: Sequence[Year], rules: BaselineRules) -> Normal:
    """Both sides summed; their errors are independent of each other, so half widths add in quadrature."""
    uses = [sum(one.use * one.wh for one in side) for side in (before, after)]
    half = math.hypot(_half(before, rules), _half(after, rules))
    saved = uses[0] - uses[1]
    return Normal(
        before_wh=uses[0],
        after_wh=uses[1],
        saving_wh=Bounds(saved, saved - half, saved + half),
        years=tuple(one.name for one in years),
    )


def _half(side: Sequence[_Side], rules: BaselineRules) -> float:
    weeks: dict[Kind, float] = {"hourly": YEAR_WEEKS, "daily": YEAR_WEEKS, "billing": 12.0}
    return half_width([(one.baseline, one.wh) for one in side], weeks, rules.confidence)
