"""`dure import`: a file of readings or of assets, row by row, with a report that names every row left out."""

from __future__ import annotations

import asyncio
import csv
from typing import TYPE_CHECKING

import duckdb
import msgspec

from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.core.time import from_us
from dure.engines.records import assets as register
from dure.engines.records.audit import By
from dure.protocols.mapping import ImportMap, Row, name_index, read_rows, rows_to_assets, rows_to_readings
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dure.core.assets import Asset
    from dure.core.observations import Reading
    from dure.spine.house import House

ROWS_PER_STEP = 5_000
FILE_BYTES_MAX = 2_000_000_000


class Report(msgspec.Struct):
    """What became of the rows of a file."""

    rows: int = 0
    readings: int = 0
    assets_added: int = 0
    assets_changed: int = 0
    rejected: list[Rejected] = []  # msgspec copies an empty default for every instance
    unplaced: list[str] = []
    seq: int = 0


def read_file(path: Path, mapping: ImportMap) -> tuple[list[Row], list[Rejected]]:
    """Rows of a CSV or Parquet file, numbered as a person counts them, and those that cannot be rows."""
    if path.stat().st_size > FILE_BYTES_MAX:
        raise InputError("import.too_large", f"{path} is over {FILE_BYTES_MAX:,} bytes. Split it.")
    if path.suffix.lower() != ".parquet":
        return read_rows(mapping, path.read_bytes())
    return _read_parquet(path), []


def _read_parquet(path: Path) -> list[Row]:
    with duckdb.connect() as bench:
        try:
            found = bench.read_parquet(str(path))
            zoned = [str(type_) == "TIMESTAMP WITH TIME ZONE" for type_ in found.types]
            names = found.columns
            quoted = ['"{}"'.format(name.replace('"', '""')) for name in names]
            # As microseconds: to make an aware datetime itself, DuckDB wants a library we do without.
            columns = [f"epoch_us({name})" if aware else name for name, aware in zip(quoted, zoned, strict=True)]
            rows = found.project(", ".join(columns)).fetchall()
        except duckdb.Error as error:
            raise InputError("import.parquet_unreadable", f"{path} is no Parquet file: {error}") from error
    return [
        (
            number,
            {
                name: from_us(cell) if aware and cell is not None else cell
                for name, aware, cell in zip(names, zoned, row, strict=True)
            },
        )
        for number, row in enumerate(rows, 1)
    ]


async def import_file(
    house: House, path: Path, mapping: ImportMap, *, step: Callable[[int, int], None] = lambda _done, _all: None
) -> Report:
    """Assets first, when the mapping describes them, then readings; every step acknowledged by the bus."""
    rows, rejected = await asyncio.to_thread(read_file, path, mapping)
    report = Report(rows=len(rows) + len(rejected), rejected=list(rejected))
    if mapping.assets is not None:
        listed = rows_to_assets(mapping, rows, house.city.id)
        await add_assets(house, listed.assets, listed.rejected, report)
    if mapping.columns.value or mapping.measures:
        names = name_index(await asyncio.to_thread(_all_assets, house))
        for at in range(0, len(rows), ROWS_PER_STEP):
            readings, numbers, refused = _read(mapping, rows[at : at + ROWS_PER_STEP], names)
            await add_readings(house, readings, refused, report, numbers)
            step(min(at + ROWS_PER_STEP, len(rows)), len(rows))
    return report


def _read(
    mapping: ImportMap, rows: Sequence[Row], names: Mapping[str, str | None]
) -> tuple[list[Reading], list[int], list[Rejected]]:
    """Readings, the row each stands in, and the rows that give none."""
    readings: list[Reading] = []
    numbers: list[int] = []
    rejected: list[Rejected] = []
    for row in rows:
        found = rows_to_readings(mapping, (row,), names)
        readings += found.readings
        numbers += [row[0]] * len(found.readings)
        rejected += found.rejected
    return readings, numbers, rejected


async def add_assets(house: House, found: Sequence[Asset], rejected: Sequence[Rejected], report: Report) -> None:
    """Register assets; what cannot be one joins the report."""

    def put() -> register.Imported:
        with house.records.begin() as connection:
            return register.import_many(connection, found, By("import", house.clock.now()))

    done = await asyncio.to_thread(put)
    report.assets_added += done.added
    report.assets_changed += done.changed
    report.rejected += [*rejected, *done.rejected]
    await house.directory.changed()


async def add_readings(
    house: House, readings: Sequence[Reading], rejected: Sequence[Rejected], report: Report, numbers: Sequence[int] = ()
) -> None:
    """Publish readings; what cannot be an observation joins the report, by the row it stands in, and is parked."""
    kept = await house.intake.accept(IMPORTER, readings, rejected, way="import", received_at=house.clock.now())
    report.readings += kept.accepted
    unread = len(rejected)
    report.rejected += kept.rejected[:unread]
    for one in kept.rejected[unread:]:  # admission counts readings; a person counts rows
        report.rejected.append(msgspec.structs.replace(one, row=numbers[one.row]) if numbers else one)
    report.seq = max(report.seq, kept.seq)


def write_rejected(report: Report, path: Path) -> None:
    """The rows left out as CSV: row, code, why, content."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(("row", "code", "why", "content"))
        out.writerows((one.row, one.code, one.why, one.content) for one in report.rejected)


def _all_assets(house: House) -> list[Asset]:
    def pages() -> Iterator[Asset]:
        after = ""
        while True:
            with house.records.read() as connection:
                page = register.listing(connection, after=after)
            yield from page.items
            if not page.next:
                return
            after = page.next

    return list(pages())
