"""`dure buildings`: files of bills and intervals, and months of a building."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dure.config import Settings, read_settings

if TYPE_CHECKING:
    from dure.services.buildings.intervals.import_desk import Done, Preview
    from dure.services.buildings.months.month_use import MonthUse

app = typer.Typer(help="Public buildings: bills, intervals, months.", no_args_is_help=True)
out = Console()
SHOWN_MAX = 50

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, XLSX, Green Button XML or ZIP, parcel XML.")],
    kind: Annotated[str, typer.Option(help="bills, intervals, green_button or parcels; found out if not given.")] = "",
    fuel: Annotated[str, typer.Option(help="Fuel of a file that does not say it.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of a file that states none.")] = "",
    meter: Annotated[str, typer.Option(help="Meter (id or number) of a file that names none.")] = "",
    *,
    accepted: Annotated[bool, typer.Option("--accepted", help="Take the rows that can be taken, without the others.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look: every row that cannot be taken, and why.")] = False,
    city: City = None,
    data: Data = None,
) -> None:
    """Take in bills, intervals, a Green Button feed or parcel months; every row left out is named."""
    from dure.running import buildings_desk as desk

    settings = _settings(city, data)
    how = desk.asked(file.name, kind, fuel, unit, meter)
    found = asyncio.run(desk.look(settings, file, how))
    _tell_preview(found)
    if dry_run:
        return
    _tell_done(asyncio.run(desk.take_in(settings, file, how, accepted=accepted)))


@app.command()
def months(
    building: Annotated[str, typer.Argument(help="Id of the building.")],
    first: Annotated[str, typer.Option(help="From this month, like 2026-01; a year ago if not given.")] = "",
    last: Annotated[str, typer.Option(help="To this month; the one that runs if not given.")] = "",
    as_of: Annotated[str, typer.Option(help="As it was known at this instant (RFC 3339).")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """What the meters of a building used, month by month, by quality."""
    from dure.running import buildings_desk as desk

    _tell_months(desk.months_of(_settings(city, data), building, (first, last), as_of))


def _tell_preview(found: Preview) -> None:
    out.print(f"{found.kind}: {found.accepted_n:,} rows can be taken, {found.rejected_n:,} cannot")
    for notice in found.notices:
        out.print(f"[yellow]{notice.code}[/] {notice.why.en}")
    if found.rejected:
        table = Table("row", "code", "why", title="Rows left out")
        for one in found.rejected[:SHOWN_MAX]:
            table.add_row(str(one.row), one.code, one.why.en)
        out.print(table)
        if found.rejected_n > SHOWN_MAX:
            out.print(f"… and {found.rejected_n - SHOWN_MAX:,} more")


def _tell_done(done: Done) -> None:
    said = f"{done.bills_n:,} bills, {done.parcels_n:,} parcel months, {done.entries_n:,} hours"
    out.print(f"{done.id}: {done.state}, {said}")


def _tell_months(rows: list[MonthUse]) -> None:
    table = Table("month", "meter", "part", "amount", "unit", "measured", "filled", "known", "won", "from")
    for row in rows:
        measured = f"{row.measured / row.amount:.1%}" if row.amount else "-"
        filled = f"{row.filled:,} ± {row.half_width:,}" if row.filled else "-"
        won = "-" if row.won is None else f"{row.won:,}"
        table.add_row(
            row.month, row.meter, row.part, f"{row.amount:,}", row.book, measured, filled, f"{row.coverage:.1%}", won, row.source
        )
    out.print(table)


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
