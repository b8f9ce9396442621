"""The catalogue of the archive: which file holds which day, and which one it replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.engine import RowMapping

from dure.engines.records.tables import archive_days


class ArchiveDay(msgspec.Struct, frozen=True, kw_only=True):
    """One written file: the rows of one part (a kind) of one UTC day of a city. `file` is relative to the archive."""

    file: str
    city: str
    part: str
    day: date
    rows: int
    bytes: int
    sha256: str
    min_us: int | None
    max_us: int | None
    written_at: datetime
    superseded_at: datetime | None = None


def add(connection: Connection, written: Sequence[ArchiveDay]) -> None:
    """Catalogue new files; the one that held a day before is superseded in the same transaction."""
    columns = archive_days.c
    for one in sorted(written, key=lambda item: (item.city, item.part, item.day)):
        same_day = (columns.city == one.city) & (columns.part == one.part) & (columns.day == one.day.isoformat())
        before = update(archive_days).where(same_day, columns.superseded_at.is_(None), columns.file != one.file)
        connection.execute(before.values(superseded_at=one.written_at))
        connection.execute(delete(archive_days).where(columns.file == one.file))
        connection.execute(insert(archive_days).values(_row(one)))


def current(connection: Connection, city: str, first: date, last: date, part: str = "") -> list[ArchiveDay]:
    """The valid files of the days from `first` to `last`, both included, by day and part."""
    columns = archive_days.c
    query = select(archive_days).where(
        columns.city == city, columns.day.between(first.isoformat(), last.isoformat()), columns.superseded_at.is_(None)
    )
    if part:
        query = query.where(columns.part == part)
    return [_day(row) for row in connection.execute(query.order_by(columns.day, columns.part)).mappings()]


def superseded(connection: Connection, before: datetime) -> list[ArchiveDay]:
    """Files replaced before then: no reader has them open any more, they may be deleted."""
    query = select(archive_days).where(archive_days.c.superseded_at < before).order_by(archive_days.c.file)
    return [_day(row) for row in connection.execute(query).mappings()]


def forget(connection: Connection, files: Sequence[str]) -> int:
    """Strike superseded files from the catalogue after they were deleted; how many."""
    gone = delete(archive_days).where(archive_days.c.file.in_(files), archive_days.c.superseded_at.is_not(None))
    return connection.execute(gone).rowcount


def _row(one: ArchiveDay) -> dict[str, Any]:
    return msgspec.structs.asdict(one) | {"day": one.day.isoformat()}


def _day(row: RowMapping) -> ArchiveDay:
    return ArchiveDay(**{**row, "day": date.fromisoformat(row["day"])})
