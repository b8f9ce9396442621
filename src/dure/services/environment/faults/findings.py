"""What was found wrong with a station: opened once, seen again while it lasts, closed by a person or when it is gone.

And the verdicts of checks that look at more than one series: what was measured, and against which limit. Nouns of the
records (`environment_findings`, `environment_verdicts`); every function works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select, update

from dure.core.errors import Conflict, NotFound
from dure.core.events import Event
from dure.core.observations import Check, Flag
from dure.core.time import to_us
from dure.engines.records import audit, dialect, events
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_environment import environment_findings as findings
from dure.engines.records.tables_environment import environment_verdicts as verdicts
from dure.services.environment.model import SERVICE

State = Literal["open", "acknowledged", "closed"]
OPENED = "environment.finding.opened"
CLOSED = "environment.finding.closed"
VERDICTS_KEPT = timedelta(days=400)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as a detector sees it now. `property` is empty where the whole station is meant."""

    asset: str
    property: str
    kind: str
    evidence: dict[str, Any]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A fault on record. `by` is who settled it, `note` what they wrote."""

    id: str
    asset: str
    property: str
    kind: str
    state: State
    found_at: datetime
    seen_at: datetime
    closed_at: datetime | None = None
    evidence: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    note: str = ""
    by: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Why one value got its flag: `statistic` against `threshold`, both in the property's unit, and what else was used."""

    asset: str
    property: str
    time_us: int
    check: int
    flag: int
    statistic: float | None
    threshold: float | None
    detail: dict[str, Any]


def note(connection: Connection, seen: Iterable[Seen], at: datetime) -> list[Finding]:
    """Open a finding for each new fault and refresh those that are on record; the newly opened ones."""
    now = {(one.asset, one.property, one.kind): one for one in seen}
    known = {(one.asset, one.property, one.kind): one for one in unsettled(connection)}
    again = [
        {"id": known[key].id, "seen_at": at, "evidence": one.evidence}
        for key, one in now.items()
        if key in known and known[key].seen_at < at
    ]
    dialect.update_many(connection, findings, again, newer="seen_at")
    opened = [
        Finding(
            id=f"{one.kind}-{one.asset}-{one.property or 'all'}-{to_us(at)}",
            asset=one.asset,
            property=one.property,
            kind=one.kind,
            state="open",
            found_at=at,
            seen_at=at,
            evidence=one.evidence,
        )
        for key, one in now.items()
        if key not in known
    ]
    dialect.insert_new(connection, findings, [msgspec.structs.asdict(one) for one in opened])
    events.announce(connection, [_event(one, at, closed=False) for one in opened], at)
    return opened


def close_gone(connection: Connection, kinds: Collection[str], not_seen_since: datetime, at: datetime) -> list[Finding]:
    """Close findings of these kinds that no detector has seen since; they are gone by themselves."""
    gone = []
    for one in unsettled(connection):
        if one.kind in kinds and one.seen_at < not_seen_since:
            change = update(findings).where(findings.c.id == one.id, findings.c.state != "closed")
            if connection.execute(change.values(state="closed", closed_at=at, by=audit.SYSTEM)).rowcount:
                gone.append(one)  # unless a person closed it just now
    events.announce(connection, [_event(one, at, closed=True) for one in gone], at)
    return gone


def settle(connection: Connection, finding_id: str, state: State, words: str, by: By) -> Finding:
    """A person takes a finding over or closes it, and says what was done.

    Raises
    ------
    NotFound : there is no such finding (``finding.unknown``)
    Conflict : it is closed already (``finding.closed``)
    """
    known = get(connection, finding_id, lock=True)
    if known.state == "closed":
        raise Conflict("finding.closed", f"The finding {finding_id!r} is closed already.")
    values: dict[str, Any] = {"state": state, "note": words[:2000], "by": by.actor}
    if state == "closed":
        values["closed_at"] = by.at
    connection.execute(update(findings).where(findings.c.id == finding_id).values(values))
    audit.append(connection, by, "manage", "device", known.asset, {"finding": finding_id, "state": state, "note": words[:2000]})
    if state == "closed":
        events.announce(connection, [_event(known, by.at, closed=True)], by.at)
    return get(connection, finding_id)


def get(connection: Connection, finding_id: str, *, lock: bool = False) -> Finding:
    """One finding; with `lock` nobody else changes it until the transaction ends."""
    query = select(findings).where(findings.c.id == finding_id)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("finding.unknown", f"There is no finding {finding_id[:80]!r}.")
    return Finding(**row)


def unsettled(connection: Connection, *, asset: str = "") -> list[Finding]:
    """Findings that are not closed, oldest first."""
    query = select(findings).where(findings.c.state != "closed").order_by(findings.c.found_at, findings.c.id)
    if asset:
        query = query.where(findings.c.asset == asset)
    return [Finding(**row) for row in connection.execute(query).mappings()]


def listing(
    connection: Connection, *, state: State | None = None, asset: str = "", after: str = "", limit: int = 100
) -> Page[Finding]:
    """Newest first."""
    query = select(findings)
    if state is not None:
        query = query.where(findings.c.state == state)
    if asset:
        query = query.where(findings.c.asset == asset)
    if after:
        query = query.where(older_than(after, findings.c.found_at, findings.c.id))
    query = query.order_by(findings.c.found_at.desc(), findings.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (Finding(**row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.found_at, one.id))


def settled(connection: Connection, kinds: Collection[str], until: datetime) -> dict[tuple[str, str], int]:
    """(asset, property) -> when a person last closed a finding of one of these kinds [µs]; property "" is the whole station.

    What was measured before that does not speak of the fault any more.
    """
    query = select(findings.c.asset, findings.c.property, func.max(findings.c.closed_at)).where(
        findings.c.state == "closed", findings.c.kind.in_(kinds), findings.c.by != audit.SYSTEM, findings.c.closed_at <= until
    )
    rows = connection.execute(query.group_by(findings.c.asset, findings.c.property))
    return {(asset, name): to_us(at) for asset, name, at in rows}


def holds(connection: Connection, held_by: Mapping[str, tuple[Flag, Check]]) -> dict[tuple[str, str], tuple[int, int]]:
    """(asset, property) -> the flag and check that new values get while a finding of such a kind is not closed.

    Where several findings meet on one series, the worst flag stands.
    """
    held: dict[tuple[str, str], tuple[int, int]] = {}
    for one in unsettled(connection):
        if one.kind in held_by:
            flag, check = held_by[one.kind]
            key = (one.asset, one.property)
            if key not in held or flag > held[key][0]:
                held[key] = (int(flag), int(check))
    return held


def keep_verdicts(connection: Connection, items: Sequence[Verdict], at: datetime) -> None:
    """Keep why values got their flags; a second verdict of one check about one value replaces the first."""
    rows = {(one.asset, one.property, one.time_us, one.check): msgspec.structs.asdict(one) for one in items}
    dialect.upsert(connection, verdicts, [row | {"decided_at": at} for row in rows.values()])


def verdicts_of(
    connection: Connection, keys: Collection[tuple[str, str]], start_us: int, end_us: int, limit: int = 500
) -> list[Verdict]:
    """Verdicts about values of some series in an interval, newest first."""
    if not keys:
        return []
    these = or_(*(and_(verdicts.c.asset == asset, verdicts.c.property == name) for asset, name in keys))
    query = (
        select(verdicts)
        .where(these, verdicts.c.time_us >= start_us, verdicts.c.time_us < end_us)
        .order_by(verdicts.c.time_us.desc(), verdicts.c.asset, verdicts.c.property, verdicts.c.check)
        .limit(limit)
    )
    return [_verdict(row) for row in connection.execute(query).mappings()]


def expire_verdicts(connection: Connection, before: datetime) -> int:
    """Delete verdicts older than that; how many."""
    return connection.execute(delete(verdicts).where(verdicts.c.decided_at < before)).rowcount


def _verdict(row: Mapping[Any, Any]) -> Verdict:
    return Verdict(**{name: row[name] for name in Verdict.__struct_fields__})


def _event(one: Finding, at: datetime, *, closed: bool) -> Event:
    return Event(
        id=f"{CLOSED if closed else OPENED}:{one.id}",
        type=CLOSED if closed else OPENED,
        source=f"dure/{SERVICE}",
        time=at,
        subject=one.asset,
        data={"finding": one.id, "kind": one.kind, "property": one.property},
    )
