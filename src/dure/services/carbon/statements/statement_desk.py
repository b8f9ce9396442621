"""Where statements are looked at, issued, printed again and held against the records.

`issue` draws a statement up twice, the second time in the transaction that keeps it: a figure that does not come out the same is
not issued. What was issued is printed from its kept text, and must give the bytes whose digests were kept.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError
from dure.core.time import day_of, format_instant
from dure.engines.records import audit
from dure.services.carbon.statements import files, statement_records
from dure.services.carbon.statements.changes import Change, changes, in_words
from dure.services.carbon.statements.drawing_up import DrawnUp, checked, drawn_up
from dure.services.carbon.statements.standards import standards
from dure.services.carbon.statements.statement import LAYOUT, Question, Statement, canonical, sha256
from dure.services.carbon.statements.statement_records import Issued
from dure.services.carbon.transparency import staging
from dure.services.carbon.transparency.entry import Entry

if TYPE_CHECKING:
    from dure.core.access import Subject
    from dure.engines.records.audit import By
    from dure.spine.house import House


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What whoever issues says beside the question.

    Attributes
    ----------
    sha256 : of the draft they saw; empty when they saw none
    incomplete : issue although rows count nothing for want of a factor; the statement says so
    public : anybody may see it
    """

    sha256: str = ""
    incomplete: bool = False
    public: bool = False


def latest(house: House) -> datetime:
    """The latest instant a statement may be asked of: far enough back that nothing is still being written of it."""
    now = house.clock.now()
    rules = standards(day_of(now, house.city.zone), house.city.folder)
    return (now - timedelta(seconds=rules.settle_s)).replace(microsecond=0)


def draft(house: House, asked: Question) -> DrawnUp:
    """What would be issued, with all that is missing. Blocks.

    Raises
    ------
    InputError : ``statement.subject``, ``statement.period``, ``statement.as_of``
    NotFound : ``company.unknown``
    """
    rules = checked(house, asked, latest(house))
    with house.records.read() as connection:
        return drawn_up(house, connection, asked, rules)


def issue(house: House, asked: Question, said: Asked, by: By) -> Issued:
    """Issue a statement, with all its files; one that was issued already is handed back. Blocks.

    Raises
    ------
    InputError : as `draft`; ``statement.nothing``, ``statement.period_open``, ``statement.incomplete``,
        ``statement.ledger_differs``
    Conflict : ``statement.differs`` when a figure comes out otherwise than it did, ``statement.unchanged`` when the last version
        of this period says the same, ``statement.raced``
    """
    with house.records.read() as connection:
        kept = statement_records.find(connection, asked.ident)
    if kept is not None:
        return kept
    found = draft(house, asked)
    _demand(found, said)
    content = canonical(found.statement)
    if said.sha256 and said.sha256 != sha256(content):
        raise Conflict("statement.differs", "The statement is no longer what was looked at. Look at it again.")
    digests = {name: sha256(made) for name, made in files.files_of(found.statement).items()}
    with house.records.begin() as connection:
        again = drawn_up(house, connection, asked, checked(house, asked, latest(house)))
        if canonical(again.statement) != content:
            rows = in_words(changes(found.statement, again.statement))
            raise Conflict("statement.differs", f"Worked out again it is not the same: {rows}. Nothing was issued.")
        return _kept(connection, found.statement, digests, said, by)


def printed(connection: Connection, ident: str, name: str) -> bytes:
    """A file of an issued statement, made anew from its kept text. Blocks.

    Raises
    ------
    NotFound : ``statement.unknown``, ``statement.file_unknown``
    Conflict : ``statement.print_differs`` when its bytes are not those that were issued
    """
    kept = statement_records.get(connection, ident)
    content = files.file_of(statement_records.statement(connection, ident), name)
    if sha256(content) != kept.files.get(name):
        why = f"This program lays statements out otherwise than that which issued it (layout {LAYOUT})."
        raise Conflict("statement.print_differs", f"{name} can no longer be printed as it was issued. {why}")
    return content


def rederived(house: House, connection: Connection, ident: str) -> tuple[Change, ...]:
    """An issued statement drawn up again from the records as of its instant: every row that does not come out the same."""
    kept = statement_records.statement(connection, ident)
    rules = standards(kept.question.first, house.city.folder)
    again = drawn_up(house, connection, kept.question, rules).statement
    return tuple(one for one in changes(kept, again) if not one.what.startswith("ground:rules-"))


def show(connection: Connection, ident: str, by: By, *, public: bool) -> None:
    """Let anybody see an issued statement, or no longer; NotFound ``statement.unknown``."""
    kept = statement_records.get(connection, ident)
    statement_records.show(connection, ident, public=public)
    audit.append(connection, by, "act", _subject(kept.question), ident, {"public": public})


def _subject(asked: Question) -> Subject:
    return "company" if asked.company else "filing"


def _demand(found: DrawnUp, said: Asked) -> None:
    for gap in found.stops:
        if gap.code == "statement.differs":
            raise Conflict(gap.code, gap.words.en)
        raise InputError(gap.code, gap.words.en, reason=gap.words)
    missing = found.statement.figure("rows-missing")
    if missing is not None and missing.amount and not said.incomplete:
        raise InputError(
            "statement.incomplete", f"{missing.amount} rows count nothing: their factor is missing. Say that it is incomplete."
        )


def _kept(connection: Connection, statement: Statement, digests: dict[str, str], said: Asked, by: By) -> Issued:
    asked, content = statement.question, canonical(statement)
    before = statement_records.last(connection, asked.subject, asked.first, asked.after)
    told: tuple[Change, ...] = ()
    if before is not None:
        told = changes(statement_records.statement(connection, before.id), statement)
        if not told:
            raise Conflict("statement.unchanged", f"Version {before.version}, {before.id}, says the same already.")
    one = Issued(
        id=statement.id, question=asked, version=before.version + 1 if before else 1, issued_at=by.at, person=by.actor,
        sha256=sha256(content), replaces=before.id if before else "", public=said.public, files=digests, changes=told,
    )  # fmt: skip
    statement_records.add(connection, one, content)
    staging.stage(connection, [entry_of(one)])
    detail = {"statement": asked.subject, "version": one.version, "sha256": one.sha256}
    audit.append(connection, by, "act", _subject(asked), one.id, detail)
    return one


def entry_of(one: Issued) -> Entry:
    """What stands in the log of an issued statement: digests only, nobody's name."""
    asked = one.question
    body: dict[str, Any] = {
        "subject": asked.subject, "first": asked.first.isoformat(), "after": asked.after.isoformat(),
        "as_of": format_instant(asked.as_of), "version": one.version, "sha256": one.sha256, "files": one.files,
        "replaces": one.replaces, "changed": [each.what for each in one.changes],
    }  # fmt: skip
    return Entry(kind="statement", id=one.id, at=one.issued_at, body=body)
