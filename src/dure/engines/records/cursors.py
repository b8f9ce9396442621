"""How far each reader of a stream has come; kept in the transaction of what it wrote."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, select

from dure.engines.records import dialect
from dure.engines.records.tables import cursors


def get(connection: Connection, name: str) -> int:
    """The last sequence whose effects are kept; 0 when none."""
    return connection.execute(select(cursors.c.seq).where(cursors.c.name == name)).scalar() or 0


def advance(connection: Connection, positions: Mapping[str, int]) -> None:
    """Move forward; a cursor never goes back."""
    rows = [{"name": name, "seq": seq} for name, seq in sorted(positions.items())]
    dialect.upsert(connection, cursors, rows, newer="seq")
