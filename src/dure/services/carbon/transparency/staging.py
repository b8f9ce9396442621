"""What is to stand in the log is laid down in the transaction that makes it true; the round gives it its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from dure.core.errors import Conflict, TooLarge
from dure.core.time import format_instant
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_transparency import carbon_log_entries as entries
from dure.engines.records.tables_carbon_transparency import carbon_log_staged as staged
from dure.services.carbon.transparency import canonical
from dure.services.carbon.transparency.entry import Entry

PAGE = 500


def stage(connection: Connection, given: Sequence[Entry]) -> None:
    """Lay entries down for the log, in order; one that is there already, with the same words, is the same entry.

    Raises
    ------
    InputError
        ``log.not_canonical``: what canonical JSON cannot say, for example a float; ``log.entry_large``
    Conflict
        ``log.id_reused``: an entry of that kind and id says something else
    """
    rows = [{"id": key_of(one), "at": one.at, "leaf": leaf_of(one).decode()} for one in given]
    for at in range(0, len(rows), PAGE):
        _stage(connection, rows[at : at + PAGE])


def key_of(entry: Entry) -> str:
    """What names an entry among all: its kind and id."""
    return f"{entry.kind}/{entry.id}"


def leaf_of(entry: Entry) -> bytes:
    """The canonical bytes of an entry: what is hashed into the tree, and what anyone may read. Pure."""
    leaf = canonical.encode({"at": format_instant(entry.at), "body": entry.body, "id": entry.id, "kind": entry.kind})
    if len(leaf) > canonical.BYTES_MAX:
        raise TooLarge("log.entry_large", f"An entry of the log has at most {canonical.BYTES_MAX} bytes, not {len(leaf)}.")
    return leaf


def _stage(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    new: dict[str, dict[str, Any]] = {}
    for row in rows:
        _same(new.setdefault(row["id"], row)["leaf"], row)
    kept = connection.execute(select(entries.c.id, entries.c.leaf).where(entries.c.id.in_(new)))
    for key, leaf in kept.all():
        _same(leaf, new.pop(key))
    if dialect.insert_new(connection, staged, list(new.values())) == len(new):
        return
    for key, leaf in connection.execute(select(staged.c.id, staged.c.leaf).where(staged.c.id.in_(new))).all():
        _same(leaf, new[key])


def _same(leaf: str, row: dict[str, Any]) -> None:
    if leaf != row["leaf"]:
        raise Conflict("log.id_reused", f"The log's entry {row['id'][:80]} says something else already; nothing was changed.")
