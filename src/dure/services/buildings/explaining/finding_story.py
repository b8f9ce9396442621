"""A finding, unfolded: the detector run again on the hours that were known when it was seen, and what it comes to in a year."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of, to_us
from dure.emissions.emission import Emission, co2e_kg
from dure.services.buildings.explaining.building_story import basis_row
from dure.services.buildings.explaining.explanation import Readings, Step, factor_row, readings_of
from dure.services.buildings.explaining.figures import Figure
from dure.services.buildings.explaining.sources import Reading
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.finding import ticket_records, wording
from dure.services.buildings.finding.day_grid import DayGrid
from dure.services.buildings.finding.detecting import findings_of
from dure.services.buildings.finding.finding_rules import FindingRules, finding_rules
from dure.services.buildings.finding.finding_source import Source, billed_months, grid_of, sky_for
from dure.services.buildings.finding.findings import NAMES, Finding
from dure.services.buildings.finding.looking import SAME_LOAD, first_look, running
from dure.services.buildings.finding.missing import late_bill
from dure.services.buildings.intervals import interval_books

if TYPE_CHECKING:
    from dure.services.buildings.finding.tickets import Ticket
    from dure.services.buildings.model import Meter

FLOWS = ("water", "city_gas")
TOLD = ("since", "kind")  # a ticket keeps the first; a leak may be seen as a night base later


def explain_finding(reading: Reading, asked: Figure) -> Step:
    """The finding of a ticket as seen last; raises NotFound ``figure.unknown``."""
    try:
        ticket = ticket_records.get(reading.connection, asked.id)
    except NotFound as error:
        raise NotFound("figure.unknown", error.message) from error
    meter, finding = reading.meter(ticket.meter), ticket.facts.finding
    day = day_of(ticket.facts.seen_at, reading.books.zone)
    rules = finding_rules(day, reading.books.folder)
    again = _again(reading, ticket, meter, day, rules)
    row = basis_row(rules.pack, finding.rule, day)
    return Step(
        name=Text(f"{NAMES[finding.kind].ko} ({meter.id})", f"{NAMES[finding.kind].en} ({meter.id})"),
        figure=str(asked),
        value=None if again is None else round(again.excess_year),
        unit=meter.supply.book,
        formula=Text(
            f"시간당 {finding.excess_per_h:,.0f} {meter.supply.book} × 한 해 {finding.hours_year:,.0f}시간",
            f"{finding.excess_per_h:,.0f} {meter.supply.book} an hour x {finding.hours_year:,.0f} hours a year",
        ),
        stored=round(finding.excess_year),
        agrees=again is not None and _told(again) == _told(finding),
        parts=(_window(reading, ticket, meter), *_worth(reading, ticket, meter, day)),
        rows=() if row is None else (row,),
        notes=(wording.words_of(finding, meter), *_numbers(finding)),
    )


def _told(finding: Finding) -> dict[str, object]:
    return {name: value for name, value in msgspec.structs.asdict(finding).items() if name not in TOLD}


def _again(reading: Reading, ticket: Ticket, meter: Meter, day: date, rules: FindingRules) -> Finding | None:
    """What the detectors say of the hours known then: without the ticket, with its days barred, or step by step."""
    wanted = (ticket.finding, SAME_LOAD.get(ticket.finding))
    kept = _told(ticket.facts.finding)
    grid = _grid(reading, ticket, meter, day, rules)
    if not grid.days:
        months = billed_months(reading.connection, [meter.id], day).get(meter.id, [])
        return late_bill(meter.id, {one.month for one in months}, day, reading.books.zone, rules)
    flows = meter.fuel in FLOWS
    first: Finding | None = None
    looks = (
        partial(findings_of, grid, rules, flows=flows),
        partial(findings_of, grid, rules, barred=running(grid, [ticket]), flows=flows),
        partial(first_look, grid, rules, flows=flows),
    )
    for look in looks:
        for one in look():
            if one.kind in wanted:
                first = first or one
                if _told(one) == kept:
                    return one
    return first


def _grid(reading: Reading, ticket: Ticket, meter: Meter, day: date, rules: FindingRules) -> DayGrid:
    source = Source(reading.books.telemetry, reading.books.zone, reading.books.folder, day)
    sky = sky_for(source, reading.connection, rules)
    weather = (reading.sites.buildings.get(meter.building), sky)
    return grid_of(source, meter, weather, rules, as_of_us=to_us(ticket.facts.seen_at))


def _window(reading: Reading, ticket: Ticket, meter: Meter) -> Step:
    finding = ticket.facts.finding
    return Step(
        name=Text("살펴본 기간의 사용량", "Use of the window"),
        value=round(finding.actual),
        unit=meter.supply.book,
        formula=Text(
            f"기대 {finding.expected:,.0f} {meter.supply.book}에 견줌",
            f"against {finding.expected:,.0f} {meter.supply.book} expected",
        ),
        readings=_readings(reading, ticket, meter),
    )


def _readings(reading: Reading, ticket: Ticket, meter: Meter) -> tuple[Readings, ...]:
    finding = ticket.facts.finding
    span = (to_us(finding.window_from), to_us(finding.until))
    rows = reading.books.telemetry.series((meter.id, meter.supply.use), *span, as_of_us=to_us(ticket.facts.seen_at))
    return (readings_of(meter.id, meter.supply.use, span, rows, len(interval_books.of_columns(rows))),)


def _worth(reading: Reading, ticket: Ticket, meter: Meter, day: date) -> tuple[Step, ...]:
    """What it comes to: won by its price, grams by the factor of that day."""
    worth = ticket.facts.worth
    book = carbon_book(reading.books.folder, day)
    emitted = book.emission(meter, worth.amount_year, day) if worth.amount_year else None
    steps = [
        Step(
            name=Text("한 해 요금", "Won a year"),
            value=worth.won_year,
            unit="won",
            formula=Text(
                f"단가: {worth.price or '모름'} ({worth.price_mark})", f"Price: {worth.price or 'not known'} ({worth.price_mark})"
            ),
        )
    ]
    if isinstance(emitted, Emission):
        factor = emitted.factor
        kg = co2e_kg(factor, book.table.potentials.get(factor.gwp) if factor.total_kg is None else None)
        steps.append(
            Step(
                name=Text("한 해 온실가스", "Greenhouse gas a year"),
                value=emitted.co2e_g,
                unit="gCO2e",
                formula=Text(
                    f"{worth.amount_year:,} {meter.supply.book} × 계수", f"{worth.amount_year:,} {meter.supply.book} x factor"
                ),
                stored=worth.co2e_g_year,
                agrees=emitted.co2e_g == worth.co2e_g_year,
                rows=(factor_row(factor, float(kg)),),
            )
        )
    return tuple(steps)


def _numbers(finding: Finding) -> list[Text]:
    words = ", ".join(f"{name} {value:,.4g}" for name, value in sorted(finding.numbers.items()))
    return [Text(f"시험의 값: {words}", f"Figures of the test: {words}")] if words else []
