"""What measures saved in the months that closed, told once each; and verified for the ledger where it is sure enough.

A month is judged some days after it ended. A saving is verified of all days since the last verification: no day is claimed
twice, and a month that shows nothing is carried into the next, not left out.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import DureError
from dure.core.time import Interval, day_interval, day_of
from dure.engines.records import decisions, events
from dure.services.buildings.baselines import measure_records
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules
from dure.services.buildings.baselines.normal_saving import normal_saving
from dure.services.buildings.baselines.saving_desk import saving_of
from dure.services.buildings.baselines.saving_story import saving_decision, saving_id, verified_event
from dure.services.buildings.baselines.series import digest_of

if TYPE_CHECKING:
    from dure.services.buildings.baselines.measure_saving import MeasureSaving
    from dure.services.buildings.baselines.measures import Measure
    from dure.spine.house import House

log = structlog.get_logger("dure.buildings")
MONTHS_AT_ONCE = 24


class SavingWatch:
    """Savings of all measures, month by month."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._failed: set[str] = set()

    async def look(self) -> int:
        """One round; how many savings were told."""
        told = 0
        for measure in await asyncio.to_thread(self._measures):
            for until in await asyncio.to_thread(self._wanted, measure):
                try:
                    told += await asyncio.to_thread(self._close, measure.id, until)
                except DureError as error:  # one measure that cannot be told holds up no other
                    if measure.id not in self._failed:
                        log.warning("saving.not_told", measure=measure.id, code=error.code, why=error.message)
                    self._failed.add(measure.id)
                    break
                self._failed.discard(measure.id)
        return told

    def _measures(self) -> list[Measure]:
        house = self._house
        today = day_of(house.clock.now(), house.city.zone)
        with house.records.read() as connection:
            found = measure_records.listing(connection, states=("planned", "running", "ended"))
        stale = {one.id: one.state_on(today) for one in found if one.state_on(today) != one.state}
        if stale:
            with house.records.begin() as connection:
                measure_records.set_states(connection, stale)
        return [one for one in found if one.begins_on < today]

    def _wanted(self, measure: Measure) -> list[date]:
        """Ends of the months that are to be told, in order."""
        house = self._house
        today = day_of(house.clock.now(), house.city.zone)
        rules = baseline_rules(today, house.city.folder)
        with house.records.read() as connection:
            last = measure_records.last_until(connection, measure.id)
        ends = closings(measure, last, today - timedelta(days=rules.settle_d))
        return ends[:MONTHS_AT_ONCE]

    def _close(self, ident: str, until: date) -> bool:
        house = self._house
        now = house.clock.now()
        rules = baseline_rules(until, house.city.folder)
        with house.records.read() as connection:
            measure = measure_records.get(connection, ident)
            whole = saving_of(house, connection, measure, (measure.begins_on, until))
            whole = msgspec.structs.replace(whole, normal=normal_saving(house, connection, measure, until))
            since = measure.credited_until or measure.begins_on
            claim = whole if since == measure.begins_on else saving_of(house, connection, measure, (since, until))
        claimed = claim if verified(claim, measure, rules) else None
        parts = {one.meter: msgspec.to_builtins(one) for one in whole.meters} | {
            measure_records.WHOLE: msgspec.to_builtins(whole)
        }
        with house.records.begin() as connection:
            made = (now, saving_id(measure.id, until))
            if not measure_records.add_savings(connection, measure.id, until, parts, made):
                return False
            decisions.add(connection, saving_decision((measure, rules), whole, claimed, now))
            if claimed is not None:
                measure_records.credit(connection, measure, until)
                zone = house.city.zone
                period = Interval(day_interval(claimed.start, zone).start, day_interval(until, zone).start)
                readings = digest_of(words="/".join(one.readings_sha256 for one in claimed.meters))
                events.announce(connection, [verified_event(measure, claimed, period, readings, now)], now)
        log.info("saving.told", measure=ident, until=until.isoformat(), verdict=whole.verdict, verified=claimed is not None)
        return True


def verified(claim: MeasureSaving, measure: Measure, rules: BaselineRules) -> bool:
    """Whether a saving is sure enough for the ledger: shown, of enough days, against a baseline that was frozen before."""
    return (
        claim.verdict == "saving"
        and claim.energy_wh is not None
        and claim.coverage >= rules.claim_share_min
        and not measure.retrospective
    )


def closings(measure: Measure, last: date | None, settled: date) -> list[date]:
    """First days of months, and the day a measure ends, that are after `last` and not after `settled`."""
    end = min(settled, measure.ends_on) if measure.ends_on else settled
    found = []
    day = _month_after(measure.begins_on)
    while day <= end:
        found.append(day)
        day = _month_after(day)
    if measure.ends_on and measure.ends_on <= settled and measure.ends_on not in found:
        found.append(measure.ends_on)
    return [one for one in found if last is None or one > last]


def _month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
