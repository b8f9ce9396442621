"""`dure roads`: the road map that routes are driven on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dure.config import Settings, read_settings

app = typer.Typer(help="The road map that routes are driven on.", no_args_is_help=True)
out = Console()

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, help="OpenStreetMap extract (.osm.pbf), or the node-link (.zip, .shp).")],
    bounds: Annotated[str, typer.Option(help="Only roads within west,south,east,north in degrees.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Read a road map and make it the one in force; plans made from then on use it."""
    from dure.running import roads_desk as desk

    desk.tell(*desk.bring_in(_settings(city, data), file, bounds), out)


@app.command()
def show(city: City = None, data: Data = None) -> None:
    """The road map in force, and what of it each kind of vehicle may use."""
    from dure.running import roads_desk as desk

    desk.tell(*desk.shown(_settings(city, data)), out)


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
