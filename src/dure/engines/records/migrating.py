"""The tables' versions: Alembic, called from the program."""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from dure.core.errors import ConfigError

FOLDER = Path(__file__).parent / "migrations"
_LOCK_KEY = 0x64757265  # "dure": PostgreSQL's advisory lock of those who migrate
_ALEMBIC = threading.Lock()  # Alembic keeps its context in module globals


def upgrade(connection: Connection) -> None:
    """Run what is missing, in the transaction given: all of it or nothing."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    with _ALEMBIC:
        config = _config()
        _refuse_newer(connection, ScriptDirectory.from_config(config))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def require_current(connection: Connection) -> str:
    """Refuse records of another version than this program's; that version."""
    script = ScriptDirectory.from_config(_config())
    _refuse_newer(connection, script)
    head = script.get_current_head()
    if head is None or _revision(connection) != head:
        raise ConfigError(
            "records.outdated", "The records have the tables of an older version: `dure up` brings them up to date."
        )
    return head


def _refuse_newer(connection: Connection, script: ScriptDirectory) -> None:
    found = _revision(connection)
    if found is not None and found not in {one.revision for one in script.walk_revisions()}:
        raise ConfigError(
            "records.newer", f"The records were written by a newer version ({found}): use that one, or restore a backup."
        )


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config
