"""What measures saved, told at any time from their frozen baselines; the same question gives the same answer. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from dure.core.errors import Conflict, InputError
from dure.core.time import day_of
from dure.services.buildings.baselines import bill_source, measure_records, model_records
from dure.services.buildings.baselines.assessing import Frozen, MeterSaving, meter_saving
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules
from dure.services.buildings.baselines.measure_saving import MeasureSaving, Worth, measure_saving
from dure.services.buildings.baselines.measure_source import Place, local_span, price_days, read_meter
from dure.services.buildings.baselines.weather import Sky, Weather, weather_at
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.baselines.worth import Price, price_of_bills, price_of_rows, rate_of
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.buildings.baselines.measures import Measure
    from dure.services.buildings.baselines.series import Span
    from dure.services.buildings.model import Building, Meter
    from dure.spine.house import House


def saving_of(
    house: House,
    connection: Connection,
    measure: Measure,
    days: tuple[date, date],
    *,
    as_of: datetime | None = None,
) -> MeasureSaving:
    """What a measure saved in local days ``[start, until)``, with readings and bills as known at `as_of` (None: now).

    Raises
    ------
    InputError : ``measure.span`` when the days are none, before it begins, or not over yet; ``meter.unknown``,
        ``buildings.unknown`` when what it acts on is no longer registered
    Conflict : ``measure.state`` when it was withdrawn
    """
    now = house.clock.now()
    today = day_of(now, house.city.zone)
    start, until = days
    if measure.state == "withdrawn":
        raise Conflict("measure.state", f"{measure.id} was withdrawn: it saves nothing.")
    if not measure.begins_on <= start < until <= measure.reports_until(today):
        raise InputError("measure.span", f"A saving is told of days from {measure.begins_on} on that are over.")
    rules = baseline_rules(until, house.city.folder)
    sites = registered(connection)
    if measure.building not in sites.buildings:
        raise InputError("buildings.unknown", f"The building {measure.building!r} of {measure.id} is no longer registered.")
    span = local_span(house, start, until)
    place = Place(
        sites.buildings[measure.building], span, weather_as_known(house, sites.buildings[measure.building], span, rules)
    )
    parts: list[tuple[Frozen, MeterSaving]] = []
    for one in measure.baselines:
        if one.meter not in sites.meters:
            raise InputError("meter.unknown", f"The meter {one.meter!r} of {measure.id} is no longer registered.")
        read = read_meter(house, connection, sites.meters[one.meter], place, (one.kind, rules, as_of))
        frozen = Frozen(one, model_records.get(connection, one.model).fit.of_rows())
        parts.append((frozen, meter_saving(frozen, read.rows, read.month, rules, (read.readings_sha256, read.weather_sha256))))
    worth = worth_of(house, connection, sites, [one for _, one in parts], (until, as_of or now, rules))
    return measure_saving(measure, days, parts, worth, rules)


class Retold(msgspec.Struct, frozen=True, kw_only=True):
    """A saving as it was told, made again from the same readings, bills and factors; `same` to the last digit.

    The weather of an hour may have been revised since: `weather_same` says whether it is what it was.
    """

    told: MeasureSaving
    again: MeasureSaving
    decision: str
    same: bool
    weather_same: bool


def retold(house: House, connection: Connection, ident: str, until: date) -> Retold:
    """A saving that was told, made again as of then; refused with ``measure.unknown``, ``saving.unknown``."""
    measure = measure_records.get(connection, ident)
    made_at, words, decision = measure_records.kept_saving(connection, ident, until)
    told = msgspec.convert(words, MeasureSaving)
    again = saving_of(house, connection, measure, (told.start, told.until), as_of=made_at)
    again = msgspec.structs.replace(again, normal=told.normal)
    return Retold(
        told=told,
        again=again,
        decision=decision,
        same=msgspec.to_builtins(again) == msgspec.to_builtins(told),
        weather_same=[one.weather_sha256 for one in again.meters] == [one.weather_sha256 for one in told.meters],
    )


def weather_as_known(house: House, building: Building, span: Span, rules: BaselineRules, sky: Sky | None = None) -> Weather:
    """The weather of a reporting period: as far as it is known, with nothing where it is not."""
    found = weather_at(building, sky or read_sky(house, span.us), rules, share_min=0.0)
    return found if isinstance(found, Weather) else Weather(span.start_us, np.full(span.hours, np.nan), ())


def worth_of(
    house: House,
    connection: Connection,
    sites: Sites,
    parts: Sequence[MeterSaving],
    when: tuple[date, datetime, BaselineRules],
) -> Worth:
    """What book units of the meters are worth: by month, with the factors and bills known then."""
    until, known_at, rules = when
    folder = house.city.folder
    book = carbon_book(folder, day_of(known_at, house.city.zone))
    rates = {
        one.meter: {
            each.month: rate_of(sites.meters[one.meter], date.fromisoformat(f"{each.month}-01"), book) for each in one.months
        }
        for one in parts
    }
    prices = prices_of(connection, [sites.meters[one.meter] for one in parts], (until, known_at, rules), folder)
    return Worth(rates=rates, prices=prices)


def prices_of(
    connection: Connection, meters: Sequence[Meter], when: tuple[date, datetime, BaselineRules], folder: Path | None = None
) -> dict[str, Price]:
    """Average prices of meters by their own bills of the last year; where there are none, by the dated rows of prices."""
    until, known_at, rules = when
    first, end = price_days(until, rules.price_months)
    bills = bill_source.bills_of(connection, [one.id for one in meters], first, end, as_of=known_at)
    found: dict[str, Price] = {}
    for one in meters:
        price = price_of_bills(bills.get(one.id, []), end) or price_of_rows(one, until, folder)
        if price is not None:
            found[one.id] = price
    return found
