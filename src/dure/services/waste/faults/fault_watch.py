"""What is wrong with which bin, a ticket for each new fault, and the re-test of what was repaired.

Each round looks at a twentieth of the bins, so that every bin is looked at every five minutes and no round is long. Whether a
silence is the network's is told by what the last look at every bin has left in memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.text import Text
from dure.core.time import day_of, to_us
from dure.services.waste.faults.detecting import Known, faults_of, faults_seen, known_of, without_silences
from dure.services.waste.faults.fault_rules import FaultRules, fault_rules
from dure.services.waste.faults.fault_windows import FaultWindows, sightings_since, start_of, troubles_since
from dure.services.waste.faults.findings import Found, Window
from dure.services.waste.faults.silence import Outage
from dure.services.waste.tickets import ticket_desk
from dure.services.waste.tickets.retest import retest
from dure.spine.turns import Turns

if TYPE_CHECKING:
    from dure.services.waste.model import Sighting
    from dure.services.waste.tickets.tickets import Retested, Ticket
    from dure.spine.house import House

log = structlog.get_logger("dure.waste")

BINS_AT_ONCE = 100  # then others have a turn
TURNS = 20  # rounds until each bin was looked at
BINS_LEAST = 50  # in a round


class Looked(msgspec.Struct, frozen=True):
    """What one round did."""

    opened: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    outages: tuple[Outage, ...] = ()


class FaultWatch:
    """Looks at all bins of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._windows = FaultWindows(house)
        self._turns = Turns()
        self._city: dict[str, Known] = {}
        self._away: frozenset[str] = frozenset()

    async def look(self) -> Looked:
        """One round."""
        now = self._house.clock.now()
        rules = fault_rules(day_of(now, self._house.city.zone), self._house.city.folder)
        bins = self._windows.bins()
        self._windows.forget(bins)
        self._city = {name: self._city[name] for name in bins if name in self._city}
        turn = self._turns.of(bins, max(BINS_LEAST, -(-len(bins) // TURNS)))
        sightings, told, others = await asyncio.to_thread(self._told, turn, frozenset(bins), now)
        windows: dict[str, Window] = {}
        found: list[Found] = []
        for start in range(0, len(turn), BINS_AT_ONCE):
            part = await asyncio.to_thread(self._look_at, turn[start : start + BINS_AT_ONCE], sightings, to_us(now), rules)
            windows |= part[0]
            found += part[1]
        found, outages = without_silences(found, self._city, to_us(now), rules)
        windows |= {name: Window(name, to_us(now), sightings=tuple(sightings.get(name, ()))) for name in others}
        opened, settled = await asyncio.to_thread(self._keep, [*found, *faults_seen(told)], windows, rules, now)
        self._tell(outages)
        return Looked(opened, settled, tuple(outages))

    def _told(
        self, turn: Sequence[str], bins: Collection[str], now: datetime
    ) -> tuple[dict[str, list[Sighting]], list[Sighting], list[str]]:
        """What people saw of these bins, what crews called broken anywhere, and bins without a sensor that have a ticket."""
        since = start_of(to_us(now))
        with self._house.records.read() as connection:
            others = sorted({one.bin for one in ticket_desk.unsettled(connection)} - set(bins))
            return sightings_since(connection, since, [*turn, *others]), troubles_since(connection, since), others

    def _look_at(
        self, bins: Sequence[str], sightings: Mapping[str, list[Sighting]], now_us: int, rules: FaultRules
    ) -> tuple[dict[str, Window], list[Found]]:
        windows = {one: self._windows.window(one, sightings, now_us) for one in bins}
        self._city |= {name: known_of(one, rules) for name, one in windows.items()}
        return windows, [found for one in windows.values() for found in faults_of(one, rules)]

    def _keep(
        self, found: Sequence[Found], windows: Mapping[str, Window], rules: FaultRules, now: datetime
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tickets opened, and those closed or opened again; looked up before writing, so that the disk is left in peace."""
        with self._house.records.read() as connection:
            waiting = ticket_desk.unsettled(connection)
        results = retests(waiting, windows, rules)
        over = gone(waiting, found, windows, rules, now)
        if not (found or results or over):
            return (), ()
        with self._house.records.begin() as connection:
            settled = [*ticket_desk.retest(connection, results, now), *ticket_desk.close_gone(connection, over, now)]
            opened = ticket_desk.open_found(connection, found, now, rules, self._house.city.zone)
        for one in opened:
            log.info("ticket.opened", city=self._house.city.id, asset=one.bin, fault=one.fault, id=one.id)
        return tuple(one.id for one in opened), tuple(one.id for one in settled)

    def _tell(self, outages: Sequence[Outage]) -> None:
        """Say once that bins fell silent together, and once that they are back."""
        away = frozenset(one for outage in outages for one in outage.bins)
        if away and not self._away:
            log.warning("bins.silent_together", city=self._house.city.id, bins=len(away))
        elif self._away and not away:
            log.info("bins.heard_again", city=self._house.city.id, bins=len(self._away))
        self._away = away


def retests(waiting: Sequence[Ticket], windows: Mapping[str, Window], rules: FaultRules) -> dict[str, Retested]:
    """What the readings since say of every repair that waits for it. A bin that is no longer there waits on."""
    found = {}
    for one in waiting:
        window = windows.get(one.bin)
        if one.state == "repaired" and one.facts.repaired_at is not None and window is not None:
            result = retest(one.fault, window, one.facts.repaired_at, rules)
            if result.verdict != "waiting":
                found[one.id] = result
    return found


def gone(
    waiting: Sequence[Ticket], found: Sequence[Found], windows: Mapping[str, Window], rules: FaultRules, now: datetime
) -> dict[str, Text]:
    """Tickets nobody has repaired whose fault is no longer seen, with readings since that pass the re-test."""
    seen = {(one.bin, one.fault) for one in found if not one.source}
    over = {}
    for one in waiting:
        hours = rules.service[one.fault].gone_h
        window = windows.get(one.bin)
        if one.state == "repaired" or not hours or window is None or (one.bin, one.fault) in seen:
            continue
        if now - one.facts.seen_at < timedelta(hours=hours):
            continue
        result = retest(one.fault, window, one.facts.seen_at, rules)
        if result.verdict == "passed":
            over[one.id] = Text(f"고장이 더 보이지 않습니다. {result.words.ko}", f"No longer seen. {result.words.en}")
    return over
