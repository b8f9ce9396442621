"""Questions about models: what they expect of days and of a normal year, and how warm it was at a building. Blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from dure.core.errors import InputError, NotFound
from dure.core.time import day_of
from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules, degree_day_bases, limits
from dure.services.buildings.baselines.expected import dates_of, expected_of_days
from dure.services.buildings.baselines.model_records import Kept
from dure.services.buildings.baselines.models import KINDS, Kind
from dure.services.buildings.baselines.normal_year import known_years, normal_use
from dure.services.buildings.baselines.series import Span, clockwork, mean_of_days, span_of, usage_of
from dure.services.buildings.baselines.weather import Source, Weather, weather_at
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.baselines.weather_years import WeatherYears
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.modelling.degree_days import DegreeDays, from_days
from dure.services.buildings.sites import registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.model import Building, Meter
    from dure.spine.house import House

DAYS_MAX = 1_100
YEAR_D = 365


class Day(msgspec.Struct, frozen=True):
    """One local day of a meter [book unit] and its weather [degree C]; None where not known."""

    day: date
    measured: float | None
    expected: float | None
    temperature_c: float | None


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What a model expects of days, beside what was measured."""

    meter: str
    kind: Kind
    book: str
    days: tuple[Day, ...]
    sources: tuple[Source, ...]


class NormalYear(msgspec.Struct, frozen=True, kw_only=True):
    """Use of a normal year by a model [book unit], and the years it is the mean of."""

    meter: str
    kind: Kind
    book: str
    use: float | None
    years: tuple[str, ...]
    short: bool


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A model as it stands, with the limits it is judged by."""

    id: str
    meter: str
    kind: Kind
    state: Literal["fitted", "refused"]
    fitted_at: str
    start_day: str
    end_day: str
    coverage: float
    short: bool
    cv_rmse: float | None
    nmbe: float | None
    r_squared: float | None
    cv_rmse_max: float
    nmbe_max: float
    limit_source: str
    within: bool
    code: str
    numbers: dict[str, float]
    sha256: str
    method: str


class WeatherMonth(msgspec.Struct, frozen=True):
    """A local month: mean temperature [degree C], degree days [degree d], and the share of its days that count [1]."""

    month: str
    mean_c: float | None
    heating: float
    cooling: float
    coverage: float


class WeatherTold(msgspec.Struct, frozen=True, kw_only=True):
    """The weather of a building in a span: where it is from, and its degree days."""

    building: str
    coverage: float
    sources: tuple[Source, ...]
    heating_base_c: float
    cooling_base_c: float
    months: tuple[WeatherMonth, ...]


def meter_and_building(connection: Connection, meter: str) -> tuple[Meter, Building]:
    """A meter of the register with its building; refused with ``meter.unknown``."""
    sites = registered(connection)
    if meter not in sites.meters:
        raise NotFound("meter.unknown", f"There is no meter {meter[:80]!r}.")
    return sites.meters[meter], sites.buildings[sites.meters[meter].building]


def models_of(house: House, connection: Connection, meter: str) -> list[Judged]:
    """The models of a meter as they stand."""
    meter_and_building(connection, meter)
    found = model_records.standing(connection, [meter])
    return [judged(found[meter, kind], house) for kind in KINDS if (meter, kind) in found]


def judged(one: Kept, house: House) -> Judged:
    """A model with the limits in force on the last day it was fitted to."""
    fit, good = one.fit, one.fit.goodness or {}
    limit = limits(date.fromisoformat(fit.end_day), house.city.folder)[fit.kind]
    cv_rmse, nmbe = good.get("cv_rmse"), good.get("nmbe")
    within = cv_rmse is not None and nmbe is not None and cv_rmse <= limit.cv_rmse_max and abs(nmbe) <= limit.nmbe_max
    return Judged(
        id=one.id,
        meter=one.meter,
        kind=fit.kind,
        state="fitted" if fit.fitted else "refused",
        fitted_at=one.fitted_at.isoformat(),
        start_day=fit.start_day,
        end_day=fit.end_day,
        coverage=fit.coverage,
        short=fit.short,
        cv_rmse=cv_rmse,
        nmbe=nmbe,
        r_squared=good.get("r_squared"),
        cv_rmse_max=limit.cv_rmse_max,
        nmbe_max=limit.nmbe_max,
        limit_source=f"{limit.source} ({limit.mark})",
        within=within,
        code=fit.code,
        numbers=fit.numbers,
        sha256=fit.sha256,
        method=fit.method,
    )


def model_named(connection: Connection, meter: str, kind: Kind | None) -> Kept:
    """The fitted model of a meter of that kind, or the best there is; refused with ``model.none``."""
    stands = model_records.standing(connection, [meter])
    order: tuple[Kind, ...] = (kind,) if kind else ("daily", "hourly", "billing")
    for one in order:
        found = stands.get((meter, one))
        if found is not None and found.fit.fitted:
            return found
    raise NotFound("model.none", f"The meter {meter[:80]!r} has no such model.")


def standing(connection: Connection, meter: str, kind: Kind) -> Kept:
    """The model of a meter that stands, fitted or refused; refused with ``model.none``."""
    found = model_records.standing(connection, [meter]).get((meter, kind))
    if found is None:
        raise NotFound("model.none", f"The meter {meter[:80]!r} has no such model.")
    return found


def expected(house: House, connection: Connection, meter: str, days: tuple[date, date], kind: Kind | None = None) -> Expected:
    """Measured and expected use of each local day ``[start, end)``, with the day's mean temperature.

    Raises
    ------
    NotFound : ``meter.unknown``, ``model.none``
    InputError : ``model.span``, or why there is no weather
    """
    one, building = meter_and_building(connection, meter)
    kept = model_named(connection, meter, kind)
    span = checked_span(house, days)
    rules = _rules(house)
    weather = weather_at(building, read_sky(house, span.us), rules, share_min=0.0)
    if not isinstance(weather, Weather):
        raise InputError(weather.code, weather.why.en)
    clock = clockwork(span, house.city.zone)
    day = clock.day - clock.day[0]
    usage = usage_of(interval_books.read(house.telemetry, meter, one.supply.use, span.us), span)
    hours = np.bincount(day, minlength=span.days)
    measured = mean_of_days(usage, day, span.days, rules.day_share_min) * hours
    told = expected_of_days(kept.fit.of_rows(), weather.temperature_c, (span, clock), rules)
    mean = mean_of_days(weather.temperature_c, day, span.days, rules.temperature_share_min)
    columns = (dates_of(span).tolist(), _plain(measured), _plain(told), _plain(mean))
    return Expected(
        meter=meter,
        kind=kept.fit.kind,
        book=one.supply.book,
        days=tuple(Day(*row) for row in zip(*columns, strict=True)),
        sources=weather.sources,
    )


def normal_year(house: House, connection: Connection, meter: str, kind: Kind | None = None) -> NormalYear:
    """Use of a normal year by the model of a meter."""
    one, building = meter_and_building(connection, meter)
    kept = model_named(connection, meter, kind)
    rules = _rules(house)
    end = date.fromisoformat(kept.fit.end_day)
    start = date.fromordinal(end.toordinal() - YEAR_D)
    years = known_years(WeatherYears(house, rules).normal(building, start, end), rules)
    return NormalYear(
        meter=meter,
        kind=kept.fit.kind,
        book=one.supply.book,
        use=normal_use(kept.fit.of_rows(), years, rules),
        years=tuple(each.name for each in years),
        short=kept.fit.short,
    )


def weather_of(house: House, connection: Connection, building: str, days: tuple[date, date]) -> WeatherTold:
    """Sources and degree days of a building's weather by local month.

    Raises
    ------
    NotFound : ``buildings.unknown``
    InputError : ``model.span``, ``weather.none``
    """
    sites = registered(connection)
    if building not in sites.buildings:
        raise NotFound("buildings.unknown", f"There is no building {building[:80]!r}.")
    span = checked_span(house, days)
    rules = _rules(house)
    weather = weather_at(sites.buildings[building], read_sky(house, span.us), rules, share_min=0.0)
    if not isinstance(weather, Weather):
        raise InputError(weather.code, weather.why.en)
    base = degree_day_bases(span.end, house.city.folder)
    clock = clockwork(span, house.city.zone)
    mean = mean_of_days(weather.temperature_c, clock.day - clock.day[0], span.days, rules.temperature_share_min)
    degrees = from_days(mean, base.heating_c, base.cooling_c)
    return WeatherTold(
        building=building,
        coverage=weather.coverage,
        sources=weather.sources,
        heating_base_c=base.heating_c,
        cooling_base_c=base.cooling_c,
        months=_months(span, degrees),
    )


def checked_span(house: House, days: tuple[date, date]) -> Span:
    """Local days ``[start, end)``; refused with ``model.span`` when they are none or too many."""
    start, end = days
    if not start < end or (end - start).days > DAYS_MAX or start.year < 1970 or end.year > 2200:
        raise InputError("model.span", f"Ask for 1 to {DAYS_MAX} days, the first before the last.")
    return span_of(start, end, house.city.zone)


def _months(span: Span, degrees: DegreeDays) -> tuple[WeatherMonth, ...]:
    names = dates_of(span).astype("datetime64[M]").astype(str)
    found = []
    for name in sorted(set(names.tolist())):
        own = names == name
        mean = degrees.mean[own]
        known = np.isfinite(mean)
        found.append(
            WeatherMonth(
                name,
                round(float(mean[known].mean()), 2) if known.any() else None,
                round(float(np.nansum(degrees.heating[own])), 1),
                round(float(np.nansum(degrees.cooling[own])), 1),
                round(float(known.mean()), 4),
            )
        )
    return tuple(found)


def _plain(values: np.ndarray) -> list[float | None]:
    return [round(float(one), 3) if np.isfinite(one) else None for one in values]


def _rules(house: House) -> BaselineRules:
    return baseline_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
