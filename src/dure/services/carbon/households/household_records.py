"""Households, customer numbers, bills. SQL alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_households import carbon_household_bills as bills
from dure.engines.records.tables_carbon_households import carbon_household_judgements as judgements
from dure.engines.records.tables_carbon_households import carbon_household_meters as meters
from dure.engines.records.tables_carbon_households import carbon_household_spent as spent
from dure.engines.records.tables_carbon_households import carbon_households as households
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.household import Household
from dure.services.carbon.households.model import Bill


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A household with when its person consented, and when they took that back."""

    household: Household
    consented_at: datetime
    ended_at: datetime | None = None


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A customer number's digest and whose it is; `unit` of its bills."""

    digest: str
    household: str
    utility: Utility
    unit: str
    bound_at: datetime


def put(connection: Connection, household: Household, at: datetime) -> bool:
    """Keep a household; False when its person has another already. One that is there gets the new words and consent."""
    row = _row(household)
    new = dialect.insert_new(connection, households, [{**row, "consented_at": at, "ended_at": None}])
    if not new and ended(connection, household.id):
        connection.execute(update(households).where(households.c.id == household.id).values(consented_at=at, ended_at=None))
    found = connection.execute(update(households).where(households.c.id == household.id).values(**row))
    return found.rowcount > 0


def ended(connection: Connection, household: str) -> bool:
    """Whether consent was taken back."""
    found = connection.execute(select(households.c.ended_at).where(households.c.id == household)).scalar_one_or_none()
    return found is not None


def end(connection: Connection, household: str, at: datetime) -> bool:
    """Consent is taken back; whether it was given."""
    mine = (households.c.id == household) & households.c.ended_at.is_(None)
    return connection.execute(update(households).where(mine).values(ended_at=at)).rowcount > 0


def lock(connection: Connection, household: str) -> None:
    """Who changes something of a household waits for the others who do, until the transaction ends."""
    connection.execute(select(households.c.id).where(households.c.id == household).with_for_update())


def of_person(connection: Connection, person: str) -> Kept | None:
    """A person's household."""
    return _kept(connection.execute(select(households).where(households.c.person == person)).mappings().one_or_none())


def of_ref(connection: Connection, ref: str) -> Kept | None:
    """The household of a commitment."""
    return _kept(connection.execute(select(households).where(households.c.ref == ref)).mappings().one_or_none())


def get(connection: Connection, ident: str) -> Kept | None:
    """A household by its id."""
    return _kept(connection.execute(select(households).where(households.c.id == ident)).mappings().one_or_none())


def bind(connection: Connection, digest: str, household: str, told: tuple[Utility, str], at: datetime) -> Meter | None:
    """Bind a customer number; the meter as it is bound now, None when the household has another of that utility."""
    utility, unit = told
    row = {"digest": digest, "household": household, "utility": utility, "unit": unit, "bound_at": at}
    dialect.insert_new(connection, meters, [row])
    return meter(connection, digest)


def release(connection: Connection, household: str, utility: Utility) -> bool:
    """The customer number belongs to it no longer; whether it did."""
    mine = (meters.c.household == household) & (meters.c.utility == utility)
    return connection.execute(delete(meters).where(mine)).rowcount > 0


def meter(connection: Connection, digest: str) -> Meter | None:
    """Whose a customer number is."""
    row = connection.execute(select(meters).where(meters.c.digest == digest)).mappings().one_or_none()
    return None if row is None else Meter(**row)


def meters_of(connection: Connection, household: str) -> list[Meter]:
    """Customer numbers of a household."""
    query = select(meters).where(meters.c.household == household).order_by(meters.c.utility)
    return [Meter(**row) for row in connection.execute(query).mappings()]


def bills_of(connection: Connection, household: str, utility: Utility | None = None) -> list[Bill]:
    """Bills of a household by utility and month."""
    query = select(bills).where(bills.c.household == household)
    if utility is not None:
        query = query.where(bills.c.utility == utility)
    return [_bill(row) for row in connection.execute(query.order_by(bills.c.utility, bills.c.month)).mappings()]


def put_bill(connection: Connection, household: str, bill: Bill, at: datetime) -> None:
    """Keep a bill in place of the one of its month."""
    row = msgspec.to_builtins(bill)
    row |= {"household": household, "first_day": row.pop("first"), "end_day": row.pop("end"), "entered_at": at}
    dialect.upsert(connection, bills, [row])


def drop_bill(connection: Connection, household: str, utility: Utility, month: int) -> bool:
    """Take a bill away; whether there was one."""
    mine = (bills.c.household == household) & (bills.c.utility == utility) & (bills.c.month == month)
    return connection.execute(delete(bills).where(mine)).rowcount > 0


def erase(connection: Connection, household: str) -> None:
    """Nothing of a household is left."""
    for table in (judgements, bills, meters):
        connection.execute(delete(table).where(table.c.household == household))
    connection.execute(delete(households).where(households.c.id == household))


def spend(connection: Connection, digest: str, period: str, at: datetime) -> bool:
    """Note that a customer number was rewarded for a half-year; False when it was before."""
    return dialect.insert_new(connection, spent, [{"digest": digest, "period": period, "spent_at": at}]) > 0


def forget_spent(connection: Connection, before: datetime) -> int:
    """Forget what was rewarded before an instant; how many."""
    return connection.execute(delete(spent).where(spent.c.spent_at < before)).rowcount


def page_of(connection: Connection, after: str, limit: int) -> Sequence[Kept]:
    """Households whose consent stands, by id."""
    query = select(households).where(households.c.id > after, households.c.ended_at.is_(None))
    found = connection.execute(query.order_by(households.c.id).limit(limit)).mappings()
    return [kept for row in found if (kept := _kept(row)) is not None]


def _row(household: Household) -> dict[str, Any]:
    content = msgspec.to_builtins(household)
    return {name: content.pop(name) for name in ("id", "person", "ref", "station")} | {"content": content}


def _kept(row: Any) -> Kept | None:
    if row is None:
        return None
    words = {name: row[name] for name in ("id", "person", "ref", "station")}
    household = msgspec.convert({**row["content"], **words}, Household)
    return Kept(household=household, consented_at=row["consented_at"], ended_at=row["ended_at"])


def _bill(row: Any) -> Bill:
    words = {name: row[name] for name in ("utility", "month", "milli", "unit", "read", "exchanged", "vacant", "source")}
    return Bill(**words, first=date.fromisoformat(row["first_day"]), end=date.fromisoformat(row["end_day"]))
