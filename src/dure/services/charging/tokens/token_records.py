"""Tokens, kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, page
from dure.engines.records.tables_charging_stations import charging_tokens as tokens
from dure.services.charging.tokens.tokens import Holder, Token


def insert(connection: Connection, items: Sequence[Token]) -> int:
    """Keep those that are not known yet; how many that were."""
    return dialect.insert_new(connection, tokens, [_row(one) for one in items])


def store(connection: Connection, items: Sequence[Token]) -> None:
    """Keep them as they are now."""
    dialect.upsert(connection, tokens, [_row(one) for one in items])


def get(connection: Connection, digest: str, *, lock: bool = False) -> Token:
    """One token by its digest."""
    query = select(tokens).where(tokens.c.digest == digest)
    row = connection.execute(query.with_for_update() if lock else query).mappings().one_or_none()
    if row is None:
        raise NotFound("token.unknown", "There is no such token.")
    return _token(row)


def find(connection: Connection, digests: Iterable[str]) -> dict[str, Token]:
    """Those of the digests that are known."""
    wanted = sorted(set(digests))
    found: dict[str, Token] = {}
    for start in range(0, len(wanted), 500):
        rows = connection.execute(select(tokens).where(tokens.c.digest.in_(wanted[start : start + 500]))).mappings()
        found.update((row["digest"], _token(row)) for row in rows)
    return found


def listing(
    connection: Connection, *, holder: Holder | None = None, group: str = "", after: str = "", limit: int = 100
) -> Page[Token]:
    """By digest, from after the given one."""
    query = select(tokens)
    if holder is not None:
        query = query.where(tokens.c.holder == holder)
    if group:
        query = query.where(tokens.c.group == group)
    if after:
        query = query.where(tokens.c.digest > after)
    rows = connection.execute(query.order_by(tokens.c.digest).limit(checked_limit(limit) + 1)).mappings()
    return page((_token(row) for row in rows), limit, lambda one: one.digest)


def changed_since(connection: Connection, since: datetime | None) -> list[Token]:
    """All tokens, or those changed at or after an instant."""
    query = select(tokens)
    if since is not None:
        query = query.where(tokens.c.changed_at >= since)
    return [_token(row) for row in connection.execute(query).mappings()]


def marks(connection: Connection, since: datetime | None) -> tuple[int, datetime | None]:
    """How many changed at or after an instant (or are there), and when the last did."""
    query = select(func.count(), func.max(tokens.c.changed_at))
    if since is not None:
        query = query.where(tokens.c.changed_at >= since)
    n, newest = connection.execute(query).one()
    return int(n), newest


def counts(connection: Connection) -> dict[str, int]:
    """How many there are, by holder."""
    query = select(tokens.c.holder, func.count()).group_by(tokens.c.holder).order_by(tokens.c.holder)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def forget_expired(connection: Connection, holder: Holder, before: datetime) -> int:
    """Drop tokens of a kind that ended before an instant; how many."""
    return connection.execute(delete(tokens).where(tokens.c.holder == holder, tokens.c.expires_at < before)).rowcount


def _row(token: Token) -> dict[str, Any]:
    return msgspec.structs.asdict(token) | {"sites": list(token.sites)}


def _token(row: RowMapping) -> Token:
    return Token(**{**row, "sites": tuple(row["sites"])})
