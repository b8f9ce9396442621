"""The log in the records: entries, tiles and checkpoints are only ever added; one writer at a time gives places."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Dialect, and_, bindparam, delete, func, or_, select, update

from dure.core.errors import Conflict, NotFound
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_transparency import carbon_log_cosignatures as cosignatures
from dure.engines.records.tables_carbon_transparency import carbon_log_days as days
from dure.engines.records.tables_carbon_transparency import carbon_log_entries as entries
from dure.engines.records.tables_carbon_transparency import carbon_log_heads as heads
from dure.engines.records.tables_carbon_transparency import carbon_log_keys as keys
from dure.engines.records.tables_carbon_transparency import carbon_log_staged as staged
from dure.engines.records.tables_carbon_transparency import carbon_log_state as states
from dure.engines.records.tables_carbon_transparency import carbon_log_tiles as tiles
from dure.services.carbon.transparency.tiles import Read, Tile

PAGE = 1_000
TILES_AT_ONCE = 32


class State(NamedTuple):
    """What the log is called, and how many entries have a place."""

    origin: str
    size: int


class Staged(NamedTuple):
    """An entry without a place: its number in the order entries were laid down, kind and id, when, its bytes."""

    n: int
    id: str
    at: datetime
    leaf: str


class Leaf(msgspec.Struct, frozen=True):
    """An entry at its place."""

    place: int
    id: str
    at: datetime
    placed_at: datetime
    leaf: str


class Head(msgspec.Struct, frozen=True):
    """A signed checkpoint: size, when it was signed, root as hex, the note."""

    size: int
    at: datetime
    root: str
    note: str


class Day(msgspec.Struct, frozen=True):
    """A local day (ISO) and the size of the checkpoint published on it."""

    day: str
    size: int
    published_at: datetime


class KeyRow(msgspec.Struct, frozen=True):
    """A public key the log signed by, from which size on, and until which."""

    vkey: str
    made_at: datetime
    since_size: int
    until_size: int | None = None


def state(connection: Connection) -> State | None:
    """The log; None before its first round."""
    row = connection.execute(select(states.c.origin, states.c.size)).one_or_none()
    return None if row is None else State(row[0], row[1])


def turn(connection: Connection, origin: str) -> State:
    """The log, ours alone until the transaction ends. It keeps the name it was first given."""
    dialect.insert_new(connection, states, [{"one": True, "origin": origin, "size": 0}])
    row = connection.execute(select(states.c.origin, states.c.size).with_for_update()).one()
    return State(row[0], row[1])


def waiting(connection: Connection, limit: int) -> list[Staged]:
    """Entries without a place, in the order they were laid down. One that has a place already is let go."""
    query = select(staged.c.n, staged.c.id, staged.c.at, staged.c.leaf).order_by(staged.c.n).limit(limit)
    while True:
        rows = [Staged(*row) for row in connection.execute(query)]
        if not rows or not _let_go(connection, rows[-1].n):
            return rows


def waiting_n(connection: Connection) -> int:
    """How many entries have no place yet."""
    return connection.execute(select(func.count()).select_from(staged)).scalar_one()


def place(connection: Connection, size: int, rows: Sequence[Staged], at: datetime) -> None:
    """Give these the places from `size` on, once."""
    kept = [{"place": size + n, "id": row.id, "at": row.at, "placed_at": at, "leaf": row.leaf} for n, row in enumerate(rows)]
    if dialect.insert_new(connection, entries, kept) != len(rows):
        raise Conflict("log.taken", "Another process gave these entries their places; nothing was placed twice.")
    _let_go(connection, rows[-1].n)
    connection.execute(update(states).values(size=size + len(rows)))


def _let_go(connection: Connection, until_n: int) -> int:
    """Staged rows whose entry has a place: only those, for a lower number may have come to be seen since."""
    placed = select(entries.c.id).where(entries.c.id == staged.c.id).exists()
    return connection.execute(delete(staged).where(staged.c.n <= until_n, placed)).rowcount


def put_tiles(connection: Connection, changed: dict[Tile, bytes]) -> None:
    """Keep new and longer tiles."""
    rows = [{"level": level, "n": n, "hashes": hashes} for (level, n), hashes in changed.items()]
    dialect.upsert(connection, tiles, rows)


def reading(connection: Connection) -> Read:
    """Tiles as they are asked for."""

    def read(wanted: Collection[Tile]) -> dict[Tile, bytes]:
        found: dict[Tile, bytes] = {}
        listed = list(wanted)
        for at in range(0, len(listed), TILES_AT_ONCE):
            some = listed[at : at + TILES_AT_ONCE]
            rows = connection.exec_driver_sql(_tiles(connection.dialect, len(some)), tuple(chain.from_iterable(some)))
            found |= {(row[0], row[1]): bytes(row[2]) for row in rows}
        return found

    return read


@lru_cache(256)
def _tiles(dialect: Dialect, count: int) -> str:
    """The question for so many tiles in an engine's words, its values level, n, level, n, …: made once, asked for every proof.

    SQLite would look through the whole table for ``(level, n) IN (…)``.
    """
    each = (and_(tiles.c.level == bindparam(f"l{place}"), tiles.c.n == bindparam(f"n{place}")) for place in range(count))
    return select(tiles.c.level, tiles.c.n, tiles.c.hashes).where(or_(*each)).compile(dialect=dialect).string


def leaf(connection: Connection, key: str) -> Leaf:
    """The entry of a kind and id (``claim/clm-…``).

    Raises
    ------
    NotFound
        ``log.entry_unknown``: there is none, or it has no place yet
    """
    row = connection.execute(select(entries).where(entries.c.id == key)).mappings().one_or_none()
    if row is None:
        raise NotFound("log.entry_unknown", f"The log has no entry {key[:80]!r}; a new one has its place within seconds.")
    return Leaf(**row)


def leaves_of(connection: Connection, keys_of: Collection[str]) -> list[Leaf]:
    """Those of these entries that have a place, in order."""
    query = select(entries).where(entries.c.id.in_(list(keys_of))).order_by(entries.c.place)
    return [Leaf(**row) for row in connection.execute(query).mappings()]


def newest_leaf(connection: Connection, prefix: str) -> Leaf | None:
    """The newest entry whose kind and id begin so."""
    mine = (entries.c.id >= prefix, entries.c.id < prefix + "\U0010ffff")
    row = connection.execute(select(entries).where(*mine).order_by(entries.c.place.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else Leaf(**row)


def leaves(connection: Connection, start: int, end: int) -> list[Leaf]:
    """The entries at the places ``[start, end)`` that there are."""
    query = select(entries).where(entries.c.place >= start, entries.c.place < end).order_by(entries.c.place)
    return [Leaf(**row) for row in connection.execute(query).mappings()]


def all_leaves(connection: Connection, start: int = 0) -> Iterator[Leaf]:
    """Every entry from a place on, in pages."""
    while page := leaves(connection, start, start + PAGE):
        yield from page
        start += PAGE


def put_head(connection: Connection, head: Head) -> None:
    """Keep a signed checkpoint; another of the same size replaces it only in its signatures."""
    dialect.upsert(connection, heads, [msgspec.structs.asdict(head)])


def head(connection: Connection, size: int | None = None) -> Head | None:
    """The checkpoint of a size, or the newest; None when there is none."""
    query = select(heads).order_by(heads.c.size.desc()).limit(1)
    if size is not None:
        query = query.where(heads.c.size == size)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Head(**row)


def all_heads(connection: Connection) -> list[Head]:
    """Every checkpoint that is kept, by size."""
    return [Head(**row) for row in connection.execute(select(heads).order_by(heads.c.size)).mappings()]


def forget_heads(connection: Connection, before: datetime) -> int:
    """Let go of checkpoints signed before then which are neither a day's nor cosigned nor at a change of keys; how many."""
    kept = (select(days.c.size), select(cosignatures.c.size), select(keys.c.since_size))
    newest = select(func.max(heads.c.size)).scalar_subquery()
    old = delete(heads).where(heads.c.at < before, heads.c.size < newest, *(heads.c.size.not_in(one) for one in kept))
    return connection.execute(old).rowcount


def publish(connection: Connection, day: Day) -> bool:
    """Keep which checkpoint was published on a day; whether it is new."""
    return dialect.insert_new(connection, days, [msgspec.structs.asdict(day)]) == 1


def published(connection: Connection, limit: int, before: str = "") -> list[tuple[Day, Head]]:
    """Days with their checkpoints, newest first; before a day."""
    query = select(days, heads.c.at, heads.c.root, heads.c.note).join(heads, heads.c.size == days.c.size)
    if before:
        query = query.where(days.c.day < before)
    rows: Sequence[Any] = connection.execute(query.order_by(days.c.day.desc()).limit(limit)).mappings().all()
    return [
        (
            Day(row["day"], row["size"], row["published_at"]),
            Head(row["size"], row["at"], row["root"], row["note"]),
        )
        for row in rows
    ]


def published_on(connection: Connection, day: str) -> Day | None:
    """What was published on a local day; None when nothing was."""
    row = connection.execute(select(days).where(days.c.day == day)).mappings().one_or_none()
    return None if row is None else Day(**row)


def signing_keys(connection: Connection) -> list[KeyRow]:
    """Every public key, the oldest first; the last one signs now."""
    query = select(keys).order_by(keys.c.since_size, keys.c.made_at)
    return [KeyRow(**row) for row in connection.execute(query).mappings()]


def put_key(connection: Connection, row: KeyRow) -> None:
    """Keep a public key, or until when it signed."""
    dialect.upsert(connection, keys, [msgspec.structs.asdict(row)])


def any_waiting(connection: Connection) -> bool:
    """Whether an entry waits for its place."""
    return connection.execute(select(staged.c.n).limit(1)).first() is not None
