"""Words taken into sessions and states, in one transaction. What it does twice it does once: words gather, they do not add up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from dure.core.events import Event
from dure.core.time import from_us
from dure.engines.records import events
from dure.services.charging.central.words import Happened, Sampled, TransactionSaid, Word
from dure.services.charging.model import SERVICE
from dure.services.charging.sessions import live_states, session_records, wish_records
from dure.services.charging.sessions.assembling import Key, assembled
from dure.services.charging.sessions.clocks import placed
from dure.services.charging.sessions.evse_words import LiveWords
from dure.services.charging.sessions.gathering import Gathered
from dure.services.charging.sessions.model import session_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.places import Places
    from dure.services.charging.sessions.session_rules import SessionRules

SOURCE = f"dure/{SERVICE}"
WISH_BEFORE = timedelta(minutes=30)  # a wish made at an EVSE so long before a session begins there is its driver's
US = 1_000_000
NEEDS = "needs"  # what a vehicle asks for (2.x NotifyEVChargingNeeds), as `stations` tells it


class Entry:
    """One transaction while words are taken in."""

    def __init__(self, key: Key, gathered: Gathered, before: Session | None = None) -> None:
        self.key, self.gathered, self.before = key, gathered, before
        self.changed = False


class Folded(msgspec.Struct, frozen=True):
    """What words did."""

    words: int
    sessions: list[Session]


def fold(connection: Connection, words: Sequence[Word], places: Places, rules: SessionRules, at: datetime) -> Folded:
    """Take words in; sessions that are other now than before, each once."""
    steps = [one for one in words if isinstance(one, TransactionSaid) or (isinstance(one, Sampled) and one.transaction)]
    kept = session_records.kept_of(connection, {(one.charger, one.transaction) for one in steps})
    entries = {name: [Entry(one.key, one.gathered, one.session) for one in found] for name, found in kept.items()}
    known = live_states.of_chargers(connection, {one.charger for one in words})
    live = LiveWords(known, places, rules.clocks)
    for word in words:
        if isinstance(word, TransactionSaid) or (isinstance(word, Sampled) and word.transaction):
            _take(entries.setdefault((word.charger, word.transaction), []), word, live, (places, rules))
        elif isinstance(word, Happened) and word.topic == NEEDS:
            _take_needs(connection, word, places)
        live.take(word)
    changed = [(charger, one) for (charger, _), found in entries.items() for one in found if one.changed]
    told = _keep(connection, changed, live, (places, rules), at)
    live_states.store(connection, live.changed, live.linked)
    return Folded(len(words), told)


def _take(found: list[Entry], word: TransactionSaid | Sampled, live: LiveWords, by: tuple[Places, SessionRules]) -> None:
    places, rules = by
    entry = _routed(found, word, rules)
    if entry is None:
        begun_us = 0 if not found else placed(_said_us(word), word.heard_us, rules.clocks).at_us
        entry = Entry(Key(word.transaction, begun_us), Gathered())
        if not (isinstance(word, TransactionSaid) and word.step == "started"):
            evse = places.evse_of(word.charger, word.evse)
            entry.gathered.before = live.register_of(evse.id) if evse else None
        found.append(entry)
    entry.gathered.take(word, rules.clocks)
    entry.changed = True


def _take_needs(connection: Connection, word: Happened, places: Places) -> None:
    """What a vehicle asks for is a wish of its session."""
    evse, facts = places.evse_of(word.charger, word.facts.get("evse", 0)), word.facts
    if evse is None or "transaction" not in facts:
        return
    departs_us = facts.get("departs_us")
    energy_wh = facts.get("energy_wh")
    wish = wish_records.Wish(
        id=f"ev-{session_id(word.charger, facts['transaction'])}-{word.heard_us}",
        evse=evse.id,
        session=session_id(word.charger, facts["transaction"]),
        made_at=from_us(word.heard_us),
        need_wh=None if energy_wh is None else round(energy_wh),
        departs_at=None if departs_us is None else from_us(departs_us),
        target_soc=facts.get("target_soc"),
        way="vehicle",
    )
    if (wish.need_wh, wish.departs_at, wish.target_soc) != (None, None, None):
        wish_records.add(connection, wish)


def _routed(found: list[Entry], word: TransactionSaid | Sampled, rules: SessionRules) -> Entry | None:
    """Which session of a transaction a word is of; None: a new one, as a station may use an id twice."""
    at_us = placed(_said_us(word), word.heard_us, rules.clocks).at_us
    again_us = rules.endings.again_s * US
    if isinstance(word, TransactionSaid) and word.step == "started":
        for one in found:
            begun = one.gathered.begun
            if begun is not None and (begun.said_us == word.at_us or abs(begun.at_us - at_us) <= again_us):
                return one
        for one in found:
            ended = one.gathered.ended
            if one.gathered.begun is None and (ended is None or at_us <= ended.at_us + again_us):
                return one
        newest = max(found, key=lambda one: one.gathered.last_us, default=None)
        return None if newest is None or at_us > newest.gathered.last_us else newest
    earlier = [one for one in found if one.gathered.first_us <= at_us + again_us]
    return max(earlier, key=lambda one: one.gathered.first_us) if earlier else (found[0] if found else None)


def _said_us(word: TransactionSaid | Sampled) -> int:
    if isinstance(word, TransactionSaid):
        return word.at_us
    return max((one.at_us for one in word.samples), default=word.heard_us)


def _keep(
    connection: Connection,
    changed: list[tuple[str, Entry]],
    live: LiveWords,
    by: tuple[Places, SessionRules],
    at: datetime,
) -> list[Session]:
    places, rules = by
    told: list[Session] = []
    rows: list[tuple[Session, Key, Gathered]] = []
    facts: list[Event] = []
    for charger, one in changed:
        where = one.gathered.where
        place = places.place_of(charger, where.evse if where else 0)
        session = _settled_stays(assembled(one.key, place, one.gathered, rules).session, one.before)
        rows.append((session, one.key, one.gathered))
        live.note_session(session)
        facts += _events(session, one.before, at)
        told.append(session)
        if one.before is None and session.evse:
            wish_records.adopt(connection, session.id, session.evse, session.started_at - WISH_BEFORE, session.ended_at)
    session_records.store(connection, rows)
    events.announce(connection, facts, at)
    return told


def keep_entries(
    connection: Connection, changed: list[tuple[str, Entry]], by: tuple[Places, SessionRules], at: datetime
) -> list[Session]:
    """Keep transactions whose gathered facts changed without a word; their sessions as they are now."""
    places, rules = by
    live = LiveWords(live_states.of_chargers(connection, {charger for charger, _ in changed}), places, rules.clocks)
    told = _keep(connection, changed, live, by, at)
    live_states.store(connection, live.changed, live.linked)
    return told


def _settled_stays(session: Session, before: Session | None) -> Session:
    """A settled session stays so while what it was settled by stays."""
    if before is None or before.state != "settled" or session.state != "ended":
        return session
    same = ("energy_wh", "returned_wh", "started_at", "ended_at", "token", "evse")
    if any(getattr(session, name) != getattr(before, name) for name in same):
        return session
    return msgspec.structs.replace(session, state="settled")


def _events(session: Session, before: Session | None, at: datetime) -> list[Event]:
    found: list[Event] = []
    data = {"session": session.id, "charger": session.charger, "site": session.site, "trust": session.trust}
    subject = session.evse or session.charger
    if before is None:
        found.append(
            Event(
                id=f"{session.id}-started", type="charging.session.started", source=SOURCE, time=at, subject=subject,
                data=data | {"started_at": session.started_at},
            )
        )  # fmt: skip
    if session.state == "ended" and (before is None or before.state == "running"):
        reasons = session.facts["reasons"]
        ended = data | {
            "started_at": session.started_at, "ended_at": session.ended_at, "energy_wh": session.energy_wh, "reasons": reasons,
        }  # fmt: skip
        found.append(
            Event(id=f"{session.id}-ended", type="charging.session.ended", source=SOURCE, time=at, subject=subject, data=ended)
        )
    if session.trust == "disputed" and (before is None or before.trust != "disputed"):
        found.append(
            Event(
                id=f"{session.id}-disputed", type="charging.session.disputed", source=SOURCE, time=at, subject=subject,
                data=data | {"reasons": session.facts["reasons"], "energy_wh": session.energy_wh},
            )
        )  # fmt: skip
    return found
