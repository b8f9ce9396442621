"""Statements as they were issued. Rows are never changed, but for whether anybody may see them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_carbon_statements import carbon_statements as statements
from dure.services.carbon.statements.changes import Change
from dure.services.carbon.statements.statement import Question, Statement


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """One that was issued.

    Attributes
    ----------
    version : 1, 2, … of its subject and period
    sha256 : of its canonical text
    replaces : id of the version before; empty for the first
    files : SHA-256 of each of its files, by name
    """

    id: str
    question: Question
    version: int
    issued_at: datetime
    person: str
    sha256: str
    replaces: str
    public: bool
    files: dict[str, str]
    changes: tuple[Change, ...]


def add(connection: Connection, one: Issued, content: bytes) -> None:
    """Keep one; Conflict ``statement.raced`` when another took its version at the same moment."""
    asked = one.question
    row = {
        "id": one.id, "subject": asked.subject, "first_day": asked.first.isoformat(), "after_day": asked.after.isoformat(),
        "as_of": asked.as_of, "version": one.version, "issued_at": one.issued_at, "person": one.person, "sha256": one.sha256,
        "replaces": one.replaces, "public": int(one.public), "files": one.files, "changes": msgspec.to_builtins(one.changes),
        "content": content.decode(),
    }  # fmt: skip
    if not dialect.insert_new(connection, statements, [row]):
        raise Conflict("statement.raced", "Somebody else issued a statement of this period just now. Look at it first.")


def find(connection: Connection, ident: str) -> Issued | None:
    """One by its id."""
    row = connection.execute(select(statements).where(statements.c.id == ident)).mappings().one_or_none()
    return None if row is None else _issued(row)


def get(connection: Connection, ident: str) -> Issued:
    """One by its id; NotFound ``statement.unknown``."""
    found = find(connection, ident)
    if found is None:
        raise NotFound("statement.unknown", f"There is no statement {ident[:80]!r}.")
    return found


def content(connection: Connection, ident: str) -> bytes:
    """Its canonical text; NotFound ``statement.unknown``."""
    found = connection.execute(select(statements.c.content).where(statements.c.id == ident)).scalar()
    if found is None:
        raise NotFound("statement.unknown", f"There is no statement {ident[:80]!r}.")
    return str(found).encode()


def statement(connection: Connection, ident: str) -> Statement:
    """What it says; NotFound ``statement.unknown``."""
    return msgspec.json.decode(content(connection, ident), type=Statement)


def last(connection: Connection, subject: str, first: date, after: date) -> Issued | None:
    """The newest version of a subject and period."""
    query = select(statements).where(
        statements.c.subject == subject, statements.c.first_day == first.isoformat(), statements.c.after_day == after.isoformat()
    )
    row = connection.execute(query.order_by(statements.c.version.desc()).limit(1)).mappings().one_or_none()
    return None if row is None else _issued(row)


def listing(
    connection: Connection, *, subject: str = "", public: bool = False, after: str = "", limit: int = 100
) -> Page[Issued]:
    """Newest first, of one subject or all; `public` those only that anybody may see."""
    query: Select[Any] = select(statements)
    if subject:
        query = query.where(statements.c.subject == subject)
    if public:
        query = query.where(statements.c.public == 1)
    if after:
        query = query.where(older_than(after, statements.c.issued_at, statements.c.id))
    query = query.order_by(statements.c.issued_at.desc(), statements.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_issued(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.issued_at, one.id))


def show(connection: Connection, ident: str, *, public: bool) -> None:
    """Let anybody see it, or no longer."""
    connection.execute(update(statements).where(statements.c.id == ident).values(public=int(public)))


def _issued(row: RowMapping) -> Issued:
    question = Question(
        subject=row["subject"], first=date.fromisoformat(row["first_day"]), after=date.fromisoformat(row["after_day"]),
        as_of=row["as_of"],
    )  # fmt: skip
    return Issued(
        id=row["id"], question=question, version=row["version"], issued_at=row["issued_at"], person=row["person"],
        sha256=row["sha256"], replaces=row["replaces"], public=bool(row["public"]), files=dict(row["files"]),
        changes=tuple(msgspec.convert(row["changes"], list[Change])),
    )  # fmt: skip
