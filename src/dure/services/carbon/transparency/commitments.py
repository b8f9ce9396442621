"""Who a REF is, as long as that may be known: a salted commitment, whose salt stands apart and can be erased.

The books, claims and the log name a person only by REF, the first 32 hex digits of SHA-256 over a random salt (32 bytes) and
the person's id. Salt and person stand in one table and nowhere else. Once the salt is erased, REF is a random number: nobody, not
even the city, can find the person from it or it from the person, and what stands on the books stays whole. (A backup made before
holds the salt until it is thrown away.)
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_transparency import carbon_commitments as salts

SALT_BYTES = 32
REF_DIGITS = 32


def commit(connection: Connection, person_id: str, at: datetime) -> str:
    """The REF of a person, made when there is none."""
    salt = secrets.token_bytes(SALT_BYTES)
    if dialect.insert_new(connection, salts, [{"person": person_id, "salt": salt, "made_at": at}]):
        return reference(salt, person_id)
    return ref_of(connection, person_id) or commit(connection, person_id, at)  # the latter when it was forgotten this instant


def ref_of(connection: Connection, person_id: str) -> str | None:
    """The REF of a person; None when there is none, or it was forgotten."""
    salt = connection.execute(select(salts.c.salt).where(salts.c.person == person_id)).scalar()
    return None if salt is None else reference(bytes(salt), person_id)


def forget(connection: Connection, person_id: str) -> bool:
    """Erase a person's salt; whether there was one. Their next REF, if ever, is another."""
    mine = salts.c.person == person_id
    connection.execute(update(salts).where(mine).values(salt=bytes(SALT_BYTES)))  # over the old bytes, before the row is let go
    return connection.execute(delete(salts).where(mine)).rowcount > 0


def reference(salt: bytes, person_id: str) -> str:
    """REF of a salt and a person. Pure."""
    return hashlib.sha256(salt + person_id.encode()).hexdigest()[:REF_DIGITS]
