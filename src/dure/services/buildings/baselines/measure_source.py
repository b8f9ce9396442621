"""Rows of the meters of a measure, read from the books and the weather, with digests of what was read. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from dure.core.time import to_us
from dure.services.buildings.baselines import bill_source
from dure.services.buildings.baselines.series import (
    Bill,
    Series,
    Span,
    billed,
    clockwork,
    digest_of,
    digest_of_bills,
    digest_of_intervals,
    mean_of_days,
    span_of,
    usage_of,
)
from dure.services.buildings.baselines.weather import Sky, Weather, weather_at
from dure.services.buildings.intervals import interval_books

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.emissions.conversion import Refused
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.baselines.models import Kind
    from dure.services.buildings.model import Building, Meter
    from dure.services.buildings.modelling.rows import Rows
    from dure.spine.house import House


class Read(msgspec.Struct, frozen=True, eq=False):
    """Rows of one meter in a span.

    Attributes
    ----------
    month : (n,) local month of each row ("2026-05")
    readings_sha256 : of what stood on the books; weather_sha256 likewise
    """

    kind: Kind
    rows: Rows
    month: Sequence[str]
    readings_sha256: str
    weather_sha256: str
    sources: tuple[dict[str, Any], ...]


class Place(msgspec.Struct, frozen=True, eq=False):
    """What all meters of a building share: the span, its weather and its calendar."""

    building: Building
    span: Span
    weather: Weather


def place_of(building: Building, span: Span, sky: Sky, rules: BaselineRules) -> Place | Refused:
    """The building's weather in a span, or why it is not known; a reporting span may have gaps, a baseline's may not."""
    found = weather_at(building, sky, rules)
    return Place(building, span, found) if isinstance(found, Weather) else found


def read_meter(
    house: House, connection: Connection, meter: Meter, place: Place, how: tuple[Kind, BaselineRules, datetime | None]
) -> Read:
    """Rows of a meter, of a kind, as known at an instant (None: now)."""
    kind, rules, as_of = how
    span, weather = place.span, place.weather
    clock = clockwork(span, house.city.zone)
    sources = tuple(dict(msgspec.to_builtins(one)) for one in weather.sources)
    if kind == "billing":
        bills = bills_within(connection, meter.id, span, as_of)
        day = clock.day - (clock.day[0] if len(clock.day) else 0)
        daily = mean_of_days(weather.temperature_c, day, span.days, rules.temperature_share_min)
        middle = [one.first + (one.end - one.first) / 2 for one in bills]
        rows = billed(bills, daily, span.first)
        return Read(kind, rows, [f"{one:%Y-%m}" for one in middle], digest_of_bills(bills), digest_of(daily), sources)
    intervals = interval_books.read(
        house.telemetry, meter.id, meter.supply.use, span.us, as_of_us=None if as_of is None else to_us(as_of)
    )
    series = Series(span, usage_of(intervals, span), weather.temperature_c, clock)
    readings, sky = digest_of_intervals(intervals), digest_of(weather.temperature_c)
    if kind == "hourly":
        return Read(kind, series.hourly(), months_of(clock.day), readings, sky, sources)
    days = np.arange(clock.day[0], clock.day[-1] + 1) if len(clock.day) else clock.day
    return Read(kind, series.daily(rules), months_of(days), readings, sky, sources)


def bills_within(connection: Connection, meter: str, span: Span, as_of: datetime | None) -> list[Bill]:
    """Bills whose days all lie in a span, in order."""
    found = bill_source.bills_of(connection, [meter], span.first, span.end, as_of=as_of).get(meter, [])
    return [one for one in found if span.first <= one.first and one.end <= span.end]


def months_of(day: np.ndarray) -> list[str]:
    """(n,) month of days since 1970."""
    return [str(one) for one in np.asarray(day, np.int64).astype("datetime64[D]").astype("datetime64[M]")]


def kind_of(house: House, meter: Meter, span: Span, rules: BaselineRules) -> Kind:
    """How a meter is best judged: by its hours where they are known well enough, else by its bills."""
    usage = usage_of(interval_books.read(house.telemetry, meter.id, meter.supply.use, span.us), span)
    return "hourly" if np.isfinite(usage).mean() >= rules.span_share_min / 2 else "billing"


def local_span(house: House, first: date, end: date) -> Span:
    """Local days of the city."""
    return span_of(first, end, house.city.zone)


def price_days(until: date, months: int) -> tuple[date, date]:
    """The days bills of an average price are of."""
    return until - timedelta(days=round(30.5 * months)), until
