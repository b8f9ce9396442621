"""The one thing the two engines say differently: many rows in one go, and what to do with those already there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

Row = Mapping[str, Any]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the rows whose key is not there yet; how many that were."""
    if not rows:
        return 0
    statement, values = _insert(connection, table, rows)
    return connection.execute(statement.on_conflict_do_nothing(), values).rowcount


def upsert(connection: Connection, table: Table, rows: Sequence[Row], *, newer: str = "") -> None:
    """Insert, or replace the row of the same primary key; with `newer` only when that column grows.

    One key may come once only in `rows`: PostgreSQL refuses a second.
    """
    if not rows:
        return
    statement, values = _insert(connection, table, rows)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    condition = statement.excluded[newer] > table.c[newer] if newer else None
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes, where=condition), values)


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> tuple[SqliteInsert | PostgresInsert, Any]:
    """The insert of all rows: SQLite binds row by row; PostgreSQL takes columns as arrays, one round trip for all."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table), list(rows)
    names = list(rows[0])
    arrays = select(*(func.unnest(bindparam(f"{name}_column", type_=ARRAY(table.c[name].type, dimensions=1))) for name in names))
    return (
        postgres_insert(table).from_select(names, arrays),
        {f"{name}_column": [row[name] for row in rows] for name in names},
    )
