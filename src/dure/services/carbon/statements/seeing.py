"""Whose statements somebody may see, and whose they may issue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import NotAllowed, NotFound
from dure.services.carbon.companies import company_desk, company_records
from dure.services.carbon.companies.company_desk import OVERSEERS
from dure.services.carbon.statements import statement_records
from dure.services.carbon.statements.drawing_up import CITY

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.access import Actor
    from dure.services.carbon.statements.statement_records import Issued

ISSUERS = frozenset({"officer", "admin"})  # of the city's own


def subject_seen_by(connection: Connection, actor: Actor, subject: str) -> str:
    """The subject, for who may see its statements; NotFound ``company.unknown`` or ``statement.unknown`` to others."""
    if subject.startswith("company/"):
        company_desk.seen_by(connection, actor, subject.removeprefix("company/"))
    elif subject == CITY and not actor.roles & OVERSEERS:
        raise NotFound("statement.unknown", "There is no such statement.")
    return subject


def subject_issued_by(connection: Connection, actor: Actor, subject: str) -> str:
    """The subject, for who may issue for it; NotAllowed ``company.not_yours``, ``statement.not_yours`` to who may only see it."""
    subject_seen_by(connection, actor, subject)
    if subject.startswith("company/"):
        company_desk.written_by(connection, actor, subject.removeprefix("company/"))
    elif subject == CITY and not actor.roles & ISSUERS:
        raise NotAllowed("statement.not_yours", "The city's statement is issued by its officers.")
    return subject


def issued_seen_by(connection: Connection, actor: Actor, ident: str) -> Issued:
    """An issued statement, for who may see it; NotFound ``statement.unknown`` to others."""
    one = statement_records.get(connection, ident)
    try:
        subject_seen_by(connection, actor, one.question.subject)
    except NotFound as error:
        raise NotFound("statement.unknown", f"There is no statement {ident[:80]!r}.") from error
    return one


def public_one(connection: Connection, ident: str) -> Issued:
    """An issued statement that anybody may see; NotFound ``statement.unknown`` else."""
    one = statement_records.get(connection, ident)
    if not one.public:
        raise NotFound("statement.unknown", f"There is no statement {ident[:80]!r}.")
    return one


def subjects_of(connection: Connection, actor: Actor) -> str:
    """Whose statements a list holds: "" all of them for overseers, else the actor's own company's."""
    if actor.roles & OVERSEERS:
        return ""
    company = company_records.company_of(connection, actor.id)
    return f"company/{company}" if company else "-"
