"""What a live site's records and telemetry hold of its past, on the grid of forecasts and rehearsals."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from sqlalchemy import func, select

from dure.core.observations import Flag, SeriesKey
from dure.core.time import from_us, to_us
from dure.engines.records.tables_charging_sessions import charging_sessions as sessions
from dure.services.charging.planning.forecast_model import Past
from dure.services.charging.planning.forecast_rules import ForecastRules
from dure.services.charging.planning.problem import Floats, Ints
from dure.services.charging.planning.stays import DAY_S, MICRO, Days, Stay, Stays, stays_of
from dure.services.charging.pricing.days import public_holidays
from dure.services.charging.sessions import session_records

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.spine.house import House

GAP_STEPS_MAX = 8  # a register that is silent for longer than two hours says nothing of the time between
USABLE = (int(Flag.GOOD), int(Flag.NOT_EVALUATED), int(Flag.SUSPECT))


class Grid(msgspec.Struct, frozen=True):
    """A grid of whole steps from a local midnight; local days are as long as the first day's offset makes them."""

    start_us: int
    step_s: int
    now: int
    days: Days

    @property
    def edges_us(self) -> Ints:
        """(now + 1,) begin of each step that is over, and now."""
        return self.start_us + np.arange(self.now + 1, dtype=np.int64) * self.step_s * MICRO


def grid_at(house: House, at_us: int, step_s: int, rules: ForecastRules, *, since: datetime | None = None) -> Grid:
    """The grid of a site's past at an instant; `since`: its first session."""
    zone = house.city.zone
    day = from_us(at_us).astimezone(zone).date() - timedelta(days=rules.lead_d + rules.backtest_d)
    start_us = to_us(datetime(day.year, day.month, day.day, tzinfo=zone))
    first = 0 if since is None else max(0, (to_us(since) - start_us) // (DAY_S * MICRO))
    length = rules.lead_d + rules.backtest_d + 8
    days = Days(per_day=DAY_S // step_s, weekday=day.weekday(), holidays=_holidays(day, length), since=int(first))
    return Grid(start_us, step_s, int((at_us - start_us) // (step_s * MICRO)), days)


def _holidays(first: date, n: int) -> frozenset[int]:
    """Places of public holidays among the n days from `first`."""
    known = public_holidays(first.year) | public_holidays(first.year + 1)
    return frozenset(i for i in range(n) if first + timedelta(days=i) in known)


def past_of(house: House, site: Site, grid: Grid, rules: ForecastRules) -> Past:
    """Everything known of a site at the grid's now."""
    sun = np.zeros(grid.now)
    for one in site.solar:
        sun += register_power_w(house, (one.id, "solar_register"), grid)
    load = register_power_w(house, (site.meter, "site_load_register"), grid) if site.meter else np.zeros(grid.now)
    stays, came = past_stays(house, site, grid, rules)
    return Past(days=grid.days, step_s=grid.step_s, sun_w=sun, load_w=load, stays=stays, came=came)


def first_session_at(house: House, site: Site) -> datetime | None:
    """When a site's first session began."""
    with house.records.read() as connection:
        return connection.execute(select(func.min(sessions.c.started_at)).where(sessions.c.site == site.id)).scalar()


def past_stays(house: House, site: Site, grid: Grid, rules: ForecastRules) -> tuple[Stays, Ints]:
    """Stays that are over at the grid's now, and the steps of arrival of all that came up to then."""
    now_us = int(grid.edges_us[-1])
    power = {one.id: one.power_w for one in site.evses}
    with house.records.read() as connection:
        found = session_records.overlapping(connection, site.id, from_us(grid.start_us), from_us(now_us))
    rows = [
        Stay(to_us(one.started_at), to_us(one.ended_at), float(one.energy_wh), power.get(one.evse, 0.0))
        for one in found
        if one.ended_at is not None and to_us(one.ended_at) <= now_us
    ]
    width = grid.step_s * MICRO
    came = [-((grid.start_us - to_us(one.started_at)) // width) for one in found if to_us(one.started_at) >= grid.start_us]
    return stays_of(rows, grid.start_us, grid.step_s, rules.usual_w).ended(grid.now), np.array(sorted(came), np.int64)


def register_power_w(house: House, key: SeriesKey, grid: Grid) -> Floats:
    """Mean power of each step (now,) [W] from a register that counts up; a step without reads near it has 0."""
    edges = grid.edges_us
    kept = house.telemetry.series(key, grid.start_us - DAY_S * MICRO, int(edges[-1]) + 1)
    good = np.isin(kept.flag, USABLE)
    return power_of_reads(kept.time_us[good], kept.value[good], edges, grid.step_s)


def power_of_reads(time_us: Ints, register_wh: Floats, edges_us: Ints, step_s: int) -> Floats:
    """Mean power between edges (n,) [W] of reads of a register (m,); a fall of it is a reset and counts as nothing."""
    n = len(edges_us) - 1
    if len(time_us) < 2:  # a difference needs two
        return np.zeros(n)
    risen = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(register_wh), 0.0))])
    at = np.interp(edges_us, time_us, risen)
    following = np.searchsorted(time_us, edges_us[1:], side="left").clip(1, len(time_us) - 1)
    silent = time_us[following] - time_us[following - 1] > GAP_STEPS_MAX * step_s * MICRO
    power: Floats = np.diff(at) * 3_600 / step_s
    power[silent | (edges_us[1:] > time_us[-1] + GAP_STEPS_MAX * step_s * MICRO)] = 0.0
    return power
