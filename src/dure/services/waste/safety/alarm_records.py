"""Alarms, kept: raised, cleared, acknowledged, escalated and closed in the transaction of their events.

=====================  ==========================================================
``alarm.unknown``      there is no alarm of this id
``alarm.note``         the note is too long or no readable text, or there must be one
=====================  ==========================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, tuple_, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import InputError, NotFound
from dure.core.events import Event
from dure.engines.records import audit, dialect, events
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_waste import waste_alarms as alarms
from dure.services.waste.model import SERVICE, AlarmKind
from dure.services.waste.safety import alarms as machine
from dure.services.waste.safety.alarms import SERIOUS, Alarm, AlarmState, Facts, Holds, Signal, Step
from dure.services.waste.safety.escalation import Due

NOTE_MAX = 1_000
_CHUNK = 200
Key = tuple[str, str]


def take(connection: Connection, signals: Iterable[Signal], at: datetime, holds: Holds) -> list[Step]:
    """Take in signals in the order they came: what became of each that changed something, kept with its event."""
    wanted = list(signals)
    keys = sorted({(one.bin, str(one.kind)) for one in wanted})
    current = _open_of(connection, keys)
    last = _last_closed(connection, keys)
    steps = []
    for signal in wanted:
        key = (signal.bin, str(signal.kind))
        step = machine.advance(current.get(key), last.get(key), signal, at, holds)
        if step is None:
            continue
        if step.happened == "raised":
            if not dialect.insert_new(connection, alarms, [_row(step.alarm)]):
                continue  # the same instant, told once more long after it was settled
        else:
            _store(connection, step.alarm)
        if step.happened != "repeated":
            events.announce(connection, [event_of(step.alarm, step.happened, at)], at)
        if step.alarm.state == "closed":
            current.pop(key, None)
            last[key] = step.alarm
        else:
            current[key] = step.alarm
        steps.append(step)
    return steps


def acknowledge(connection: Connection, ident: str, note: str, by: By) -> Alarm:
    """Somebody has seen it: escalation stops. A second time changes nothing."""
    _check_note(note)
    before = get(connection, ident, lock=True)
    after = machine.acknowledged(before, by.actor, note, by.at)
    return _settle(connection, before, after, "acknowledged", note, by)


def close(connection: Connection, ident: str, note: str, by: By) -> Alarm:
    """A person who looked closes it although the sensor has not said 0; the note says what was found. Idempotent."""
    if not note.strip():
        raise InputError("alarm.note", "Say what was found at the bin: the sensor still gives the alarm.")
    _check_note(note)
    before = get(connection, ident, lock=True)
    return _settle(connection, before, machine.closed_by_hand(before, by.actor, note, by.at), "closed", note, by)


def escalate(connection: Connection, due: Due, at: datetime) -> Alarm | None:
    """Take a step that is due; None when it was acknowledged, closed or stepped meanwhile.

    The first people are told with the alarm itself: only what comes later is an escalation to others.
    """
    alarm = get(connection, due.alarm, lock=True)
    if alarm.state != "open" or alarm.escalation >= due.step:
        return None
    after = machine.escalated(alarm, due.step, due.roles, at)
    _store(connection, after)
    if due.due_at > alarm.raised_at:
        events.announce(connection, [event_of(after, "escalated", at, {"roles": list(due.roles)})], at)
    return after


def note_told(connection: Connection, ident: str, receiver: str, error: str, at: datetime) -> Alarm:
    """Write down that a message about it went out, or why not."""
    after = machine.told(get(connection, ident, lock=True), "told", at, by=receiver, note=error)
    _store(connection, after)
    return after


def get(connection: Connection, ident: str, *, lock: bool = False) -> Alarm:
    """One alarm; with `lock` nobody else changes it until the transaction ends."""
    query = select(alarms).where(alarms.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("alarm.unknown", f"There is no alarm {ident[:80]!r}.")
    return _alarm(row)


def unsettled(connection: Connection, *, bin_id: str = "") -> list[Alarm]:
    """Alarms that are not closed: those nobody has acknowledged first, then the most serious, then the oldest."""
    query = select(alarms).where(alarms.c.closed_at.is_(None))
    if bin_id:
        query = query.where(alarms.c.bin == bin_id)
    found = [_alarm(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda one: (one.state != "open", SERIOUS[one.kind], one.raised_at, one.id))


def open_kinds(connection: Connection, bin_id: str) -> set[AlarmKind]:
    """Kinds of alarm of a bin that are not closed: while ``fire`` is among them nothing may be pressed."""
    query = select(alarms.c.kind).where(alarms.c.bin == bin_id, alarms.c.closed_at.is_(None))
    return set(connection.execute(query).scalars())


def open_by_bin(connection: Connection) -> dict[str, frozenset[AlarmKind]]:
    """The same for every bin that has any: the planner sends nobody to press or empty a burning one unasked."""
    found: dict[str, set[AlarmKind]] = {}
    for row in connection.execute(select(alarms.c.bin, alarms.c.kind).where(alarms.c.closed_at.is_(None))):
        found.setdefault(row.bin, set()).add(row.kind)
    return {bin_id: frozenset(kinds) for bin_id, kinds in found.items()}


def counts(connection: Connection) -> dict[AlarmState, int]:
    """How many are open and acknowledged."""
    query = select(alarms.c.state, func.count()).where(alarms.c.closed_at.is_(None)).group_by(alarms.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def listing(
    connection: Connection, *, state: AlarmState | None = None, bin_id: str = "", after: str = "", limit: int = 100
) -> Page[Alarm]:
    """Newest first."""
    query = select(alarms)
    if state is not None:
        query = query.where(alarms.c.state == state)
    if bin_id:
        query = query.where(alarms.c.bin == bin_id)
    if after:
        query = query.where(older_than(after, alarms.c.raised_at, alarms.c.id))
    query = query.order_by(alarms.c.raised_at.desc(), alarms.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_alarm(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.raised_at, one.id))


_EVENTS = {
    "raised": "waste.alarm.raised",
    "again": "waste.alarm.again",
    "cleared": "waste.alarm.cleared",
    "acknowledged": "waste.alarm.acknowledged",
    "escalated": "waste.alarm.escalated",
    "closed": "waste.alarm.closed",
}


def event_of(alarm: Alarm, what: str, at: datetime, more: Mapping[str, Any] | None = None) -> Event:
    """What happened to an alarm, as others hear it."""
    return Event(
        id=f"waste.alarm.{what}:{alarm.id}:{alarm.facts.story[-1].n}",
        type=_EVENTS[what],
        source=f"dure/{SERVICE}",
        time=at,
        subject=alarm.bin,
        data={"alarm": alarm.id, "kind": alarm.kind, "state": alarm.state, "doubtful": alarm.doubtful, **(more or {})},
    )


def _settle(connection: Connection, before: Alarm, after: Alarm, what: str, note: str, by: By) -> Alarm:
    """Keep what a person did, when it changed anything."""
    if after is before:
        return before
    _store(connection, after)
    events.announce(connection, [event_of(after, what, by.at, {"by": by.actor})], by.at)
    if after.state == "closed" and what != "closed":
        events.announce(connection, [event_of(after, "closed", by.at)], by.at)
    audit.append(connection, by, "act", "alert", after.id, {what: {"kind": after.kind, "bin": after.bin, "note": note}})
    return after


def _check_note(note: str) -> None:
    if len(note) > NOTE_MAX or "\0" in note:
        raise InputError("alarm.note", f"The note must be readable text of at most {NOTE_MAX} characters.")


def _open_of(connection: Connection, keys: list[Key]) -> dict[Key, Alarm]:
    found: dict[Key, Alarm] = {}
    for query in _of_keys(select(alarms).where(alarms.c.closed_at.is_(None)), keys):
        rows = connection.execute(query.with_for_update()).mappings()
        found |= {(row["bin"], row["kind"]): _alarm(row) for row in rows}
    return found


def _last_closed(connection: Connection, keys: list[Key]) -> dict[Key, Alarm]:
    newest = select(alarms.c.bin, alarms.c.kind, func.max(alarms.c.closed_at).label("at")).where(alarms.c.closed_at.is_not(None))
    found: dict[Key, Alarm] = {}
    for query in _of_keys(newest, keys):
        each = query.group_by(alarms.c.bin, alarms.c.kind).subquery()
        same = (alarms.c.bin == each.c.bin) & (alarms.c.kind == each.c.kind) & (alarms.c.closed_at == each.c.at)
        rows = connection.execute(select(alarms).join(each, same)).mappings()
        found |= {(row["bin"], row["kind"]): _alarm(row) for row in rows}
    return found


def _of_keys(query: Select[Any], keys: list[Key]) -> Iterable[Select[Any]]:
    for start in range(0, len(keys), _CHUNK):
        yield query.where(tuple_(alarms.c.bin, alarms.c.kind).in_(keys[start : start + _CHUNK]))


def _store(connection: Connection, alarm: Alarm) -> None:
    connection.execute(update(alarms).where(alarms.c.id == alarm.id).values(_row(alarm)))


def _row(alarm: Alarm) -> dict[str, Any]:
    return msgspec.structs.asdict(alarm) | {"facts": msgspec.to_builtins(alarm.facts)}


def _alarm(row: RowMapping) -> Alarm:
    return Alarm(**{**row, "facts": msgspec.convert(row["facts"], Facts)})
