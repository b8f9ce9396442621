"""`dure environment`: quality control, indices, maps, calibration, onboarding, findings and alerts."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, cast, get_args

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dure.config import Settings, read_settings
from dure.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

app = typer.Typer(help="Quality control, indices, maps, calibration and onboarding of the environment.", no_args_is_help=True)
out = Console()
err = Console(stderr=True)
T = TypeVar("T")

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]
Start = Annotated[str, typer.Option(help="From, RFC 3339.")]
End = Annotated[str, typer.Option(help="Until, RFC 3339.")]
FindingState = Literal["open", "acknowledged", "closed"]
AlertState = Literal["open", "closed"]


@app.command()
def assess(
    asset: Annotated[list[str] | None, typer.Option(help="Only this asset; may be repeated.")] = None,
    property_id: Annotated[list[str] | None, typer.Option("--property", help="Only this property; may be repeated.")] = None,
    start: Start = "",
    end: End = "",
    *,
    apply: Annotated[bool, typer.Option("--apply", help="Keep the flags that change; without it they are only counted.")] = False,
    city: City = None,
    data: Data = None,
) -> None:
    """Judge stored values anew by the limits of today: how many would get another flag, by test and series."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    wanted = (tuple(asset or ()), tuple(property_id or ()), desk.Span(start, end))
    found = _asked(lambda step: desk.assess(_settings(city, data), wanted, step, apply=apply), "series")
    words.tell_assessments(found, out, applied=apply)


@app.command()
def qc(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV with a column of times and one of values.")],
    property_id: Annotated[str, typer.Option("--property", help="What the values are, for example air_temperature.")],
    time: Annotated[str, typer.Option(help="Column of times; found by its usual names if not given.")] = "",
    value: Annotated[str, typer.Option(help="Column of values; found by its usual names if not given.")] = "",
    target: Annotated[Path | None, typer.Option("--out", help="CSV of the flags of every row.")] = None,
    city: City = None,
) -> None:
    """Judge the values of a file by all six tests; no city needs to run."""
    from dure.running import environment_words as words
    from dure.running import one_part, quality_file

    settings = _settings(city, None)
    own = one_part.city_of(settings) if settings.city_dir else None
    judged = quality_file.judge_file(file, quality_file.Asked(property_id, time, value), own)
    if target is not None:
        quality_file.write_flags(judged, target)
    words.tell_judged(judged, out)


@app.command()
def index(
    station: Annotated[str, typer.Option(help="Only this station.")] = "",
    at: Annotated[str, typer.Option(help="Made anew from the hours before this instant, RFC 3339.")] = "",
    city: City = None,
    data: Data = None,
) -> None:
    """Indices and grades of the stations, with the item that decides and those that are missing."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    words.tell_indices(asyncio.run(desk.indices(_settings(city, data), station, at)), out)


@app.command()
def enrol(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV of devices; see docs/en/environment.md.")],
    *,
    check: Annotated[bool, typer.Option("--check", help="Only say what would become of each row.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Rows may change what is registered already.")] = False,
    secrets: Annotated[
        Path | None, typer.Option(help="New file for the secrets, for its owner only; else they are shown.")
    ] = None,
    city: City = None,
    data: Data = None,
) -> None:
    """Enrol the devices of a list; every row is answered, good rows do not wait for bad ones."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    found = asyncio.run(desk.enrol(_settings(city, data), file, secrets, check=check, update=update))
    words.tell_enrolled(found, out, secrets)
    if found.refused and found.refused == found.rows:
        raise typer.Exit(1)


@app.command()
def calibrate(  # options of a command
    asset: Annotated[str, typer.Option(help="The sensor.")],
    property_id: Annotated[str, typer.Option("--property", help="pm2_5 or pm10.")],
    reference: Annotated[str, typer.Option(help="The reference beside it.")],
    start: Start,
    end: End,
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Put it in force when it is better than raw.")] = False,
    city: City = None,
    data: Data = None,
) -> None:
    """Fit a sensor to the reference beside it, and compare raw and corrected on weeks the fit has not seen."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    wanted = (asset, property_id, reference, desk.Span(start, end))
    model = asyncio.run(desk.calibrate(_settings(city, data), wanted, activate=activate))
    words.tell_model(model, out)
    if activate and model.state != "active":
        raise typer.Exit(1)


@app.command("map")
def map_(
    property_id: Annotated[str, typer.Argument(metavar="PROPERTY", help="For example pm2_5 or air_temperature.")],
    target: Annotated[Path, typer.Argument(metavar="FILE", help="File ending in .geojson or .csv.")],
    city: City = None,
    data: Data = None,
) -> None:
    """Write the map of now between the stations, with its error."""
    from dure.running import environment_desk as desk

    written, stations = asyncio.run(desk.draw(_settings(city, data), property_id, target))
    out.print(f"{target}: {written:,} cells from {stations} stations")


@app.command()
def findings(
    state: Annotated[str, typer.Option(help="open, acknowledged, closed or all.")] = "open", city: City = None, data: Data = None
) -> None:
    """What was found wrong with stations, and what to do first."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    wanted = cast("FindingState | None", _state(state, get_args(FindingState)))
    words.tell_findings(asyncio.run(desk.findings_of(_settings(city, data), wanted)), out)


@app.command()
def alerts(
    state: Annotated[str, typer.Option(help="open, closed or all.")] = "open", city: City = None, data: Data = None
) -> None:
    """Alerts: their level, since when, and who has acknowledged them."""
    from dure.running import environment_desk as desk
    from dure.running import environment_words as words

    wanted = cast("AlertState | None", _state(state, get_args(AlertState)))
    words.tell_alerts(asyncio.run(desk.alerts_of(_settings(city, data), wanted)), out)


def _state(state: str, known: tuple[str, ...]) -> str | None:
    if state not in {*known, "all"}:
        raise ConfigError("cli.usage", f"There is no state {state[:40]!r}. Say {', '.join(known)} or all.")
    return None if state == "all" else state


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]


def _asked(work: Callable[[Callable[[int, int], None]], Coroutine[Any, Any, T]], name: str) -> T:
    """Run with a bar of what is done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task(name, total=None)
        return asyncio.run(work(lambda done, total: bars.update(task, completed=done, total=total)))
