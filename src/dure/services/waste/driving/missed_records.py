"""Missed visits as they were told, read from the events. Reads the records; blocks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from dure.core.time import parse_instant
from dure.engines.records import events
from dure.services.waste.driving.missed_watch import MISSED

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.events import Event
    from dure.core.time import Interval

MOST = 1_000


class MissedVisit(NamedTuple):
    """A visit of a plan that nothing shows to have been made; levels are shares of the bin [1], before it was due and since."""

    bin: str
    truck: str
    plan: str
    planned_at: datetime
    before: float
    level: float


def of_bin(connection: Connection, bin_id: str, limit: int = 10) -> list[MissedVisit]:
    """Those of one bin, newest first."""
    return [_visit(one) for one in events.listing(connection, prefix=MISSED, subject=bin_id, limit=limit).items]


def between(connection: Connection, span: Interval) -> dict[str, MissedVisit]:
    """The newest missed visit of each bin that was due in a span; it was told in the days after."""
    found: dict[str, MissedVisit] = {}
    for one in events.listing(connection, prefix=MISSED, since=span.start, limit=MOST).items:
        visit = _visit(one)
        if span.start <= visit.planned_at < span.end:
            found.setdefault(visit.bin, visit)
    return found


def _visit(event: Event) -> MissedVisit:
    data = event.data
    return MissedVisit(
        bin=event.subject,
        truck=str(data["truck"]),
        plan=str(data["plan"]),
        planned_at=parse_instant(str(data["planned_at"])),
        before=float(data["before"]),
        level=float(data["level"]),
    )
