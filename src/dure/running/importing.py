"""`dure import`: a file of readings or of assets, row by row, with a report that names every row left out."""

from __future__ import annotations

import asyncio
import csv
from typing import TYPE_CHECKING

import duckdb
import msgspec

from dure.core.errors import InputError
from dure.core.observations import Rejected
from dure.engines.records import assets as register
from dure.engines.records.audit import By
from dure.protocols.mapping import ImportMap, Row, name_index, read_rows, rows_to_assets, rows_to_readings
from dure.spine.directory import IMPORTER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
    with duckdb.connect() as bench:
        try:
            found = bench.execute("SELECT * FROM read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise InputError("import.parquet_unreadable", f"{path} is no Parquet file: {error}") from error
        names = [column[0] for column in found.description or ()]
        return [(number, dict(zip(names, row, strict=True))) for number, row in enumerate(found.fetchall(), 1)], []


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
            parsed = rows_to_readings(mapping, rows[at : at + ROWS_PER_STEP], names)
            await add_readings(house, parsed.readings, parsed.rejected, report)
            step(min(at + ROWS_PER_STEP, len(rows)), len(rows))
    return report


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


async def add_readings(house: House, readings: Sequence[Reading], rejected: Sequence[Rejected], report: Report) -> None:
    """Publish readings; what cannot be an observation joins the report and is parked."""
    kept = await house.intake.accept(IMPORTER, readings, rejected, way="import", received_at=house.clock.now())
    report.readings += kept.accepted
    report.rejected += kept.rejected
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
