"""Everything a page says of bins at once: what is believed, seen, planned and alarmed. Reads the records; blocks."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from dure.core.time import day_of
from dure.engines.records.tables_waste import waste_sightings
from dure.services.waste.bins import bins_of
from dure.services.waste.driving import route_source, tap_records
from dure.services.waste.driving.shift import instant_of
from dure.services.waste.pages.believed import believed
from dure.services.waste.reporting.answers import Answer, Known, answer, citizen_rules
from dure.services.waste.safety import alarm_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.waste.model import Bin, Forecast
    from dure.spine.house import House

OVERFLOW = 1.0


class Outlook(NamedTuple):
    """What is believed of one bin; nothing of what is not known is a number."""

    level: float | None
    low: float | None
    high: float | None
    risk: float | None
    per_day: float | None
    age_d: float | None
    health: str


class BinRow(NamedTuple):
    """One bin as pages show it."""

    asset: Asset
    known: Known
    answer: Answer
    outlook: Outlook
    alarmed: bool = False

    @property
    def stream(self) -> str:
        """What goes in."""
        return str(self.asset.attributes.get("stream", "") or "general")

    @property
    def address(self) -> str:
        """Where it stands, in words."""
        return str(self.asset.attributes.get("address", ""))


NOTHING = Outlook(None, None, None, None, None, None, "no_sensor")


def bin_rows(house: House, connection: Connection, assets: Iterable[Asset], now: datetime) -> list[BinRow]:
    """The live bins among the assets with everything known of them."""
    listed = [one for one in assets if one.kind == "bin"]
    bins = bins_of(listed).bins
    outlooks = _outlooks(believed(house, connection, bins, now))
    day = day_of(now, house.city.zone)
    rules = citizen_rules(day, house.city.folder)
    emptied = tap_records.newest_emptying(connection)
    over = _overflows(connection, now - rules.report_holds)
    planned = planned_at(house, connection, now)
    alarms = alarm_records.open_by_bin(connection)
    rows = []
    for one in listed:
        outlook = outlooks.get(one.id, NOTHING)
        known = Known(
            level=outlook.level,
            low=outlook.low,
            high=outlook.high,
            overflow_at=over.get(one.id),
            emptied_at=emptied.get(one.id),
            planned_at=planned.get(one.id),
            burning="fire" in alarms.get(one.id, ()),
        )
        rows.append(BinRow(one, known, answer(known, rules, now), outlook, alarmed=one.id in alarms))
    return rows


def planned_at(house: House, connection: Connection, now: datetime) -> Mapping[str, datetime]:
    """When a truck comes to each bin today that it was not at yet, of the plan in force."""
    zone = house.city.zone
    plan = route_source.plan_in_force(connection, day_of(now, zone))
    routes = route_source.routes_of(plan) if plan else []
    begin = now - timedelta(hours=20)
    done = {one.bin for one in tap_records.between(connection, begin, now + timedelta(hours=1)) if one.kind == "emptied"}
    return {
        str(visit["id"]): instant_of(route.day, int(visit["begin_s"]), zone)
        for route in routes
        for visit in route.visits
        if visit["kind"] == "stop" and visit["id"] not in done
    }


def _overflows(connection: Connection, since: datetime) -> dict[str, datetime]:
    """The newest word of anybody that a bin overflows."""
    seen = waste_sightings.c
    query = select(seen.bin, func.max(seen.seen_at).label("at")).where(
        seen.kind.in_(("report", "level")), seen.level > OVERFLOW, seen.seen_at >= since
    )
    return {row["bin"]: row["at"] for row in connection.execute(query.group_by(seen.bin)).mappings()}


def _outlooks(forecast: Forecast) -> dict[str, Outlook]:
    found = {}
    for row, id_ in enumerate(forecast.bins):
        level, low, high = (_number(column[row]) for column in (forecast.level, forecast.low, forecast.high))
        risk, per_day, age_d = (_number(column[row]) for column in (forecast.risk, forecast.per_day, forecast.age_d))
        found[id_] = Outlook(level, low, high, risk, per_day, age_d, forecast.health[row])
    return found


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def bin_or_none(asset: Asset) -> Bin | None:
    """The bin of an asset; None when its attributes cannot be used."""
    found = bins_of([asset]).bins
    return found[0] if found else None
