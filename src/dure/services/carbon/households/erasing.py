"""What is kept of a person's household, to take along; and erasing leaves nothing behind but what says nothing of them."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from dure.services.carbon.households import household_records, judgement_records
from dure.services.carbon.households.household_view import told


def erase(connection: Connection, person_id: str) -> bool:
    """Erase bills, models, judgements and customer numbers of a person; whether there were any.

    Call it in the transaction of `commitments.forget`. Claims and log keep grams and won under a commitment that nobody can
    resolve any more. For some half-years the keyed digest of a rewarded customer number stays, so that nobody is paid twice
    for one meter; it names no person and no household.
    """
    found = household_records.of_person(connection, person_id)
    if found is None:
        return False
    household_records.erase(connection, found.household.id)
    return True


def export(connection: Connection, person_id: str) -> dict[str, Any] | None:
    """All that is kept of a person's household, as plain values; None when they have none.

    Of a customer number only the digest is kept, which tells the person nothing: what it is of and since when is told.
    """
    found = household_records.of_person(connection, person_id)
    if found is None:
        return None
    mine = found.household.id
    plain: dict[str, Any] = msgspec.to_builtins(
        {
            "household": found,
            "meters": [
                {"utility": one.utility, "unit": one.unit, "bound_at": one.bound_at}
                for one in household_records.meters_of(connection, mine)
            ],
            "bills": household_records.bills_of(connection, mine),
            "judgements": [told(connection, one) for one in judgement_records.of_household(connection, mine)],
        }
    )
    return plain
