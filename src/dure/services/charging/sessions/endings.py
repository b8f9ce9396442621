"""Sessions of which nothing is heard any more: told as silent, and given up when their station or EVSE went on without them.

Giving up adds what is known (nothing was heard after this time); when words come after all, the session is what they say.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dure.core.events import Event
from dure.core.time import from_us, to_us
from dure.engines.records import events
from dure.services.charging.sessions import live_states, session_records
from dure.services.charging.sessions.folding import SOURCE, Entry, keep_entries

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.engine import RowMapping

    from dure.engines.records.store import Records
    from dure.services.charging.sessions.live_states import Link
    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.places import Places
    from dure.services.charging.sessions.session_rules import SessionRules


def end_the_lost(records: Records, places: Places, rules: SessionRules, now: datetime) -> list[Session]:
    """Give up sessions that are lost, and tell of those that are silent; those given up."""
    wait = timedelta(minutes=min(rules.endings.lost_min, rules.endings.silent_min))
    with records.read() as connection:
        found = session_records.quiet(connection, now - wait)
        if not found:
            return []
        links = live_states.of_chargers(connection, {one["charger"] for one in found})[1]
        lost = [one for one in found if _is_lost(connection, one, links, rules, now)]
    gone = {one["id"] for one in lost}
    silent_after = timedelta(minutes=rules.endings.silent_min)
    silent = [one for one in found if one["id"] not in gone and one["silent_at"] is None and now - one["last_at"] >= silent_after]
    if not lost and not silent:
        return []
    with records.begin() as connection:
        told = _give_up(connection, lost, places, rules, now)
        session_records.set_silent(connection, [one["id"] for one in silent], now)
        events.announce(connection, [_silent_event(one, now) for one in silent], now)
    return told


def take_up(records: Records, places: Places, rules: SessionRules, now: datetime) -> int:
    """Give sessions their EVSE that was registered only after they were heard; of how many."""
    with records.read() as connection:
        known = sorted(one for one in session_records.unplaced(connection) if places.knows(one))
    taken = 0
    for charger in known:
        with records.begin() as connection:
            kept = session_records.kept_of(connection, session_records.unplaced_of(connection, charger))
            entries = [
                (charger, Entry(one.key, one.gathered, one.session))
                for found in kept.values()
                for one in found
                if not one.session.evse and (where := one.gathered.where) and places.evse_of(charger, where.evse)
            ]
            taken += len(keep_entries(connection, entries, (places, rules), now)) if entries else 0
    return taken


def _is_lost(connection: Connection, one: RowMapping, links: dict[str, Link], rules: SessionRules, now: datetime) -> bool:
    quiet_for = now - one["last_at"]
    if quiet_for >= timedelta(hours=rules.endings.lost_h):
        return True
    if quiet_for < timedelta(minutes=rules.endings.lost_min):
        return False
    link = links.get(one["charger"])
    if link is not None and link.booted_us > to_us(one["last_at"]):
        return now - from_us(link.booted_us) >= timedelta(minutes=rules.endings.lost_min)
    return session_records.begun_after(connection, one["evse"], one["last_at"], one["id"])


def _give_up(connection: Connection, lost: list[RowMapping], places: Places, rules: SessionRules, now: datetime) -> list[Session]:
    kept = session_records.kept_of(connection, {(one["charger"], one["transaction"]) for one in lost})
    wanted = {one["id"]: one["last_at"] for one in lost}
    entries: list[tuple[str, Entry]] = []
    for (charger, _), found in kept.items():
        for one in found:
            last_at = wanted.get(one.session.id)
            if last_at is None or one.session.last_at != last_at:
                continue  # something was heard after all
            entry = Entry(one.key, one.gathered, one.session)
            entry.gathered.lose(to_us(last_at))
            entries.append((charger, entry))
    return keep_entries(connection, entries, (places, rules), now)


def _silent_event(one: RowMapping, now: datetime) -> Event:
    data = {"session": one["id"], "charger": one["charger"], "last_at": one["last_at"]}
    ident = f"{one['id']}-silent-{to_us(one['last_at'])}"
    return Event(
        id=ident, type="charging.session.silent", source=SOURCE, time=now, subject=one["evse"] or one["charger"], data=data
    )
