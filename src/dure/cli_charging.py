"""`dure charging`: chargers, what they are asked, and who may charge."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from dure.config import Settings, read_settings

app = typer.Typer(help="EV charging.", no_args_is_help=True)
token_app = typer.Typer(help="Who may charge.", no_args_is_help=True)
app.add_typer(token_app, name="token")
out = Console()

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]
Holder = Literal["member", "guest", "staff"]


@app.command("stations")
def stations(city: City = None, data: Data = None) -> None:
    """Chargers with their state, those that need a person first."""
    from dure.running import charging_desk as desk

    table = Table("charger", "state", "site", "OCPP", "connectors", "heard of")
    for one in asyncio.run(desk.stations(_settings(city, data))):
        connectors = ", ".join(f"{each.evse} {each.status}" for each in one.connectors if each.evse)
        heard = f"{one.heard_at:%Y-%m-%d %H:%M:%S}" if one.heard_at else "never"
        table.add_row(one.charger, one.standing, one.site, one.version.removeprefix("ocpp") or "-", connectors or "-", heard)
    out.print(table)


@app.command("call")
def call(
    charger: Annotated[str, typer.Argument(help="Asset id of the charger.")],
    verb: Annotated[str, typer.Argument(help="What it is asked: unlock, reset, read_settings, …")],
    arguments: Annotated[str, typer.Option("--arguments", help="Arguments of the verb, as a JSON object.")] = "{}",
    city: City = None,
    data: Data = None,
) -> None:
    """Ask a charger of the running city something, and wait for its answer."""
    from dure.running import charging_desk as desk

    found = asyncio.run(desk.call(_settings(city, data), charger, verb, arguments))
    out.print(f"{found.action}: {found.outcome}{f' ({found.why})' if found.why else ''}")
    if found.outcome != "done":
        raise typer.Exit(1)


@token_app.command("add")
def add(
    token: Annotated[str, typer.Argument(help="Number of the card; it is used and not kept.")],
    label: Annotated[str, typer.Option(help="What staff call it.")] = "",
    holder: Annotated[Holder, typer.Option(help="Whose it is.")] = "member",
    group: Annotated[str, typer.Option(help="Tokens of one group may stop each other's transactions.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Add one token."""
    from dure.running import charging_desk as desk
    from dure.services.charging.tokens.tokens import Token

    found = desk.add_token(_settings(city, data), token, Token(digest="", label=label, holder=holder, group=group))
    out.print(f"Kept as {found.digest}; its number is not.")


@token_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a column token.")],
    city: City = None,
    data: Data = None,
) -> None:
    """Add or change the tokens of a CSV; rows that cannot be used are told."""
    from dure.running import charging_desk as desk

    found = desk.import_tokens(_settings(city, data), file)
    out.print(f"{found.added} new, {found.changed} changed, {len(found.rejected)} rows that cannot be used.")
    for one in found.rejected[:20]:
        out.print(f"line {one.row}: {one.why} [{one.code}]")


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
