"""Months made anew and kept: what is read for them, in which order, and what is written."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec

from dure.emissions.conversion import Refused
from dure.services.buildings.baselines.baseline_rules import baseline_rules
from dure.services.buildings.baselines.series import span_of
from dure.services.buildings.baselines.weather import Sky, weather_at
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.interval_books import GRID_US, Intervals
from dure.services.buildings.months import bill_records, month_records
from dure.services.buildings.months.derived_months import physical_of, virtual_month
from dure.services.buildings.months.month_filling import gaps_filled
from dure.services.buildings.months.month_making import FilledGap, Grounds, Span, midnight_us, month_span, months_made
from dure.services.buildings.rules import Choice, load_pack

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dure.services.buildings.model import Meter
    from dure.services.buildings.months.bill_records import KeptBill
    from dure.services.buildings.months.month_use import MonthUse
    from dure.services.buildings.sites import Sites
    from dure.spine.house import House

AT_ONCE = 200  # meters of one transaction


def make(house: House, sites: Sites, wanted: Mapping[str, Collection[str]]) -> int:
    """Make months of meters, then those of virtual meters that rest on them; how many say something new. Blocks."""
    physical = [one for one in sorted(wanted) if one in sites.meters and not sites.meters[one].formula and wanted[one]]
    done = 0
    for at in range(0, len(physical), AT_ONCE):
        part = physical[at : at + AT_ONCE]
        made = _made(house, sites, {one: wanted[one] for one in part})
        with house.records.begin() as connection:
            done += month_records.put(connection, made)
    return done + _make_virtual(house, sites, wanted)


def _made(house: House, sites: Sites, wanted: Mapping[str, Collection[str]]) -> list[MonthUse]:
    zone, now = house.city.zone, house.clock.now()
    first = min(min(months) for months in wanted.values())
    last = max(max(months) for months in wanted.values())
    with house.records.read() as connection:
        bills: dict[str, list[KeptBill]] = {}
        for one in bill_records.find(connection, wanted, f"{first}-01", f"{last}-32"):
            bills.setdefault(one.meter, []).append(one)
        stood = {(one.meter, one.month) for one in month_records.find(connection, first, last, meters=wanted)}
    found: list[MonthUse] = []
    filling = _Filling(house, sites, now.astimezone(zone).date())
    today = midnight_us(now.astimezone(zone).date(), zone)
    for name, months in sorted(wanted.items()):
        own = [one for one in bills.get(name, []) if any(month in months for month in bill_records.months_of(one))]
        grounds = Grounds(
            meter=sites.meters[name],
            zone=zone,
            known_at=now,
            known_until_us=today,
            hours=_hours(house, sites.meters[name], sorted(months), own),
            bills=own,
        )
        rows = filling.filled(grounds, months_made(grounds, sorted(months)))
        found += [one for one in rows if one.source != "none" or (name, one.month) in stood]
    return found


class _Filling:
    """Fills months that lack hours; the weather is read once, and only when a month lacks some."""

    def __init__(self, house: House, sites: Sites, today: date) -> None:
        pack = load_pack("months", house.city.folder)
        self._house, self._sites = house, sites
        self._coverage_min = float(pack.row("making", "fill_coverage_min", Choice, today).value)
        self._back_d = int(pack.row("making", "fill_history_d", Choice, today).value)
        self._rules = baseline_rules(today, house.city.folder)
        self._skies: dict[tuple[int, int], Sky] = {}

    def filled(self, grounds: Grounds, rows: list[MonthUse]) -> list[MonthUse]:
        """The months, those that lack some of their hours made again with what a model puts there."""
        lacking = [
            one.month for one in rows
            if one.source == "intervals" and self._coverage_min <= one.coverage < 1 and "running" not in one.facts
        ]  # fmt: skip
        if not lacking:
            return rows
        gaps = [gap for month in lacking for gap in self._gaps(grounds, month)]
        if not gaps:
            return rows
        again = {one.month: one for one in months_made(msgspec.structs.replace(grounds, filled=gaps), lacking)}
        return [again.get(one.month, one) for one in rows]

    def _gaps(self, grounds: Grounds, month: str) -> list[FilledGap]:
        """Gaps of a month; the model is fitted to the hours of a year before its end."""
        house, meter = self._house, grounds.meter
        first = date(int(month[:4]), int(month[5:]), 1)
        end = (first + timedelta(days=32)).replace(day=1)
        span = span_of(end - timedelta(days=self._back_d), end, grounds.zone)
        hours = interval_books.read(house.telemetry, meter.id, meter.supply.use, span.us)
        if span.us not in self._skies:
            self._skies[span.us] = read_sky(house, span.us)
        weather = weather_at(self._sites.buildings[meter.building], self._skies[span.us], self._rules, share_min=0.0)
        if isinstance(weather, Refused):
            return []
        inside = month_span(month, grounds.zone)
        found = gaps_filled(hours, weather.part(*span.us), span, grounds.zone)
        return [gap for gap in found if gap.start_us[-1] >= inside.start_us]


def _hours(house: House, meter: Meter, months: list[str], bills: list[KeptBill]) -> Intervals:
    """Intervals over the months and over the whole span of the bills."""
    zone = house.city.zone
    spans = [month_span(months[0], zone), month_span(months[-1], zone)]
    spans += [Span(*(midnight_us(date.fromisoformat(day), zone) for day in (one.start_day, one.end_day))) for one in bills]
    span = (min(one.start_us for one in spans) - GRID_US, max(one.end_us for one in spans) + GRID_US)
    return interval_books.read(house.telemetry, meter.id, meter.supply.use, span)


def _make_virtual(house: House, sites: Sites, wanted: Mapping[str, Collection[str]]) -> int:
    """Months of virtual meters, wanted themselves or because of a meter in their sum."""
    counts, _ = physical_of(sites.meters)
    due: dict[str, set[str]] = {}
    for name, terms in counts.items():
        months = {month for one in (name, *terms) for month in wanted.get(one, ())}
        if months:
            due[name] = months
    if not due:
        return 0
    now = house.clock.now()
    done = 0
    with house.records.begin() as connection:
        for name, months in sorted(due.items()):
            rows = month_records.find(connection, min(months), max(months), meters=counts[name])
            by_month: dict[str, dict[str, MonthUse]] = {}
            for row in rows:
                by_month.setdefault(row.month, {})[row.meter] = row
            made = [
                virtual_month(sites.meters[name], counts[name], by_month.get(month, {}), month, now) for month in sorted(months)
            ]
            done += month_records.put(connection, [one for one in made if one is not None])
    return done
