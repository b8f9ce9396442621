"""Witnesses: others who sign our checkpoints, what they signed, and what we saw of other logs as their witness."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_transparency import carbon_log_cosignatures as cosignatures
from dure.engines.records.tables_carbon_transparency import carbon_log_seen as seen
from dure.engines.records.tables_carbon_transparency import carbon_log_witnesses as witnesses


class Witness(msgspec.Struct, frozen=True):
    """A city or person whose cosignatures are taken: key, what they are called, since when, until when."""

    vkey: str
    label: str
    added_at: datetime
    ended_at: datetime | None = None


class Cosignature(msgspec.Struct, frozen=True):
    """A witness's signature of our checkpoint of a size."""

    size: int
    vkey: str
    signed_at: datetime
    line: str


class Seen(msgspec.Struct, frozen=True):
    """The newest checkpoint of another log that we vouched for."""

    origin: str
    size: int
    seen_at: datetime
    note: str


def listed(connection: Connection) -> list[Witness]:
    """All witnesses, also those that ended."""
    query = select(witnesses).order_by(witnesses.c.added_at, witnesses.c.vkey)
    return [Witness(**row) for row in connection.execute(query).mappings()]


def add(connection: Connection, one: Witness) -> bool:
    """Take a witness's signatures from now on; whether it is new."""
    return dialect.insert_new(connection, witnesses, [msgspec.structs.asdict(one)]) == 1


def end(connection: Connection, vkey: str, at: datetime) -> bool:
    """Take no more of a witness's signatures; those that are kept stay. Whether there was one."""
    mine = (witnesses.c.vkey == vkey, witnesses.c.ended_at.is_(None))
    return connection.execute(update(witnesses).where(*mine).values(ended_at=at)).rowcount == 1


def put(connection: Connection, one: Cosignature) -> bool:
    """Keep a cosignature; whether it is new."""
    return dialect.insert_new(connection, cosignatures, [msgspec.structs.asdict(one)]) == 1


def of_size(connection: Connection, size: int) -> list[Cosignature]:
    """The cosignatures of our checkpoint of a size."""
    query = select(cosignatures).where(cosignatures.c.size == size).order_by(cosignatures.c.signed_at, cosignatures.c.vkey)
    return [Cosignature(**row) for row in connection.execute(query).mappings()]


def newest(connection: Connection, limit: int) -> list[Cosignature]:
    """The newest cosignatures."""
    query = select(cosignatures).order_by(cosignatures.c.size.desc(), cosignatures.c.vkey).limit(limit)
    return [Cosignature(**row) for row in connection.execute(query).mappings()]


def seen_of(connection: Connection, origin: str) -> Seen | None:
    """What we saw last of another log, ours alone until the transaction ends."""
    row = connection.execute(select(seen).where(seen.c.origin == origin).with_for_update()).mappings().one_or_none()
    return None if row is None else Seen(**row)


def see(connection: Connection, one: Seen) -> None:
    """Remember the newest checkpoint of another log; never a smaller one."""
    dialect.upsert(connection, seen, [msgspec.structs.asdict(one)], newer="size")
