"""Sessions, kept: one row per transaction, and beside it what was gathered of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, and_, func, or_, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_charging_sessions import charging_gathered as gathered_rows
from dure.engines.records.tables_charging_sessions import charging_sessions as sessions
from dure.services.charging.sessions import wish_records
from dure.services.charging.sessions.assembling import Key
from dure.services.charging.sessions.gathering import Gathered
from dure.services.charging.sessions.model import Session, SessionState, Trust

CHUNK = 500
WISHED = ("need_wh", "departs_at", "target_soc")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions; empty words leave a filter out. Those that were there at some instant of ``[since, until)``."""

    states: Sequence[SessionState] = ()
    site: str = ""
    charger: str = ""
    evse: str = ""
    token: str = ""
    trust: Trust | None = None
    since: datetime | None = None
    until: datetime | None = None


class Kept(msgspec.Struct, frozen=True):
    """A transaction as it is kept."""

    session: Session
    key: Key
    gathered: Gathered


def get(connection: Connection, ident: str, *, lock: bool = False) -> Session:
    """One session, with what its driver asked for; `lock`: as it is until the transaction ends.

    Raises
    ------
    NotFound : ``session.unknown``
    """
    query = select(sessions).where(sessions.c.id == ident)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("session.unknown", f"There is no charging session {ident[:80]!r}.")
    return _with_wishes(connection, [row])[0]


def listing(connection: Connection, asked: Asked, *, after: str = "", limit: int = 100) -> Page[Session]:
    """Newest first, by begin."""
    query = _filtered(select(sessions), asked)
    if after:
        query = query.where(older_than(after, sessions.c.started_at, sessions.c.id))
    query = query.order_by(sessions.c.started_at.desc(), sessions.c.id.desc()).limit(checked_limit(limit) + 1)
    found = _with_wishes(connection, connection.execute(query).mappings().all())
    return page(found, limit, lambda one: time_mark(one.started_at, one.id))


def running(connection: Connection, site: str = "") -> list[Session]:
    """Sessions that run, of a site or of all, by EVSE."""
    query = _filtered(select(sessions), Asked(states=("running",), site=site)).order_by(sessions.c.evse, sessions.c.started_at)
    return _with_wishes(connection, connection.execute(query).mappings().all())


def overlapping(connection: Connection, site: str, start: datetime, end: datetime) -> list[Session]:
    """Sessions of a site that were there at some instant of ``[start, end)``, by begin."""
    query = _filtered(select(sessions), Asked(site=site, since=start, until=end))
    query = query.order_by(sessions.c.started_at, sessions.c.id)
    return _with_wishes(connection, connection.execute(query).mappings().all())


def counts(connection: Connection) -> dict[str, int]:
    """How many sessions are in each state, and of each doubt (``estimated``, ``disputed``) among those not settled."""
    found = {
        str(state): int(n) for state, n in connection.execute(select(sessions.c.state, func.count()).group_by(sessions.c.state))
    }
    doubts = select(sessions.c.trust, func.count()).where(sessions.c.state != "settled").group_by(sessions.c.trust)
    return found | {str(trust): int(n) for trust, n in connection.execute(doubts) if trust != "measured"}


def to_settle(connection: Connection, limit: int) -> list[Session]:
    """Sessions that ended and are not settled, oldest first; not the disputed: they wait for a person, however many they are."""
    query = select(sessions).where(sessions.c.state == "ended", sessions.c.trust != "disputed")
    query = query.order_by(sessions.c.last_at, sessions.c.id).limit(limit)
    return [session_of(row) for row in connection.execute(query).mappings()]


def set_settled(connection: Connection, idents: Collection[str]) -> None:
    """They are settled."""
    if idents:
        changed = update(sessions).where(sessions.c.id.in_(list(idents)), sessions.c.state == "ended")
        connection.execute(changed.values(state="settled"))


def kept_of(connection: Connection, transactions: Collection[tuple[str, str]]) -> dict[tuple[str, str], list[Kept]]:
    """What is kept of transactions, by charger and transaction, oldest first; locked until the transaction ends."""
    found: dict[tuple[str, str], list[Kept]] = {}
    wanted = sorted(transactions)
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        # One pair at a time would be a query each; names of transactions are mostly their charger's own.
        query = (
            select(sessions, gathered_rows.c.gathered)
            .join(gathered_rows, gathered_rows.c.session == sessions.c.id)
            .where(sessions.c.charger.in_({one[0] for one in part}), sessions.c.transaction.in_({one[1] for one in part}))
            .order_by(sessions.c.begun_us)
            .with_for_update(of=sessions)
        )
        asked = set(part)
        for row in connection.execute(query).mappings():
            if (row["charger"], row["transaction"]) in asked:
                found.setdefault((row["charger"], row["transaction"]), []).append(_kept(row))
    return found


def store(connection: Connection, changed: Iterable[tuple[Session, Key, Gathered]]) -> None:
    """Keep sessions as they are now; a session that is settled and did not change in energy or end stays so."""
    rows = list(changed)
    if not rows:
        return
    dialect.upsert(connection, sessions, [_row(session, key) for session, key, _ in rows])
    encoded = [{"session": session.id, "gathered": msgspec.msgpack.encode(gathered)} for session, _, gathered in rows]
    dialect.upsert(connection, gathered_rows, encoded)


def gathered_of(connection: Connection, ident: str) -> tuple[Key, Gathered]:
    """What was gathered of a session."""
    query = select(sessions.c.transaction, sessions.c.begun_us, gathered_rows.c.gathered)
    query = query.join(gathered_rows, gathered_rows.c.session == sessions.c.id).where(sessions.c.id == ident)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound("session.unknown", f"There is no charging session {ident[:80]!r}.")
    return Key(row.transaction, row.begun_us), msgspec.msgpack.decode(row.gathered, type=Gathered)


def unplaced(connection: Connection) -> set[str]:
    """Chargers of sessions whose EVSE nobody had registered when they were heard."""
    return set(connection.execute(select(sessions.c.charger).where(sessions.c.evse == "").distinct()).scalars())


def unplaced_of(connection: Connection, charger: str, limit: int = 5_000) -> set[tuple[str, str]]:
    """Transactions of a charger without an EVSE, newest first."""
    query = select(sessions.c.charger, sessions.c.transaction).where(sessions.c.evse == "", sessions.c.charger == charger)
    rows = connection.execute(query.order_by(sessions.c.started_at.desc()).limit(limit))
    return {(row.charger, row.transaction) for row in rows}


def forget_tokens(connection: Connection, before: datetime, limit: int = 2_000) -> int:
    """Take the digest of the token off sessions that were over before then; of how many."""
    query = select(sessions.c.id, gathered_rows.c.gathered).join(gathered_rows, gathered_rows.c.session == sessions.c.id)
    query = query.where(sessions.c.state != "running", sessions.c.last_at < before, sessions.c.token != "")
    rows = connection.execute(query.limit(limit)).all()
    kept = []
    for row in rows:
        gathered = msgspec.msgpack.decode(row.gathered, type=Gathered)
        gathered.token = None
        kept.append({"session": row.id, "gathered": msgspec.msgpack.encode(gathered)})
    dialect.upsert(connection, gathered_rows, kept)
    for start in range(0, len(rows), CHUNK):
        part = [row.id for row in rows[start : start + CHUNK]]
        connection.execute(update(sessions).where(sessions.c.id.in_(part)).values(token=""))
    return len(rows)


def quiet(connection: Connection, before: datetime, limit: int = 1_000) -> list[RowMapping]:
    """Running sessions of which nothing was heard since then: id, charger, evse, transaction, last_at, silent_at."""
    columns = (
        sessions.c.id,
        sessions.c.charger,
        sessions.c.evse,
        sessions.c.transaction,
        sessions.c.last_at,
        sessions.c.silent_at,
    )
    query = select(*columns).where(sessions.c.state == "running", sessions.c.last_at < before)
    return list(connection.execute(query.order_by(sessions.c.last_at).limit(limit)).mappings())


def begun_after(connection: Connection, evse: str, after: datetime, other: str) -> bool:
    """Whether another session began at an EVSE after then."""
    query = select(sessions.c.id).where(sessions.c.evse == evse, sessions.c.started_at > after, sessions.c.id != other)
    return bool(evse) and connection.execute(query.limit(1)).first() is not None


def set_silent(connection: Connection, idents: Collection[str], at: datetime) -> None:
    """That nothing is heard of them is told."""
    if idents:
        connection.execute(update(sessions).where(sessions.c.id.in_(list(idents))).values(silent_at=at))


def _filtered(query: Select[Any], asked: Asked) -> Select[Any]:
    for column, wanted in (
        (sessions.c.site, asked.site),
        (sessions.c.charger, asked.charger),
        (sessions.c.evse, asked.evse),
        (sessions.c.token, asked.token),
        (sessions.c.trust, asked.trust),
    ):
        if wanted:
            query = query.where(column == wanted)
    if asked.states:
        query = query.where(sessions.c.state.in_(asked.states))
    if asked.until is not None:
        query = query.where(sessions.c.started_at < asked.until)
    if asked.since is not None:
        query = query.where(or_(sessions.c.ended_at.is_(None), sessions.c.ended_at > asked.since, _instant(asked.since)))
    return query


def _instant(since: datetime) -> Any:
    """A session that began and ended at one instant was there at that instant."""
    return and_(sessions.c.ended_at == sessions.c.started_at, sessions.c.ended_at == since)


def _with_wishes(connection: Connection, rows: Sequence[RowMapping]) -> list[Session]:
    wishes = wish_records.of_sessions(connection, [row["id"] for row in rows])
    return [session_of(row, wishes.get(row["id"])) for row in rows]


def session_of(row: RowMapping, wish: Mapping[str, Any] | None = None) -> Session:
    """The session of a row."""
    fields = {name: row[name] for name in Session.__struct_fields__ if name not in WISHED}
    return Session(**fields, **(wish or {}))


def _kept(row: RowMapping) -> Kept:
    gathered = msgspec.msgpack.decode(row["gathered"], type=Gathered)
    return Kept(session_of(row), Key(row["transaction"], row["begun_us"]), gathered)


def _row(session: Session, key: Key) -> dict[str, Any]:
    row = msgspec.structs.asdict(session)
    for name in WISHED:
        del row[name]
    return row | {"begun_us": key.begun_us, "silent_at": None}
