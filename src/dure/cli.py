"""The `dure` command."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from dure import __version__, cli_buildings, cli_carbon, cli_charging, cli_environment, cli_rehearse, cli_roads, cli_waste
from dure.config import Origin, Settings, read_settings
from dure.core.errors import ConfigError, DureError

app = typer.Typer(
    name="dure",
    help="Dure (두레) runs a city's carbon-neutral smart services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
device_app = typer.Typer(help="Devices and their credentials.", no_args_is_help=True)
user_app = typer.Typer(help="People who sign in.", no_args_is_help=True)
app.add_typer(device_app, name="device")
app.add_typer(user_app, name="user")
app.add_typer(cli_environment.app, name="environment")
app.add_typer(cli_roads.app, name="roads")
app.add_typer(cli_rehearse.app, name="rehearse")
app.add_typer(cli_waste.app, name="waste")
app.add_typer(cli_buildings.app, name="buildings")
app.add_typer(cli_charging.app, name="charging")
app.add_typer(cli_carbon.app, name="carbon")

out = Console()
err = Console(stderr=True)
T = TypeVar("T")

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]


@app.command()
def up(  # options of a command
    *,
    city: City = None,
    demo: Annotated[bool, typer.Option("--demo", help="Start the demo city with simulated stations.")] = False,
    data: Data = None,
    http_port: Annotated[int | None, typer.Option(help="Port of the web face; 0 picks a free one.")] = None,
    mqtt_port: Annotated[int | None, typer.Option(help="Port of MQTT; 0 picks a free one.")] = None,
    nats_port: Annotated[int | None, typer.Option(help="Port of NATS; 0 picks a free one.")] = None,
) -> None:
    """Start a whole city in one process. Ctrl-C ends it."""
    from dure.running import starting

    settings, _ = _settings(city or (starting.demo_city() if demo else None), data, http_port, mqtt_port, nats_port)
    _run(settings, starting.up(settings, out, demo=demo))


@app.command()
def run(
    part: Annotated[str, typer.Argument(help="bus, recorder, csms, web or a service.")], city: City = None, data: Data = None
) -> None:
    """Run one part in a process of its own; any number of them share a bus."""
    from dure.running import one_part

    settings, _ = _settings(city, data)
    _run(settings, one_part.run_part(settings, part, out))


@app.command()
def work(
    city: City = None,
    data: Data = None,
    concurrent: Annotated[int, typer.Option(help="Jobs at once; 0 is one per core.")] = 0,
) -> None:
    """Take heavy work (plans, fits, simulations) from the queue until ended."""
    from dure.running import starting

    settings, _ = _settings(city, data)
    _run(settings, starting.work(settings, concurrent))


@app.command("import")
def import_(  # options of a command
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or Parquet.")],
    mapping: Annotated[Path | None, typer.Option(exists=True, help="Mapping file; see docs/en/codecs.md.")] = None,
    *,
    stations: Annotated[bool, typer.Option("--stations", help="The file is a list of named weather stations.")] = False,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="When a list without hours was observed.")
    ] = None,
    live: Annotated[bool, typer.Option("--live", help="New assets are live at once, not in quarantine.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="Where the rows left out are written as CSV.")] = None,
    city: City = None,
    data: Data = None,
) -> None:
    """Bring in a file of readings or assets; every row left out is named."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    if stations == (mapping is not None):
        raise _usage("Say what the file is: either --mapping FILE or --stations.")
    if stations and at is None:
        raise _usage("A station list has no hour: state it, for example --at 2024-06-02T21:00:00+09:00.")
    with _bars() as bars:
        if stations:
            report = asyncio.run(desk.import_stations(settings, file, at, live=live))  # type: ignore[arg-type]  # checked above
        else:
            task = bars.add_task(file.name, total=None)
            report = asyncio.run(
                desk.import_mapped(settings, file, mapping, lambda done, total: bars.update(task, completed=done, total=total))  # type: ignore[arg-type]  # checked above
            )
    desk.tell_report(report, out, rejected)


@app.command()
def export(
    target: Annotated[Path, typer.Argument(help="File ending in .csv, .parquet or .geojson.")],
    property_id: Annotated[list[str] | None, typer.Option("--property", help="Only this property; may be repeated.")] = None,
    asset: Annotated[list[str] | None, typer.Option(help="Only this asset; may be repeated.")] = None,
    start: Annotated[str, typer.Option(help="From, RFC 3339.")] = "",
    end: Annotated[str, typer.Option(help="Until, RFC 3339.")] = "",
    as_of: Annotated[str, typer.Option(help="As it was known at this instant.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Write observations to a file (GeoJSON: assets with their newest values)."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    with _bars() as bars:
        bars.add_task(target.name, total=None)
        asked = desk.Asked(tuple(property_id or ()), tuple(asset or ()), start, end, as_of)
        rows = asyncio.run(desk.export(settings, target, asked))
    out.print(f"{target}: {rows:,} rows")


@app.command()
def explain(
    what: Annotated[str, typer.Argument(help="asset:property:time, a figure of buildings, or the id of a decision.")],
    city: City = None,
    data: Data = None,
) -> None:
    """Why a value, a decision or a figure is what it is, down to the message or the readings it came from."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    out.print_json(asyncio.run(desk.explain(settings, what)))


@app.command()
def check(city: City = None, data: Data = None) -> None:
    """Every setting with its value and origin, and what is odd about the city's folder."""
    from dure.running import one_part

    settings, origins = _settings(city, data)
    out.print(_table_of(origins))
    if settings.city_dir:
        found = one_part.city_of(settings)
        counts = f"{len(found.zones)} zones, {len(found.assets())} assets, {len(found.devices())} devices"
        out.print(f"{found.name.ko} ({found.id}): {counts}")
        for notice in found.notices:
            out.print(f"[yellow]{notice.file}:{notice.line}[/] {notice.why} \\[{notice.code}]")


@device_app.command("add")
def device_add(  # options of a command
    device: Annotated[str, typer.Argument(help="Its name: a-z, 0-9, - and _.")],
    asset: Annotated[str, typer.Option(help="The asset it sends for.")],
    dev_eui: Annotated[str, typer.Option(help="Its LoRaWAN identity, 16 hex digits.")] = "",
    codec: Annotated[str, typer.Option(help="How its bytes are read, for example milesight-am308.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Register a device; its secret is shown this once."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    out.print(f"secret of {device}: [bold]{asyncio.run(desk.add_device(settings, device, asset, dev_eui, codec))}[/]")


@device_app.command("rotate")
def device_rotate(device: str, city: City = None, data: Data = None) -> None:
    """A new secret; the old one works for another day."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    out.print(f"new secret of {device}: [bold]{asyncio.run(desk.rotate_device(settings, device))}[/]")


@device_app.command("revoke")
def device_revoke(device: str, city: City = None, data: Data = None) -> None:
    """Refuse a device from now on, for good."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    asyncio.run(desk.revoke_device(settings, device))
    out.print(f"{device} is revoked")


@user_app.command("add")
def user_add(
    login: str,
    role: Annotated[
        list[str], typer.Option(help="citizen, crew, operator, officer, partner, admin or auditor; may be repeated.")
    ],
    name: Annotated[str, typer.Option(help="Name for people.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Add a person who signs in with a password (asked for, or read from standard input)."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    if sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    desk.add_person(settings, login, name or login, password, role)
    out.print(f"{login} may sign in")


@app.command()
def backup(folder: Path, city: City = None, data: Data = None) -> None:
    """Copy everything, consistently, while the city goes on."""
    from dure.running import desk

    settings, _ = _settings(city, data)
    with _bars() as bars:
        task = bars.add_task("backup", total=None)
        made = asyncio.run(desk.backup(settings, folder, lambda step: bars.update(task, description=step)))
    out.print(f"{folder}: {made.rows:,} observations, stream up to {made.cursor + made.tail:,}")


@app.command()
def restore(folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)], data: Data = None) -> None:
    """Put a backup into a new data folder."""
    from dure.running import desk

    settings, _ = _settings(None, data)
    made = desk.restore(settings, folder)
    out.print(f"{settings.data} holds the backup of {made.made_at}: {made.rows:,} observations.")
    out.print(f"Start it with: dure up --data {settings.data}")


@app.command()
def prove(
    rounds: Annotated[int, typer.Option(help="How often something is killed.")] = 20,
    seed: Annotated[int, typer.Option(help="What is killed when, reproducibly.")] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where to work; a temporary folder by default.")] = None,
) -> None:
    """Publish, kill -9, restart and count on this machine: acknowledged, stored, lost, doubled."""
    from dure.running import proving

    raise typer.Exit(proving.prove(rounds, seed, folder, out))


def _version(value: bool) -> None:
    if value:
        out.print(f"dure {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")] = False,
) -> None:
    """Dure (두레) runs a city's carbon-neutral smart services."""


def main() -> None:
    """Run; an expected error is one line with its code, and the way out."""
    try:
        app()
    except DureError as error:
        err.print(f"[red]{error.message}[/] [dim]\\[{error.code}][/]", soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _settings(
    city: Path | None, data: Path | None, http_port: int | None = None, mqtt_port: int | None = None, nats_port: int | None = None
) -> tuple[Settings, list[Origin]]:
    own: dict[str, Any] = {"http_port": http_port, "mqtt_port": mqtt_port, "nats_port": nats_port}
    if data is not None:
        own["data_dir"] = str(data)
    return read_settings(city, overrides=own)


def _run(settings: Settings, work: Coroutine[Any, Any, None]) -> None:
    """Run until done or told to end: SIGINT and SIGTERM close the house in order."""
    from dure.running.logs import configure

    configure(settings)

    async def until_told() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        try:
            await task
        except asyncio.CancelledError:
            out.print("Dure has ended cleanly.")

    asyncio.run(until_told())


def _bars() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, transient=True)


def _usage(message: str) -> ConfigError:
    return ConfigError("cli.usage", message)


def _table_of(origins: list[Origin]) -> Table:
    table = Table("setting", "value", "origin", "what it is", title="Settings")
    for one in origins:
        table.add_row(one.name, one.shown, one.origin, one.help)
    return table
