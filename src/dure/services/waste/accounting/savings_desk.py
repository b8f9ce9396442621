"""What was saved, read for pages and the API. Blocks."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.account_watch import SEED
from dure.services.waste.accounting.factors import judging_on
from dure.services.waste.accounting.period import Period, period_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.waste.accounting.account_records import Frozen
    from dure.spine.house import House


def savings(
    house: House, connection: Connection, start: date | None = None, end: date | None = None
) -> tuple[Frozen | None, Period | None]:
    """The baseline in force and the savings against it in ``[start, end)``; None where there is no baseline, or no account."""
    frozen = account_records.newest_baseline(connection)
    if frozen is None:
        return None, None
    accounts = account_records.accounts(connection, frozen.baseline.id, start, end)
    if not accounts:
        return frozen, None
    return frozen, period_of(accounts, frozen.baseline, judging_on(accounts[-1].day, house.city.folder), SEED)
