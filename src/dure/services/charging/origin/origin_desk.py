"""A site's books brought up to its registers, in one transaction. Blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from dure.core.errors import Conflict
from dure.core.time import day_of, from_us, to_us
from dure.services.charging.origin import origin_records
from dure.services.charging.origin.allocating import RULE
from dure.services.charging.origin.balancing import balance
from dure.services.charging.origin.booking import Stamp, rows_to_book
from dure.services.charging.origin.ledger import Content, contents, left
from dure.services.charging.origin.origin_rules import OriginRules, factors_version, origin_rules
from dure.services.charging.origin.registers import STEP_US, Grid
from dure.services.charging.origin.site_reading import OPTIONAL, SessionSource, digest_of, reads_of, registers_of, site_reads
from dure.services.charging.origin.split import Split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from dure.services.charging.model import Site
    from dure.services.charging.origin.balancing import SiteReads
    from dure.services.charging.origin.chain import Row
    from dure.services.charging.origin.model import Lot
    from dure.services.charging.origin.origin_records import State
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House

US_PER_HOUR = 3_600_000_000
STEP = timedelta(microseconds=STEP_US)


class Booked(NamedTuple):
    """What a booking wrote, and until when the site is booked."""

    rows: list[Row]
    until: datetime | None
    more: bool = False


class OriginDesk:
    """Books of sites."""

    def __init__(self, house: House, sessions: SessionSource) -> None:
        self._house, self._sessions = house, sessions

    def book(self, site: Site, *, since: datetime | None = None) -> Booked:
        """Book what is closed, and correct what came late; `since`: from then on anew, however old.

        Raises
        ------
        Conflict : another process booked the site in the meantime (``origin.taken``); nothing was written
        """
        house, now = self._house, self._house.clock.now()
        rules = origin_rules(day_of(now, house.city.zone), house.city.folder)
        with house.records.read() as connection:
            stands = origin_records.state(connection, site.id)
            sessions = self._sessions(connection, site.id, now - timedelta(days=rules.late_session_d), now)
            closed = self._closed(site, sessions, stands, rules)
            done = None if stands.last_start_at is None else stands.last_start_at + STEP
            if closed is None or (done is not None and closed <= done and since is None):
                return Booked([], done)
            grid = self._grid(connection, (site, stands, sessions), (closed, since), rules)
            if grid.n <= 0:
                return Booked([], done)
            held = origin_records.newest(
                origin_records.rows_of(connection, site.id, from_us(grid.start_us - STEP_US), from_us(grid.end_us))
            )
            sessions = self._sessions(connection, site.id, from_us(grid.start_us), from_us(grid.end_us))
        reads = site_reads(house, site, sessions, (grid.start_us - round(rules.lead_h * US_PER_HOUR), to_us(now) + 1), rules)
        grid, found = looked_at(reads, grid, held, rules.claim_us)
        stamp = Stamp(site.id, stands.seq, stands.head, now, RULE, factors_version(house.city.folder))
        rows = rows_to_book(found, grid, held, stamp, lambda start_us: digest_of(reads, start_us, start_us + STEP_US))
        until = from_us(grid.end_us)
        with house.records.begin() as connection:
            if origin_records.state(connection, site.id)[:2] != stands[:2]:
                raise Conflict("origin.taken", "Another process booked these intervals first; nothing was booked twice.")
            origin_records.append(connection, rows)
            origin_records.put_splits(connection, self._splits(connection, site.id, sessions, (until, now)))
        return Booked(rows, until, more=until < closed)

    def is_unheard(self, site: Site) -> bool:
        """Whether a site has no books yet and one of its registers has never said anything."""
        house = self._house
        rules = origin_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
        with house.records.read() as connection:
            begun = origin_records.state(connection, site.id).last_start_at is not None
        needed = [(asset, name) for role, asset, name, _ in registers_of(site, rules) if role not in OPTIONAL]
        return not begun and any(house.live.get(*key) is None for key in needed)

    def deadline(self) -> timedelta:
        """How long an interval, and the first words of a site, are waited for."""
        house = self._house
        return origin_rules(day_of(house.clock.now(), house.city.zone), house.city.folder).deadline

    def _closed(self, site: Site, sessions: Sequence[Session], stands: State, rules: OriginRules) -> datetime | None:
        """Until when all is known: every register has been read since, or the deadline is over. None: nothing was ever read."""
        now_us = to_us(self._house.clock.now())
        needed = [(asset, name) for role, asset, name, _ in registers_of(site, rules) if role not in OPTIONAL]
        values = [self._house.live.get(*key) for key in needed]
        newest = [-1 if value is None else value.time_us for value in values]
        newest += [to_us(one.last_at or one.started_at) for one in sessions if one.ended_at is None]
        if stands.last_start_at is None and not sessions and max(newest, default=-1) < 0:
            return None
        late_us = now_us - round(rules.deadline_min * 60_000_000)
        closed_us = min(max(min(newest, default=now_us), late_us), now_us)
        return from_us(closed_us // STEP_US * STEP_US)

    def _grid(
        self,
        connection: Connection,
        asked: tuple[Site, State, Sequence[Session]],
        until: tuple[datetime, datetime | None],
        rules: OriginRules,
    ) -> Grid:
        """The intervals to be looked at: what is new, and what may have been corrected since."""
        site, stands, sessions = asked
        closed, since = until
        if stands.last_start_at is None:
            start = since or self._first(site, sessions, closed, rules)
        else:
            start = stands.last_start_at + STEP - timedelta(hours=rules.back_h)
            start = min(start, self._touched(connection, sessions, stands.last_start_at, start), since or start)
            start = max(start, stands.first_start_at or start)
        start_us = to_us(start) // STEP_US * STEP_US
        done_us = to_us(stands.last_start_at) + STEP_US if stands.last_start_at else start_us
        n = (max(to_us(closed), done_us) - start_us) // STEP_US
        return Grid(start_us, min(n, (done_us - start_us) // STEP_US + rules.round_intervals))

    @staticmethod
    def _touched(connection: Connection, sessions: Sequence[Session], last: datetime, start: datetime) -> datetime:
        """The earliest begin of a session in what is booked that is not booked as it is known now."""
        splits = origin_records.splits_of(connection, [one.id for one in sessions])
        touched = [
            one.started_at
            for one in sessions
            if one.started_at < last
            and ((split := splits.get(one.id)) is None or not split.final or split.energy_wh != one.energy_wh)
        ]
        return min([start, *touched])

    def _first(self, site: Site, sessions: Sequence[Session], closed: datetime, rules: OriginRules) -> datetime:
        """Where the books of a site begin: at its first read or session, not longer ago than is looked back."""
        since = closed - timedelta(days=rules.history_d)
        span_us = (to_us(since), to_us(closed))
        firsts = [
            int(reads.time_us[0])
            for _, asset, name, _ in registers_of(site, rules)
            if len(reads := reads_of(self._house.telemetry, asset, name, span_us))
        ]
        firsts += [to_us(one.started_at) for one in sessions]
        return max(since, from_us(min(firsts, default=span_us[1])))

    @staticmethod
    def _splits(connection: Connection, site: str, sessions: Sequence[Session], when: tuple[datetime, datetime]) -> list[Split]:
        now_known = origin_records.of_sessions(connection, [one.id for one in sessions])
        before = origin_records.splits_of(connection, [one.id for one in sessions])
        found = []
        for one in sessions:
            parts = now_known.get(one.id, {})
            total = sum(parts.values())
            split = Split(
                session=one.id,
                site=site,
                energy_wh=total,
                pv_wh=parts.get("pv", 0),
                ess_pv_wh=parts.get("ess_pv", 0),
                ess_grid_wh=parts.get("ess_grid", 0),
                grid_wh=parts.get("grid", 0),
                final=one.ended_at is not None and one.ended_at <= when[0] and total == one.energy_wh,
                booked_at=when[1],
            )
            found.append(split)
        return [one for one in found if (old := before.get(one.session)) is None or _other(one, old)]


def looked_at(reads: SiteReads, grid: Grid, held: Mapping[datetime, Row], claim_us: int) -> tuple[Grid, list[Content]]:
    """What the registers say of the intervals of a grid, from the first on of which they say as much as they once did.

    A register that was read last long before the grid seems silent at its begin; what the books know there already stands.
    """
    found = contents(balance(reads, grid, claim_us), grid, reads.session_ids, opening_of(held, grid.start_us))
    known = [held.get(from_us(grid.start_us + place * STEP_US)) for place in range(grid.n)]
    less = [
        place
        for place, (row, content) in enumerate(zip(known, found, strict=True))
        if row is not None and not set(content.silent) <= set(row.content.silent)
    ]
    if not less:
        return grid, found
    later = Grid(grid.start_us + (less[-1] + 1) * STEP_US, grid.n - less[-1] - 1)
    return later, contents(balance(reads, later, claim_us), later, reads.session_ids, opening_of(held, later.start_us))


def opening_of(held: Mapping[datetime, Row], start_us: int) -> tuple[Lot, ...]:
    """Lots in storage before an interval: what the one before it left, or what its own row says."""
    at = from_us(start_us)
    if (before := held.get(at - STEP)) is not None:
        return left(before.content, start_us - STEP_US)
    return held[at].content.opening if at in held else ()


def _other(one: Split, old: Split) -> bool:
    return (one.energy_wh, one.pv_wh, one.ess_pv_wh, one.ess_grid_wh, one.final) != (
        old.energy_wh,
        old.pv_wh,
        old.ess_pv_wh,
        old.ess_grid_wh,
        old.final,
    )
