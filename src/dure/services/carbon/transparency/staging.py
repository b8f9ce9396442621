"""What is to stand in the log is laid down in the transaction that makes it true; the round gives it its place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from dure.core.errors import Conflict, TooLarge
from dure.core.time import format_instant
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_transparency import carbon_log_entries as entries
from dure.engines.records.tables_carbon_transparency import carbon_log_staged as staged
from dure.services.carbon.ledger.asked_rows import asked
from dure.services.carbon.transparency import canonical
from dure.services.carbon.transparency.entry import Entry

PAGE = 500
Laid = dict[str, Any]  # id, at, leaf


def stage(connection: Connection, given: Sequence[Entry]) -> None:
    """Lay entries down for the log, in order; one that is there already, with the same words, is the same entry.

    Raises
    ------
    InputError
        ``log.not_canonical``: what canonical JSON cannot say, for example a float; ``log.entry_large``
    Conflict
        ``log.id_reused``: an entry of that kind and id says something else
    """
    lay(connection, [laid_as(one) for one in given])


def laid_as(entry: Entry) -> Laid:
    """An entry in the form it is laid down in: who has many makes it before the transaction. Pure.

    Raises
    ------
    InputError
        as `stage`
    """
    return {"id": key_of(entry), "at": entry.at, "leaf": leaf_of(entry).decode()}


def lay(connection: Connection, rows: Sequence[Laid]) -> None:
    """As `stage`, of entries in that form."""
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


def _stage(connection: Connection, rows: Sequence[Laid]) -> None:
    new: dict[str, Laid] = {}
    for row in rows:
        _same(new.setdefault(row["id"], row)["leaf"], row)
    kept = connection.execute(select(entries.c.id, entries.c.leaf).where(entries.c.id.in_(_asked(connection, new))))
    for key, leaf in kept.all():
        _same(leaf, new.pop(key))
    if dialect.insert_new(connection, staged, list(new.values())) == len(new):
        return
    for key, leaf in connection.execute(select(staged.c.id, staged.c.leaf).where(staged.c.id.in_(_asked(connection, new)))).all():
        _same(leaf, new[key])


def _asked(connection: Connection, keys: Collection[str]) -> Select[tuple[str]]:
    return select(asked(connection, {"id": str}, [(one,) for one in keys]).c.id)


def _same(leaf: str, row: Laid) -> None:
    if leaf != row["leaf"]:
        raise Conflict("log.id_reused", f"The log's entry {row['id'][:80]} says something else already; nothing was changed.")
