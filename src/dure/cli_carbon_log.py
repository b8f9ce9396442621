"""`dure carbon`: the transparency log, its checkpoints, bundles and their check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dure.config import Settings, read_settings

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]


def add_to(app: typer.Typer) -> None:
    """Give an app these commands."""
    for name, work in (("verify", verify), ("checkpoint", checkpoint), ("bundle", bundle), ("cosign", cosign)):
        app.command(name)(work)


def verify(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="bundle.json or consistency.json.")],
    key: Annotated[str, typer.Option(help="The log's key as you know it.")] = "",
    seen: Annotated[Path | None, typer.Option(exists=True, help="A checkpoint you kept.")] = None,
) -> None:
    """Check a bundle, or that a log only grew, offline; the same as `python dure_verify.py`. Exit status 1 at any no."""
    from dure.services.carbon.transparency import dure_verify

    words = [str(file), *(["--key", key] if key else []), *(["--seen", str(seen)] if seen else [])]
    code = dure_verify.main(words)
    if code:
        raise typer.Exit(code)


def checkpoint(
    new_key: Annotated[bool, typer.Option("--new-key", help="Sign by a new key from now on.")] = False,
    lost: Annotated[bool, typer.Option("--lost", help="With --new-key: the old private key is gone.")] = False,
    deep: Annotated[bool, typer.Option("--check", help="Build the whole tree again from its entries.")] = False,
    city: City = None,
    data: Data = None,
) -> None:
    """Print the newest checkpoint. With --check, every checkpoint is held against the entries; exit status 1 when one differs."""
    from dure.running import carbon_log_desk as desk

    settings = _settings(city, data)
    if lost and not new_key:
        raise typer.BadParameter("only with --new-key", param_hint="--lost")
    if deep:
        wrong = desk.differing(settings)
        for size in wrong:
            typer.echo(f"The checkpoint of {size} entries is not what the entries give.", err=True)
        if wrong:
            raise typer.Exit(1)
    typer.echo(desk.new_key(settings, lost=lost) if new_key else desk.checkpoint(settings), nl=False)


def bundle(
    entry: Annotated[str, typer.Argument(help="Id of a claim, or KIND/ID of any entry.")],
    out: Annotated[Path | None, typer.Option("--out", help="Write it there instead of printing it.")] = None,
    city: City = None,
    data: Data = None,
) -> None:
    """Print an entry of the log with its proof, as `verify` checks it."""
    from dure.running import carbon_log_desk as desk

    content = desk.bundle(_settings(city, data), entry if "/" in entry else f"claim/{entry}")
    if out is None:
        typer.echo(content, nl=False)
    else:
        out.write_bytes(content)


def cosign(
    note: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The checkpoint of another city's log.")],
    key: Annotated[str, typer.Option(help="The key of that log.")],
    proof: Annotated[Path | None, typer.Option(exists=True, help="consistency.json from the checkpoint signed last.")] = None,
    city: City = None,
    data: Data = None,
) -> None:
    """Sign another log's checkpoint as its witness: only when it goes on from the one signed last. Prints the line to send."""
    from dure.running import carbon_log_desk as desk

    typer.echo(desk.cosign(_settings(city, data), note.read_text("utf-8"), key, proof.read_bytes() if proof else b""))


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
