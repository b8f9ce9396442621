"""Reading the journal of the central system, writer by writer."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from dure.core.errors import Corrupt
from dure.engines.records.tables_charging_central import charging_journal as journal
from dure.services.charging.central.journal_records import unpack, writers
from dure.services.charging.central.words import Word

__all__ = ["Page", "after", "writers"]


class Page(NamedTuple):
    """Words of one row of the journal."""

    seq: int
    words: list[Word]


def after(connection: Connection, writer: str, seq: int, limit: int, until: int | None = None) -> list[Page]:
    """The next rows of a writer, at most `limit`, and not beyond `until`.

    Raises
    ------
    Corrupt : ``journal.unreadable``
    """
    query = select(journal.c.seq, journal.c.words).where(journal.c.writer == writer, journal.c.seq > seq)
    if until is not None:
        query = query.where(journal.c.seq <= until)
    rows = connection.execute(query.order_by(journal.c.seq).limit(limit)).all()
    try:
        return [Page(row.seq, list(unpack(row.words))) for row in rows]
    except (msgspec.DecodeError, zlib.error) as error:
        raise Corrupt("journal.unreadable", f"The journal of {writer!r} after {seq} cannot be read: {error}.") from error
