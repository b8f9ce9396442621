"""Reading the journal of the central system, writer by writer."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from dure.engines.records import dialect
from dure.engines.records.tables_charging_central import charging_journal as journal
from dure.engines.records.tables_charging_sessions import charging_parked as parked
from dure.services.charging.central.journal_records import unpack, writers
from dure.services.charging.central.words import Word

__all__ = ["Page", "Parked", "after", "writers"]

WHY_MAX = 300


class Page(NamedTuple):
    """Words of one row of the journal; of one that cannot be read none, and why."""

    seq: int
    words: list[Word]
    fault: str = ""


class Parked(NamedTuple):
    """A row of the journal of which some words, or all, could not be taken in: why, and how many."""

    writer: str
    seq: int
    code: str
    why: str
    words_n: int


def after(connection: Connection, writer: str, seq: int, limit: int, until: int | None = None) -> list[Page]:
    """The next rows of a writer, at most `limit`, and not beyond `until`."""
    query = select(journal.c.seq, journal.c.words).where(journal.c.writer == writer, journal.c.seq > seq)
    if until is not None:
        query = query.where(journal.c.seq <= until)
    rows = connection.execute(query.order_by(journal.c.seq).limit(limit)).all()
    return [_page(row.seq, row.words) for row in rows]


def _page(seq: int, kept: bytes) -> Page:
    try:
        return Page(seq, list(unpack(kept)))
    except (msgspec.DecodeError, zlib.error) as error:
        return Page(seq, [], f"{type(error).__name__}: {error}"[:WHY_MAX])


def park(connection: Connection, rows: Sequence[Parked], at: datetime) -> int:
    """Note rows that could not be taken in; how many are new. The row itself stays in the journal."""
    return dialect.insert_new(connection, parked, [row._asdict() | {"parked_at": at} for row in rows])


def parked_n(connection: Connection) -> int:
    """How many rows could not be taken in."""
    return int(connection.execute(select(func.count()).select_from(parked)).scalar_one())
