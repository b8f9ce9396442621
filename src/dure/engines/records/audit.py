"""The audit log: who did what to what, append-only, each row sealed by the hash of the one before.

`append` runs in the transaction of the change it tells of: both are kept or neither. Keep `head` somewhere else from
time to time: then even someone who can rewrite the whole table is found out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.engine import RowMapping

from dure.core.access import Subject, Verb
from dure.core.errors import Corrupt, InputError
from dure.core.time import to_us
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables import audit, audit_head, canonical

_HEAD_LOCKED = select(audit_head.c.n, audit_head.c.hash).with_for_update()
SYSTEM = "system"  # the actor of what Dure does by itself


class By(msgspec.Struct, frozen=True):
    """Who changes something, and when."""

    actor: str
    at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the log."""

    n: int
    at: datetime
    actor: str
    verb: str
    subject: str
    object: str
    detail: dict[str, Any]
    prev_hash: str
    hash: str


class Head(msgspec.Struct, frozen=True):
    """The end of the chain: how many rows there are, and the hash of the last."""

    n: int
    hash: str


def append(
    connection: Connection, by: By, verb: Verb, subject: Subject, object_id: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add one row."""
    append_many(connection, by, verb, subject, [(object_id, detail or {})])


def append_many(
    connection: Connection, by: By, verb: Verb, subject: Subject, changes: Iterable[tuple[str, Mapping[str, Any]]]
) -> None:
    """Add a row for each (object id, detail)."""
    last = connection.execute(_HEAD_LOCKED).one()
    n, tail = int(last.n), str(last.hash)
    rows = []
    for object_id, detail in changes:
        row = {"n": n + 1, "prev_hash": tail, "actor": by.actor, "verb": verb, "subject": subject, "object": object_id}
        row |= {"at": by.at, "detail": canonical(detail)}
        n, tail = n + 1, _hash(row)
        rows.append(row | {"hash": tail})
    if rows:
        if dialect.insert_new(connection, audit, rows) != len(rows):
            raise Corrupt("audit.broken", "The audit log holds rows beyond its end: somebody wrote to it by hand.")
        connection.execute(update(audit_head).values(n=n, hash=tail))


def head(connection: Connection) -> Head:
    """The end of the chain now."""
    row = connection.execute(select(audit_head)).one()
    return Head(row.n, row.hash)


def verify(connection: Connection, kept: Head | None = None) -> int | None:
    """Number of the first row that was changed, removed or added by hand; None when all is well.

    `kept` is a head noted earlier and elsewhere: the chain must still contain it.
    """
    n, tail = 0, "0" * 64
    found = connection.execute(select(audit).order_by(audit.c.n), execution_options={"yield_per": 1_000})
    for row in found.mappings():
        if row["n"] != n + 1 or row["prev_hash"] != tail or row["hash"] != _hash(dict(row)):
            return n + 1
        n, tail = n + 1, row["hash"]
        if kept is not None and kept.n == n and kept.hash != tail:
            return n
    if head(connection) != Head(n, tail) or (kept is not None and kept.n > n):
        return n + 1
    return None


def listing(connection: Connection, *, actor: str = "", object_id: str = "", after: str = "", limit: int = 100) -> Page[Entry]:
    """Newest first."""
    query = select(audit).order_by(audit.c.n.desc()).limit(checked_limit(limit) + 1)
    if actor:
        query = query.where(audit.c.actor == actor)
    if object_id:
        query = query.where(audit.c.object == object_id)
    if after:
        if not (after.isascii() and after.isdigit() and len(after) < 19):
            raise InputError("page.mark", f"{after[:80]!r} is no mark of a page: take `next` of the page before.")
        query = query.where(audit.c.n < int(after))
    found = (_entry(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda entry: str(entry.n))


def _entry(row: RowMapping) -> Entry:
    return Entry(**{**row, "detail": msgspec.json.decode(row["detail"])})


def _hash(row: Mapping[str, Any]) -> str:
    names = ("n", "prev_hash", "actor", "verb", "subject", "object", "detail")
    return hashlib.sha256(canonical([*(row[name] for name in names), to_us(row["at"])]).encode()).hexdigest()
