"""The one thing the two engines say differently: many rows in one go, and what to do with those already there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

Row = Mapping[str, Any]


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> int:
    """Insert the rows whose key is not there yet; how many that were."""
    if not rows:
        return 0
    statement, values = _insert(connection, table, rows)
    return connection.execute(statement.on_conflict_do_nothing(), values).rowcount


@cache
def new_row_of_sqlite(table: Table) -> tuple[str, tuple[str, ...]]:
    """SQLite's text of the insert of one row whose key is not there yet, and the columns in the order of its values."""
    compiled = sqlite_insert(table).on_conflict_do_nothing().compile(dialect=sqlite_dialect())
    return compiled.string, tuple(compiled.positiontup or ())


def upsert(connection: Connection, table: Table, rows: Sequence[Row], *, newer: str | Sequence[str] = "") -> None:
    """Insert, or replace the row of the same primary key; with `newer` only when that column grows.

    Of several columns the first that differs decides.

    One key may come once only in `rows`: PostgreSQL refuses a second.
    """
    if not rows:
        return
    statement, values = _insert(connection, table, rows)
    keys = [column.name for column in table.primary_key]
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    ranked = [newer] if isinstance(newer, str) else newer
    condition = None
    if newer:
        condition = tuple_(*(statement.excluded[one] for one in ranked)) > tuple_(*(table.c[one] for one in ranked))
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes, where=condition), values)


def update_many(connection: Connection, table: Table, rows: Sequence[Row], *, newer: str = "", empty: str = "") -> None:
    """Set columns of the rows with these ids, unknown ones are nothing.

    With `newer` only where that column is empty or grows, with `empty` only where that one is empty.
    """
    if not rows:
        return
    names = [name for name in rows[0] if name != "id"]
    ordered = sorted(rows, key=lambda row: str(row["id"]))  # two writers then never wait for each other in a ring
    given: Mapping[str, ColumnElement[Any]]
    values: Any
    if connection.dialect.name == "sqlite":
        given = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in rows[0]}
        values = [{f"new_{name}": row[name] for name in row} for row in ordered]
    else:
        columns = (_array(table, name).label(name) for name in rows[0])
        given = dict(select(*columns).subquery().c.items())
        values = {f"{name}_column": [row[name] for row in ordered] for name in rows[0]}
    conditions = [table.c.id == given["id"]]
    if newer:
        conditions.append(or_(table.c[newer].is_(None), table.c[newer] < given[newer]))
    if empty:
        conditions.append(table.c[empty].is_(None))
    connection.execute(update(table).where(*conditions).values({name: given[name] for name in names}), values)


class Texts(TypeDecorator[Sequence[str | None]]):
    """Many texts bound as one of JSON: pg8000 looks at each character of an array's texts, PostgreSQL reads JSON in C."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _: Dialect) -> Any:
        """The JSON; half a surrogate pair is written out for PostgreSQL to refuse."""
        return None if value is None else json.dumps(value)


def each_text(bound: BindParameter[Any]) -> ColumnElement[str]:
    """A row of PostgreSQL for each of the texts bound as `Texts`."""
    return func.json_array_elements_text(cast(bound, JSON), type_=Text)


def _array(table: Table, name: str) -> ColumnElement[Any]:
    """A column's values, bound as one array."""
    kind = table.c[name].type
    if type(kind) is Text:
        return each_text(bindparam(f"{name}_column", type_=Texts()))
    return func.unnest(bindparam(f"{name}_column", type_=ARRAY(kind, dimensions=1)), type_=kind)


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> tuple[SqliteInsert | PostgresInsert, Any]:
    """The insert of all rows: SQLite binds row by row; PostgreSQL takes columns as arrays, one round trip for all."""
    if connection.dialect.name == "sqlite":
        return sqlite_insert(table), list(rows)
    names = list(rows[0])
    return (
        postgres_insert(table).from_select(names, select(*(_array(table, name) for name in names))),
        {f"{name}_column": [row[name] for row in rows] for name in names},
    )
