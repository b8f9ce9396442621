"""Filings as they were given out: question, register, grounds and the digest of their bytes. A row is never changed."""

from __future__ import annotations

import base64
import zlib
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.core.text import Language
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_buildings import building_filings as filings
from dure.services.buildings.filing.question import FilingKind, Question


class Filing(msgspec.Struct, frozen=True, kw_only=True):
    """One that was given out.

    Attributes
    ----------
    sha256 : of its bytes
    register : the part of the register it rests on (`dossier.register_of`); empty in listings
    grounds : digests and versions it rests on (`dossier.grounds`)
    """

    id: str
    question: Question
    made_at: datetime
    person: str
    sha256: str
    bytes_n: int
    grounds: dict[str, str]
    register: dict[str, Any] = {}  # msgspec copies an empty default for every instance


def add(connection: Connection, filing: Filing) -> None:
    """Keep one."""
    asked = filing.question
    row = {
        "id": filing.id,
        "kind": asked.kind,
        "subject": asked.subject,
        "period": asked.period,
        "as_of": asked.as_of,
        "made_at": filing.made_at,
        "person": filing.person,
        "sha256": filing.sha256,
        "question": {
            "programme": asked.programme,
            "language": asked.language,
            "bytes_n": filing.bytes_n,
            "grounds": filing.grounds,
            "register": packed(filing.register),
        },
    }
    dialect.insert_new(connection, filings, [row])


def get(connection: Connection, filing_id: str) -> Filing:
    """One with the register it rests on."""
    row = connection.execute(select(filings).where(filings.c.id == filing_id)).mappings().one_or_none()
    if row is None:
        raise NotFound("filing.unknown", "There is no filing of this id.")
    return _of(row, whole=True)


def listing(
    connection: Connection, *, kind: FilingKind | None = None, subject: str = "", after: str = "", limit: int = 100
) -> Page[Filing]:
    """Newest first."""
    query = select(filings)
    if kind:
        query = query.where(filings.c.kind == kind)
    if subject:
        query = query.where(filings.c.subject == subject)
    if after:
        query = query.where(older_than(after, filings.c.made_at, filings.c.id))
    query = query.order_by(filings.c.made_at.desc(), filings.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_of(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.made_at, one.id))


def packed(register: dict[str, Any]) -> str:
    """A register in a tenth of its length: a list of filings is read without much."""
    return base64.b85encode(zlib.compress(msgspec.json.encode(register), 9)).decode()


def unpacked(text: str) -> dict[str, Any]:
    """The register of `packed`."""
    found: dict[str, Any] = msgspec.json.decode(zlib.decompress(base64.b85decode(text)))
    return found


def _of(row: RowMapping, *, whole: bool = False) -> Filing:
    kept: dict[str, Any] = row["question"]
    language: Language = "en" if kept["language"] == "en" else "ko"
    question = Question(
        kind=row["kind"],
        subject=row["subject"],
        period=row["period"],
        as_of=row["as_of"],
        programme=str(kept["programme"]),
        language=language,
    )
    return Filing(
        id=row["id"],
        question=question,
        made_at=row["made_at"],
        person=row["person"],
        sha256=row["sha256"],
        bytes_n=int(kept["bytes_n"]),
        grounds=dict(kept["grounds"]),
        register=unpacked(kept["register"]) if whole else {},
    )
