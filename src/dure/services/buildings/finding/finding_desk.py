"""Findings read for pages and the API. Blocks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from dure.core.errors import NotFound
from dure.core.time import day_interval, day_of, to_us
from dure.services.buildings import sites
from dure.services.buildings.finding import finding_source, ticket_records
from dure.services.buildings.finding.day_grid import HOUR_US, offsets_us
from dure.services.buildings.finding.evidence import Evidence, evidence_of
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.gaps import MeterGap, gaps_of
from dure.services.buildings.finding.looking import running
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.modelling.rows import HourlyRows
from dure.services.buildings.modelling.towt import KNOTS_C, Hourly, local_hours

if TYPE_CHECKING:
    from dure.services.buildings.finding.tickets import Ticket
    from dure.services.buildings.model import Meter
    from dure.spine.house import House

DISPUTED = 3  # of `interval_books.QUALITIES`: never summed
MODEL_D = 400  # history the model of a gap is fitted to
MODEL = Hourly(knots=KNOTS_C, apart_min=1.0)


def meter_of(house: House, ident: str) -> Meter:
    """A registered meter; refused with ``meter.unknown``."""
    with house.records.read() as connection:
        found = sites.registered(connection).meters.get(ident)
    if found is None:
        raise NotFound("meter.unknown", f"There is no meter {ident[:80]!r}.")
    return found


def evidence(house: House, ident: str) -> tuple[Ticket, Evidence]:
    """A finding and its series, as the readings tell it now."""
    with house.records.read() as connection:
        ticket = ticket_records.get(connection, ident)
        others = ticket_records.unsettled(connection, [ticket.meter])
    meter = meter_of(house, ticket.meter)
    rules = finding_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    grid = finding_source.grid_of(house, meter, rules)
    return ticket, evidence_of(grid, ticket.facts.finding, running(grid, [*others, ticket]), rules)


def gaps(house: House, ident: str, days: int) -> list[MeterGap]:
    """Gaps of the last days of a meter, with what the model of its history puts in their place."""
    meter = meter_of(house, ident)
    zone = house.city.zone
    today = day_of(house.clock.now(), zone)
    first = today - timedelta(days=max(days, MODEL_D))
    start, end = (to_us(day_interval(one, zone).start) for one in (first, today))
    rows = interval_books.read(house.telemetry, meter.id, meter.supply.use, (start, end))
    if not len(rows):
        return []
    begin = int(rows.start_us[0])  # before its first reading nothing is missing
    at = np.arange(begin, end, HOUR_US)
    use = np.full(len(at), np.nan)
    place = (rows.start_us - begin) // HOUR_US
    kept = rows.quality != DISPUTED
    use[place[kept]] = rows.amount[kept]
    air = finding_source.temperature_of(house, meter, at)
    hour, month = local_hours(at, offsets_us(at, zone))
    model_rows = HourlyRows(air, use, hour, month, (at - begin) // (7 * 24 * HOUR_US), MODEL)
    since = to_us(day_interval(today - timedelta(days=days), zone).start)
    return [one for one in gaps_of(model_rows, at) if to_us(one.end) > since]
