"""Bags of recyclables: whose they are, and weighings of them that prove the practice."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, literal, select

from dure.core.errors import Conflict, NotFound
from dure.core.identifiers import identifier
from dure.engines.records import dialect
from dure.engines.records.audit import SYSTEM, By
from dure.engines.records.tables_carbon_claims import carbon_weighings as weighings
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.engines.records.tables_carbon_practices import carbon_practice_bags as bags
from dure.services.carbon.claiming import claim_desk, weighing_desk
from dure.services.carbon.practising import practice_desk, practice_records
from dure.services.carbon.practising.acts import Act, Proof
from dure.services.carbon.practising.catalogue import Practice
from dure.services.carbon.practising.practice_desk import MoreStretches, Setting
from dure.services.carbon.transparency import commitments

FOLDER = "weighing/"


def take(connection: Connection, person: str, bag: str, by: Setting) -> bool:
    """A bag is this person's, with all that will be weighed in it; False when it was already.

    Raises
    ------
    InputError : ``id.malformed``
    Conflict : ``weighing.bag_taken`` when it is somebody else's
    """
    ident = identifier(bag, "bag")
    row = {"bag": ident, "person": person, "taken_at": by.at}
    new = dialect.insert_new(connection, bags, [row]) == 1
    if connection.execute(select(bags.c.person).where(bags.c.bag == ident)).scalar_one() != person:
        raise Conflict("weighing.bag_taken", f"The bag {ident} belongs to somebody else.")
    if new:  # by nobody: the audit log must not lead from the bag's commitment to the person
        ref = commitments.commit(connection, person, by.at)
        weighing_desk.give_bag(connection, ident, By(SYSTEM, by.at), f"person/{ref}")
    return new


def bags_of(connection: Connection, person: str) -> list[str]:
    """Bags of a person."""
    return list(connection.execute(select(bags.c.bag).where(bags.c.person == person).order_by(bags.c.bag)).scalars())


def fresh(connection: Connection, limit: int = 200) -> list[tuple[str, str, str]]:
    """Weighings of people's bags that nothing was decided about: weighing, bag, person."""
    told = select(acts.c.id).where(acts.c.person == bags.c.person, acts.c.place == _place_of(weighings.c.id))
    query = (
        select(weighings.c.id, weighings.c.bag, bags.c.person)
        .join(bags, bags.c.bag == weighings.c.bag)
        .where(weighings.c.state == "kept", ~told.exists())
        .order_by(weighings.c.weighed_at, weighings.c.id)
        .limit(limit)
    )
    return [(row.id, row.bag, row.person) for row in connection.execute(query)]


def prove(connection: Connection, person: str, bag: str, by: Setting, more: MoreStretches | None = None) -> Act:
    """Prove the practice that weighing proves by the weighing of a bag; raises as `practice_desk.prove`."""
    one = _weighed_practice(by)
    query = select(weighings).where(weighings.c.bag == bag, weighings.c.state == "kept")
    row = connection.execute(query).mappings().one_or_none()
    mine = bag in bags_of(connection, person)
    code = "" if mine and row is not None else "practice.not_weighed" if mine else "practice.bag_unknown"
    proof = Proof(
        kind="weigh", done_at=row["weighed_at"] if row and mine else by.at, quantity=row["mass_g"] if row and mine else 1,
        once=f"{FOLDER}{row['id']}" if row and mine else f"bag/{bag[:64]}", place=f"{FOLDER}{row['id']}" if row and mine else "",
        code=code, facts={"weighing": row["id"], "material": row["material"], "scale": row["scale"]} if row and mine else {},
    )  # fmt: skip
    return practice_desk.prove(connection, person, one.id, proof, by, more)


def _weighed_practice(by: Setting) -> Practice:
    for one in by.rules.practices.values():
        if "weigh" in one.proofs and by.rules.offered(one):
            return one
    raise NotFound("practice.unknown", "No practice is proved by weighing today.")


def undone(connection: Connection) -> list[str]:
    """Acts that rest on a weighing which was taken back since."""
    query = select(acts.c.id).join(weighings, acts.c.place == _place_of(weighings.c.id))
    return list(
        connection.execute(query.where(weighings.c.state == "undone", acts.c.state.in_(("awarded", "doubtful")))).scalars()
    )


def take_back(connection: Connection, ident: str, by: Setting) -> Act:
    """The weighing of an act no longer holds: so does its reward, as far as it is still there."""
    act = practice_records.get(connection, ident)
    if act.claim is not None and act.state in ("awarded", "doubtful"):
        claim_desk.withdraw(connection, act.claim, "practice.undone", SYSTEM, by.at)
        act = practice_records.put(connection, practice_desk.followed(connection, act, by.at))
    return act


def _place_of(weighing: ColumnElement[str]) -> ColumnElement[str]:
    return literal(FOLDER) + weighing
