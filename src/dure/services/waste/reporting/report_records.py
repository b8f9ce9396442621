"""Reports as they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update
from sqlalchemy.engine import RowMapping

from dure.core.errors import NotFound
from dure.engines.records import dialect
from dure.engines.records.paging import Page, checked_limit, older_than, page, time_mark
from dure.engines.records.tables_waste import waste_reports
from dure.services.waste.reporting.reports import Report, ReportState


def add(connection: Connection, report: Report) -> bool:
    """Keep a report; False when its number is taken."""
    return bool(dialect.insert_new(connection, waste_reports, [msgspec.structs.asdict(report)]))


def get(connection: Connection, number: str, *, to_change: bool = False) -> Report:
    """One report; held until the transaction ends when it is `to_change`, so that two who answer it come one after the other."""
    query = select(waste_reports).where(waste_reports.c.id == number)
    row = connection.execute(query.with_for_update() if to_change else query).mappings().one_or_none()
    if row is None:
        raise NotFound("report.unknown", "There is no report of this number. It has ten letters and digits.")
    return _report(row)


def listing(
    connection: Connection, *, states: Iterable[ReportState] = (), bin_id: str = "", after: str = "", limit: int = 100
) -> Page[Report]:
    """Newest first."""
    query = select(waste_reports)
    if wanted := list(states):
        query = query.where(waste_reports.c.state.in_(wanted))
    if bin_id:
        query = query.where(waste_reports.c.bin == bin_id)
    if after:
        query = query.where(older_than(after, waste_reports.c.received_at, waste_reports.c.id))
    query = query.order_by(waste_reports.c.received_at.desc(), waste_reports.c.id.desc()).limit(checked_limit(limit) + 1)
    found = (_report(row) for row in connection.execute(query).mappings())
    return page(found, limit, lambda one: time_mark(one.received_at, one.id))


def waiting(connection: Connection, *, to_change: bool = False) -> list[Report]:
    """Reports that nobody has answered yet, oldest first; held until the transaction ends when they are `to_change`."""
    query = select(waste_reports).where(waste_reports.c.state.in_(("open", "planned"))).order_by(waste_reports.c.received_at)
    return [_report(row) for row in connection.execute(query.with_for_update() if to_change else query).mappings()]


def counts(connection: Connection) -> dict[str, int]:
    """How many are in which state."""
    query = select(waste_reports.c.state, func.count()).group_by(waste_reports.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def change(
    connection: Connection, report: Report, state: ReportState, at: datetime, more: dict[str, Any] | None = None
) -> Report:
    """The report in its new state."""
    facts = {**report.facts, **(more or {})}
    statement = update(waste_reports).where(waste_reports.c.id == report.id, waste_reports.c.state == report.state)
    connection.execute(statement.values(state=state, changed_at=at, facts=facts))
    return msgspec.structs.replace(report, state=state, changed_at=at, facts=facts)


def _report(row: RowMapping) -> Report:
    return Report(**row)
