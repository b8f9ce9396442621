"""Posting to the carbon ledger, in the caller's transaction.

    why = post(connection, [[award]], at, named(accounts.world("city-verified"), accounts.held("city")))

Each group is posted whole or not at all; a refused one leaves no trace and its ids may be used again. Posting waits for its turn
(see `turn`) and keeps it until the transaction ends: do slow things before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from dure.core.errors import NotFound
from dure.core.time import to_us
from dure.engines.records.tables_carbon_ledger import carbon_accounts
from dure.services.carbon.ledger import ledger_records
from dure.services.carbon.ledger.judging import judge
from dure.services.carbon.ledger.model import Account, Balance, Transfer
from dure.services.carbon.ledger.shapes import misshapen
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.model import Refused


def post(
    connection: Connection, groups: Sequence[Sequence[Transfer]], at: datetime, accounts: Mapping[str, Account]
) -> list[Refused | None]:
    """An answer for each group: None when it is on the books, now or since an earlier call.

    Parameters
    ----------
    groups : linked transfers; each sees what those before it have posted
    at : when, by the caller's clock; kept as given. What is booked never runs backwards: see `judging.judge`
    accounts : by id, what accounts are that may not be there yet (see `accounts` and `named`)

    Raises
    ------
    InputError
        ``time.naive``
    """
    to_us(at)  # refuses an instant without an offset
    take_turn(connection)
    sound = [group for group in groups if not any(misshapen(one) for one in group)]  # others must not reach the database
    books = ledger_records.books_of(connection, sound)
    judged = judge(books, groups, at, accounts)
    if judged.posted:
        ledger_records.write(connection, books, judged.posted)
    return judged.answers


def named(*given: Account) -> dict[str, Account]:
    """These accounts by id, as `post` takes them."""
    return {one.id: one for one in given}


def balance(connection: Connection, account_id: str) -> Balance:
    """The balance of an account as it stands.

    Raises
    ------
    NotFound
        ``ledger.account_unknown`` when nothing was ever posted to it
    """
    row = connection.execute(select(carbon_accounts).where(carbon_accounts.c.id == account_id)).one_or_none()
    if row is None:
        raise NotFound("ledger.account_unknown", f"Nothing was ever posted to an account {account_id[:80]!r}.")
    return ledger_records.account_and_balance(row)[1]
