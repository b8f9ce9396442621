"""Writers of the books take turns: one order of transfers for everybody, and no ring of writers that wait for each other."""

from __future__ import annotations

from sqlalchemy import Connection, text

_KEY = 0x6361726F6E  # PostgreSQL's advisory lock of those who write to the books


def take_turn(connection: Connection) -> None:
    """Wait until no other transaction writes to the books; the turn ends with the transaction.

    On SQLite every writing transaction has its turn from the start. On PostgreSQL accounts that all share (where grams come
    from, a programme's budget) would order writers by their locks anyway, each in its own order; one lock cannot be waited
    for in a ring. So do slow things before the first word to the books.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _KEY})
