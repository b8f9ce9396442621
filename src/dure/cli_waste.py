"""`dure waste`: what one city learnt of its bins, for another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dure.config import Settings, read_settings

if TYPE_CHECKING:
    from dure.services.waste.belief.priors import Prior

app = typer.Typer(help="Waste collection.", no_args_is_help=True)
prior_app = typer.Typer(help="What one city learnt of its classes of bins, for another to begin with.", no_args_is_help=True)
app.add_typer(prior_app, name="prior")
out = Console()

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]


@prior_app.command("export")
def export(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="JSON to write.")], city: City = None, data: Data = None
) -> None:
    """Write what this city learnt of its classes of bins; no bin and no place is in it."""
    from dure.running import waste_desk as desk

    _tell(desk.export_prior(_settings(city, data), file), f"Written to {file}.")


@prior_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="JSON of another city's `export`.")],
    city: City = None,
    data: Data = None,
) -> None:
    """Begin with what another city learnt; the next learning, at night, takes it as its prior."""
    from dure.running import waste_desk as desk

    _tell(desk.import_prior(_settings(city, data), file), "Kept; the next learning, at two in the morning, begins with it.")


def _tell(found: Prior, what: str) -> None:
    out.print(f"Learnt in {found.source} until {found.learnt_at:%Y-%m-%d}, {found.rules}. {what}")
    table = Table("class", "fills a day", "spread between bins", "bin-days", "method")
    for name, one in sorted(found.classes.items()):
        shown = "all bins" if name == "*" else name
        table.add_row(shown, f"{one.rate_per_day:.1%}", f"{one.between_cv:.0%}", f"{one.days:,.0f}", one.method)
    out.print(table)


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
