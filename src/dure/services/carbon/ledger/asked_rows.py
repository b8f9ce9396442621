"""Many values asked about in one statement, as rows: one round trip on PostgreSQL, one statement on SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Connection, Subquery, Text, bindparam, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY

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
    columns = [
        func.unnest(
            bindparam("asked", list(values), type_=ARRAY(_TYPES[kind], dimensions=1), unique=True), type_=_TYPES[kind]
        ).label(name)
        for (name, kind), values in zip(kinds.items(), arrays, strict=True)
    ]
    return select(*columns).subquery()
