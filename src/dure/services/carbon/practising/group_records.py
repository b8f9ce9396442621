"""Groups people join by a code, and the challenges groups take part in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, and_, delete, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import InputError, NotFound
from dure.core.text import Text
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.engines.records.tables_carbon_practices import carbon_practice_challenge_groups as entered
from dure.engines.records.tables_carbon_practices import carbon_practice_challenges as challenges
from dure.engines.records.tables_carbon_practices import carbon_practice_group_members as members
from dure.engines.records.tables_carbon_practices import carbon_practice_groups as groups
from dure.services.carbon.practising.practice_records import new_code

NAME_MAX = 60
GROUPS_MOST = 10


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """People who act together; who knows the code may join."""

    id: str
    name: str
    code: str


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """What groups do together from `start_at` until `end_at`: so many of these practices in all."""

    id: str
    title: Text
    practices: tuple[str, ...]
    start_at: datetime
    end_at: datetime
    goal: int

    @property
    def last_at(self) -> datetime:
        """The last instant of it."""
        return self.end_at - timedelta(microseconds=1)


class Done(NamedTuple):
    """What one person of a group has done for a challenge; never shown by itself."""

    group: str
    person: str
    times: int
    grams: int
    won: int


def make_group(connection: Connection, person: str, name: str, at: datetime) -> Group:
    """Found a group and join it.

    Raises InputError ``practice.group_name``, ``practice.group_many``.
    """
    if not 0 < len(name.strip()) <= NAME_MAX or not name.strip().isprintable():
        raise InputError("practice.group_name", f"A group has a name of 1 to {NAME_MAX} characters.")
    one = Group(id=f"grp-{secrets.token_hex(8)}", name=name.strip(), code=new_code())
    dialect.insert_new(connection, groups, [msgspec.structs.asdict(one) | {"made_at": at}])
    join(connection, person, one.code, at)
    return one


def join(connection: Connection, person: str, code: str, at: datetime) -> Group:
    """Join the group of a code.

    Raises NotFound ``practice.group_unknown``; InputError ``practice.group_many``.
    """
    row = connection.execute(select(groups).where(groups.c.code == code.strip().upper())).mappings().one_or_none()
    if row is None:
        raise NotFound("practice.group_unknown", "There is no group of this code.")
    mine = groups_of(connection, person)
    if len(mine) >= GROUPS_MOST:
        raise InputError("practice.group_many", f"One may be in {GROUPS_MOST} groups.")
    new = {"group_id": row["id"], "person": person, "joined_at": at, "left_at": None}
    if not dialect.insert_new(connection, members, [new]):
        again = and_(members.c.group_id == row["id"], members.c.person == person, members.c.left_at.is_not(None))
        connection.execute(update(members).where(again).values(joined_at=at, left_at=None))
    return _group(row)


def leave(connection: Connection, person: str, group: str, at: datetime) -> bool:
    """Leave a group; what was done in it stays in its sum."""
    mine = (members.c.group_id == group, members.c.person == person, members.c.left_at.is_(None))
    return connection.execute(update(members).where(*mine).values(left_at=at)).rowcount > 0


def erase(connection: Connection, person: str) -> int:
    """A person was never in any group; a group nobody else was ever in goes with them, and its name. How many they were in."""
    mine = list(connection.execute(select(members.c.group_id).where(members.c.person == person)).scalars())
    connection.execute(delete(members).where(members.c.person == person))
    others = select(members.c.group_id).where(members.c.group_id.in_(mine))
    empty = set(mine) - set(connection.execute(others).scalars())
    connection.execute(delete(entered).where(entered.c.group_id.in_(empty)))
    connection.execute(delete(groups).where(groups.c.id.in_(empty)))
    return len(mine)


def groups_of(connection: Connection, person: str) -> list[Group]:
    """Groups somebody is in."""
    query = select(groups).join(members, members.c.group_id == groups.c.id)
    query = query.where(members.c.person == person, members.c.left_at.is_(None)).order_by(groups.c.name, groups.c.id)
    return [_group(row) for row in connection.execute(query).mappings()]


def put_challenge(connection: Connection, one: Challenge, at: datetime) -> None:
    """Keep a challenge, or change it."""
    row = msgspec.structs.asdict(one) | {"title": msgspec.to_builtins(one.title), "practices": list(one.practices), "made_at": at}
    dialect.upsert(connection, challenges, [row])


def challenge(connection: Connection, ident: str) -> Challenge:
    """A challenge; NotFound ``practice.challenge_unknown``."""
    row = connection.execute(select(challenges).where(challenges.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("practice.challenge_unknown", f"There is no challenge {ident[:80]!r}.")
    return _challenge(row)


def all_challenges(connection: Connection, since: datetime) -> list[Challenge]:
    """Those that end after an instant, the next to end first."""
    query = select(challenges).where(challenges.c.end_at > since).order_by(challenges.c.end_at, challenges.c.id)
    return [_challenge(row) for row in connection.execute(query).mappings()]


def enter(connection: Connection, challenge_id: str, group: str, at: datetime) -> bool:
    """A group takes part in a challenge; False when it did already."""
    return dialect.insert_new(connection, entered, [{"challenge": challenge_id, "group_id": group, "joined_at": at}]) == 1


def groups_in(connection: Connection, challenge_id: str) -> list[Group]:
    """Groups that take part."""
    query = select(groups).join(entered, entered.c.group_id == groups.c.id).where(entered.c.challenge == challenge_id)
    return [_group(row) for row in connection.execute(query.order_by(groups.c.name, groups.c.id)).mappings()]


def sizes(connection: Connection, group_ids: Sequence[str]) -> dict[str, int]:
    """How many people are in groups now."""
    query = select(members.c.group_id, func.count()).where(members.c.group_id.in_(group_ids), members.c.left_at.is_(None))
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(members.c.group_id))}


def done(connection: Connection, one: Challenge) -> list[Done]:
    """What people did for a challenge while they were in a group that takes part, group by group."""
    inside = and_(
        acts.c.person == members.c.person,
        acts.c.state == "awarded",
        acts.c.practice.in_(one.practices),
        acts.c.done_at >= one.start_at,
        acts.c.done_at < one.end_at,
        acts.c.done_at >= members.c.joined_at,
        (members.c.left_at.is_(None)) | (acts.c.done_at < members.c.left_at),
    )
    query = (
        select(members.c.group_id, members.c.person, func.count(), func.sum(acts.c.grams), func.sum(acts.c.won))
        .join(entered, entered.c.group_id == members.c.group_id)
        .join(acts, inside)
        .where(entered.c.challenge == one.id)
        .group_by(members.c.group_id, members.c.person)
    )
    return [Done(row[0], row[1], int(row[2]), int(row[3]), int(row[4])) for row in connection.execute(query)]


def running_for(connection: Connection, person: str, practice: str, at: datetime) -> list[str]:
    """Challenges a deed of a person counts for at an instant."""
    query = (
        select(challenges.c.id, challenges.c.practices)
        .join(entered, entered.c.challenge == challenges.c.id)
        .join(members, members.c.group_id == entered.c.group_id)
        .where(
            members.c.person == person, members.c.left_at.is_(None), members.c.joined_at <= at,
            challenges.c.start_at <= at, challenges.c.end_at > at,
        )
    )  # fmt: skip
    return sorted({row.id for row in connection.execute(query) if practice in row.practices})


def _group(row: RowMapping) -> Group:
    return Group(id=row["id"], name=row["name"], code=row["code"])


def _challenge(row: RowMapping) -> Challenge:
    words: dict[str, Any] = {name: row[name] for name in Challenge.__struct_fields__}
    words["title"] = msgspec.convert(row["title"], Text)
    return Challenge(**words | {"practices": tuple(row["practices"])})
