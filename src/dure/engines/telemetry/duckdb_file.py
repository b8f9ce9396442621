"""The DuckDB file: its tables, how it is opened, and what its errors mean to us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dure.core.errors import Corrupt, EngineError, Unavailable

# `tail` takes the appends in arrival order; maintain() moves it as sorted runs into `body` and adds its sums to the
# roll-ups, all in one transaction. So roll-ups are sums of parts, and parts + tail are exact at every instant.
# `run` is the number of the sorted run a row belongs to (see duckdb_upkeep).
# `revisions` takes revised flags; maintain() folds them into rows and roll-ups and leaves their days in `revised`
# (see duckdb_fold).
ROW = "series INTEGER, time_us BIGINT, result_us BIGINT, value DOUBLE, flag UTINYINT, chk UTINYINT, seq BIGINT"
PARTS = (
    "prop INTEGER, series INTEGER, bucket INTEGER, run INTEGER, n1 UINTEGER, n2 UINTEGER, n3 UINTEGER, n4 UINTEGER,"
    " n9 UINTEGER, total DOUBLE, low DOUBLE, high DOUBLE, east DOUBLE, north DOUBLE"
)
REVISION = "n BIGINT, series INTEGER, time_us BIGINT, flag UTINYINT, chk UTINYINT, at_us BIGINT"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS format (version INTEGER);
CREATE TABLE IF NOT EXISTS series (id INTEGER, asset VARCHAR, property VARCHAR, prop INTEGER);
CREATE TABLE IF NOT EXISTS tail ({ROW});
CREATE TABLE IF NOT EXISTS body ({ROW}, run INTEGER);
CREATE TABLE IF NOT EXISTS hourly ({PARTS});
CREATE TABLE IF NOT EXISTS daily ({PARTS}, last_us BIGINT);
CREATE TABLE IF NOT EXISTS cursors (stream VARCHAR, seq BIGINT);
CREATE TABLE IF NOT EXISTS revisions ({REVISION});
CREATE TABLE IF NOT EXISTS revised (day INTEGER, at_us BIGINT);
CREATE VIEW IF NOT EXISTS observations AS
    SELECT series, time_us, result_us, value, flag, chk, seq FROM body
    UNION ALL SELECT series, time_us, result_us, value, flag, chk, seq FROM tail;
"""  # noqa: S608  # column names of ours
TABLES = ("format", "series", "tail", "body", "hourly", "daily", "cursors", "revisions", "revised")
FORMAT = 1


def open_file(path: Path, memory_mb: int, threads: int) -> duckdb.DuckDBPyConnection:
    """A connection to the file, made when absent; trouble is Unavailable or Corrupt."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(
            str(path),
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": threads,
                "wal_autocheckpoint": "1TB",  # checkpoints are maintain()'s work, never the ingest path's
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        connection.execute("BEGIN")
        connection.execute(SCHEMA)
        version = connection.execute("SELECT max(version) FROM format").fetchone()
        if version == (None,):
            connection.execute("INSERT INTO format VALUES (?)", [FORMAT])
        connection.execute("COMMIT")
    except (duckdb.Error, OSError) as error:
        raise opening_trouble(error, path) from error
    if version not in {(None,), (FORMAT,)}:
        connection.close()
        raise Corrupt("telemetry.corrupt", f"{path} has format {version}; this Dure reads {FORMAT}. Use the Dure that wrote it.")
    return connection


def opening_trouble(error: Exception, path: Path) -> EngineError:
    """What an error at opening means."""
    text = str(error)
    if "Could not set lock" in text or "Conflicting lock" in text:
        return Unavailable("telemetry.locked", f"{path} is open in another process; only one may hold it. Stop the other one.")
    if is_full(text):
        return full(path)
    if isinstance(error, (duckdb.OutOfMemoryException, PermissionError)) or "Permission denied" in text:
        return Unavailable("telemetry.down", f"{path} cannot be opened: {text}")
    return Corrupt(
        "telemetry.corrupt",
        f"{path} cannot be read ({text[:300]}). Move it and its .wal aside and start again: "
        "it is rebuilt from the archive and the stream.",
    )


def is_full(text: str) -> bool:
    """Whether an error's text speaks of a full disk."""
    return any(mark in text for mark in ("No space left", "ENOSPC", "Disk quota exceeded", "disk full", "File too large"))


def full(path: Path) -> Unavailable:
    """The disk is full."""
    return Unavailable("telemetry.full", f"The disk of {path} is full. Free space; nothing acknowledged is lost meanwhile.")


@contextmanager
def answering(path: Path) -> Iterator[None]:
    """Errors of a running file as ours."""
    try:
        yield
    except duckdb.Error as error:
        text = str(error)
        if is_full(text):
            raise full(path) from error
        if "corrupt" in text.lower() or "checksum" in text.lower():
            raise Corrupt(
                "telemetry.corrupt",
                f"{path} cannot be read ({text[:300]}). Move it aside and start again: "
                "it is rebuilt from the archive and the stream.",
            ) from error
        raise Unavailable("telemetry.down", f"{path} does not answer: {text[:300]}") from error
    except OSError as error:
        raise (full(path) if is_full(str(error)) else Unavailable("telemetry.down", f"{path}: {error}")) from error
