"""The journal in the records: rows of words, one after the other for each writer, never changed.

A reader keeps its own cursor per writer and reads from it on; what it makes of the words and its cursor leave in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, delete, func, select

from dure.engines.records import dialect
from dure.engines.records.tables_charging_central import charging_journal
from dure.services.charging.central.words import Word

RETENTION_D = 400  # a renewable claim is audited from its reads, which telemetry keeps for ten years


class Kept(msgspec.Struct, frozen=True):
    """One row of the journal."""

    writer: str
    seq: int
    kept_us: int
    words_n: int
    words: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Word, ...])


def pack(words: Iterable[Word]) -> bytes:
    """Words as they are kept."""
    return _encoder.encode(list(words))


def unpack(kept: bytes) -> tuple[Word, ...]:
    """Words as they were said."""
    return _decoder.decode(kept)


def append(connection: Connection, row: Kept) -> bool:
    """Keep a row; False when it is there already (its first try was kept, and only its answer lost)."""
    return dialect.insert_new(connection, charging_journal, [msgspec.structs.asdict(row)]) == 1


def last_seq(connection: Connection, writer: str) -> int:
    """Number of a writer's last row; 0 if it has none."""
    query = select(func.max(charging_journal.c.seq)).where(charging_journal.c.writer == writer)
    return connection.execute(query).scalar_one() or 0


def writers(connection: Connection) -> list[str]:
    """Everyone who wrote, in order."""
    return list(connection.execute(select(charging_journal.c.writer).distinct().order_by(charging_journal.c.writer)).scalars())


def read(connection: Connection, writer: str, after_seq: int, limit: int = 200) -> list[Kept]:
    """A writer's next rows after a number, oldest first."""
    mine = (charging_journal.c.writer == writer) & (charging_journal.c.seq > after_seq)
    query = select(charging_journal).where(mine).order_by(charging_journal.c.seq).limit(limit)
    return [Kept(*row) for row in connection.execute(query)]


def expire(connection: Connection, before_us: int) -> int:
    """Delete what was kept before then, except each writer's last row, which carries its number on; how many."""
    newest = select(charging_journal.c.writer, func.max(charging_journal.c.seq).label("seq")).group_by(charging_journal.c.writer)
    tops = {row.writer: row.seq for row in connection.execute(newest)}
    gone = 0
    for writer, top in sorted(tops.items()):
        mine = (charging_journal.c.writer == writer) & (charging_journal.c.seq < top) & (charging_journal.c.kept_us < before_us)
        gone += connection.execute(delete(charging_journal).where(mine)).rowcount
    return gone
