"""Readings that could not be used: kept with the reason, replayed when the cause is mended, never lost."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection, delete, func, select, update

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import parked

Way = Literal["mqtt", "http", "lorawan", "import", "ocpp"]
ParkedState = Literal["parked", "replayed", "dropped"]


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came and could not become an observation.

    `id` is made of where it came from (see `key`), so that the same thing parked twice is there once.
    """

    id: str
    received_at: datetime
    way: Way
    device: str
    code: str
    why: str
    content: bytes
    state: ParkedState = "parked"
    settled_at: datetime | None = None


def key(*origin: object) -> str:
    """The id of what came from there: ``key(stream_sequence, row)``, or ``key(content)`` where there is no sequence."""
    digest = hashlib.sha256()
    for part in origin:
        piece = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(len(piece).to_bytes(8, "big") + piece)
    return digest.hexdigest()[:32]


def park(connection: Connection, items: Iterable[Parked]) -> int:
    """Keep them; those already there stay as they are. How many are new."""
    rows = {item.id: _row(item) for item in items}
    return dialect.insert_new(connection, parked, list(rows.values()))


def get(connection: Connection, parked_id: str) -> Parked:
    """One of them."""
    row = connection.execute(select(parked).where(parked.c.id == parked_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("parked.unknown", f"Nothing is parked under {parked_id[:80]!r}.")
    return Parked(**row)


def listing(
    connection: Connection, *, state: ParkedState = "parked", device: str = "", after: str = "", limit: int = 100
) -> Page[Parked]:
    """Newest first."""
    query = select(parked).where(parked.c.state == state)
    if device:
        query = query.where(parked.c.device == device)
    if after:
        query = query.where(older_than(after, parked.c.received_at, parked.c.id))
    query = query.order_by(parked.c.received_at.desc(), parked.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (Parked(**row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.received_at, one.id))


def counts(connection: Connection) -> dict[str, int]:
    """How many wait, by code."""
    query = select(parked.c.code, func.count()).where(parked.c.state == "parked").group_by(parked.c.code)
    return {row[0]: row[1] for row in connection.execute(query.order_by(parked.c.code))}


def settle(connection: Connection, ids: Sequence[str], state: Literal["replayed", "dropped"], at: datetime) -> int:
    """Mark those still parked as replayed or dropped; how many that were. A second call finds none."""
    change = update(parked).where(parked.c.id.in_(ids), parked.c.state == "parked")
    return connection.execute(change.values(state=state, settled_at=at)).rowcount


def expire(connection: Connection, before: datetime) -> int:
    """Delete what was settled before then; how many."""
    return connection.execute(delete(parked).where(parked.c.state != "parked", parked.c.settled_at < before)).rowcount


def _row(item: Parked) -> dict[str, object]:
    row = msgspec.structs.asdict(item)
    return row | {name: _fitting(row[name]) for name in ("device", "code", "why")}


def _fitting(text: str) -> str:
    """What a stranger sent may hold what no database keeps as text: zero characters, halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "�")
