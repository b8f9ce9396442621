"""The records of a city as a command finds them: they are there, and of this version. Nothing is made by asking."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dure.core.errors import ConfigError
from dure.running.parts import RECORDS_FILE, records_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dure.config import Settings
    from dure.engines.records.store import Records


@contextmanager
def kept_records(settings: Settings) -> Iterator[Records]:
    """The records of a city that runs or not.

    Raises
    ------
    ConfigError : ``records.none`` when the folder holds none, ``records.outdated``, ``records.newer``
    """
    if not settings.records_url and not (settings.data / RECORDS_FILE).exists():
        raise ConfigError(
            "records.none", f"There are no records in {settings.data}. Name the city's folder with --data; `dure up` makes them."
        )
    records = records_of(settings)
    try:
        records.check()
        yield records
    finally:
        records.close()
