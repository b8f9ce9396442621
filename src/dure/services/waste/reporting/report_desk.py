"""Where reports arrive and are answered: kept with the sighting they are, in one transaction; told by events."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, select

from dure.core.errors import Conflict, InputError, NotFound
from dure.core.events import Event
from dure.core.time import to_us
from dure.engines.records import audit, events
from dure.engines.records.tables import assets
from dure.engines.records.tables_waste import waste_plans, waste_tickets
from dure.services.waste.driving import tap_records
from dure.services.waste.reporting import report_records
from dure.services.waste.reporting.reports import ALPHABET, NUMBER_CHARS, Report, ReportState, next_state, report_of, sighting_of

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.engines.records.store import Records

SOURCE = "dure/waste"
RECEIVED = "waste.report.received"
ANSWERED = "waste.report.answered"
NOTE_MAX = 500


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a citizen said; `photo` is the name of a kept blob, or nothing."""

    bin: str
    kind: str
    words: str = ""
    photo: str = ""


def receive(records: Records, said: Said, now: datetime) -> Report:
    """Keep a report and the sighting it is. Blocks.

    Raises
    ------
    NotFound : the bin is not registered, or not shown to citizens (``report.bin_unknown``)
    InputError : see `report_of`
    """
    with records.begin() as connection:
        query = select(assets.c.id).where(assets.c.id == said.bin, assets.c.kind == "bin", assets.c.state == "live")
        if connection.execute(query).one_or_none() is None:
            raise NotFound("report.bin_unknown", "There is no such bin. Choose one of the list.")
        report = msgspec.structs.replace(
            report_of(said.bin, said.kind, said.words, new_number(), now), photo=said.photo
        )  # fmt: skip
        report_records.add(connection, report)
        tap_records.add(connection, [sighting_of(report)])
        _tell(connection, report, now, new=True)
        return report


def new_number() -> str:
    """A number nobody can guess."""
    return "".join(secrets.choice(ALPHABET) for _ in range(NUMBER_CHARS))


def advance(connection: Connection, now: datetime, day: str) -> int:
    """Move reports on by what happened since: emptied, repaired, planned for the day; how many moved."""
    waiting = report_records.waiting(connection, to_change=True)
    if not waiting:
        return 0
    emptied = tap_records.newest_emptying(connection)
    repaired = _repaired(connection)
    planned = planned_bins(connection, day)
    moved = 0
    for one in waiting:
        state = next_state(one, emptied_at=emptied.get(one.bin), repaired_at=repaired.get(one.bin), planned=one.bin in planned)
        if state != one.state:
            changed = report_records.change(connection, one, state, now)
            _tell(connection, changed, now)
            moved += 1
    return moved


def settle(connection: Connection, number: str, state: ReportState, note: str, by: By) -> Report:
    """A person answers a report.

    Raises
    ------
    Conflict : it was answered before (``report.settled``)
    """
    report = report_records.get(connection, number, to_change=True)
    if state not in ("done", "refused"):
        raise InputError("report.state", "A report is answered as done or as refused.")
    if report.state in ("done", "refused"):
        raise Conflict("report.settled", "This report was answered before.")
    changed = report_records.change(connection, report, state, by.at, {"answer": note.strip()[:NOTE_MAX]} if note.strip() else {})
    audit.append(connection, by, "act", "decision", number, {"report": state, "bin": report.bin})
    _tell(connection, changed, by.at)
    return changed


def planned_bins(connection: Connection, day: str) -> frozenset[str]:
    """Bins that the plan in force of a local day brings a truck to."""
    query = select(waste_plans.c.plan).where(waste_plans.c.day == day, waste_plans.c.state == "published")
    plan = connection.execute(query.order_by(waste_plans.c.version.desc()).limit(1)).scalar()
    routes = plan.get("routes", []) if isinstance(plan, dict) else []
    return frozenset(visit["id"] for route in routes for visit in route.get("visits", []) if visit.get("kind") == "stop")


def _repaired(connection: Connection) -> dict[str, datetime]:
    query = select(waste_tickets.c.bin, waste_tickets.c.changed_at).where(waste_tickets.c.state.in_(("repaired", "closed")))
    found: dict[str, datetime] = {}
    for bin_id, at in connection.execute(query):
        found[bin_id] = max(at, found.get(bin_id, at))
    return found


def _tell(connection: Connection, report: Report, at: datetime, *, new: bool = False) -> None:
    """The number stays out of the event: whoever knows it can look the report up."""
    data = {"kind": report.kind, "state": report.state}
    id_ = f"report-{report.bin}-{to_us(report.received_at)}-{report.state}-{report.kind}"
    event = Event(id=id_, type=RECEIVED if new else ANSWERED, source=SOURCE, time=at, subject=report.bin, data=data)
    events.announce(connection, [event], at)
