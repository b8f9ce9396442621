"""Chargers, connectors, transactions and reports, kept as they were last told; and who may boot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.engine import RowMapping

from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables import assets, cursors, devices
from dure.engines.records.tables_charging_stations import (
    charging_admissions,
    charging_connectors,
    charging_happenings,
    charging_reports,
    charging_stations,
    charging_transactions,
)
from dure.services.charging.central.words import TransactionSaid
from dure.services.charging.stations.memory import Admission

CURSOR = "charging.stations:"


class StationState(msgspec.Struct, frozen=True, kw_only=True):
    """What a charger last said of itself.

    Attributes
    ----------
    version : of OCPP it spoke last; empty before the first time
    boot : vendor, model, serial, firmware, reason, answer of its last boot
    """

    charger: str
    version: str = ""
    linked: bool = False
    linked_at: datetime | None = None
    heard_at: datetime
    booted_at: datetime | None = None
    boot: dict[str, Any] = {}  # msgspec copies an empty default for every instance


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector last said; EVSE 0 is the station itself."""

    charger: str
    evse: int
    connector: int
    status: str
    detail: str
    error: str
    vendor_error: str
    info: str
    said_at: datetime
    heard_at: datetime


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """Something a charger reported, or that was noticed of it."""

    id: str
    charger: str
    topic: str
    facts: dict[str, Any]
    said_at: datetime
    heard_at: datetime


class Report(NamedTuple):
    """The newest value of something a charger reports of itself."""

    topic: str
    name: str
    value: Any
    said_at: datetime


def positions(connection: Connection) -> dict[str, int]:
    """How far each writer's journal is folded into these tables."""
    query = select(cursors.c.name, cursors.c.seq).where(cursors.c.name.startswith(CURSOR, autoescape=True))
    return {row.name.removeprefix(CURSOR): int(row.seq) for row in connection.execute(query)}


def states(connection: Connection, chargers: Iterable[str] | None = None) -> dict[str, StationState]:
    """What chargers last said, by asset id; all of them, or those named."""
    query = select(charging_stations)
    if chargers is not None:
        query = query.where(charging_stations.c.charger.in_(sorted(set(chargers))))
    return {row["charger"]: StationState(**row) for row in connection.execute(query).mappings()}


def store_states(connection: Connection, items: Sequence[StationState]) -> None:
    """Keep them as they are now."""
    dialect.upsert(connection, charging_stations, [msgspec.structs.asdict(one) for one in items])


def connectors(connection: Connection, charger: str = "") -> list[Connector]:
    """Connectors of a charger, or of all."""
    query = select(charging_connectors)
    if charger:
        query = query.where(charging_connectors.c.charger == charger)
    keys = (charging_connectors.c.charger, charging_connectors.c.evse, charging_connectors.c.connector)
    return [Connector(**row) for row in connection.execute(query.order_by(*keys)).mappings()]


def store_connectors(connection: Connection, items: Sequence[Connector]) -> None:
    """Keep them as they are now, unless something newer is known."""
    dialect.upsert(connection, charging_connectors, [msgspec.structs.asdict(one) for one in items], newer="heard_at")


def reports(connection: Connection, charger: str, topic: str = "") -> list[Report]:
    """The newest of what a charger reports of itself."""
    query = select(charging_reports).where(charging_reports.c.charger == charger)
    if topic:
        query = query.where(charging_reports.c.topic == topic)
    rows = connection.execute(query.order_by(charging_reports.c.topic, charging_reports.c.name)).mappings()
    return [Report(row["topic"], row["name"], row["value"], row["said_at"]) for row in rows]


def store_reports(connection: Connection, charger: str, items: Sequence[Report]) -> None:
    """Keep the newest values."""
    rows = {(one.topic, one.name): {"charger": charger, **one._asdict()} for one in items}
    dialect.upsert(connection, charging_reports, list(rows.values()))


def happenings(
    connection: Connection, *, charger: str = "", topics: Sequence[str] = (), after: str = "", limit: int = 100
) -> Page[Happening]:
    """Newest first."""
    query = select(charging_happenings)
    if charger:
        query = query.where(charging_happenings.c.charger == charger)
    if topics:
        query = query.where(or_(*(charging_happenings.c.topic.startswith(one, autoescape=True) for one in topics)))
    if after:
        query = query.where(older_than(after, charging_happenings.c.heard_at, charging_happenings.c.id))
    query = query.order_by(charging_happenings.c.heard_at.desc(), charging_happenings.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (Happening(**row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.heard_at, one.id))


def add_happenings(connection: Connection, items: Sequence[Happening]) -> None:
    """Keep them once."""
    dialect.insert_new(connection, charging_happenings, [msgspec.structs.asdict(one) for one in items])


def forget_happenings(connection: Connection, before: datetime) -> int:
    """Drop those heard before an instant; how many. The journal keeps its words."""
    return connection.execute(delete(charging_happenings).where(charging_happenings.c.heard_at < before)).rowcount


def transactions(connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Kept rows of transactions, by charger and transaction."""
    wanted: dict[str, set[str]] = {}
    for charger, transaction in keys:
        wanted.setdefault(charger, set()).add(transaction)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for charger, names in wanted.items():
        query = select(charging_transactions).where(charging_transactions.c.charger == charger)
        rows = connection.execute(query.where(charging_transactions.c.transaction.in_(sorted(names)))).mappings()
        found.update(((row["charger"], row["transaction"]), dict(row)) for row in rows)
    return found


def store_transactions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Keep them as they are now."""
    dialect.upsert(connection, charging_transactions, rows)


def running(connection: Connection, charger: str) -> list[tuple[str, int]]:
    """Transactions of a charger that have not ended, each with its EVSE."""
    query = select(charging_transactions.c.transaction, charging_transactions.c.evse)
    query = query.where(charging_transactions.c.charger == charger, charging_transactions.c.ended.is_(False))
    return [(row[0], row[1]) for row in connection.execute(query.order_by(charging_transactions.c.heard_us))]


def all_running(connection: Connection) -> dict[str, list[tuple[str, int]]]:
    """Transactions that have not ended, each with its EVSE, by charger."""
    query = select(charging_transactions).where(charging_transactions.c.ended.is_(False))
    found: dict[str, list[tuple[str, int]]] = {}
    for row in connection.execute(query.order_by(charging_transactions.c.heard_us)).mappings():
        found.setdefault(row["charger"], []).append((row["transaction"], row["evse"]))
    return found


def remembered(connection: Connection, since_us: int) -> list[TransactionSaid]:
    """Transactions that run, or were last heard of since then, as the words that make the same memory of them."""
    query = select(charging_transactions).where(
        or_(charging_transactions.c.ended.is_(False), charging_transactions.c.heard_us >= since_us)
    )
    rows = connection.execute(query.order_by(charging_transactions.c.heard_us)).mappings()
    return [word for row in rows for word in _words(row)]


def _words(row: RowMapping) -> list[TransactionSaid]:
    begun = TransactionSaid(
        charger=row["charger"],
        transaction=row["transaction"],
        step="started" if row["started"] else "updated",
        at_us=row["begun_us"],
        heard_us=row["heard_us"],
        evse=row["evse"],
        connector=row["connector"],
        token=row["token"],
        allowed=row["allowed"],
        begin_wh=row["begin_wh"],
    )
    return [begun, msgspec.structs.replace(begun, step="ended", begin_wh=None)] if row["ended"] else [begun]


def admissions(connection: Connection) -> Mapping[str, Admission]:
    """What the operator said that boots are answered, by charger."""
    query = select(charging_admissions.c.charger, charging_admissions.c.answer)
    return {row.charger: row.answer for row in connection.execute(query)}


def admit(connection: Connection, charger: str, answer: Admission, why: str, by: By) -> None:
    """Say what a charger's boot is answered from now on."""
    row = {"charger": charger, "answer": answer, "why": why, "person": by.actor, "changed_at": by.at}
    dialect.upsert(connection, charging_admissions, [row])
    audit.append(connection, by, "act", "decision", charger, {"admission": {"answer": answer, "why": why}})


def quarantined(connection: Connection) -> list[str]:
    """Chargers whose device is in quarantine."""
    query = select(devices.c.asset).join(assets, assets.c.id == devices.c.asset)
    query = query.where(devices.c.state == "quarantined", assets.c.kind == "charger")
    return list(connection.execute(query.order_by(devices.c.asset)).scalars())
