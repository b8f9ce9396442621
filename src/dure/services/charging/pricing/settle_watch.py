"""Sessions that ended are settled once the origin of their energy is known; what comes later is a correction, never a change.

A session waits for its origin as long as the rules say; then it is settled as energy of the grid, which claims nothing, and is
corrected when the origin comes after all. A disputed session waits for a person (`settle_now`).
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Conflict, DureError
from dure.core.time import day_of, from_us
from dure.engines.records import audit, decisions, events
from dure.services.charging import sites
from dure.services.charging.origin import split
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.members import member_of
from dure.services.charging.pricing.receipt import OriginShare, same_but_for_its_making
from dure.services.charging.pricing.running_cost import Books, books_of, list_of
from dure.services.charging.pricing.settling import Settling, receipt_of, settled_decision, settled_event
from dure.services.charging.sessions import session_records, stay_records
from dure.services.charging.sessions.assembling import assembled
from dure.services.charging.sessions.places import Places
from dure.services.charging.sessions.session_rules import session_rules

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.services.charging.pricing.prices import Member
    from dure.services.charging.pricing.receipt import Receipt
    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.stay_records import Stay
    from dure.services.charging.sites import Sites
    from dure.spine.house import House

log = structlog.get_logger("dure.charging")

AT_ONCE = 5_000


class SettleWatch:
    """Settles the sessions of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._failed: set[str] = set()

    async def look(self) -> int:
        """One round; how many settlements were made."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        house = self._house
        now = house.clock.now()
        with house.records.read() as connection:
            waiting = session_records.to_settle(connection, AT_ONCE)
            late = settlement_records.to_correct(connection, now - self._followed(now))
            if not waiting and not late:
                return 0
            known = sites.registered(connection)
        settled = 0
        for session in waiting:
            settled += self._tried(session.id, known, now)
        for ident in late:
            settled += self._tried(ident, known, now)
        return settled

    def _followed(self, now: datetime) -> timedelta:
        """How long after its end a settlement follows what the ledger says later."""
        city = self._house.city
        prices = books_of(city.folder, city.zone, city.country).prices
        return timedelta(days=float(prices.choice("settle_follow_d", day_of(now, city.zone))))

    def _tried(self, ident: str, known: Sites, now: datetime) -> bool:
        try:
            with self._house.records.begin() as connection:
                made = settle(self._house, connection, ident, known, now)
        except DureError as error:  # one session that cannot be settled holds up no other
            if ident not in self._failed:
                log.warning("session.not_settled", id=ident, code=error.code, why=error.message)
            self._failed.add(ident)
            return False
        self._failed.discard(ident)
        if made is not None:
            log.info("session.settled", id=ident, n=made.n, energy_wh=made.energy_wh, origin_known=made.origin.known)
        return made is not None


def settle_now(house: House, ident: str, note: str, by: By) -> Receipt:
    """A person settles a session that is disputed, as it was counted.

    Raises
    ------
    Conflict : ``session.running``; ``session.settled``, when there is nothing to correct
    """
    with house.records.begin() as connection:
        session = session_records.get(connection, ident)
        if session.state == "running":
            raise Conflict("session.running", f"The session {ident!r} still runs.")
        known = sites.registered(connection)
        made = settle(house, connection, ident, known, by.at, released=note)
        if made is None:
            raise Conflict("session.settled", f"The session {ident!r} is settled, and nothing changed since.")
        audit.append(connection, by, "act", "field_work", ident, {"settled": made.n, "note": note})
        return made


def settle(
    house: House, connection: Connection, ident: str, known: Sites, now: datetime, *, released: str = ""
) -> Receipt | None:  # fmt: skip
    """Settle a session if it is due, in the caller's transaction; None while it must wait, and when nothing changed."""
    session = session_records.get(connection, ident, lock=True)  # words that come now wait, and find it settled
    last = settlement_records.last_of(connection, ident)
    books = books_of(house.city.folder, house.city.zone, house.city.country)
    origin = _origin(connection, session)
    stay = _stay(connection, session, known, books)
    if not released and not _is_due((session, stay), origin, last.receipt if last else None, books, now):
        return None
    rules = session_rules(day_of(session.started_at, house.city.zone), house.city.folder)
    key, gathered = session_records.gathered_of(connection, ident)
    number = gathered.where.evse if gathered.where else 0
    series = assembled(key, Places(known).place_of(session.charger, number), gathered, rules).series
    by = Settling(
        session=session,
        series=series,
        site=known.sites.get(session.site),
        member=_member(connection, session, last.receipt if last else None),
        origin=origin,
        left_at=_left_at(session, stay, books, now),
        books=books,
        folder=house.city.folder,
        session_version=rules.version,
        last=(last.receipt, last.sha256) if last else None,
        why=_why(session, last.receipt if last else None, origin, released),
    )
    receipt = receipt_of(by, now)
    if last is not None and same_but_for_its_making(receipt, last.receipt):
        session_records.set_settled(connection, [ident])
        return None
    digest = settlement_records.insert(connection, receipt)
    if digest is None:
        return None
    session_records.set_settled(connection, [ident])
    decisions.add(connection, settled_decision(receipt, digest))
    events.announce(connection, [settled_event(receipt, digest)], now)
    return receipt


def _stay(connection: Connection, session: Session, known: Sites, books: Books) -> Stay | None:
    """The stay of its vehicle after its end, where that is charged."""
    prices = list_of(known.sites.get(session.site), books, session.started_at)
    if session.ended_at is None or not any(one.kind == "idle" for one in prices.fees):
        return None
    found = stay_records.get(connection, session.id)
    return None if found is None or found.ended_at is None else found


def _left_at(session: Session, stay: Stay | None, books: Books, now: datetime) -> datetime | None:
    """Until when a vehicle is charged for staying; not longer than a settlement waits."""
    if stay is None or session.ended_at is None:
        return None
    return min(stay.left_at or now, session.ended_at + _patience(session, books))


def _patience(session: Session, books: Books) -> timedelta:
    return timedelta(hours=float(books.prices.choice("settle_wait_h", day_of(session.started_at, books.tariffs.zone))))


def _is_due(
    of: tuple[Session, Stay | None], origin: OriginShare | None, last: Receipt | None, books: Books, now: datetime
) -> bool:  # fmt: skip
    session, stay = of
    if session.state == "running" or session.ended_at is None:
        return False
    if session.trust == "disputed" and session.state != "settled":
        return False
    day = day_of(session.started_at, books.tariffs.zone)
    quiet = timedelta(minutes=float(books.prices.choice("settle_after_min", day)))
    if now - from_us(session.facts["heard_us"]) < quiet:
        return False
    patience = _patience(session, books)
    if stay is not None and stay.left_at is None and now - session.ended_at < patience:
        return False
    if origin is not None or not session.energy_wh:
        return True
    return now - session.ended_at >= patience and (last is None or session.state == "ended")


def _origin(connection: Connection, session: Session) -> OriginShare | None:
    """What the ledger says of a session; None while it does not know it all, or knows it of another energy."""
    found = split.split_of(connection, session.id)
    if found is None or found.energy_wh != session.energy_wh:
        return None
    parts = {"pv_wh": found.pv_wh, "ess_pv_wh": found.ess_pv_wh, "ess_grid_wh": found.ess_grid_wh, "grid_wh": found.grid_wh}
    return OriginShare(**parts, known=True)


def _member(connection: Connection, session: Session, last: Receipt | None) -> Member:
    """As who the driver pays; a session whose origin alone is corrected stays what it was, whatever became of the token since."""
    if last is not None and session.state == "settled":
        return "member" if last.member == "member" else "guest"
    return member_of(connection, session.token)


def _why(session: Session, last: Receipt | None, origin: OriginShare | None, released: str) -> str:
    if released:
        return "released"
    if last is None:
        return ""
    if last.energy_wh != session.energy_wh or last.ended_at != session.ended_at:
        return "words_came_late"
    if origin is not None and last.origin != origin:
        return "origin_came_late" if not last.origin.known else "origin_corrected"
    return "rules_changed"
