"""`dure carbon`: the books of grams and won."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dure import cli_carbon_log
from dure.config import Settings, read_settings

if TYPE_CHECKING:
    from dure.services.carbon.ledger.model import Balance

app = typer.Typer(help="The carbon ledger.", no_args_is_help=True)
cli_carbon_log.add_to(app)
out = Console()

City = Annotated[Path | None, typer.Option("--city", envvar="DURE_CITY_DIR", help="Folder of the city.")]
Data = Annotated[Path | None, typer.Option("--data", help="Folder of everything Dure keeps.")]
Limit = Annotated[int, typer.Option(help="Most rows.")]
After = Annotated[str, typer.Option(help="Go on after this row, as the page before said.")]


@app.command("balance")
def balance(
    account: Annotated[str, typer.Argument(help="An account, as held/city; without one all are listed.")] = "",
    as_of: Annotated[str, typer.Option(help="After all that was booked up to this instant, RFC 3339.")] = "",
    after: After = "",
    limit: Limit = 100,
    city: City = None,
    data: Data = None,
) -> None:
    """What an account has, now or at an instant; without an account: all accounts."""
    from dure.running import carbon_desk as desk

    table = _table("account", "unit", "balance", "available", "reserved out", "reserved in", "received", "given")
    if account:
        _add(table, desk.balance(_settings(city, data), account, as_of))
        out.print(table)
        return
    if as_of:
        raise typer.BadParameter("say of which account", param_hint="--as-of")
    found = desk.standings(_settings(city, data), after, limit)
    for one in found.items:
        _add(table, one.balance)
    out.print(table)
    _tell_next(found.next)


@app.command("transfers")
def transfers(
    account: Annotated[str, typer.Argument(help="An account, as held/city.")],
    after: After = "",
    limit: Limit = 50,
    city: City = None,
    data: Data = None,
) -> None:
    """Transfers of an account, newest first, each with the balance it left."""
    from dure.running import carbon_desk as desk

    table = _table("no.", "booked", "deed", "from", "to", "amount", "balance after", "why", "id")
    found = desk.transfers(_settings(city, data), account, after, limit)
    for one in found.items:
        each = one.transfer
        left = "" if one.after is None else f"{one.after.credits_posted - one.after.debits_posted:,}"
        amount = f"{each.amount:,} {each.unit}"
        booked = f"{one.booked_at:%Y-%m-%d %H:%M:%SZ}"
        table.add_row(str(one.seq), booked, each.deed, each.debit, each.credit, amount, left, each.why or "-", each.id)
    out.print(table)
    _tell_next(found.next)


@app.command("check")
def check(city: City = None, data: Data = None) -> None:
    """Compute every balance again from the transfers. Exit status 1 when something does not fit."""
    from dure.running import carbon_desk as desk

    found = desk.check(_settings(city, data))
    out.print(f"{found.transfers:,} transfers, {found.accounts:,} accounts")
    for total in found.totals:
        out.print(
            f"{total.unit}: debits {total.debits_posted:,}, credits {total.credits_posted:,}, reserved {total.debits_pending:,}"
        )
    for one in found.problems:
        out.print(f"{one.kind}: {one.where}{f' at transfer {one.seq}' if one.seq else ''}", style="red", markup=False)
    if not found.sound:
        raise typer.Exit(1)
    out.print("Everything fits.")


def _table(*names: str) -> Table:
    """A table of which nothing is lost on a narrow terminal: what one types again stays whole, the rest folds."""
    table = Table()
    for name in names:
        table.add_column(name, no_wrap=name in ("account", "id"), overflow="fold")
    return table


def _add(table: Table, one: Balance) -> None:
    sums = (one.debits_pending, one.credits_pending, one.credits_posted, one.debits_posted)
    figures = (one.credits_posted - one.debits_posted, one.available, *sums)
    table.add_row(one.account, one.unit, *(f"{number:,}" for number in figures))


def _tell_next(mark: str) -> None:
    if mark:
        out.print(f"More: --after {mark}", markup=False)


def _settings(city: Path | None, data: Path | None) -> Settings:
    return read_settings(city, overrides={} if data is None else {"data_dir": str(data)})[0]
