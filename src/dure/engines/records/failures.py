"""What the databases' own errors mean in our words."""

from __future__ import annotations

import sqlite3
import struct
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pg8000.dbapi
from sqlalchemy import exc

from dure.core.errors import Conflict, Corrupt, DureError, InputError, Unavailable

_CONFLICT = Conflict, "records.conflict", "The change contradicts what is already kept."
_FULL = Unavailable, "records.full", "The disk of the records is full; nothing was changed."
_CORRUPT = Corrupt, "records.corrupt", "The records cannot be read; restore the last backup."
_AWAY = Unavailable, "records.unavailable", "The records do not answer now; nothing was changed."
_UNFIT = InputError, "records.unfit", "A value does not fit into the records: a zero character, or a number too large."
DRIVER_ERRORS = (pg8000.dbapi.Error, OSError, struct.error)  # what pg8000 raises when the line breaks
Meaning = tuple[type[DureError], str, str]

_SQLITE: dict[str, Meaning] = {
    "SQLITE_FULL": _FULL,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_CONSTRAINT": _CONFLICT,
    "SQLITE_BUSY": _AWAY,
    "SQLITE_LOCKED": _AWAY,
    "SQLITE_IOERR": _AWAY,
    "SQLITE_CANTOPEN": _AWAY,
    "SQLITE_READONLY": _AWAY,
    "SQLITE_PROTOCOL": _AWAY,
}
# The longest matching beginning of PostgreSQL's SQLSTATE decides (appendix A of its manual).
_POSTGRES: dict[str, Meaning] = {
    "08": _AWAY,
    "22": _UNFIT,
    "23": _CONFLICT,
    "25006": _AWAY,  # a standby: read only until it is promoted
    "28": _AWAY,
    "3D": _AWAY,
    "40": _AWAY,
    "53": _AWAY,
    "53100": _FULL,
    "55P03": _AWAY,
    "57": _AWAY,
    "58": _AWAY,
    "XX001": _CORRUPT,
    "XX002": _CORRUPT,
}


@contextmanager
def told() -> Iterator[None]:
    """Turn an error of a database into ours; a mistake in our own SQL stays what it is."""
    try:
        yield
    except exc.TimeoutError as error:
        raise Unavailable("records.unavailable", "The records are busy: no connection came free in time.") from error
    except (exc.DBAPIError, sqlite3.Error) as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        kind, code, message = meaning
        raise kind(code, message, cause=_cause(error)) from error
    except (*DRIVER_ERRORS, OverflowError, UnicodeEncodeError) as error:
        meaning = _UNFIT if isinstance(error, OverflowError | UnicodeEncodeError) else _AWAY
        if not _passed_through_driver(error):
            raise
        kind, code, message = meaning
        raise kind(code, message, cause=type(error).__name__) from error


def _passed_through_driver(error: BaseException) -> bool:
    """Whether the error is a database's, and not of what the caller does beside it."""
    modules = (str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__))
    return any(name.startswith(("sqlalchemy.", "pg8000.")) for name in modules)


def _meaning(error: exc.DBAPIError | sqlite3.Error) -> Meaning | None:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    if isinstance(origin, sqlite3.Error):
        return _of_sqlite(getattr(origin, "sqlite_errorname", None))
    state = _sqlstate(origin)
    if state:
        return max(((start, one) for start, one in _POSTGRES.items() if state.startswith(start)), default=("", None))[1]
    if isinstance(origin, OverflowError):
        return _UNFIT
    lost = isinstance(error, exc.DBAPIError) and error.connection_invalidated
    return _AWAY if lost or isinstance(error, exc.InterfaceError | exc.OperationalError) else None


def _of_sqlite(name: str | None) -> Meaning | None:
    """Extended names, as SQLITE_CONSTRAINT_UNIQUE, begin with the primary one."""
    if name is None:
        return None
    return next((one for start, one in _SQLITE.items() if name == start or name.startswith(f"{start}_")), None)


def _sqlstate(origin: BaseException | None) -> str:
    """The SQLSTATE that pg8000 keeps in its error's fields."""
    fields = origin.args[0] if origin is not None and origin.args else None
    return str(fields.get("C", "")) if isinstance(fields, dict) else ""


def _cause(error: BaseException) -> str:
    """The database's own first line, without the values bound: they may be personal."""
    origin = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    fields = origin.args[0] if origin.args else ""
    return str(fields.get("M", "") if isinstance(fields, dict) else fields).split("\n", 1)[0]
