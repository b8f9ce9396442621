"""Findings read for pages and the API. Blocks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from dure.core.errors import NotFound
from dure.core.time import day_interval, day_of, to_us
from dure.emissions.conversion import Refused
from dure.services.buildings import sites
from dure.services.buildings.baselines.series import Series, clockwork, span_of
from dure.services.buildings.baselines.weather_source import read_weather
from dure.services.buildings.finding import finding_source, ticket_records
from dure.services.buildings.finding.day_grid import HOUR_US
from dure.services.buildings.finding.evidence import Evidence, evidence_of
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.gaps import MeterGap, gaps_of
from dure.services.buildings.finding.looking import running
from dure.services.buildings.intervals import interval_books

if TYPE_CHECKING:
    from dure.services.buildings.finding.tickets import Ticket
    from dure.services.buildings.model import Meter
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

DISPUTED = 3  # of `interval_books.QUALITIES`: never summed
MODEL_D = 400  # history the model of a gap is fitted to


def evidence(house: House, ident: str) -> tuple[Ticket, Evidence]:
    """A finding and its series, as the readings tell it now."""
    with house.records.read() as connection:
        ticket = ticket_records.get(connection, ident)
        others = ticket_records.unsettled(connection, [ticket.meter])
        known = sites.registered(connection)
        source = finding_source.source_of(house)
        rules = finding_rules(source.today, source.folder)
        sky = finding_source.sky_for(source, connection, rules)
    meter = _meter(known, ticket.meter)
    grid = finding_source.grid_of(source, meter, (known.buildings.get(meter.building), sky), rules)
    return ticket, evidence_of(grid, ticket.facts.finding, running(grid, [*others, ticket]), rules)


def gaps(house: House, ident: str, days: int) -> list[MeterGap]:
    """Gaps of the last days of a meter, with what the model of its history puts in their place."""
    zone = house.city.zone
    today = day_of(house.clock.now(), zone)
    span = span_of(today - timedelta(days=max(days, MODEL_D)), today, zone)
    with house.records.read() as connection:
        known = sites.registered(connection)
    meter = _meter(known, ident)
    rows = interval_books.read(house.telemetry, meter.id, meter.supply.use, span.us)
    if not len(rows):
        return []
    weather = read_weather(house, known.buildings[meter.building], span.us)
    air = np.full(span.hours, np.nan) if isinstance(weather, Refused) else weather.temperature_c
    at = span.start_us + HOUR_US * np.arange(span.hours)
    use = np.full(span.hours, np.nan)
    kept = rows.quality != DISPUTED
    use[(rows.start_us[kept] - span.start_us) // HOUR_US] = rows.amount[kept]
    begun = at >= rows.start_us[0]  # before its first reading nothing is missing
    hours = Series(span, use, air, clockwork(span, zone)).hourly(net=meter.supply.sign < 0).of(begun)
    since = to_us(day_interval(today - timedelta(days=days), zone).start)
    return [one for one in gaps_of(hours, at[begun]) if to_us(one.end) > since]


def _meter(known: Sites, ident: str) -> Meter:
    found = known.meters.get(ident)
    if found is None:
        raise NotFound("meter.unknown", f"There is no meter {ident[:80]!r}.")
    return found
