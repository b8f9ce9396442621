"""Leaving a scheme, taking one's data along, and having all of it erased.

Erasing is a decision of the person alone, and whole: rows, photos and hashes go, reservations are released, and the salt of the
commitment is destroyed. What is on the books stays as it is, in the name of a number that leads to nobody. Another part of the
service that keeps something of a person adds its function to `ERASERS`, and to `EXPORTERS` what it holds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, select

from dure.core.errors import Conflict
from dure.engines.records import audit
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.tables_carbon_practices import (
    carbon_practice_acts,
    carbon_practice_bags,
    carbon_practice_consents,
    carbon_practice_joins,
    carbon_practice_members,
    carbon_practice_payouts,
)
from dure.services.carbon.claiming import claim_desk, weighing_desk
from dure.services.carbon.households import erasing as household_erasing
from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.practising import (
    bag_desk,
    elsewhere_records,
    group_records,
    photo_index,
    practice_desk,
    practice_records,
    wallet_desk,
)
from dure.services.carbon.practising.practice_desk import Setting
from dure.services.carbon.practising.proving import spans_of
from dure.services.carbon.transparency import commitments

PERSONAL = (
    carbon_practice_acts, carbon_practice_bags, carbon_practice_consents, carbon_practice_joins, carbon_practice_members,
    carbon_practice_payouts,
)  # fmt: skip
Eraser = Callable[[Connection, str, Setting], object]
Exporter = Callable[[Connection, str], Any]
ERASERS: dict[str, Eraser] = {
    "household": lambda connection, person, _: household_erasing.erase(connection, person),
    "groups": lambda connection, person, _: group_records.erase(connection, person),
}
EXPORTERS: dict[str, Exporter] = {"household": household_erasing.export}


def leave(connection: Connection, person: str, scheme: str, by: Setting) -> int:
    """Leave a scheme: what is begun or waits is given up, what was paid stays; how many were given up."""
    take_turn(connection)
    open_ = practice_records.open_of(connection, person, scheme)
    for act in open_:
        practice_desk.give_up(connection, act, "practice.left", by.at)
    practice_records.leave(connection, person, scheme, by.at)
    return len(open_)


def erase(connection: Connection, person: str, by: Setting, *, waive: bool = False) -> None:
    """Erase all that leads to a person.

    Parameters
    ----------
    waive : whether they give up what is in their wallet

    Raises
    ------
    Conflict : ``practice.payout_open`` while money is on its way; ``practice.balance_left`` when some is left and not waived
    """
    take_turn(connection)
    if any(one.state == "asked" for one in wallet_desk.payouts_of(connection, person)):
        raise Conflict("practice.payout_open", "Money is on its way to you: wait until it is paid.")
    for act in practice_records.open_of(connection, person):
        practice_desk.give_up(connection, act, "practice.left", by.at)
    ref = commitments.ref_of(connection, person)
    left = 0 if ref is None else wallet_desk.balance_of(connection, ref).available
    if left > 0 and not waive:
        raise Conflict(
            "practice.balance_left", f"There are {left:,} won in the wallet: have them paid, or give them up.", won=left
        )
    if ref is not None:
        _let_go(connection, ref, by)
    for eraser in ERASERS.values():
        eraser(connection, person, by)
    was_member = practice_records.member(connection, person) is not None
    photo_index.erase(connection, [act.id for act in practice_records.every(connection, person)], by.at)
    for table in PERSONAL:
        connection.execute(delete(table).where(table.c.person == person))
    commitments.forget(connection, person)
    if was_member:
        elsewhere_records.put_leaver(connection, person, spans_of(by.at, by.zone).year.end)
    audit.append(connection, By(person, by.at), "act", "practice", person, {"erased": True})


def _let_go(connection: Connection, ref: str, by: Setting) -> None:
    """What else is reserved for a commitment is released, its bags are the city's, what is left in its wallet goes back."""
    holder = f"person/{ref}"
    for claim in list(claim_desk.claims(connection, holder=holder, states=("reserved",))):
        claim_desk.withdraw(connection, claim.id, "practice.left", SYSTEM, by.at)  # by nobody, as `practice_desk.give_up`
    weighing_desk.take_back_bags(connection, holder)
    wallet_desk.waive(connection, ref, by)


def export(connection: Connection, person: str) -> dict[str, Any]:
    """All that is kept of a person, as plain values."""
    member = practice_records.member(connection, person)
    found: dict[str, Any] = {
        "member": None if member is None else member._asdict(),
        "schemes": practice_records.schemes_of(connection, person),
        "acts": practice_records.every(connection, person),
        "wallet": wallet_desk.wallet(connection, person),
        "bags": bag_desk.bags_of(connection, person),
        "compared_with": elsewhere_records.consents_of(connection, person),
        "groups": [msgspec.structs.asdict(one) for one in group_records.groups_of(connection, person)],
        "consents": [dict(row) for row in connection.execute(_consents(person)).mappings()],
    }
    found |= {name: exporter(connection, person) for name, exporter in EXPORTERS.items()}
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _consents(person: str) -> Any:
    table = carbon_practice_consents
    return select(table.c.other, table.c.hash, table.c.consented_at).where(table.c.person == person)
