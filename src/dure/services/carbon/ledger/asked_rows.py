"""Many values asked about in one statement, as rows: one round trip on PostgreSQL, one statement on SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, ColumnElement, Connection, Subquery, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

from dure.engines.records import dialect

_TYPES = {int: BigInteger, str: Text}


def asked(connection: Connection, kinds: Mapping[str, type[int | str]], rows: Sequence[Sequence[Any]]) -> Subquery:
    """The rows as something to select from, with a column for each kind.

    Parameters
    ----------
    kinds : name of each column -> int or str
    rows : their values, in that order
    """
    if connection.dialect.name == "sqlite":
        given = bindparam("asked", msgspec.json.encode(rows).decode(), type_=Text, unique=True)
        each = func.json_each(given).table_valued("value", name="each")
        columns: list[Any] = [
            func.json_extract(each.c.value, literal_column(f"'$[{n}]'"), type_=_TYPES[kind]).label(name)
            for n, (name, kind) in enumerate(kinds.items())
        ]
        return select(*columns).select_from(each).subquery()
    arrays = zip(*rows, strict=True) if rows else [()] * len(kinds)
    columns = [_each(kind, list(values)).label(name) for (name, kind), values in zip(kinds.items(), arrays, strict=True)]
    return select(*columns).subquery()


def _each(kind: type[int | str], values: list[Any]) -> ColumnElement[Any]:
    if kind is str:
        return dialect.each_text(bindparam("asked", values, type_=dialect.Texts(), unique=True))
    bound = bindparam("asked", values, type_=ARRAY(BigInteger, dimensions=1), unique=True)
    return func.unnest(bound, type_=BigInteger)
