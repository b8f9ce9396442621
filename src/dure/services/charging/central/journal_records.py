"""The journal in the records: rows of words, one after the other for each writer, never changed.

A reader keeps its own cursor per writer and reads from it on; what it makes of the words and its cursor leave in one transaction.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, select

from dure.core.errors import Corrupt
from dure.engines.records import cursors, dialect
from dure.engines.records.store import Records
from dure.engines.records.tables_charging_central import charging_journal
from dure.services.charging.central.words import Word

# What the cursors of those who read the journal are called, before the name of the writer: what one has not read stays.
READERS = ("charging.stations:", "charging.sessions/", "charging.observations/")
RETENTION_D = 400  # reads are in telemetry and sessions in their tables by then; this is for who follows up a complaint


class Kept(msgspec.Struct, frozen=True):
    """One row of the journal."""

    writer: str
    seq: int
    kept_us: int
    words_n: int
    words: bytes


INT_MAX = 2**63 - 1
_DEFLATED = b"\x78"  # how zlib begins; no array of MessagePack does
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Word, ...])


def packed(word: Word) -> bytes:
    """One word in MessagePack; a whole number that it cannot hold (JSON has no bounds) is cut to the largest it can."""
    try:
        return _encoder.encode(word)
    except OverflowError:
        return _encoder.encode(_bounded(msgspec.to_builtins(word, builtin_types=(bytes,))))


def _bounded(part: Any) -> Any:
    if isinstance(part, dict):
        return {name: _bounded(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_bounded(one) for one in part]
    return max(-INT_MAX, min(INT_MAX, part)) if type(part) is int else part


def row_of(words: Sequence[bytes]) -> bytes:
    """Packed words as they are kept: one array of MessagePack, deflated. Words of one moment are much alike."""
    return zlib.compress(_array_head(len(words)) + b"".join(words), 1)


def _array_head(n: int) -> bytes:
    return bytes([0x90 | n]) if n < 16 else b"\xdc" + n.to_bytes(2, "big") if n < 65_536 else b"\xdd" + n.to_bytes(4, "big")


def pack(words: Iterable[Word]) -> bytes:
    """Words as they are kept."""
    return row_of([packed(one) for one in words])


def unpack(kept: bytes) -> tuple[Word, ...]:
    """Words as they were said; also of a row that is not deflated."""
    return _decoder.decode(zlib.decompress(kept) if kept[:1] == _DEFLATED else kept)


def append(connection: Connection, row: Kept) -> bool:
    """Keep a row; False when it is there already (its first try was kept, and only its answer lost)."""
    return dialect.insert_new(connection, charging_journal, [msgspec.structs.asdict(row)]) == 1


def keep(records: Records, row: Kept) -> None:
    """Keep a row, on the disk when this returns.

    Raises
    ------
    Corrupt : ``journal.written_by_two``, other words have its number
    """
    if not records.append(charging_journal, msgspec.structs.asdict(row)):
        with records.read() as connection:
            require_same(connection, row)


def require_same(connection: Connection, row: Kept) -> None:
    """Refuse a row whose number other words have: its writer's name is used by two.

    Raises
    ------
    Corrupt : ``journal.written_by_two``
    """
    mine = (charging_journal.c.writer == row.writer) & (charging_journal.c.seq == row.seq)
    if connection.execute(select(charging_journal.c.words).where(mine)).scalar() != row.words:
        raise Corrupt("journal.written_by_two", f"Row {row.seq} of the journal of {row.writer} holds other words.")


def last_seq(connection: Connection, writer: str) -> int:
    """Number of a writer's last row; 0 if it has none."""
    query = select(func.max(charging_journal.c.seq)).where(charging_journal.c.writer == writer)
    return connection.execute(query).scalar_one() or 0


def writers(connection: Connection) -> list[str]:
    """Everyone who wrote, in order; found by hops over the key, not by reading the journal."""
    found: list[str] = []
    while True:
        query = select(func.min(charging_journal.c.writer)).where(charging_journal.c.writer > (found[-1] if found else ""))
        following = connection.execute(query).scalar()
        if following is None:
            return found
        found.append(following)


def read(connection: Connection, writer: str, after_seq: int, limit: int = 200) -> list[Kept]:
    """A writer's next rows after a number, oldest first."""
    mine = (charging_journal.c.writer == writer) & (charging_journal.c.seq > after_seq)
    query = select(charging_journal).where(mine).order_by(charging_journal.c.seq).limit(limit)
    return [Kept(*row) for row in connection.execute(query)]


def expire(connection: Connection, before_us: int, rows_max: int = 5_000) -> int:
    """Delete what was kept before then and every reader has read, except each writer's last row, which carries its number on.

    How many rows were deleted: of each writer at most `rows_max`, so that who writes waits for no long transaction.
    """
    gone = 0
    for writer in writers(connection):
        until = min(last_seq(connection, writer) - 1, *(cursors.get(connection, f"{reader}{writer}") for reader in READERS))
        mine = charging_journal.c.writer == writer
        first = connection.execute(select(func.min(charging_journal.c.seq)).where(mine)).scalar_one()
        mine &= charging_journal.c.seq <= min(until, first + rows_max - 1)
        gone += connection.execute(delete(charging_journal).where(mine, charging_journal.c.kept_us < before_us)).rowcount
    return gone
