"""The records: SQLite on one machine, PostgreSQL when it grows; the same tables, migrations and words on both."""

from __future__ import annotations

import os
import sqlite3
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, exc, make_url

from dure.core.errors import ConfigError, Corrupt, Unavailable
from dure.engines.records import (  # noqa: F401  # the metadata knows all
    backups,
    dialect,
    migrating,
    tables_buildings,
    tables_carbon_claims,
    tables_carbon_companies,
    tables_carbon_governing,
    tables_carbon_households,
    tables_carbon_ledger,
    tables_carbon_practices,
    tables_carbon_statements,
    tables_carbon_transparency,
    tables_charging_central,
    tables_charging_origin,
    tables_charging_plans,
    tables_charging_sessions,
    tables_charging_stations,
    tables_environment,
    tables_waste,
)
from dure.engines.records.failures import DRIVER_ERRORS, told

BUSY_S = 30  # a writer waits this long for its turn before it is told to come back
READERS_MAX = 40  # threads that may read at once
SQLITE_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_S * 1000}",
    "PRAGMA synchronous=FULL",  # a commit is on the disk when it returns
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
)


class Records:
    """The store of assets, devices, people, latest values, outbox and audit. All methods block; safe in threads.

    Parameters
    ----------
    url : ``sqlite:///folder/records.db`` or ``postgresql://user:password@host/database``; the latter takes
        ``?sslmode=require`` or ``verify-full`` and ``&sslrootcert=FILE``
    """

    def __init__(self, url: str) -> None:
        self.url = _url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        self._writer, self._reader = _sqlite_engines(self.url) if self.sqlite else _postgres_engines(self.url)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that writes: kept on the disk when the block ends, undone when it raises. Do not nest."""
        with told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of everything and may not write."""
        with told(), self._reader.connect() as connection, connection.begin():
            yield connection

    def append(self, table: Table, row: Mapping[str, Any]) -> bool:
        """Insert one row of plain values in a transaction of its own; False when its key is there already.

        For who writes many times a second. SQLite makes a transaction of a lone statement; all that SQLAlchemy does around
        one costs more than the insert and its way to the disk together, so that only its pool is asked.
        """
        if not self.sqlite:
            with self.begin() as connection:
                return dialect.insert_new(connection, table, [row]) == 1
        statement, names = dialect.new_row_of_sqlite(table)
        with told():
            pooled = self._writer.raw_connection()
            try:
                driver: Any = pooled.driver_connection
                return bool(driver.execute(statement, [row[name] for name in names]).rowcount)
            finally:
                pooled.close()

    def migrate(self) -> None:
        """Bring the tables up to this program's version; several processes may do so at once."""
        with self.begin() as connection:
            migrating.upgrade(connection)

    def check(self, *, deep: bool = False) -> None:
        """Raise Unavailable, Corrupt or ConfigError when the records cannot serve; `deep` reads every page of SQLite."""
        with self.read() as connection:
            migrating.require_current(connection)
            if self.sqlite and deep:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
                if found != "ok":
                    raise Corrupt("records.corrupt", "The records cannot be read; restore the last backup.", cause=found)

    def backup(self, folder: str | Path) -> Path:
        """A consistent copy of everything into the folder while work goes on; the file that `restore` takes."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.sqlite:
            return self.dump(target)
        with told():
            return backups.copy_sqlite(Path(str(self.url.database)), target / backups.SQLITE_NAME)

    def dump(self, folder: str | Path) -> Path:
        """Every table as lines of JSON in one file that either engine restores: the way from SQLite to PostgreSQL."""
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.read() as connection:
            return backups.dump(connection, target / backups.DUMP_NAME, migrating.require_current(connection))

    def restore(self, folder: str | Path) -> None:
        """Take everything from a backup or dump. Only empty records are filled; nothing is ever overwritten."""
        source = Path(folder)
        if (source / backups.SQLITE_NAME).exists():
            self._restore_sqlite(source / backups.SQLITE_NAME)
        elif not (source / backups.DUMP_NAME).exists():
            raise ConfigError("records.no_backup", f"{source} holds no backup of the records.")
        else:
            self.migrate()
            with self.begin() as connection:
                backups.load(connection, source / backups.DUMP_NAME, migrating.require_current(connection))
        self.migrate()

    def _restore_sqlite(self, source: Path) -> None:
        if not self.sqlite:
            raise ConfigError(
                "records.other_engine", "A copy of SQLite cannot go into PostgreSQL: make a dump of it and restore that."
            )
        self.migrate()
        with self.read() as connection:
            backups.require_empty(connection)
        self.close()
        with told():
            backups.copy_sqlite(source, Path(str(self.url.database)))

    def close(self) -> None:
        """Let go of all connections; a later call opens new ones."""
        self._writer.dispose()
        self._reader.dispose()


def _url(text: str) -> URL:
    try:
        url = make_url(text)
    except exc.ArgumentError as error:
        raise ConfigError(
            "records.url", "records_url is no address, for example postgresql://user:password@host/dure."
        ) from error
    if url.drivername in ("postgresql", "postgres", "postgresql+pg8000"):
        return url.set(drivername="postgresql+pg8000")
    if url.drivername in ("sqlite", "sqlite+pysqlite") and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+pysqlite")
    raise ConfigError("records.url", f"records_url must name a SQLite file or PostgreSQL, not {url.drivername}.")


def _sqlite_engines(url: URL) -> tuple[Engine, Engine]:
    """One connection that writes, for which threads queue in order, and many that only read."""
    file = Path(str(url.database))
    writer = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=BUSY_S)
    reader = create_engine(url, pool_size=READERS_MAX // 4, max_overflow=READERS_MAX * 3 // 4, pool_timeout=BUSY_S)

    @event.listens_for(writer, "do_connect")
    @event.listens_for(reader, "do_connect")
    def private(*_: Any) -> None:
        """Hashes of secrets are inside: readable by its owner only.

        A file that is there is never opened here: closing it would drop every lock this process holds on it, and another
        process could then take the write-ahead log from under us.
        """
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except FileExistsError:
            return
        except OSError as error:
            raise Unavailable("records.unavailable", f"The records cannot be opened: {file}: {error.strerror}.") from error

    @event.listens_for(writer, "connect")
    @event.listens_for(reader, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: Python's sqlite3 would say it too late
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)
        _write_ahead(connection)

    @event.listens_for(reader, "connect")
    def only_read(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA query_only=ON")

    @event.listens_for(writer, "begin")
    def begin_writing(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(reader, "begin")
    def begin_reading(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return writer, reader


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to write-ahead logging. Two that open a new file at once meet here, and SQLite lets neither wait: we do."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _postgres_engines(url: URL) -> tuple[Engine, Engine]:
    """Connections that write, and others that see one state and cannot write."""
    options = dict(url.query)
    mode, roots = str(options.pop("sslmode", "disable")), options.pop("sslrootcert", None)
    arguments: dict[str, Any] = {"timeout": BUSY_S, "application_name": "dure"}
    if mode != "disable":
        arguments["ssl_context"] = _tls(mode, None if roots is None else str(roots))
    address = url.set(query=options)
    writer = create_engine(address, connect_args=arguments, pool_size=4, max_overflow=4, pool_timeout=BUSY_S)
    reader = create_engine(address, connect_args=arguments, pool_size=4, max_overflow=12, pool_timeout=BUSY_S)

    @event.listens_for(reader, "connect")
    def only_read(connection: Any, _: Any) -> None:
        connection.cursor().execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.commit()

    @event.listens_for(writer, "checkout")
    @event.listens_for(reader, "checkout")
    def alive(connection: Any, *_: Any) -> None:
        """After a failover the first question goes to the new primary; SQLAlchemy's own ping lets OSError through."""
        try:
            connection.autocommit = True
            connection.cursor().execute("SELECT 1")
            connection.autocommit = False
        except DRIVER_ERRORS as error:
            raise exc.InvalidatePoolError from error

    return writer, reader


def _tls(mode: str, roots: str | None) -> ssl.SSLContext:
    if mode not in ("require", "verify-ca", "verify-full"):
        raise ConfigError("records.url", f"sslmode={mode} is not known: use disable, require, verify-ca or verify-full.")
    context = ssl.create_default_context(cafile=roots)
    context.check_hostname = mode == "verify-full"
    if mode == "require":
        context.verify_mode = ssl.CERT_NONE
    return context
