"""Sizing studies, kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import Conflict, NotFound
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_charging_plans import charging_studies as studies
from dure.services.charging.sizing.model import Answer, Asked, Study

LISTED_MAX = 200


def add(connection: Connection, study: Study, by: By) -> None:
    """Keep a new study; refused with ``charging.study_exists``."""
    row = {
        "id": study.id, "name": study.name, "site": study.site, "person": study.person, "state": study.state,
        "made_at": study.made_at, "done_at": None, "asked": msgspec.to_builtins(study.asked), "answer": None, "code": "",
    }  # fmt: skip
    if not dialect.insert_new(connection, studies, [row]):
        raise Conflict("charging.study_exists", f"There already is a study {study.id!r}.")
    audit.append(connection, by, "act", "decision", study.id, {"study": {"site": study.site, "source": study.asked.source}})


def finish(connection: Connection, ident: str, answer: Answer, at: datetime) -> None:
    """Keep what a study found."""
    values = {"state": "done", "answer": msgspec.to_builtins(answer), "done_at": at}
    connection.execute(update(studies).where(studies.c.id == ident).values(**values))


def fail(connection: Connection, ident: str, code: str, at: datetime) -> None:
    """Keep why a study found nothing."""
    connection.execute(update(studies).where(studies.c.id == ident).values(state="failed", code=code, done_at=at))


def get(connection: Connection, ident: str) -> Study:
    """One study; refused with ``charging.study_unknown``."""
    row = connection.execute(select(studies).where(studies.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("charging.study_unknown", f"There is no sizing study {ident[:80]!r}.")
    return _study(row)


def listing(connection: Connection) -> list[Study]:
    """The newest studies first."""
    query = select(studies).order_by(studies.c.made_at.desc(), studies.c.id.desc()).limit(LISTED_MAX)
    return [_study(row) for row in connection.execute(query).mappings()]


def running(connection: Connection) -> list[Study]:
    """Studies nobody has answered yet, the oldest first."""
    query = select(studies).where(studies.c.state == "running").order_by(studies.c.made_at, studies.c.id)
    return [_study(row) for row in connection.execute(query).mappings()]


def _study(row: RowMapping) -> Study:
    fields: dict[str, Any] = dict(row)
    fields["asked"] = msgspec.convert(row["asked"], Asked)
    fields["answer"] = None if row["answer"] is None else msgspec.convert(row["answer"], Answer)
    return Study(**fields)
