"""Who agreed to be compared with another scheme, whom that scheme has, and who left: hashes only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, exists, func, select

from dure.core.errors import InputError
from dure.core.time import Interval
from dure.engines.records import dialect
from dure.engines.records.tables_carbon_practices import carbon_practice_consents as consents
from dure.engines.records.tables_carbon_practices import carbon_practice_elsewhere as theirs
from dure.engines.records.tables_carbon_practices import carbon_practice_leavers as leavers
from dure.services.carbon.practising.catalogue import Catalogue

HEX = frozenset("0123456789abcdef")
HASH_CHARS = 64


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """How many hashes of another scheme there are, how many people agreed; until when the lists go, and when the last came."""

    hashes: int
    agreed: int
    until: datetime | None
    brought_at: datetime | None


def consent(connection: Connection, person: str, other: str, digest: str, at: datetime) -> None:
    """A person agrees that the hash of their number in another scheme is compared with that scheme's."""
    row = {"person": person, "other": other, "hash": checked_hash(digest), "consented_at": at}
    dialect.upsert(connection, consents, [row])


def revoke(connection: Connection, person: str, other: str) -> bool:
    """They no longer agree: the hash is deleted."""
    mine = (consents.c.person == person) & (consents.c.other == other)
    return connection.execute(delete(consents).where(mine)).rowcount > 0


def consents_of(connection: Connection, person: str) -> list[str]:
    """Schemes a person agreed to be compared with."""
    query = select(consents.c.other).where(consents.c.person == person).order_by(consents.c.other)
    return list(connection.execute(query).scalars())


def bring(connection: Connection, other: str, hashes: Sequence[str], span: tuple[datetime, datetime], at: datetime) -> int:
    """Whom another scheme paid in ``[start, end)``; how many of them are new."""
    start, end = span
    if start >= end:
        raise InputError("practice.period", "The period ends before it begins.")
    rows = [
        {"other": other, "hash": checked_hash(one), "start_at": start, "end_at": end, "brought_at": at}
        for one in dict.fromkeys(hashes)
    ]
    return dialect.insert_new(connection, theirs, rows)


def held(connection: Connection, other: str) -> Held:
    """What of another scheme's lists is here."""
    query = select(func.count(), func.max(theirs.c.end_at), func.max(theirs.c.brought_at)).where(theirs.c.other == other)
    n, until, brought_at = connection.execute(query).one()
    agreed = select(func.count()).where(consents.c.other == other)
    return Held(hashes=n, agreed=connection.execute(agreed).scalar_one(), until=until, brought_at=brought_at)


def paid_elsewhere(connection: Connection, person: str, deed: str, rules: Catalogue, at: datetime) -> bool:
    """Whether another scheme, which the person agreed to be compared with, pays them for a deed at an instant."""
    return _paid(connection, (person, deed), rules, theirs.c.start_at <= at, theirs.c.end_at > at)


def paid_within(connection: Connection, person: str, deed: str, rules: Catalogue, span: Interval) -> bool:
    """Whether another scheme, which the person agreed to be compared with, pays them for a deed anywhere in a span."""
    return _paid(connection, (person, deed), rules, theirs.c.start_at < span.end, theirs.c.end_at > span.start)


def _paid(connection: Connection, asked: tuple[str, str], rules: Catalogue, *when: ColumnElement[bool]) -> bool:
    person, deed = asked
    others = [one.id for one in rules.elsewhere.values() if deed in one.deeds]
    if not others:
        return False
    same = (consents.c.other == theirs.c.other) & (consents.c.hash == theirs.c.hash)
    query = select(theirs.c.hash).join(consents, same).where(consents.c.person == person, theirs.c.other.in_(others), *when)
    return bool(connection.execute(select(exists(query))).scalar_one())


def put_leaver(connection: Connection, person: str, until: datetime) -> None:
    """Remember that somebody was erased, until their limits begin anew."""
    dialect.upsert(connection, leavers, [{"mark": _mark(person), "until_at": until}])


def has_left(connection: Connection, person: str, at: datetime) -> bool:
    """Whether somebody was erased and their limits have not begun anew."""
    found = connection.execute(select(leavers.c.until_at).where(leavers.c.mark == _mark(person))).scalar_one_or_none()
    return found is not None and found > at


def drop_leavers(connection: Connection, at: datetime) -> int:
    """Forget those whose time is over."""
    return connection.execute(delete(leavers).where(leavers.c.until_at <= at)).rowcount


def checked_hash(text: str) -> str:
    """64 hex digits; InputError ``practice.hash``."""
    if len(text) != HASH_CHARS or not HEX.issuperset(text):
        raise InputError("practice.hash", "A hash is 64 lower-case hex digits (HMAC-SHA-256).")
    return text


def _mark(person: str) -> str:
    """Account ids are random: their digest tells only whether this account was erased."""
    return hashlib.sha256(f"carbon.practice.left\n{person}".encode()).hexdigest()
