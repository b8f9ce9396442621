"""Which files the archive of a day consists of. One row per day; swapping it is what makes a new file count."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

import msgspec

from dure.core.errors import Corrupt
from dure.engines.archive.durable import settle


class ArchivedFile(msgspec.Struct, frozen=True):
    """One Parquet file: path relative to the archive's folder, rows, size and SHA-256 (hex)."""

    path: str
    kind: str
    rows: int
    size: int
    sha256: str


class ArchivedDay(msgspec.Struct, frozen=True):
    """One UTC day of one city. `start_us` is its first µs since 1970; a day without rows has no files."""

    start_us: int
    files: tuple[ArchivedFile, ...]
    written_us: int

    @property
    def rows(self) -> int:
        """Rows of all its files."""
        return sum(one.rows for one in self.files)


class Catalogue(Protocol):
    """The catalogue of one archive. `put` replaces the day's row in one transaction."""

    def put(self, day: ArchivedDay) -> None:
        """Make these files the day's."""
        ...

    def get(self, start_us: int) -> ArchivedDay | None:
        """The day's files, or None when it was never archived."""
        ...

    def current(self) -> list[ArchivedDay]:
        """Every archived day, oldest first."""
        ...


class FolderCatalogue:
    """A catalogue beside the files, one small JSON file per day: used where no records store is at hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, day: ArchivedDay) -> None:
        """See `Catalogue.put`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{day.start_us}.json"
        part = target.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.json.encode(day))
        settle(part, target)

    def get(self, start_us: int) -> ArchivedDay | None:
        """See `Catalogue.get`."""
        file = self._folder / f"{start_us}.json"
        return _read(file) if file.exists() else None

    def current(self) -> list[ArchivedDay]:
        """See `Catalogue.current`."""
        return sorted((_read(file) for file in self._folder.glob("*.json")), key=lambda day: day.start_us)


def _read(file: Path) -> ArchivedDay:
    try:
        return msgspec.json.decode(file.read_bytes(), type=ArchivedDay)
    except msgspec.DecodeError as error:
        raise Corrupt("archive.corrupt", f"{file} cannot be read ({error}). Restore it from a backup.") from error
