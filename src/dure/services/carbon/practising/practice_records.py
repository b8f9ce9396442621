"""Members and what they do, in the records; all of it personal and gone when a person asks for it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.core.time import Interval
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_carbon_practices import carbon_practice_acts as acts
from dure.engines.records.tables_carbon_practices import carbon_practice_joins as joins
from dure.engines.records.tables_carbon_practices import carbon_practice_members as members
from dure.services.carbon.practising.acts import COUNTING, Act, ActState
from dure.services.carbon.practising.catalogue import Practice
from dure.services.carbon.practising.proving import Been, Spans, Sum

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is read for something else
CODE_CHARS = 10
_FIELDS = tuple(Act.__struct_fields__)


class Member(NamedTuple):
    """Somebody who takes part; `code` is what a partner sees of them."""

    person: str
    code: str
    joined_at: datetime


class Counts(NamedTuple):
    """What a person has done around a deed; see `proving.Known`."""

    hour: Sum
    day: Sum
    year: Sum
    week: Sum
    month: Sum
    scheme_year: Sum
    programme_year: Sum
    last_place: Been | None


def new_code() -> str:
    """A code nobody can guess."""
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_CHARS))


def new_act_id() -> str:
    """An id that tells nothing: it stands in the books, where no person may."""
    return f"act-{secrets.token_hex(10)}"


def member(connection: Connection, person: str) -> Member | None:
    """Somebody who takes part, by account."""
    row = connection.execute(select(members).where(members.c.person == person)).one_or_none()
    return None if row is None else Member(*row)


def member_by_code(connection: Connection, code: str) -> Member | None:
    """The same by the code a partner sees."""
    row = connection.execute(select(members).where(members.c.code == code)).one_or_none()
    return None if row is None else Member(*row)


def put_member(connection: Connection, person: str, at: datetime) -> Member:
    """Let somebody take part; they may already."""
    while (found := member(connection, person)) is None:
        dialect.insert_new(connection, members, [{"person": person, "code": new_code(), "joined_at": at}])
    return found


def change_code(connection: Connection, person: str) -> str:
    """Another code; partners that know the old one no longer find the person."""
    code = new_code()
    connection.execute(update(members).where(members.c.person == person).values(code=code))
    return code


def join(connection: Connection, person: str, scheme: str, at: datetime) -> None:
    """Let somebody take part in a scheme."""
    row = {"person": person, "scheme": scheme, "joined_at": at, "left_at": None}
    if not dialect.insert_new(connection, joins, [row]):
        connection.execute(update(joins).where(_join(person, scheme), joins.c.left_at.is_not(None)).values(row))


def leave(connection: Connection, person: str, scheme: str, at: datetime) -> bool:
    """They take part no longer; False when they did not."""
    still = (_join(person, scheme), joins.c.left_at.is_(None))
    return connection.execute(update(joins).where(*still).values(left_at=at)).rowcount > 0


def schemes_of(connection: Connection, person: str) -> list[str]:
    """Schemes somebody takes part in."""
    query = select(joins.c.scheme).where(joins.c.person == person, joins.c.left_at.is_(None)).order_by(joins.c.scheme)
    return list(connection.execute(query).scalars())


def add(connection: Connection, act: Act) -> None:
    """Keep an act that is new."""
    dialect.insert_new(connection, acts, [{name: getattr(act, name) for name in _FIELDS}])


def put(connection: Connection, act: Act) -> Act:
    """Keep an act as it is now."""
    values = {name: getattr(act, name) for name in _FIELDS if name != "id"}
    connection.execute(update(acts).where(acts.c.id == act.id).values(values))
    return act


def find(connection: Connection, ident: str) -> Act | None:
    """An act by its id."""
    row = connection.execute(select(acts).where(acts.c.id == ident)).mappings().one_or_none()
    return None if row is None else _act(row)


def get(connection: Connection, ident: str, person: str = "") -> Act:
    """An act by its id; NotFound ``practice.act_unknown``, also when it is not this person's."""
    found = find(connection, ident)
    if found is None or (person and found.person != person):
        raise NotFound("practice.act_unknown", f"You have begun nothing of the id {ident[:80]!r}.")
    return found


def of_claim(connection: Connection, claim: str) -> Act | None:
    """The act behind a claim."""
    row = connection.execute(select(acts).where(acts.c.claim == claim)).mappings().one_or_none()
    return None if row is None else _act(row)


def used(connection: Connection, once: str) -> str | None:
    """The act a proof was used for."""
    return connection.execute(select(acts.c.id).where(acts.c.once == once)).scalar_one_or_none()


def begun(connection: Connection, person: str, practice: str = "") -> list[Act]:
    """What a person has begun and not proved, the oldest first."""
    query = select(acts).where(acts.c.person == person, acts.c.state == "started")
    return _acts(connection, query.where(acts.c.practice == practice) if practice else query)


def open_of(connection: Connection, person: str, scheme: str = "") -> list[Act]:
    """What of a person is begun or waits for a decision."""
    query = select(acts).where(acts.c.person == person, acts.c.state.in_(("started", "doubtful")))
    return _acts(connection, query.where(acts.c.scheme == scheme) if scheme else query)


def stale(connection: Connection, before: datetime, limit: int = 200) -> list[Act]:
    """What was begun before an instant and never proved."""
    return _acts(connection, select(acts).where(acts.c.state == "started", acts.c.started_at < before).limit(limit))


def waiting(connection: Connection, *, after: str = "", limit: int = 40) -> Page[Act]:
    """What waits for a person's decision, the newest first."""
    query = select(acts).where(acts.c.state == "doubtful")
    if after:
        query = query.where(older_than(after, acts.c.proved_at, acts.c.id))
    query = query.order_by(acts.c.proved_at.desc(), acts.c.id.desc()).limit(checked_limit(limit) + 1)
    found = [_act(row) for row in connection.execute(query).mappings()]
    return page(iter(found), limit, lambda one: time_mark(one.proved_at or one.started_at, one.id))


def doubtful(connection: Connection, limit: int = 1_000) -> list[Act]:
    """What waits, the oldest first."""
    query = select(acts).where(acts.c.state == "doubtful").order_by(acts.c.proved_at, acts.c.id).limit(limit)
    return [_act(row) for row in connection.execute(query).mappings()]


def listing(connection: Connection, person: str, *, after: str = "", limit: int = 40) -> Page[Act]:
    """What a person has done, the newest first."""
    query = select(acts).where(acts.c.person == person)
    if after:
        query = query.where(older_than(after, acts.c.started_at, acts.c.id))
    query = query.order_by(acts.c.started_at.desc(), acts.c.id.desc()).limit(checked_limit(limit) + 1)
    found = [_act(row) for row in connection.execute(query).mappings()]
    return page(iter(found), limit, lambda one: time_mark(one.started_at, one.id))


def every(connection: Connection, person: str) -> list[Act]:
    """All a person has done."""
    return _acts(connection, select(acts).where(acts.c.person == person))


def counts(connection: Connection, person: str, one: Practice, spans: Spans, at: datetime) -> Counts:
    """What a person has done around an instant, reserved or paid, as limits count it."""
    wide = Interval(min(each.start for each in spans), max(each.end for each in spans))
    names = ("practice", "scheme", "programme", "quantity", "won", "done_at", "facts")
    query = select(*(acts.c[name] for name in names)).where(
        acts.c.person == person, acts.c.state.in_(COUNTING), acts.c.done_at >= wide.start, acts.c.done_at < wide.end
    )
    rows = connection.execute(query.order_by(acts.c.done_at)).all()
    same = [row for row in rows if row.practice == one.id]
    scheme = [row for row in rows if row.scheme == one.scheme]
    programme = [row for row in rows if row.programme == one.programme]
    placed = [row for row in rows if "lat" in row.facts and row.done_at <= at]
    return Counts(
        hour=_sum(same, spans.hour),
        day=_sum(same, spans.day),
        year=_sum(same, spans.year),
        week=_sum(scheme, spans.week),
        month=_sum(scheme, spans.month),
        scheme_year=_sum(scheme, spans.year),
        programme_year=_sum(programme, spans.year),
        last_place=Been(placed[-1].done_at, placed[-1].facts["lat"], placed[-1].facts["lon"]) if placed else None,
    )


def move(act: Act, state: ActState, code: str, at: datetime, **changes: Any) -> Act:
    """The act in another state. Pure."""
    return msgspec.structs.replace(act, state=state, code=code, decided_at=at, **changes)


def _sum(rows: Sequence[Any], span: Interval) -> Sum:
    inside = [row for row in rows if row.done_at in span]
    return Sum(sum(row.quantity for row in inside), sum(row.won for row in inside), len(inside))


def _join(person: str, scheme: str) -> Any:
    return (joins.c.person == person) & (joins.c.scheme == scheme)


def _acts(connection: Connection, query: Select[Any]) -> list[Act]:
    return [_act(row) for row in connection.execute(query.order_by(acts.c.started_at, acts.c.id)).mappings()]


def _act(row: RowMapping) -> Act:
    return Act(**row)
