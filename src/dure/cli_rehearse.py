"""`dure rehearse`: a policy replayed before a won is spent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from dure.config import read_settings

app = typer.Typer(help="Policies replayed on history or on a simulated city, before a won is spent.", no_args_is_help=True)
out = Console()
err = Console(stderr=True)

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]


@app.callback()
def rehearse() -> None:
    """Policies replayed on history or on a simulated city, before a won is spent."""


@app.command()
def waste(
    history: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV of fill levels: bin, time, level.")
    ] = None,
    bins: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="CSV of bins with lon and lat; else those of the city.")
    ] = None,
    full: Annotated[float, typer.Option(help="What a full bin reads in the history: 1, 10 or 100.")] = 1.0,
    simulate: Annotated[int, typer.Option(help="Bins of a simulated city, when there is no history.")] = 200,
    policy: Annotated[
        list[str] | None, typer.Option(help="daily, every:2, static:0.6, threshold:0.5, prize:20000 or dial:20000; repeatable.")
    ] = None,
    trucks: Annotated[int, typer.Option(help="Trucks there are.")] = 4,
    days: Annotated[int, typer.Option(help="Days of a simulated city, 14 of them to learn; of a history the last ones.")] = 56,
    seed: Annotated[int, typer.Option(help="Of the simulated city and of the search.")] = 1,
    iterations: Annotated[int, typer.Option(help="How long each day's routes are searched.")] = 400,
    *,
    fleet: Annotated[bool, typer.Option("--fleet", help="Also with 1 truck, 2 trucks, ... up to those there are.")] = False,
    sensors: Annotated[bool, typer.Option("--sensors", help="Also with a sensor in 0, 20, ... 100 % of the bins.")] = False,
    target: Annotated[Path | None, typer.Option("--out", help="Folder for frontier.csv and frontier.svg.")] = None,
    city: City = None,
) -> None:
    """Kilometres against overflow for several policies; how many trucks and how many sensors it takes."""
    from dure.running import rehearse_desk as desk
    from dure.running import rehearse_words as words

    settings, _ = read_settings(city)
    asked = desk.Asked(
        history=history,
        bins=bins,
        full=full,
        simulate=simulate,
        policies=tuple(policy or ()),
        trucks=trucks,
        days=days,
        seed=seed,
        iterations=iterations,
        fleet=fleet,
        sensors=sensors,
    )
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task("policies", total=None)
        found = desk.rehearse(settings, asked, lambda done, total: bars.update(task, completed=done, total=total))
    words.tell(found, out)
    if target is not None:
        words.write(found, target)
        out.print(f"{target}: frontier.csv, frontier.svg")
