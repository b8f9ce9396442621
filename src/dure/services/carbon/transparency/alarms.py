"""Proofs that something is very wrong with the log: kept for good, told as an event, shown on top of its page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, select

from dure.core.events import Event
from dure.engines.records import dialect, events
from dure.engines.records.tables_carbon_transparency import carbon_log_alarms as alarms
from dure.services.carbon.model import SERVICE
from dure.services.carbon.transparency import canonical

EVENT = "carbon.log.alarm"
SOURCE = f"dure/{SERVICE}"


class Alarm(msgspec.Struct, frozen=True):
    """What is wrong (``log.split_view``, ``log.changed``, ``log.behind``, ``log.id_reused``), since when, and what shows it."""

    id: str
    code: str
    at: datetime
    evidence: dict[str, str]


def raise_alarm(connection: Connection, code: str, evidence: Mapping[str, str], at: datetime) -> bool:
    """Keep and tell an alarm; whether it is new: the same evidence raises one alarm only."""
    key = hashlib.sha256(canonical.encode({"code": code, "evidence": dict(evidence)})).hexdigest()[:20]
    row = {"id": f"alm-{key}", "code": code, "at": at, "evidence": dict(evidence)}
    if not dialect.insert_new(connection, alarms, [row]):
        return False
    told = Event(id=f"carbon-log-{row['id']}", type=EVENT, source=SOURCE, time=at, subject=str(row["id"]), data={"code": code})
    events.announce(connection, [told], at)
    return True


def listed(connection: Connection) -> list[Alarm]:
    """All of them, newest first."""
    query = select(alarms).order_by(alarms.c.at.desc(), alarms.c.id)
    return [Alarm(**row) for row in connection.execute(query).mappings()]
