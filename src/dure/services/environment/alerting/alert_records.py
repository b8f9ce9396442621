"""Alerts and what their rules remember, kept: opened, advanced and closed in the transaction of their events.

An alert is one row from its first level to its end. Its story (every change, acknowledgement and escalation, numbered from
1) stands in its facts, so that one look tells all of it also when the events are no longer kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, insert, select, tuple_, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_environment import environment_alert_states as states
from dure.engines.records.tables_environment import environment_alerts as alerts
from dure.services.environment.alerting.alert_model import Alert, AlertState, Entry, Facts, alert_id, entry_of, told
from dure.services.environment.alerting.alerts import State, Transition
from dure.services.environment.alerting.escalation import Due

NOTE_MAX = 1_000
_CHUNK = 200
Key = tuple[str, str]


def load_states(connection: Connection, keys: Iterable[Key], *, lock: bool = False) -> dict[Key, State]:
    """What rules remember of places; with `lock` nobody else changes these before the transaction ends."""
    wanted = sorted(set(keys))
    found: dict[Key, State] = {}
    for i in range(0, len(wanted), _CHUNK):
        part = wanted[i : i + _CHUNK]
        query = select(states).where(tuple_(states.c.rule, states.c.scope).in_(part)).order_by(states.c.rule, states.c.scope)
        for row in connection.execute(query.with_for_update() if lock else query).mappings():
            found[row["rule"], row["scope"]] = msgspec.convert(row["state"], State)
    return found


def claim_states(connection: Connection, keys: Iterable[Key], at: datetime) -> dict[Key, State]:
    """The states of these keys, made where there are none, ours alone until the transaction ends."""
    wanted = sorted(set(keys))
    blank = msgspec.to_builtins(State())
    dialect.insert_new(connection, states, [_state_row(key, blank, at) for key in wanted])
    return load_states(connection, wanted, lock=True)


def save_states(connection: Connection, changed: Mapping[Key, State], at: datetime) -> None:
    """Keep what rules remember."""
    dialect.upsert(connection, states, [_state_row(key, msgspec.to_builtins(changed[key]), at) for key in sorted(changed)])


def _state_row(key: Key, state: Any, at: datetime) -> dict[str, Any]:
    return {"rule": key[0], "scope": key[1], "state": state, "updated_at": at}


def open_alert(connection: Connection, transition: Transition, facts: Facts, decision: str) -> Alert:
    """Keep a new alert."""
    alert = Alert(
        id=alert_id(transition),
        rule=transition.rule,
        scope=transition.scope,
        level=transition.after,
        state="open",
        opened_at=transition.at,
        changed_at=transition.at,
        closed_at=None,
        acknowledged_by=None,
        acknowledged_at=None,
        escalation=0,
        escalated_at=None,
        facts=told(facts, entry_of(1, transition, decision)),
        decision=decision,
    )
    connection.execute(insert(alerts).values(_row(alert)))
    return alert


def advance_alert(connection: Connection, alert: Alert, transition: Transition, decision: str) -> Alert:
    """Keep a change of level; at level 0 the alert is closed, and a higher level must be acknowledged anew."""
    facts = told(alert.facts, entry_of(alert.last_n + 1, transition, decision))
    changes: dict[str, Any] = {"level": transition.after, "changed_at": transition.at, "decision": decision}
    if transition.kind == "raised":
        facts = msgspec.structs.replace(facts, alarmed_at=transition.at, level_max=max(facts.level_max, transition.after))
        changes |= {"acknowledged_by": None, "acknowledged_at": None, "escalation": 0, "escalated_at": None}
    if transition.kind == "closed":
        changes |= {"state": "closed", "closed_at": transition.at}
    return _store(connection, msgspec.structs.replace(alert, facts=facts, **changes), changes)


def acknowledge(connection: Connection, ident: str, note: str, by: By) -> Alert:
    """Somebody has seen it: escalation stops. A second time is refused; the audit log keeps who, when and the note."""
    if len(note) > NOTE_MAX or "\0" in note:
        raise InputError("alert.note", f"The note must be readable text of at most {NOTE_MAX} characters.")
    alert = get(connection, ident, lock=True)
    if alert.state == "closed" or alert.acknowledged_at is not None:
        raise Conflict("alert.settled", f"The alert {ident[:80]} is acknowledged or over already.")
    entry = Entry(
        n=alert.last_n + 1, kind="acknowledged", at=by.at, before=alert.level, after=alert.level, by=by.actor, note=note
    )
    changes: dict[str, Any] = {"acknowledged_by": by.actor, "acknowledged_at": by.at}
    audit.append(connection, by, "act", "alert", ident, {"acknowledged": {"level": alert.level, "note": note}})
    return _store(connection, msgspec.structs.replace(alert, facts=told(alert.facts, entry), **changes), changes)


def escalate(connection: Connection, ident: str, due: Due, at: datetime) -> Alert | None:
    """Take a step that is due; None when the alert was acknowledged, closed or stepped meanwhile."""
    alert = get(connection, ident, lock=True)
    if alert.state == "closed" or alert.acknowledged_at is not None or alert.escalation >= due.step:
        return None
    entry = Entry(
        n=alert.last_n + 1,
        kind="escalated",
        at=at,
        before=alert.level,
        after=alert.level,
        reasons=(due.reason,),
        roles=tuple(due.roles),
    )
    changes: dict[str, Any] = {"escalation": due.step, "escalated_at": at}
    return _store(connection, msgspec.structs.replace(alert, facts=told(alert.facts, entry), **changes), changes)


def get(connection: Connection, ident: str, *, lock: bool = False) -> Alert:
    """One alert."""
    query = select(alerts).where(alerts.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("alert.unknown", f"There is no alert {ident[:80]!r}.")
    return _alert(row)


def open_of(connection: Connection, keys: Iterable[Key]) -> dict[Key, Alert]:
    """The open alert of each rule and place that has one."""
    wanted = sorted(set(keys))
    found: dict[Key, Alert] = {}
    for i in range(0, len(wanted), _CHUNK):
        pairs = tuple_(alerts.c.rule, alerts.c.scope).in_(wanted[i : i + _CHUNK])
        rows = connection.execute(select(alerts).where(pairs, alerts.c.state == "open").order_by(alerts.c.opened_at)).mappings()
        found |= {(row["rule"], row["scope"]): _alert(row) for row in rows}
    return found


def open_alerts(connection: Connection, *, unacknowledged: bool = False) -> list[Alert]:
    """Every open alert: the most serious first, then the oldest."""
    query = select(alerts).where(alerts.c.state == "open")
    if unacknowledged:
        query = query.where(alerts.c.acknowledged_at.is_(None))
    found = [_alert(row) for row in connection.execute(query).mappings()]
    return sorted(found, key=lambda one: (-one.level, one.facts.alarmed_at, one.id))


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts: `rule` is the beginning of rule ids, `rules` those that may be seen at all, `scope` a zone or asset."""

    state: AlertState | None = None
    rule: str = ""
    rules: tuple[str, ...] | None = None
    scope: str = ""


def listing(connection: Connection, wanted: Wanted, *, after: str = "", limit: int = 100) -> Page[Alert]:
    """The last changed first."""
    query = _filtered(select(alerts), wanted)
    if after:
        query = query.where(older_than(after, alerts.c.changed_at, alerts.c.id))
    query = query.order_by(alerts.c.changed_at.desc(), alerts.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_alert(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.changed_at, one.id))


def counts(connection: Connection) -> dict[int, int]:
    """How many alerts are open, by level."""
    query = select(alerts.c.level, func.count()).where(alerts.c.state == "open").group_by(alerts.c.level)
    return {row[0]: row[1] for row in connection.execute(query.order_by(alerts.c.level))}


def _filtered(query: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.state is not None:
        query = query.where(alerts.c.state == wanted.state)
    if wanted.rule:
        query = query.where(alerts.c.rule.startswith(wanted.rule, autoescape=True))
    if wanted.rules is not None:
        query = query.where(alerts.c.rule.in_(wanted.rules))
    if wanted.scope:
        query = query.where(alerts.c.scope == wanted.scope)
    return query


def _store(connection: Connection, alert: Alert, changes: Mapping[str, Any]) -> Alert:
    values = {**changes, "facts": msgspec.to_builtins(alert.facts)}
    connection.execute(update(alerts).where(alerts.c.id == alert.id).values(values))
    return alert


def _row(alert: Alert) -> dict[str, Any]:
    return msgspec.structs.asdict(alert) | {"facts": msgspec.to_builtins(alert.facts)}


def _alert(row: RowMapping) -> Alert:
    return Alert(**{**row, "facts": msgspec.convert(row["facts"], Facts)})
