"""What `dure carbon` asks the books, of a city that runs or not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from dure.core.errors import InputError
from dure.core.time import parse_instant
from dure.running.kept_records import kept_records
from dure.running.one_part import city_of
from dure.services.carbon.ledger import history
from dure.services.carbon.ledger.checking import Checked
from dure.services.carbon.ledger.checking import check as check_books
from dure.services.carbon.ledger.posting import balance as balance_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from dure.config import Settings
    from dure.engines.records.paging import Page
    from dure.services.carbon.ledger.history import Booked, Standing
    from dure.services.carbon.ledger.model import Balance

T = TypeVar("T")


def standings(settings: Settings, after: str, limit: int) -> Page[Standing]:
    """Accounts by id with their balances."""
    return _read(settings, lambda connection: history.standings(connection, after=after, limit=limit))


def balance(settings: Settings, account: str, as_of: str) -> Balance:
    """The balance of an account, now or as of an instant (local time where it has no offset)."""
    if not as_of:
        return _read(settings, lambda connection: balance_now(connection, account))
    try:
        at = parse_instant(as_of)
    except InputError as error:
        if error.code != "time.naive":
            raise
        at = parse_instant(as_of, city_of(settings).zone)  # only a local time needs the city
    return _read(settings, lambda connection: history.balance_as_of(connection, account, at))


def transfers(settings: Settings, account: str, after: str, limit: int) -> Page[Booked]:
    """Transfers of an account, newest first."""
    return _read(settings, lambda connection: history.transfers_of(connection, account, after=after, limit=limit))


def check(settings: Settings) -> Checked:
    """The check of the books."""
    return _read(settings, check_books)


def _read(settings: Settings, ask: Callable[[Connection], T]) -> T:
    with kept_records(settings) as records, records.read() as connection:
        return ask(connection)
