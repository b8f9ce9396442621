"""The change of emissions between two periods, from months, models, weather and factors. Blocks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dure.core.errors import InputError
from dure.core.time import day_of
from dure.services.buildings.baselines import model_records
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.bridging import Bridged, Period, bridged, months_between
from dure.services.buildings.baselines.expected import known_sum
from dure.services.buildings.baselines.normal_year import expected_of_year, known_years, normal_use
from dure.services.buildings.baselines.weather_years import WeatherYears
from dure.services.buildings.factors.carbon import PROGRAMME, carbon_book
from dure.services.buildings.months import month_records
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.emissions.conversion import Refused
    from dure.services.buildings.baselines.models import Kind
    from dure.spine.house import House

MONTHS_MAX = 24
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_KINDS: tuple[Kind, ...] = ("daily", "billing")


def bridge_between(
    house: House,
    connection: Connection,
    periods: tuple[tuple[str, str], tuple[str, str]],
    *,
    building: str = "",
    as_of: datetime | None = None,
) -> Bridged | Refused:
    """The change from one period (first and last month) to another; of one building, or of all.

    Raises
    ------
    InputError : ``bridge.period`` when a period is none, too long, or the two differ in length; ``buildings.unknown``
    """
    before, after = (_checked(one) for one in periods)
    if len(months_between(*before)) != len(months_between(*after)):
        raise InputError("bridge.period", "Both periods must have the same number of months.")
    sites = registered(connection)
    if building and building not in sites.buildings:
        raise InputError("buildings.unknown", f"There is no building {building[:80]!r}.")
    rules = baseline_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    years = WeatherYears(house, rules)
    made = [_period(house, connection, sites, one, (building, as_of, years)) for one in (before, after)]
    known_on = (as_of or house.clock.now()).astimezone(UTC).date()
    book = carbon_book(house.city.folder, known_on, PROGRAMME)
    return bridged(made[0], made[1], book, sites.meters, sites.buildings)


def _period(
    house: House,
    connection: Connection,
    sites: Sites,
    months: tuple[str, str],
    asked: tuple[str, datetime | None, WeatherYears],
) -> Period:
    building, as_of, years = asked
    only = [building] if building else None
    found = month_records.find(connection, *months, buildings=only, as_of=as_of)
    rows = [one for one in found if one.part == "main" and one.meter in sites.meters]
    weather = _indices(house, connection, sites, {one.meter for one in rows}, (months, years))
    return Period(first=months[0], last=months[1], rows=rows, weather=weather)


def _indices(
    house: House, connection: Connection, sites: Sites, meters: set[str], asked: tuple[tuple[str, str], WeatherYears]
) -> Mapping[str, float]:
    """Weather index of each meter that has a model of a whole year."""
    months, years = asked
    first, end = date.fromisoformat(f"{months[0]}-01"), _after(months[1])
    rules = baseline_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    found: dict[str, float] = {}
    for (meter, _), one in model_records.standing(connection, meters, _KINDS).items():
        if not one.fit.fitted or one.fit.short or meter in found:
            continue
        building = sites.buildings[sites.meters[meter].building]
        own = years.span(building, first, end)
        model = one.fit.of_rows()
        here = known_sum(expected_of_year(model, own, rules), rules.span_share_min)
        usual = normal_use(model, known_years(years.normal(building, first, end), rules), rules)
        if here is not None and usual is not None and here > 0 and usual > 0:
            found[meter] = here / usual
    return found


def _checked(months: tuple[str, str]) -> tuple[str, str]:
    first, last = months
    if not _MONTH.fullmatch(first) or not _MONTH.fullmatch(last) or last < first:
        raise InputError("bridge.period", "A period reads YYYY-MM..YYYY-MM, first month first.")
    if first < "1900" or len(months_between(first, last)) > MONTHS_MAX:
        raise InputError("bridge.period", f"A period has at most {MONTHS_MAX} months.")
    return months


def _after(month: str) -> date:
    year, number = int(month[:4]), int(month[5:7])
    return date(year + 1, 1, 1) if number == 12 else date(year, number + 1, 1)
