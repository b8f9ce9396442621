"""What stations answered, kept beside the command that asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from dure.engines.records import dialect
from dure.engines.records.tables_charging_stations import charging_calls

CHUNK = 500


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """A station's answer to a call, or why there is none. `id` is the command's."""

    id: str
    charger: str
    action: str
    answer: dict[str, Any] | None
    code: str
    why: str
    answered_at: datetime


def store(connection: Connection, items: Sequence[Answered]) -> None:
    """Keep answers; a later one of the same call replaces the earlier (a call may be sent again)."""
    once = {one.id: msgspec.structs.asdict(one) for one in items}
    dialect.upsert(connection, charging_calls, list(once.values()))


def answers(connection: Connection, calls: Iterable[str]) -> dict[str, Answered]:
    """Answers that are known, by call."""
    wanted = sorted(set(calls))
    found: dict[str, Answered] = {}
    for start in range(0, len(wanted), CHUNK):
        rows = connection.execute(select(charging_calls).where(charging_calls.c.id.in_(wanted[start : start + CHUNK])))
        found.update((row["id"], Answered(**row)) for row in rows.mappings())
    return found
