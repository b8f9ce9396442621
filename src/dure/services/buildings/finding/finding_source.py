"""What a look at a meter is made from, read from the engines. Blocks."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from dure.core.time import day_interval, day_of, to_us
from dure.services.buildings.finding.day_grid import DayGrid, Floats, Ints, day_grid
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.missing import late_bill
from dure.services.buildings.finding.prices import Price, price_of, price_of_months, supply_id
from dure.services.buildings.finding.worth import Worth, worth_of
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.months import month_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.services.buildings.factors.carbon import CarbonBook
    from dure.services.buildings.finding.finding_rules import FindingRules
    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.month_use import MonthUse
    from dure.spine.house import House

JUDGED = (0, 2)  # of `interval_books.QUALITIES`: measured and substituted; an estimate shows no waste
BILL_MONTHS = 26


def grid_of(house: House, meter: Meter, rules: FindingRules) -> DayGrid:
    """The whole local days of a meter up to today's midnight."""
    zone = house.city.zone
    today = day_of(house.clock.now(), zone)
    first = today - timedelta(days=rules.look.read_days)
    span = (to_us(day_interval(first, zone).start), to_us(day_interval(today, zone).start))
    rows = interval_books.read(house.telemetry, meter.id, meter.supply.use, span)
    use = np.where(np.isin(rows.quality, JUDGED), rows.amount.astype(float), np.nan)
    days_off = rules.days_off(range(first.year, today.year + 1))
    return day_grid(meter.id, (rows.start_us, use), (zone, days_off), None, end=today)


def temperature_of(house: House, meter: Meter, at_us: Ints) -> Floats:  # noqa: ARG001  # until weather is merged
    """(n,) air temperature of hours where the meter's building stands [degC]; NaN where not known."""
    return np.full(len(at_us), np.nan)


def billed_months(connection: Connection, meters: Sequence[str], today: date) -> dict[str, list[MonthUse]]:
    """Months of some meters that bills say something of, by meter."""
    first = today - timedelta(days=31 * BILL_MONTHS)
    found: dict[str, list[MonthUse]] = {}
    for one in month_records.find(connection, f"{first:%Y-%m}", f"{today:%Y-%m}", meters=meters):
        if one.source in ("bills", "both") or one.won is not None:
            found.setdefault(one.meter, []).append(one)
    return found


def late_bills(house: House, months: dict[str, list[MonthUse]], rules: FindingRules) -> dict[str, Finding]:
    """Late bills by meter."""
    zone = house.city.zone
    today = day_of(house.clock.now(), zone)
    found = {}
    for meter, rows in months.items():
        late = late_bill(meter, {one.month for one in rows}, today, zone, rules)
        if late is not None:
            found[meter] = late
    return found


def worth_now(house: House, finding: Finding, meter: Meter, months: Sequence[MonthUse], book: CarbonBook) -> Worth:
    """What a finding comes to, by the meter's own price where its bills say one."""
    today = day_of(house.clock.now(), house.city.zone)
    price: Price | None = price_of_months(months) or price_of(house.city.folder, supply_id(meter), today)
    return worth_of(finding, meter, price, book, today)
