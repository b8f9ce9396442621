"""What is read of a site before it is planned: sessions, meters, prices. Everything here blocks; callers use threads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Flag
from dure.core.time import day_of, from_us, to_us
from dure.services.charging.planning import plan_records
from dure.services.charging.planning.held import held_w
from dure.services.charging.planning.plan_rules import PlanningRow, planning_rules
from dure.services.charging.planning.problem import Floats
from dure.services.charging.planning.seen import Costs, Seen, Usual, begin_us, usual_of
from dure.services.charging.pricing.site_prices import billing_period, site_prices
from dure.services.charging.pricing.tariffs import tariff_book
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.place_rules import is_past, place_rules
from dure.services.charging.stations import station_records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.time import Interval
    from dure.services.charging.model import Site
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House

US = 1_000_000
USABLE = (int(Flag.GOOD), int(Flag.SUSPECT))
SLOPE_S = 3_600
USUAL_S = 3_600


def rules_of(house: House, at: datetime) -> PlanningRow:
    """How plans are made on the local day of an instant."""
    return planning_rules(day_of(at, house.city.zone), house.city.folder)


def costs_of(house: House, site: Site, start_us: int, rules: PlanningRow) -> Costs:
    """Prices of the steps of a plan."""
    book = tariff_book(house.city.folder, house.city.zone)
    found = site_prices(book, site.tariff, from_us(start_us), rules.steps, rules.step_s)
    return Costs(
        price_won_kwh=found.buy_won_kwh,
        export_won_kwh=found.export_won_kwh,
        demand_won_kw=found.demand_won_kw,
        rules=tuple(one.rule for one in found.bases),
        provisional=found.provisional or rules.provisional,
    )


def is_told_late(session: Session, at_us: int, late_s: int) -> bool:
    """Whether a station is telling of a session what happened long ago: the vehicle may be gone, its end comes next.

    A station that has told nothing more for as long has caught up, and its session runs.
    """
    return is_past(session, late_s) and at_us - int(session.facts["heard_us"]) <= late_s * US


class PlanSource:
    """Reads sites of one house; remembers what is dear to read: usual needs, and peaks of the billing period."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._usual: dict[str, tuple[int, Usual]] = {}
        self._peaks: dict[str, _Peak] = {}

    def seen(self, site: Site, at: datetime) -> Seen:
        """What a site shows at an instant."""
        rules, at_us = rules_of(self._house, at), to_us(at)
        start_us = begin_us(at_us, rules.step_s)
        with self._house.records.read() as connection:
            running = session_records.running(connection, site.id)
            states = station_records.states(connection, [one.id for one in site.chargers])
            told = plan_records.told(connection, site.id)
        unlinked = {one.id for one in site.chargers if one.id not in states or not states[one.id].linked}
        late_s = place_rules(day_of(at, self._house.city.zone), self._house.city.folder).asking.late_s
        told_late = {one.id: one.charger for one in running if is_told_late(one, at_us, late_s)}
        unlinked |= set(told_late.values())  # what stands there now is told last; until then nobody knows what it draws
        sessions = [one for one in running if one.id not in told_late]
        held = held_w(site, told, unlinked, start_us, rules.step_s, rules.steps)
        sun_w = self._sun(site, at_us, rules)
        stored_wh = self._stored(site, at_us, rules)
        lost = []
        if site.solar and sun_w is None:
            lost.append("sun")
        if site.storage and stored_wh is None:
            lost.append("storage")
        load_w = self._load(site, at_us)
        return Seen(
            at=at,
            start_us=start_us,
            site=site,
            sessions=tuple(sorted(sessions, key=lambda one: one.id)),
            usual=self.usual(site, at, rules),
            sun_w=sun_w,
            stored_wh=stored_wh,
            load_w=rules.load_fraction * site.contract_w if load_w is None else load_w,
            peak_w=self._peak(site, at, rules),
            lost=(*lost, "load") if load_w is None else tuple(lost),
            held={name: tuple(map(float, rows)) for name, rows in held.items()},
            versions={one.id: states[one.id].version for one in site.chargers if one.id not in unlinked},
            returned_wh=self._returned(site, sessions, at_us),
        )

    def usual(self, site: Site, at: datetime, rules: PlanningRow) -> Usual:
        """What drivers who say nothing need here; looked at once an hour."""
        at_us = to_us(at)
        known = self._usual.get(site.id)
        if known is None or not 0 <= at_us - known[0] < USUAL_S * US:
            with self._house.records.read() as connection:
                past = session_records.overlapping(connection, site.id, at - timedelta(days=rules.usual_days), at)
            known = self._usual[site.id] = (at_us, usual_of(past, rules))
        return known[1]

    def _now(self, asset: str, name: str, at_us: int, rules: PlanningRow) -> float | None:
        """The newest value of a series, if it is usable and not older than may be."""
        value = self._house.live.get(asset, name)
        if value is None or not value.is_usable() or at_us - value.time_us > rules.stale_s * US:
            return None
        return value.value

    def _sun(self, site: Site, at_us: int, rules: PlanningRow) -> float | None:
        """Power of all solar generators; None when one of them is lost, or where there is none."""
        found = [self._now(one.id, "solar_power", at_us, rules) for one in site.solar]
        for i, one in enumerate(site.solar):
            if found[i] is None:
                found[i] = self._slope(one.id, "solar_register", at_us, rules.stale_s)
        return None if not found or None in found else float(sum(one for one in found if one is not None))

    def _stored(self, site: Site, at_us: int, rules: PlanningRow) -> float | None:
        """Energy in all storages; None when one of them is lost, or where there is none."""
        found = [self._now(one.id, "storage_soc", at_us, rules) for one in site.storage]
        if not found or None in found:
            return None
        return float(sum(soc * one.capacity_wh for soc, one in zip(found, site.storage, strict=True) if soc is not None))

    def _load(self, site: Site, at_us: int) -> float | None:
        """Other load of a site as the mean of the last hour; 0 where nothing measures it, None where its meter is lost."""
        return self._slope(site.meter, "site_load_register", at_us, SLOPE_S) if site.meter else 0.0

    def _returned(self, site: Site, sessions: Sequence[Session], at_us: int) -> dict[str, float]:
        """What vehicles gave back since their sessions began [Wh], where they may at all."""
        found: dict[str, float] = {}
        able = {one.id for one in site.evses if one.v2g and site.v2g}
        for one in sessions:
            if one.evse in able:
                _, value = self._reads(one.evse, "evse_return_register", to_us(one.started_at), at_us + 1)
                found[one.id] = float(np.maximum(np.diff(value), 0.0).sum())
        return found

    def _slope(self, asset: str, name: str, at_us: int, over_s: int) -> float | None:
        """Mean power by the first and the last read of a register in the time before; None with fewer than two."""
        time_us, value = self._reads(asset, name, at_us - over_s * US, at_us + 1)
        if len(value) < 2 or value[-1] < value[0]:
            return None
        return float((value[-1] - value[0]) / ((time_us[-1] - time_us[0]) / US / 3_600))

    def _reads(self, asset: str, name: str, start_us: int, end_us: int) -> tuple[Floats, Floats]:
        series = self._house.telemetry.series((asset, name), start_us, end_us)
        usable = np.isin(series.flag, USABLE) & np.isfinite(series.value)
        return series.time_us[usable].astype(np.float64), series.value[usable]

    def _peak(self, site: Site, at: datetime, rules: PlanningRow) -> float:
        """Highest mean import of a demand interval in the billing period so far; only new reads are looked at."""
        if not site.meter:
            return 0.0
        period = billing_period(at, self._house.city.zone)
        known = self._peaks.get(site.id)
        if known is None or known.period != period:
            known = self._peaks[site.id] = _Peak(period)
        known.follow(*self._reads(site.meter, "grid_import_register", known.read_us, to_us(at)), rules.step_s)
        return known.peak_w


class _Peak:
    """Peak of one billing period as its reads come."""

    def __init__(self, period: Interval) -> None:
        self.period = period
        self.read_us = to_us(period.start)
        self.peak_w = 0.0

    def follow(self, time_us: Floats, value: Floats, step_s: int) -> None:
        """Take reads in; whole intervals between the first and the last of them are looked at."""
        step_us = step_s * US
        if len(value) < 2:
            return
        first, last = int(np.ceil(time_us[0] / step_us)), int(time_us[-1] // step_us)
        if last <= first:
            return
        edges = np.arange(first, last + 1, dtype=np.float64) * step_us
        energy_wh = np.diff(np.interp(edges, time_us, value))
        self.peak_w = max(self.peak_w, float(energy_wh.max()) * 3_600 / step_s)
        before = time_us[time_us <= edges[-1]]
        self.read_us = int(before[-1]) if len(before) else self.read_us
