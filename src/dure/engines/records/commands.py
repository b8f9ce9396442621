"""Commands to assets: each asked once, valid until it expires, with one outcome."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.events import Command, Outcome
from dure.engines.records import assets, audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import canonical, commands

# From which outcome a command may come to which; done, rejected and expired are final.
_STEPS: dict[Outcome, frozenset[Outcome]] = {
    "pending": frozenset({"accepted", "done", "rejected", "expired"}),
    "accepted": frozenset({"done", "rejected", "expired"}),
}


def add(connection: Connection, command: Command, by: By) -> Command:
    """Keep a command to be sent. The same key asked again gives the command already kept, with its outcome so far."""
    if command.expires_at <= command.issued_at:
        raise InputError("command.expiry", "A command must expire after it is issued.")
    if not assets.find(connection, [command.asset]):
        raise InputError("asset.unknown", f"There is no asset {command.asset[:80]!r}.")
    if dialect.insert_new(connection, commands, [msgspec.structs.asdict(command) | {"why": ""}]):
        detail = {"name": command.name, "asset": command.asset, "arguments": command.arguments}
        audit.append(connection, by, "act", "decision", command.id, detail)
        return command
    same_key = (commands.c.asset == command.asset) & (commands.c.key == command.key)
    row = connection.execute(select(commands).where(same_key)).mappings().one_or_none()
    if row is None:
        raise Conflict("command.exists", f"There already is a command {command.id!r}.")
    kept = _command(row)
    if (kept.name, canonical(kept.arguments)) != (command.name, canonical(command.arguments)):
        raise Conflict("command.key_reused", f"The key {command.key!r} already stands for another command: {kept.id}.")
    return kept


def settle(connection: Connection, command_id: str, outcome: Outcome, at: datetime, why: str = "") -> Command:
    """Note what became of a command. Telling the same twice is fine; a final outcome does not change."""
    query = select(commands).where(commands.c.id == command_id).with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotFound("command.unknown", f"There is no command {command_id[:80]!r}.")
    kept = _command(row)
    if kept.outcome == outcome:
        return kept
    too_late = kept.outcome == "pending" and outcome != "expired" and at >= kept.expires_at
    if too_late or outcome not in _STEPS.get(kept.outcome, frozenset()):
        state = "expired" if too_late else kept.outcome
        raise Conflict("command.settled", f"The command {command_id} is {state}: it cannot become {outcome}.")
    values: dict[str, Any] = {"outcome": outcome, "outcome_at": at, "why": why}
    connection.execute(update(commands).where(commands.c.id == command_id).values(values))
    return msgspec.structs.replace(kept, outcome=outcome)


def expire_due(connection: Connection, at: datetime) -> list[Command]:
    """Expire the commands nobody answered in time; those."""
    due = update(commands).where(commands.c.outcome == "pending", commands.c.expires_at <= at)
    rows = connection.execute(due.values(outcome="expired", outcome_at=at).returning(*commands.c)).mappings().all()
    return sorted((_command(row) for row in rows), key=lambda one: (one.expires_at, one.id))


def get(connection: Connection, command_id: str) -> Command:
    """One command."""
    row = connection.execute(select(commands).where(commands.c.id == command_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("command.unknown", f"There is no command {command_id[:80]!r}.")
    return _command(row)


def pending(connection: Connection, asset: str, at: datetime) -> list[Command]:
    """What the asset is still to be asked, oldest first."""
    waiting = (commands.c.asset == asset) & (commands.c.outcome == "pending") & (commands.c.expires_at > at)
    query = select(commands).where(waiting).order_by(commands.c.issued_at, commands.c.id)
    return [_command(row) for row in connection.execute(query).mappings()]


def listing(connection: Connection, *, asset: str = "", name: str = "", after: str = "", limit: int = 100) -> Page[Command]:
    """Newest first; of an asset, or of one name, where they are given."""
    query = select(commands)
    if asset:
        query = query.where(commands.c.asset == asset)
    if name:
        query = query.where(commands.c.name == name)
    if after:
        query = query.where(older_than(after, commands.c.issued_at, commands.c.id))
    query = query.order_by(commands.c.issued_at.desc(), commands.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_command(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.issued_at, one.id))


def _command(row: RowMapping) -> Command:
    return Command(**{field: row[field] for field in Command.__struct_fields__})
