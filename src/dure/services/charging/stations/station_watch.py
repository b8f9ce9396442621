"""What stations said of themselves, from the journal to tables; and what follows: certificates, reservations, old guests.

Exactly once: the cursor of each writer moves in the transaction of what was folded in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import DureError
from dure.core.time import from_us
from dure.engines.records import cursors
from dure.engines.records.audit import SYSTEM, By
from dure.services.charging.central import kept_messages
from dure.services.charging.central.words import Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked, Word
from dure.services.charging.sites import registered
from dure.services.charging.stations import (
    calls,
    certificate_records,
    cost_records,
    reservation_records,
    restoring,
    running_costs,
    station_records,
)
from dure.services.charging.stations.certificate_records import StationCertificate
from dure.services.charging.stations.certificates import authority_of, signed
from dure.services.charging.stations.folding import Fold
from dure.services.charging.stations.station_rules import StationRules, station_rules
from dure.services.charging.tokens import token_desk

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

log = structlog.get_logger("dure.charging.stations")

WORDS_MAX = 20_000  # of one transaction
GUESTS_KEPT = timedelta(days=7)  # after they ended, so that late messages still know them
ASKED = "certificate_asked"
_KNOWN = (Booted, Happened, Linked, Seen, StatusSaid, TransactionSaid, Unlinked)


class StationWatch:
    """Reads the journal of the central system from its own cursor on."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._cleared: date | None = None

    async def look(self) -> int:
        """One round; how many words were folded in."""
        done = 0
        while True:
            found = await asyncio.to_thread(self._fold)
            done += found
            if found < WORDS_MAX:
                break
        await self._send_certificates()
        await self._tell_costs()
        await asyncio.to_thread(self._clear)
        return done

    def _rules(self) -> StationRules:
        return station_rules(self._house.clock.now().astimezone(self._house.city.zone).date(), self._house.city.folder)

    def _fold(self) -> int:
        with self._house.records.read() as connection:
            words, reached = _unread(connection)
        if not reached:
            return 0
        with self._house.records.begin() as connection:
            Fold(connection).take(words)
            self._sign(connection, [one for one in words if isinstance(one, Happened) and one.topic == ASKED])
            cursors.advance(connection, {f"{station_records.CURSOR}{writer}": seq for writer, seq in reached.items()})
        return len(words)

    def _sign(self, connection: Connection, asked: Sequence[Happened]) -> None:
        """Sign what was asked for; the requests were checked when they came."""
        if not asked:
            return
        sites, now = registered(connection), self._house.clock.now()
        city = self._house.city.name.en or self._house.city.id
        authority = authority_of(self._house.settings.data, city, now)
        for one in asked:
            site = sites.site_of(one.charger)
            operator = (site.operator if site else "") or city
            made = signed(authority, one.facts["csr"], operator, from_us(one.heard_us), self._rules().certificate_d)
            certificate_records.add(
                connection,
                StationCertificate(
                    serial=made.serial,
                    charger=one.charger,
                    use=one.facts["use"],
                    subject=made.subject,
                    pem=made.pem,
                    signed_at=now,
                    expires_at=made.expires_at,
                ),
            )

    async def _send_certificates(self) -> None:
        """Send certificates that no station has answered yet; a station that is away gets its own when it is back."""
        now = self._house.clock.now()
        for one in await asyncio.to_thread(self._unsent, now):
            try:
                payload = {"certificateChain": one.pem}
                minute = int(now.timestamp()) // 60
                await calls.ask(
                    self._house, one.charger, "CertificateSigned", payload, By(SYSTEM, now), f"{one.serial}:{minute // 5}"
                )
            except DureError as error:
                log.info("certificate.waits", charger=one.charger, code=error.code)

    async def _tell_costs(self) -> None:
        """Price what runs or has just ended; a station that can show it is told what a charge cost in the end (I03)."""
        for one in await asyncio.to_thread(running_costs.price, self._house):
            try:
                payload = {"totalCost": one.won, "transactionId": one.transaction}
                by = By(SYSTEM, self._house.clock.now())
                await calls.ask(self._house, one.charger, "CostUpdated", payload, by, f"cost:{one.session}"[:64])
            except DureError as error:  # its display forgets the charge anyway; the receipt has the sum
                log.info("cost.not_told", charger=one.charger, code=error.code)

    def _unsent(self, now: datetime) -> list[StationCertificate]:
        rules = self._rules()
        with self._house.records.read() as connection:
            found = certificate_records.unsent(connection, now)
            states = station_records.states(connection, [one.charger for one in found])
        return [one for one in found if one.charger in states and calls.is_online(states[one.charger], now, rules)]

    def _clear(self) -> None:
        """End reservations whose time is over; once a day drop what was reported too long ago, and old guests."""
        now = self._house.clock.now()
        today = now.astimezone(self._house.city.zone).date()
        with self._house.records.read() as connection:
            due = any(one.expires_at <= now for one in reservation_records.standing(connection))
        if not due and today == self._cleared:
            return
        with self._house.records.begin() as connection:
            reservation_records.expire(connection, now)
            if today != self._cleared:
                cost_records.forget_ended(connection, now - GUESTS_KEPT)
                station_records.forget_happenings(connection, now - timedelta(days=self._rules().happenings_d))
                kept_messages.expire(connection, now, self._rules().messages_d)
                token_desk.forget_guests(connection, now - GUESTS_KEPT)
        self._cleared = today


def _unread(connection: Connection) -> tuple[list[Word], dict[str, int]]:
    words: list[Word] = []
    reached: dict[str, int] = {}
    for writer, seq, said in restoring.journal_after(connection, station_records.positions(connection)):
        words += [one for one in said if isinstance(one, _KNOWN)]
        reached[writer] = seq
        if len(words) >= WORDS_MAX:
            break
    return words, reached
