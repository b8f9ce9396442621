"""What a look at a meter is made from, read from the engines. Blocks."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dure.core.time import day_interval, day_of, to_us
from dure.emissions.conversion import Refused
from dure.engines.records import assets
from dure.engines.telemetry.port import Telemetry
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.weather import TEMPERATURE, Sky, sky_of, weather_at
from dure.services.buildings.finding.day_grid import HOUR_US, DayGrid, Floats, Ints, day_grid
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
    from dure.services.buildings.model import Building, Meter
    from dure.services.buildings.months.month_use import MonthUse
    from dure.spine.house import House

JUDGED = (0, 2)  # of `interval_books.QUALITIES`: measured and substituted; an estimate shows no waste
BILL_MONTHS = 26
WEATHER_SHARE_MIN = 0.3  # of the hours [1]: days without temperature are compared with none, the others still are


class Source(msgspec.Struct, frozen=True):
    """What is read from: the telemetry, the city's clock and its rules, and the local day up to which days are whole."""

    telemetry: Telemetry
    zone: ZoneInfo
    folder: Path | None
    today: date

    def span(self, rules: FindingRules) -> tuple[int, int]:
        """The instants that are read [us]."""
        first = self.today - timedelta(days=rules.look.read_days)
        return to_us(day_interval(first, self.zone).start), to_us(day_interval(self.today, self.zone).start)


def source_of(house: House) -> Source:
    """Everything up to now."""
    zone = house.city.zone
    return Source(house.telemetry, zone, house.city.folder, day_of(house.clock.now(), zone))


def sky_for(source: Source, connection: Connection, rules: FindingRules) -> Sky:
    """The air temperatures of all stations over the days that are read: read once for many meters."""
    span = source.span(rules)
    rows = source.telemetry.rollup(TEMPERATURE, "hour", *span)
    known = assets.find(connection, set(rows.asset))
    return sky_of(rows, {name: one.place.point for name, one in known.items() if one.place is not None}, span)


def grid_of(
    source: Source, meter: Meter, weather: tuple[Building | None, Sky], rules: FindingRules, *, as_of_us: int | None = None
) -> DayGrid:
    """The whole local days of a meter, as known at `as_of_us` (None: now), with the temperature where its building stands."""
    span = source.span(rules)
    rows = interval_books.read(source.telemetry, meter.id, meter.supply.use, span, as_of_us=as_of_us)
    use = np.where(np.isin(rows.quality, JUDGED), rows.amount.astype(float), np.nan)
    first = source.today - timedelta(days=rules.look.read_days)
    days_off = rules.days_off(range(first.year, source.today.year + 1))
    building, sky = weather
    air = None if building is None else temperature_of(source, building, sky)
    return day_grid(meter.id, (rows.start_us, use), (source.zone, days_off), air, end=source.today)


def temperature_of(source: Source, building: Building, sky: Sky) -> tuple[Ints, Floats] | None:
    """Begin of each hour of the sky [us] and the temperature where a building stands [degC]; None where nothing is known."""
    known = weather_at(building, sky, baseline_rules(source.today, source.folder), share_min=WEATHER_SHARE_MIN)
    if isinstance(known, Refused):
        return None
    return sky.start_us + HOUR_US * np.arange(len(known.temperature_c)), known.temperature_c


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
