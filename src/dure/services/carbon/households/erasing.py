"""A person's household leaves nothing behind but what says nothing of them."""

from __future__ import annotations

from sqlalchemy import Connection

from dure.services.carbon.households import household_records


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
