"""Copies of the records: SQLite's own while it runs, and a dump in lines of JSON that either engine takes."""

from __future__ import annotations

import base64
import hashlib
import os
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy import Column, Connection, LargeBinary, MetaData, Table, TypeDecorator, func, select

from dure.core.errors import ConfigError, Corrupt
from dure.engines.records import dialect
from dure.engines.records.tables import audit_head, metadata, outbox

SQLITE_NAME = "records.db"
DUMP_NAME = "records.jsonl"
_FORMAT = "dure-records-1"
_CHUNK = 5_000


class _Line(msgspec.Struct, omit_defaults=True):
    """One line of a dump: the head, a row of a table, or the end with the digest of all lines before."""

    format: str = ""
    revision: str = ""
    table: str = ""
    row: dict[str, Any] = {}
    rows: dict[str, int] = {}
    sha256: str = ""


def copy_sqlite(source: Path, target: Path) -> Path:
    """One consistent copy by SQLite's backup interface; on the disk under its name only when whole."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600))
    origin = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    try:
        copy = sqlite3.connect(part)
        try:
            origin.backup(copy, pages=1024)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
            if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise Corrupt("records.corrupt", f"The copy of {source} cannot be read.")
        finally:
            copy.close()
    finally:
        origin.close()
    for rest in ("-wal", "-shm"):
        target.with_name(target.name + rest).unlink(missing_ok=True)
    _keep(part, target)
    return target


def dump(connection: Connection, target: Path, revision: str) -> Path:
    """All rows of all tables as one transaction sees them."""
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    digest = hashlib.sha256()
    counts: dict[str, int] = {}
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        _write(file, digest, _Line(format=_FORMAT, revision=revision))
        for table in _plain_tables():
            name = str(table.name)  # SQLAlchemy's is a subclass of str
            counts[name] = 0
            found = connection.execute(select(table).order_by(*table.primary_key), execution_options={"yield_per": _CHUNK})
            for row in found.mappings():
                _write(file, digest, _Line(table=name, row={str(column): _to_json(value) for column, value in row.items()}))
                counts[name] += 1
        _write(file, digest, _Line(rows=counts, sha256=digest.hexdigest()))
    _keep(part, target)
    return target


def load(connection: Connection, source: Path, revision: str) -> None:
    """Fill empty tables from a dump; a dump that was cut or changed is refused and nothing is kept."""
    require_empty(connection)
    connection.execute(audit_head.delete())
    tables = {table.name: table for table in _plain_tables()}
    with source.open("rb") as file:
        lines = _rows(file, revision)
        while chunk := list(islice(lines, _CHUNK)):
            for name in dict.fromkeys(line.table for line in chunk):
                rows = [_from_json(tables[name], line.row) for line in chunk if line.table == name]
                if dialect.insert_new(connection, tables[name], rows) != len(rows):
                    raise Corrupt("records.backup_corrupt", f"The dump names a row of {name} twice; use an older backup.")
    if connection.dialect.name == "postgresql":
        after = select(func.coalesce(func.max(outbox.c.n), 0) + 1).scalar_subquery()
        connection.execute(select(func.setval(func.pg_get_serial_sequence("outbox", "n"), after, False)))  # noqa: FBT003  # its SQL


def require_empty(connection: Connection) -> None:
    """Refuse to restore over records that hold anything."""
    held = [t.name for t in metadata.sorted_tables if t is not audit_head and connection.execute(select(t).limit(1)).first()]
    if held:
        raise ConfigError(
            "records.not_empty", f"The records are not empty ({', '.join(held)}): restore into an empty data folder."
        )


def _plain_tables() -> list[Table]:
    """The tables with the types the database itself has, parents before children."""
    return [
        Table(table.name, MetaData(), *(Column(c.name, _plain_type(c), primary_key=c.primary_key) for c in table.columns))
        for table in metadata.sorted_tables
    ]


def _plain_type(column: Column[Any]) -> Any:
    return column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type


def _to_json(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _from_json(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    def plain(name: str, value: Any) -> Any:
        return base64.b64decode(value) if isinstance(table.c[name].type, LargeBinary) and value is not None else value

    return {name: plain(name, value) for name, value in row.items()}


def _write(file: IO[bytes], digest: hashlib._Hash, line: _Line) -> None:
    content = msgspec.json.encode(line) + b"\n"
    digest.update(content)
    file.write(content)


def _rows(file: IO[bytes], revision: str) -> Iterator[_Line]:
    """The rows of a dump; its last line must count and seal them."""
    digest, counts = hashlib.sha256(), dict.fromkeys((table.name for table in metadata.sorted_tables), 0)
    try:
        head = file.readline()
        _require_format(msgspec.json.decode(head, type=_Line), revision)
        digest.update(head)
        for content in file:
            line = msgspec.json.decode(content, type=_Line)
            if line.sha256:
                if (line.sha256, line.rows) == (digest.hexdigest(), counts):
                    return
                break
            digest.update(content)
            counts[line.table] += 1
            yield line
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as error:
        raise Corrupt("records.backup_corrupt", f"The dump {file.name} cannot be read; use an older backup.") from error
    raise Corrupt("records.backup_corrupt", f"The dump {file.name} was cut or changed; use an older backup.")


def _require_format(head: _Line, revision: str) -> None:
    if head.format != _FORMAT or head.revision != revision:
        raise ConfigError(
            "records.backup_version",
            f"The dump is of version {head.format} {head.revision}, this program's is {_FORMAT} {revision}: "
            "restore it with the program that wrote it.",
        )


def _keep(part: Path, target: Path) -> None:
    """Put a finished file under its name so that a power cut leaves the old or the new one."""
    _sync(part, os.O_RDWR)
    part.replace(target)
    _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
