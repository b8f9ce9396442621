"""Every minute: what was sensed and seen since the last look moves the beliefs; every night everything is learnt anew.

Beliefs are kept in the records after each look, so a restart goes on from there: what was taken already is known by its instant
and is not taken twice. A tap or a reading that comes hours late, or is taken back, finds its place: the last days of its bin are
replayed in order, some bins a round. Nothing said or sensed is lost to the order in which phones and gateways find a network.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import structlog

from dure.core.time import day_of, to_us
from dure.services.waste.belief import belief_records
from dure.services.waste.belief.belief_records import read_beliefs, read_forecast
from dure.services.waste.belief.belief_rules import BeliefRules, belief_rules
from dure.services.waste.belief.following import observe
from dure.services.waste.belief.history import history_of
from dure.services.waste.belief.learn import learn, without_history
from dure.services.waste.belief.observations import PROPERTY_KINDS, Seen, observations_of, seen_of
from dure.services.waste.belief.state import NEVER_US, Beliefs, Kind, begun_anew, relearnt
from dure.services.waste.belief.taken import USABLE, Taken
from dure.services.waste.belief.teaching import rows_of_sensors, rows_of_taps
from dure.services.waste.belief.weekdays import DAY_US
from dure.services.waste.bins import bins_of
from dure.services.waste.devices.fill_watch import load_bins
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.tickets import ticket_desk
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from dure.core.observations import SeriesKey
    from dure.services.waste.belief.learned import Learned
    from dure.services.waste.model import Bin, Sighting
    from dure.spine.house import House

__all__ = ["BeliefWatch", "read_beliefs", "read_forecast"]

log = structlog.get_logger("dure.waste")
BACK = timedelta(days=14)  # so far back a new bin, or one that is replayed, is read
LEARNT_FROM = timedelta(days=90)
AGAIN = timedelta(minutes=2)
HEARD_BACK = timedelta(days=3)  # after a restart sightings received so lately are looked at again, if they came after the belief
UNDERWAY = timedelta(minutes=1)  # so long after its instant a sighting may still be on its way into the records
NIGHT_H = 2  # by the city's clock everything is learnt anew from then on
PAGE = 10_000
SLICE_US = DAY_US // 24
REPLAYED_N = 150  # so many bins are replayed in one round; the others wait for the next


class BeliefWatch:
    """Beliefs follow what is sensed and seen."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._bins: list[Bin] = []
        self._generation = -1
        self._beliefs: Beliefs | None = None
        self._learnt_at: datetime | None = None
        self._pairs = 0  # what was learnt from
        self._heard_until: datetime | None = None
        self._heard: set[tuple[str, datetime | None]] = set()  # sightings taken lately, by id and when they were received
        self._kept_at: dict[str, datetime] = {}
        self._taken, self._turns = Taken(), Turns()
        self._waiting: set[str] = set()  # bins that must be replayed; until then nothing more is taken of them
        self._asked_us: dict[SeriesKey, int] = {}  # newest reading of a series when it was last read

    async def look(self) -> int:
        """One round; how many bins were observed."""
        directory = self._house.directory
        await directory.refresh_if_changed()
        return await asyncio.to_thread(self._look, directory.generation)

    def _look(self, generation: int) -> int:
        now = self._house.clock.now()
        day, folder = day_of(now, self._house.city.zone), self._house.city.folder
        rules = belief_rules(day, folder)
        with self._house.records.read() as connection:
            doubted = ticket_desk.untrusted(connection, fault_rules(day, folder))
        if self._beliefs is None or generation != self._generation:
            self._begin(now, rules)
            self._generation = generation
        if self._is_time_to_learn(now):
            self._learn(now, rules)
        beliefs = self._beliefs
        if beliefs is None or not beliefs.bins:
            return 0
        late, seen = _in_order(self._heard_now(now), beliefs, rules)
        self._waiting |= late | self._missed(beliefs, now)
        for since_us, keys in self._behind(beliefs, now).items():
            seen += self._sensed(keys, since_us, to_us(now), beliefs)
        self._waiting |= {one.bin for one in seen if _comes_behind(one, beliefs)}
        before, turn = beliefs, sorted(self._waiting)[:REPLAYED_N]
        seen = [one for one in seen if one.bin not in self._waiting]
        if turn:
            beliefs = self._replayed(beliefs, turn, now, doubted)
        self._taken.add(seen)
        beliefs = observe(beliefs, observations_of(seen, beliefs.rows, to_us(now), rules.seeing), doubted)
        beliefs = replace(beliefs, as_of_us=to_us(now))
        changed = sorted({*_changed(before, beliefs), *(beliefs.rows[one] for one in turn)})
        with self._house.records.begin() as connection:
            belief_records.store_beliefs(connection, beliefs, changed)
        self._beliefs, self._heard_until = beliefs, now
        self._waiting -= set(turn)
        if beliefs.rejected:
            log.info("observations.refused", codes=dict(Counter(one.code for one in beliefs.rejected)))
        for one in beliefs.emptied:
            log.info("bin.emptied", bin=one.bin, before=round(one.before, 2), left=round(one.left, 2), evidence=one.evidence)
        return len(changed)

    def _begin(self, now: datetime, rules: BeliefRules) -> None:
        """The bins of the register with the beliefs that are kept; a bin that has none is read from its last days."""
        self._bins = bins_of(load_bins(self._house)).bins
        with self._house.records.read() as connection:
            known = belief_records.newest_learned(connection)
            learned = known[0] if known else without_history(rules, self._offset_s(now))
            self._learnt_at, self._pairs = (known[1], learned.pairs) if known else (None, 0)
            self._beliefs, new = belief_records.load_beliefs(connection, self._bins, learned, now, rules)
            self._kept_at = belief_records.kept_at(connection, [one.id for one in self._bins])
        self._taken.begin({one: to_us(at) for one, at in self._kept_at.items()})
        self._waiting = (self._waiting & set(self._beliefs.rows)) | new

    def _is_time_to_learn(self, now: datetime) -> bool:
        """Each night; and soon again where there was no history yet: a city begins with one that is still coming in."""
        if self._learnt_at is None or (not self._pairs and now - self._learnt_at >= AGAIN):
            return True
        zone = self._house.city.zone
        night = now.astimezone(zone).replace(hour=NIGHT_H, minute=0, second=0, microsecond=0)
        return self._learnt_at < night <= now

    def _learn(self, now: datetime, rules: BeliefRules) -> None:
        """Learn from the last months, keep it, and let the beliefs rest on it."""
        start = now - LEARNT_FROM
        with self._house.records.read() as connection:
            rows = rows_of_taps(belief_records.sightings_seen(connection, start))
        span_us, telemetry = (to_us(start), to_us(now)), self._house.telemetry
        rows += rows_of_sensors(telemetry, self._bins, rows, span_us, self._offset_s(now), rules)
        classes = {one.id: one.bin_class for one in self._bins}
        known = [row for row in rows if row[0] in classes]
        with self._house.records.read() as connection:
            other = belief_records.newest_learned(connection, belief_records.PRIOR)
        prior = other[0].classes if other else None
        learned: Learned = learn(history_of(known, classes, self._offset_s(now)), rules=rules, prior=prior)
        with self._house.records.begin() as connection:
            ident = belief_records.store_learned(connection, learned, now)
        self._learnt_at, self._pairs = now, learned.pairs
        if self._beliefs is not None:
            self._beliefs = relearnt(self._beliefs, learned)
        log.info("belief.learnt", model=ident, pairs=learned.pairs, bins=len(self._bins))

    def _sensed(self, keys: Sequence[SeriesKey], since_us: int, now_us: int, beliefs: Beliefs) -> list[Seen]:
        """Usable readings of some series from an instant on that were not read yet."""
        found: list[Seen] = []
        after: tuple[int, str, str] | None = None
        while keys:
            page = self._house.telemetry.observations(keys, since_us, now_us + 1, after=after, limit=PAGE)
            found += [
                Seen(one.asset, PROPERTY_KINDS[one.property], to_us(one.phenomenon_time), one.value)
                for one in page
                if one.flag in USABLE and one.value is not None
            ]
            if len(page) < PAGE:
                break
            after = (to_us(page[-1].phenomenon_time), page[-1].asset, page[-1].property)
        return [one for one in found if one.time_us > beliefs.read_us[beliefs.rows[one.bin], one.kind]]

    def _heard_now(self, now: datetime) -> list[Sighting]:
        """Sightings that were not taken yet; one that is taken back is received again."""
        heard_from = self._heard_until - UNDERWAY if self._heard_until else now - HEARD_BACK
        with self._house.records.read() as connection:
            found = belief_records.sightings_received(connection, heard_from, now)
        new = [one for one in found if (one.id, one.received_at) not in self._heard]
        if self._heard_until is None:
            never = now - HEARD_BACK
            new = [one for one in new if (one.received_at or one.seen_at) > self._kept_at.get(one.bin, never) - UNDERWAY]
        self._heard = {(one.id, one.received_at) for one in found}
        return new

    def _behind(self, beliefs: Beliefs, now: datetime) -> dict[int, list[SeriesKey]]:
        """Series with readings that were not taken yet, by the hour from which they must be read [µs]: few old ones slow none.

        A series that was never read brings its past: its bin is replayed.
        """
        oldest_us = to_us(now - BACK)
        found: dict[int, list[SeriesKey]] = {}
        for row, one in enumerate(beliefs.bins):
            if one.id in self._waiting:
                continue
            for name, kind in PROPERTY_KINDS.items():
                newest, last_us = self._house.live.get(one.id, name), int(beliefs.read_us[row, kind])
                asked_us = self._asked_us.get((one.id, name), NEVER_US)
                if newest is None or newest.time_us <= max(last_us, asked_us, oldest_us):
                    continue
                self._asked_us[one.id, name] = newest.time_us
                if max(last_us, asked_us) == NEVER_US:
                    self._waiting.add(one.id)
                since_us = max(last_us + 1, asked_us - SLICE_US, oldest_us)
                found.setdefault(since_us // SLICE_US * SLICE_US, []).append((one.id, name))
        return {since_us: [key for key in keys if key[0] not in self._waiting] for since_us, keys in found.items()}

    def _missed(self, beliefs: Beliefs, now: datetime) -> set[str]:
        """Of the bins whose turn it is, those of which readings came when later ones were taken already."""
        found = set()
        for bin_id in self._turns.of([one.id for one in beliefs.bins]):
            row = beliefs.rows[bin_id]
            for name, kind in PROPERTY_KINDS.items():
                read_us = int(beliefs.read_us[row, kind])
                if bin_id in self._waiting or read_us == NEVER_US:
                    continue
                past = self._house.telemetry.series((bin_id, name), to_us(now - BACK), read_us + 1)
                if self._taken.differs(bin_id, kind, past, read_us):
                    found.add(bin_id)
            self._taken.compared(bin_id)
        return found

    def _replayed(self, beliefs: Beliefs, bins: Sequence[str], now: datetime, doubted: Collection[str]) -> Beliefs:
        """Some bins believed anew from what was sensed and seen of them in the last days, in order."""
        begin = now - BACK
        rows = np.array(sorted(beliefs.rows[one] for one in bins), np.int64)
        anew = begun_anew(beliefs, rows, begin)
        seen = [one for bin_id in bins for one in self._sensed_lately(bin_id, to_us(begin), to_us(now))]
        self._taken.renew(bins, seen)
        with self._house.records.read() as connection:
            taps = belief_records.sightings_seen(connection, begin, bins)
        seen += [one for tap in taps for one in seen_of(tap, beliefs.rules.seeing)]
        after = observe(anew, observations_of(seen, beliefs.rows, to_us(now), beliefs.rules.seeing), doubted)
        fills = {name: getattr(beliefs, name) for name in ("risen", "awaited", "paced_us")}
        known = beliefs.last_us.max(axis=1) > NEVER_US
        again = {name: np.where(known, old, getattr(after, name)) for name, old in fills.items()}  # no rise trains twice
        return replace(after, **again)

    def _sensed_lately(self, bin_id: str, start_us: int, now_us: int) -> list[Seen]:
        """Usable readings of one bin."""
        found: list[Seen] = []
        for name, kind in PROPERTY_KINDS.items():
            if self._house.live.get(bin_id, name) is None:
                continue
            past = self._house.telemetry.series((bin_id, name), start_us, now_us + 1)
            fit = np.isin(past.flag, USABLE) & np.isfinite(past.value)
            rows = zip(past.time_us[fit].tolist(), past.value[fit].tolist(), strict=True)
            found += [Seen(bin_id, kind, at_us, value) for at_us, value in rows]
        return found

    def _offset_s(self, at: datetime) -> int:
        offset = at.astimezone(self._house.city.zone).utcoffset() or timedelta()
        return round(offset.total_seconds())


def _in_order(sightings: Iterable[Sighting], beliefs: Beliefs, rules: BeliefRules) -> tuple[set[str], list[Seen]]:
    """Bins that must be replayed, since something of them came late or was taken back; and what is new of the others."""
    known = [one for one in sightings if one.bin in beliefs.rows]
    late = {one.bin for one in known if _comes_late(one, beliefs)}
    return late, [seen for one in known if one.bin not in late for seen in seen_of(one, rules.seeing)]


def _comes_late(sighting: Sighting, beliefs: Beliefs) -> bool:
    row, seen_us = beliefs.rows[sighting.bin], to_us(sighting.seen_at)
    if "undone_at" in sighting.facts:
        return True
    if not seen_of(sighting, beliefs.rules.seeing):
        return False
    return bool(seen_us <= beliefs.last_us[row].max() or seen_us < beliefs.anchor_us[row])


def _comes_behind(one: Seen, beliefs: Beliefs) -> bool:
    """Whether a reading was sensed before something that is believed already."""
    is_sensed = one.kind in (Kind.SENSOR, Kind.DEPOSITS, Kind.EMPTYINGS)
    return is_sensed and one.time_us < int(beliefs.anchor_us[beliefs.rows[one.bin]])


def _changed(before: Beliefs, after: Beliefs) -> list[int]:
    """Rows whose belief is another one."""
    moved = (before.read_us != after.read_us).any(axis=1) | (before.anchor_us != after.anchor_us)
    moved |= (before.slips != after.slips) | (before.sd != after.sd)
    return [int(row) for row in np.flatnonzero(moved)]
