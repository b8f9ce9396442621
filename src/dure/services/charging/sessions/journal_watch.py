"""What stations said, from the journal to sessions, states of EVSEs and observations.

Two cursors for each writer of the journal. The first moves in the transaction of sessions and states. The second moves once
meter values are on the bus: after a crash some are sent again, with the same id of their message and the same times, and are not
doubled.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from dure.core.errors import DureError, InputError, NotFound
from dure.core.events import Event
from dure.core.time import day_of, from_us
from dure.engines.records import cursors, events
from dure.services.charging import sites
from dure.services.charging.sessions import journal_records, session_records
from dure.services.charging.sessions.endings import end_the_lost, take_up
from dure.services.charging.sessions.folding import SOURCE, fold
from dure.services.charging.sessions.journal_records import WHY_MAX, Parked, park
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules
from dure.services.charging.sessions.telling import readings_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.sessions.journal_records import Page
    from dure.services.charging.sessions.session_rules import SessionRules
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")

FOLDED, SENT = "charging.sessions/", "charging.observations/"  # our cursors, before the name of the writer
ROWS = 200
SENT_AT_ONCE = 32
PLACES_S = 60  # how old the register may be; a station that is not in it is looked for sooner
UNKNOWN_S = 5
ENDINGS_S = 30
FORGET_S = 3_600
PARKED = "charging.journal.parked"
UNREADABLE, NOT_TAKEN = "journal.unreadable", "journal.not_taken"
# What a word that no code foresaw may raise: it must not stop what all other stations say.
POISON = (DureError, ArithmeticError, ValueError, TypeError, LookupError, msgspec.MsgspecError)


class JournalWatch:
    """Reads the journal of the central system from its own cursors on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._places: Places | None = None
        self._places_us = 0
        self._endings_us = 0
        self._forgotten_us = 0
        self._taken_up = 0
        self._unregistered: set[str] = set()

    async def look(self) -> int:
        """One round: all there is; how many words were taken in."""
        n = 0
        for writer in await asyncio.to_thread(self._writers):
            while taken := await asyncio.to_thread(self._fold, writer):
                n += taken
                await self._tell(writer)
            await self._tell(writer)
        await asyncio.to_thread(self._end)
        return n

    def _writers(self) -> list[str]:
        with self._house.records.read() as connection:
            return journal_records.writers(connection)

    def _rules(self) -> SessionRules:
        house = self._house
        return session_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)

    def _fold(self, writer: str) -> int:
        """The next rows of a writer; how many words they held."""
        house, rules, name = self._house, self._rules(), _folded(writer)
        with house.records.read() as connection:
            pages = journal_records.after(connection, writer, cursors.get(connection, name), ROWS)
        if not pages:
            return 0
        chargers = {one.charger for page in pages for one in page.words}
        places = self._register(chargers)
        unread = [Parked(writer, page.seq, UNREADABLE, page.fault, 0) for page in pages if page.fault]
        try:
            with house.records.begin() as connection:
                known = cursors.get(connection, name)  # another process may have gone on meanwhile
                words = [one for page in pages if page.seq > known for one in page.words]
                fold(connection, words, places, rules, house.clock.now())
                self._park(connection, unread)
                cursors.advance(connection, {name: pages[-1].seq})
        except POISON as error:
            if isinstance(error, DureError) and error.retry:
                raise
            self._fold_each(writer, pages, unread, (places, rules))
        self._say_unknown(chargers, places)
        return sum(max(len(page.words), 1) for page in pages)

    def _fold_each(self, writer: str, pages: list[Page], unread: list[Parked], by: tuple[Places, SessionRules]) -> None:
        """Take rows in word by word, since one of them cannot be: what cannot is parked and holds up nothing else."""
        house = self._house
        faults = list(unread)
        for page in pages:
            why: list[DureError | Exception] = []
            for word in page.words:
                try:
                    with house.records.begin() as connection:
                        fold(connection, [word], *by, house.clock.now())
                except POISON as error:
                    if isinstance(error, DureError) and error.retry:
                        raise
                    why.append(error)
            if why:
                told = f"{type(why[0]).__name__}: {why[0]}"[:WHY_MAX].replace("\x00", "")
                faults.append(Parked(writer, page.seq, NOT_TAKEN, told, len(why)))
        with house.records.begin() as connection:
            self._park(connection, faults)
            cursors.advance(connection, {_folded(writer): pages[-1].seq})

    def _park(self, connection: Connection, faults: list[Parked]) -> None:
        """Note rows that cannot be taken in, and tell of each once."""
        now = self._house.clock.now()
        for one in faults:
            if not park(connection, [one], now):
                continue
            log.error("session.journal_parked", writer=one.writer, seq=one.seq, code=one.code, why=one.why)
            data = {"writer": one.writer, "seq": one.seq, "code": one.code, "why": one.why, "words": one.words_n}
            ident = f"journal-{one.writer}-{one.seq}"
            told = Event(id=ident, type=PARKED, source=SOURCE, time=now, subject=one.writer, data=data)
            events.announce(connection, [told], now)

    async def _tell(self, writer: str) -> None:
        """Meter values onto the bus, as far as sessions know of them."""
        while pages := await asyncio.to_thread(self._untold, writer):
            places = await asyncio.to_thread(self._register, set())
            for start in range(0, len(pages), SENT_AT_ONCE):
                part = pages[start : start + SENT_AT_ONCE]
                await asyncio.gather(*(self._send(writer, page, places) for page in part))
            await asyncio.to_thread(self._told, writer, pages[-1].seq)

    def _untold(self, writer: str) -> list[Page]:
        with self._house.records.read() as connection:
            until = cursors.get(connection, _folded(writer))
            return journal_records.after(connection, writer, cursors.get(connection, _sent(writer)), ROWS, until)

    def _told(self, writer: str, seq: int) -> None:
        with self._house.records.begin() as connection:
            cursors.advance(connection, {_sent(writer): seq})

    async def _send(self, writer: str, page: Page, places: Places) -> None:
        heard = from_us(max((one.heard_us for one in page.words), default=0))
        for identity, readings in readings_of(page.words, places, self._rules().clocks).items():
            try:
                await self._house.intake.accept(
                    identity, readings, way="ocpp", received_at=heard, msg_id=f"ocpp-{writer}-{page.seq}-{identity}"
                )
            except NotFound:  # its device was taken away meanwhile: what it said stays in the journal and in its sessions
                log.warning("session.device_gone", device=identity)
            except InputError as error:  # it would be refused for ever, and hold up all that comes after it
                log.warning("session.not_told", device=identity, code=error.code, why=error.message)

    def _register(self, wanted: set[str]) -> Places:
        """The register, read again when it is old or does not know a station."""
        now_us = round(self._house.clock.now().timestamp() * 1e6)
        age_s = (now_us - self._places_us) / 1e6
        if self._places is not None and 0 <= age_s < PLACES_S:
            missing = {one for one in wanted if not self._places.knows(one)}
            if not missing or age_s < UNKNOWN_S:
                return self._places
        with self._house.records.read() as connection:
            self._places = Places(sites.registered(connection))
        self._places_us = now_us
        return self._places

    def _say_unknown(self, chargers: set[str], places: Places) -> None:
        for one in sorted(chargers):
            if not places.knows(one) and one not in self._unregistered:
                self._unregistered.add(one)
                log.warning("session.unknown_station", asset=one)

    def _end(self) -> None:
        house = self._house
        now = house.clock.now()
        now_us = round(now.timestamp() * 1e6)
        if 0 <= now_us - self._endings_us < ENDINGS_S * 1_000_000:
            return
        self._endings_us = now_us
        places = self._register(set())
        if places.fingerprint != self._taken_up:
            if taken := take_up(house.records, places, self._rules(), now):
                log.info("session.taken_up", sessions=taken)
            self._taken_up = places.fingerprint
        if not 0 <= now_us - self._forgotten_us < FORGET_S * 1_000_000:
            self._forgotten_us = now_us
            before = now - timedelta(days=self._rules().keeping.token_d)
            with house.records.begin() as connection:
                session_records.forget_tokens(connection, before)
        for one in end_the_lost(house.records, places, self._rules(), now):
            log.info("session.lost", id=one.id, asset=one.evse or one.charger)


def _folded(writer: str) -> str:
    return f"{FOLDED}{writer}"


def _sent(writer: str) -> str:
    return f"{SENT}{writer}"
